// SPDX-License-Identifier: Apache-2.0
// A table of all functions, as Markdown: what the compiler's fits reach at 16 bits, scale 12, and
// at 32 bits, scale 16, what they cost by formula, and what they take between two processes.
#include "benchmarks/harness/measure.h"
#include "passes/approximation/exponential.h"
#include "passes/approximation/rows.h"
#include "runtime/functions/exponential.h"
#include "runtime/functions/normalized.h"
#include "runtime/functions/piecewise.h"
#include "runtime/functions/rows.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <fmt/format.h>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace dyad;
using namespace dyad::approximation;

constexpr std::size_t kElements = 1 << 13;
constexpr double kSeconds = 0.3;

/// A fitted function, ready to be measured.
struct Fitted {
  ErrorBounds error;
  std::function<Cost(std::uint64_t)> cost;
  std::function<Task<Ring>(Session &, Ring)> run;
  unsigned inputBits = 0; ///< of the function's ring, where that is not the request's
};

/// Figures of others: bits an element and ULPs, at 16 and 32 bits.
struct Row {
  std::string name;
  std::string inputs16, inputs32;
  double low16, high16; ///< real numbers
  double low32, high32;
  std::function<std::optional<Fitted>(const Request &)> fit;
  std::string others16, others32;
};

Fitted fitted(const PiecewisePolynomial &p, ErrorBounds error) {
  return {error, [p](std::uint64_t n) { return piecewiseCost(n, p); },
          [p](Session &s, Ring x) { return piecewise(s, p, std::move(x)); }};
}

Fitted fitted(const NormalizedApproximation &found) {
  const NormalizedFunction f = found.function;
  return {found.error, [f](std::uint64_t n) { return normalizedCost(n, f); },
          [f](Session &s, Ring x) { return normalized(s, f, std::move(x)); }};
}

std::function<std::optional<Fitted>(const Request &)> smooth(const char *name) {
  return [name](const Request &request) -> std::optional<Fitted> {
    const auto found = approximate(*findFunction(name), request);
    if (!found)
      return std::nullopt;
    return fitted(found->polynomial, found->error);
  };
}

std::function<std::optional<Fitted>(const Request &)> power(double exponent) {
  return [exponent](const Request &request) -> std::optional<Fitted> {
    const auto found = approximatePower(exponent, request);
    if (!found)
      return std::nullopt;
    return fitted(*found);
  };
}

std::optional<Fitted> logarithm(const Request &request) {
  const auto found = approximateLog(1, request);
  if (!found)
    return std::nullopt;
  return fitted(*found);
}

std::optional<Fitted> exponentials(const Request &request) {
  const auto found = approximateExponential(request);
  if (!found)
    return std::nullopt;
  const ExponentialFunction f = found->function;
  return Fitted{found->error, [f](std::uint64_t n) { return exponentialCost(n, f); },
                [f](Session &s, Ring x) { return exponential(s, f, std::move(x)); }};
}

constexpr unsigned kColumns = 128;

std::optional<Fitted> softmaxRows(const Request &request) {
  const auto found = approximateSoftmax(kColumns, request);
  if (!found)
    return std::nullopt;
  const SoftmaxFunction f = found->function;
  return Fitted{found->error,
                [f](std::uint64_t n) { return softmaxCost(n / kColumns, kColumns, f); },
                [f](Session &s, Ring x) { return softmax(s, f, std::move(x), kColumns); }};
}

std::optional<Fitted> normalizedRows(const Request &request) {
  const auto found = approximateNormalization(
      {.columns = kColumns, .epsilon = 1e-5, .leastVariance = 0.05}, request);
  if (!found)
    return std::nullopt;
  const NormalizationFunction f = found->function;
  return Fitted{found->error, [f](std::uint64_t n) { return normalizeRowsCost(n / kColumns, f); },
                [f](Session &s, Ring x) { return normalizeRows(s, f, std::move(x)); }, f.inputBits};
}

