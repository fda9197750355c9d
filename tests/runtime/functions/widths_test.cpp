// SPDX-License-Identifier: Apache-2.0
// Every function of docs/protocols/functions.md at widths from 8 to 32 bits and odd numbers of
// elements: the protocol gives what `evaluate` gives, bit for bit, at the cost of the formula.
#include "passes/approximation/approximate.h"
#include "passes/approximation/exponential.h"
#include "passes/approximation/normalize.h"
#include "passes/approximation/rows.h"
#include "runtime/functions/exponential.h"
#include "runtime/functions/normalized.h"
#include "runtime/functions/piecewise.h"
#include "runtime/functions/row_operation.h"
#include "runtime/functions/rows.h"
#include "runtime/functions/scalar_function.h"
#include "tests/runtime/protocols/shared_values.h"

#include <catch2/catch.hpp>

#include <functional>
#include <map>
#include <string>

using namespace dyad;
using namespace dyad::approximation;
using namespace dyad::test;

namespace {

struct Width {
  unsigned bits, scale;
};
constexpr Width kWidths[] = {{8, 4}, {12, 7}, {16, 12}, {24, 14}, {32, 16}};
constexpr std::size_t kSizes[] = {1, 7, 33};
// Precision is tested elsewhere; coarse fits are quick.
constexpr double kMaxUlp = 4;

Request requestFor(Width width, double low, double high) {
  Request request;
  request.inputBits = request.outputBits = width.bits;
  request.inputScale = request.outputScale = width.scale;
  const double most = std::ldexp(1.0, static_cast<int>(width.bits - 1)) - 1;
  const double unit = std::ldexp(1.0, static_cast<int>(width.scale));
  request.low = std::llround(std::clamp(low * unit, -most, most));
  request.high = std::llround(std::clamp(high * unit, -most, most));
  request.maxUlp = kMaxUlp;
  return request;
}

/// Numbers of all sizes in a range, both ends first.
std::vector<std::int64_t> numbersIn(const Request &request, std::size_t count) {
  std::mt19937_64 random(count + request.inputBits);
  std::vector<std::int64_t> result;
  for (std::size_t i = 0; i < count; ++i) {
    const auto span = static_cast<std::uint64_t>(request.high - request.low) + 1;
    const auto step = static_cast<std::int64_t>((random() >> (random() % 16)) % span);
    result.push_back(i == 0 ? request.low : i == 1 ? request.high : request.low + step);
  }
  return result;
}

struct ScalarCase {
  std::string name;
  double low, high;
  std::function<std::optional<ScalarFunction>(const Request &)> fit;
};

template <typename Found> std::optional<ScalarFunction> functionIn(const std::optional<Found> &f) {
  return f ? std::optional<ScalarFunction>(f->function) : std::nullopt;
}

std::vector<ScalarCase> scalarCases() {
  std::vector<ScalarCase> cases;
  for (const SmoothFunction &function : knownFunctions())
    cases.push_back({function.name, -7.0, function.name == "exp" ? 0.0 : 7.0,
                     [&function](const Request &request) -> std::optional<ScalarFunction> {
                       const auto found = approximate(function, request);
                       return found ? std::optional<ScalarFunction>(found->polynomial)
                                    : std::nullopt;
                     }});
  cases.push_back({"exp in two parts", -100, 0, [](const Request &request) {
                     return functionIn(approximateExponential(request));
                   }});
  for (const double exponent : {-1.0, -0.5, 0.5, 1.5})
    cases.push_back({fmt::format("x^{}", exponent), exponent < 0 ? 0.3 : 0, 3.9,
                     [exponent](const Request &request) {
                       return functionIn(approximatePower(exponent, request));
                     }});
  cases.push_back({"log", 0.1, 7.9,
                   [](const Request &request) { return functionIn(approximateLog(1, request)); }});
  return cases;
}

Task<Ring> run(Session &session, const ScalarFunction &f, Ring x) {
  if (const auto *p = std::get_if<PiecewisePolynomial>(&f))
    return piecewise(session, *p, std::move(x));
  if (const auto *e = std::get_if<ExponentialFunction>(&f))
    return exponential(session, *e, std::move(x));
  return normalized(session, std::get<NormalizedFunction>(f), std::move(x));
}

void checkScalar(const ScalarFunction &f, const Request &request) {
  for (const std::size_t size : kSizes) {
    Ring x, expected;
    for (const std::int64_t value : numbersIn(request, size)) {
      x.push_back(spec::toRing(value, inputBits(f)));
      expected.push_back(spec::toRing(evaluate(f, value), outputBits(f)));
    }
    const Shares shares = shared(x, inputBits(f));
    const Ring found = joined(runCosting(scalarFunctionCost(size, f),
                                         [&](Session &s) { return run(s, f, shares.of(s)); }),
                              outputBits(f))
                           .values();
    CHECK(found == expected);
  }
}

using FitRow = std::function<std::optional<RowFunction>(unsigned columns, const Request &)>;

std::map<std::string, FitRow> rowCases() {
  const auto normalization = [](bool center) -> FitRow {
    return [center](unsigned columns, const Request &request) -> std::optional<RowFunction> {
      const auto found = approximateNormalization(
          {.columns = columns, .epsilon = 0.01, .subtractMean = center, .leastVariance = 0.05},
          request);
      return found ? std::optional<RowFunction>(found->function) : std::nullopt;
    };
  };
  return {{"softmax",
           [](unsigned columns, const Request &request) -> std::optional<RowFunction> {
             const auto found = approximateSoftmax(columns, request);
             return found ? std::optional<RowFunction>(found->function) : std::nullopt;
           }},
          {"log-softmax",
           [](unsigned columns, const Request &request) -> std::optional<RowFunction> {
             const auto found = approximateLogSoftmax(columns, request);
             return found ? std::optional<RowFunction>(found->function) : std::nullopt;
           }},
          {"normalisation", normalization(true)},
          {"normalisation without mean", normalization(false)}};
}

Task<Ring> run(Session &session, const RowFunction &f, Ring x, std::size_t columns) {
  if (const auto *s = std::get_if<SoftmaxFunction>(&f))
    return softmax(session, *s, std::move(x), columns);
  if (const auto *l = std::get_if<LogSoftmaxFunction>(&f))
    return logSoftmax(session, *l, std::move(x), columns);
  return normalizeRows(session, std::get<NormalizationFunction>(f), std::move(x));
}

} // namespace

TEST_CASE("functions of one variable at all widths", "[functions][widths]") {
  for (const ScalarCase &function : scalarCases())
    for (const Width &width : kWidths) {
      CAPTURE(function.name, width.bits, width.scale);
      const Request request = requestFor(width, function.low, function.high);
      const std::optional<ScalarFunction> f = function.fit(request);
      REQUIRE(f);
      CHECK(functionFrom(numbersOf(*f)) == *f);
      checkScalar(*f, request);
    }
}

TEST_CASE("functions of rows at all widths", "[functions][widths]") {
  for (const auto &[name, fit] : rowCases())
    for (const Width &width : kWidths)
      for (const std::size_t columns : {std::size_t{3}, std::size_t{13}}) {
        CAPTURE(name, width.bits, width.scale, columns);
        const Request request = requestFor(width, -1.9, 1.9);
        const std::optional<RowFunction> f = fit(static_cast<unsigned>(columns), request);
        REQUIRE(f);
        CHECK(rowFunctionFrom(numbersOf(*f)) == *f);
        for (const std::size_t rows : {std::size_t{1}, std::size_t{7}}) {
          Ring x, expected;
          for (std::size_t r = 0; r < rows; ++r) {
            std::vector<std::int64_t> row = numbersIn(request, columns);
            std::rotate(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(r % columns),
                        row.end());
            row[0] += r < 2 ? 0 : static_cast<std::int64_t>(r) - row[0];
            for (const std::int64_t value : row)
              x.push_back(spec::toRing(value, inputBits(*f)));
            for (const std::int64_t y : evaluate(*f, row))
              expected.push_back(spec::toRing(y, outputBits(*f)));
          }
          const Shares shares = shared(x, inputBits(*f));
          const Ring found =
              joined(runCosting(rowFunctionCost(rows, columns, *f),
                                [&](Session &s) { return run(s, *f, shares.of(s), columns); }),
                     outputBits(*f))
                  .values();
          CHECK(found == expected);
        }
      }
}

TEST_CASE("roots of zero", "[functions][widths]") {
  const Request request = requestFor({16, 12}, 0, 7.9);
  const auto root = approximatePower(0.5, request);
  REQUIRE(root);
  CHECK(root->function.acceptsZero);
  CHECK(evaluate(root->function, 0) == 0);
  CHECK(std::abs(static_cast<double>(evaluate(root->function, 1)) - 64) <= kMaxUlp);
  checkScalar(root->function, request);
  NormalizedFunction f = approximatePower(-1, requestFor({16, 12}, 0.5, 2))->function;
  CHECK_THROWS_AS(evaluate(f, 0), Error);
  f.acceptsZero = true;
  f.factors.clear();
  CHECK_THROWS_AS(requireValid(f), Error);
}

TEST_CASE("rows of numbers that stand for no function are refused", "[functions][widths]") {
  const Request request = requestFor({16, 12}, -1.9, 1.9);
  const auto found = approximateSoftmax(3, request);
  REQUIRE(found);
  std::vector<std::int64_t> numbers = numbersOf(RowFunction(found->function));
  std::vector<std::int64_t> wrong = numbers;
  wrong.push_back(0);
  CHECK_THROWS_AS(rowFunctionFrom(wrong), Error);
  wrong = numbers;
  wrong[0] = 4;
  CHECK_THROWS_AS(rowFunctionFrom(wrong), Error);
  wrong = numbers;
  wrong.back() = 99;
  CHECK_THROWS_AS(rowFunctionFrom(wrong), Error);
  CHECK_THROWS_AS(rowFunctionFrom({}), Error);
}