std::vector<Row> rows() {
  const auto whole = [](const char *name, std::string others16 = "", std::string others32 = "") {
    return Row{name,
               "all",
               "±16384",
               -8,
               7.97,
               -16384,
               16384,
               smooth(name),
               std::move(others16),
               std::move(others32)};
  };
  return {
      {"exp", "(-8, 0]", "(-16384, 0]", -8 + 1.0 / 4096, 0, -16384, 0, exponentials,
       "SCI 16.0 kbit, 2 ULP", "SCI 39.4 kbit, 1 ULP; SPU 9.1 kbit"},
      whole("sigmoid", "SCI 35.4 kbit, 3 ULP", "SCI 61.0 kbit, 1 ULP; SPU 30.3 kbit"),
      whole("tanh", "SCI 35.1 kbit, 4 ULP", "SCI 60.6 kbit, 1 ULP; SPU 17.0 kbit"),
      whole("gelu", "", "SPU 98.1 kbit"),
      whole("gelu_tanh", "", "SPU 22.4 kbit"),
      whole("silu"),
      whole("softplus"),
      whole("mish"),
      whole("elu"),
      whole("erf"),
      whole("hard_sigmoid"),
      whole("hard_swish"),
      {"sin", "[-8, 8)", "[-8, 8)", -8, 7.99, -8, 7.99, smooth("sin"), "", ""},
      {"cos", "[-8, 8)", "[-8, 8)", -8, 7.99, -8, 7.99, smooth("cos"), "", ""},
      {"reciprocal", "[0.126, 8)", "[0.125, 512)", 0.126, 7.999, 0.125, 511.9, power(-1), "",
       "SPU 21.2 kbit"},
      {"rsqrt", "[1/64, 8)", "[1/64, 512)", 0.016, 7.999, 0.016, 511.9, power(-0.5),
       "SCI 45.6 kbit, 7 ULP", "SCI 73.3 kbit, 1 ULP; SPU 18.7 kbit"},
      {"sqrt", "(0, 8)", "[1/4096, 512)", 1.0 / 4096, 7.999, 1.0 / 4096, 511.9, power(0.5),
       "SCI 57.9 kbit, 3 ULP", ""},
      {"log", "[1/256, 8)", "[1/256, 512)", 1.0 / 256, 7.999, 1.0 / 256, 511.9, logarithm, "", ""},
      {"softmax of 128", "[-4, 4]", "[-8, 8]", -3.99, 3.99, -8, 8, softmaxRows, "",
       "SPU 32.9 kbit"},
      {"layer norm of 128", "[-4, 4]", "[-8, 8]", -3.99, 3.99, -8, 8, normalizedRows, "",
       "SPU 3.6 kbit"},
  };
}

/// Shares of numbers drawn from the range.
Ring sharesOf(const Session &session, const Request &request) {
  std::mt19937_64 random(1);
  Ring shares(kElements);
  for (std::uint64_t &share : shares) {
    const std::uint64_t x = static_cast<std::uint64_t>(request.low) +
                            random() % static_cast<std::uint64_t>(request.high - request.low + 1);
    const std::uint64_t mine = random();
    share = (session.isServer() ? mine : x - mine) & ringMask(request.inputBits);
  }
  return shares;
}

void printRow(const Row &row, unsigned bits, unsigned scale, double maxUlp) {
  const bool small = bits == 16;
  Request request;
  request.inputBits = request.outputBits = bits;
  request.inputScale = request.outputScale = scale;
  request.maxUlp = maxUlp;
  request.low = std::llround(std::ldexp(small ? row.low16 : row.low32, static_cast<int>(scale)));
  request.high = std::llround(std::ldexp(small ? row.high16 : row.high32, static_cast<int>(scale)));
  const std::string &inputs = small ? row.inputs16 : row.inputs32;
  const std::string &others = small ? row.others16 : row.others32;
  const std::optional<Fitted> f = row.fit(request);
  if (!f) {
    fmt::print("| {} | {} | none within {} ULP | | | | | | {} |\n", row.name, inputs, maxUlp,
               others);
    return;
  }
  bench::Work work;
  work.cost = f->cost(kElements);
  Request shareRequest = request;
  if (f->inputBits != 0)
    shareRequest.inputBits = f->inputBits;
  work.run = [&](Session &session) { return f->run(session, sharesOf(session, shareRequest)); };
  work.measureStock = false;
  const bench::TwoReports reports =
      bench::runTwoProcesses({std::nullopt, 1, kSeconds}, [&](Session &session) {
        return bench::measure(session, work, kSeconds);
      });
  const double wireBits =
      8 * static_cast<double>(reports.server.bytesToServer + reports.server.bytesToClient) /
      kElements;
  const double cots =
      static_cast<double>(reports.server.serverCots + reports.server.clientCots) / kElements;
  const double nanoseconds =
      1e9 * std::max(reports.server.cpuSeconds, reports.client.cpuSeconds) / kElements;
  fmt::print("| {} | {} | {:.2f} | {:.2f} | {:.0f} | {:.0f} | {} | {:.0f} | {} |\n", row.name,
             inputs, f->error.maxUlp, f->error.meanUlp, wireBits, cots, reports.server.flows,
             nanoseconds, others);
  std::fflush(stdout);
}

} // namespace

int main(int argc, char **argv) {
  try {
    const std::vector<double> targets =
        argc > 1 ? std::vector{std::stod(argv[1])} : std::vector{2.0, 1.0};
    const std::string only = argc > 2 ? argv[2] : "";
    for (const auto &[bits, scale] : {std::pair(16U, 12U), std::pair(32U, 16U)})
      for (const double maxUlp : targets) {
        fmt::print("\n### {} bits, scale {}, at most {} ULP\n\n", bits, scale, maxUlp);
        fmt::print(
            "| function | inputs | max ULP | mean ULP | bits | COTs | flows | ns | others |\n"
            "|---|---|---|---|---|---|---|---|---|\n");
        for (const Row &row : rows())
          if (only.empty() || row.name == only)
            printRow(row, bits, scale, maxUlp);
      }
    return 0;
  } catch (const std::exception &error) {
    fmt::print(stderr, "dyad-functions: {}\n", error.what());
    return 1;
  }
}
