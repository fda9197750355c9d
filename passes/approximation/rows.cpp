// SPDX-License-Identifier: Apache-2.0
// See rows.h. Guard bits between the functions grow until rows drawn at random are precise enough.
#include "passes/approximation/rows.h"

#include "passes/approximation/exponential.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <vector>

namespace dyad::approximation {
namespace {

constexpr unsigned kMostGuardBits = 8;

unsigned bitsOf(std::int64_t value) {
  return static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(value)));
}
unsigned ceilLog2(std::uint64_t x) { return static_cast<unsigned>(std::bit_width(x - 1)); }

/// Rows over the whole range, and narrow ones anywhere in it.
std::vector<std::vector<std::int64_t>> measuredRows(unsigned columns, const Request &request) {
  std::vector<std::vector<std::int64_t>> rows(kMeasuredRows, std::vector<std::int64_t>(columns));
  std::mt19937_64 random(columns);
  for (unsigned r = 0; r < kMeasuredRows; ++r) {
    const auto span = static_cast<std::uint64_t>(request.high - request.low) >> (r % 8);
    const std::int64_t start =
        request.low +
        static_cast<std::int64_t>(
            random() % (static_cast<std::uint64_t>(request.high - request.low) - span + 1));
    for (std::int64_t &x : rows[r])
      x = start + static_cast<std::int64_t>(random() % (span + 1));
  }
  return rows;
}

std::vector<double> realOf(const std::vector<std::int64_t> &row, const Request &request) {
  std::vector<double> real(row.size());
  for (std::size_t i = 0; i < row.size(); ++i)
    real[i] = std::ldexp(static_cast<double>(row[i]), -static_cast<int>(request.inputScale));
  return real;
}

/// Errors of `f` on rows against `exact`, a function of real rows.
template <typename Function, typename Exact>
ErrorBounds measureRows(const Function &f, const std::vector<std::vector<std::int64_t>> &rows,
                        const Exact &exact, const Request &request) {
  ErrorBounds error;
  double count = 0;
  for (const std::vector<std::int64_t> &row : rows) {
    const std::vector<double> wanted = exact(realOf(row, request));
    const std::vector<std::int64_t> found = evaluate(f, row);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const double off = std::abs(static_cast<double>(found[i]) -
                                  std::ldexp(wanted[i], static_cast<int>(request.outputScale)));
      error.maxUlp = std::max(error.maxUlp, off);
      error.meanUlp += off;
      count += 1;
    }
  }
  error.meanUlp /= count;
  return error;
}

std::vector<double> exactLogSoftmax(std::vector<double> row) {
  const double top = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const double x : row)
    sum += std::exp(x - top);
  for (double &x : row)
    x -= top + std::log(sum);
  return row;
}

/// exp of differences with `scale` fraction bits, in a ring that holds a row's sum.
struct Exponential {
  ExponentialFunction function;
  std::int64_t leastSum = 0, mostSum = 0;
};
std::optional<Exponential> exponentialFor(unsigned columns, unsigned scale, double maxUlp,
                                          const Request &request) {
  Request inner = request;
  inner.low = request.low - request.high;
  inner.high = 0;
  inner.outputScale = scale;
  inner.outputBits = scale + 3 + ceilLog2(columns);
  inner.maxUlp = maxUlp;
  const auto found = approximateExponential(inner);
  if (!found)
    return std::nullopt;
  const std::int64_t most = (std::int64_t{1} << scale) + static_cast<std::int64_t>(maxUlp) + 1;
  return Exponential{found->function, evaluate(found->function, 0),
                     most * static_cast<std::int64_t>(columns)};
}

Request sumRequest(const Exponential &e, unsigned scale, unsigned outputBits, unsigned outputScale,
                   double maxUlp, const Request &request) {
  Request inner = request;
  inner.inputBits = e.function.outputBits;
  inner.inputScale = scale;
  inner.low = e.leastSum;
  inner.high = e.mostSum;
  inner.outputBits = outputBits;
  inner.outputScale = outputScale;
  inner.maxUlp = maxUlp;
  return inner;
}

void requireRange(const Request &request) {
  DYAD_REQUIRE(request.low < request.high &&
                   request.high - request.low < std::int64_t{1} << (request.inputBits - 1),
               kOutOfRange, "rows from {} to {} do not fit {} bits", request.low, request.high,
               request.inputBits);
}

/// What an inner function with `guard` bits more than the result may err, of `share` ULPs of it.
double innerUlp(double share, unsigned guard) {
  return std::max(0.75, std::ldexp(share, static_cast<int>(guard)));
}

} // namespace

std::optional<QuotientApproximation> approximateQuotient(std::int64_t numerator,
                                                         const Request &request) {
  DYAD_REQUIRE(numerator > 0 && request.low > 0, kOutOfRange,
               "quotients up to {} by numbers from {}", numerator, request.low);
  const int size = static_cast<int>(bitsOf(numerator)) - static_cast<int>(request.inputScale);
  for (unsigned guard = 1; guard <= kMostGuardBits; ++guard) {
    // An error of the reciprocal is multiplied by the numerator.
    const int scale = static_cast<int>(request.outputScale) + size + static_cast<int>(guard);
    const int most =
        static_cast<int>(request.inputScale) - static_cast<int>(bitsOf(request.low)) + 1;
    if (scale < 2 || scale + most > 40)
      continue;
    Request inner = request;
    inner.outputScale = static_cast<unsigned>(scale);
    inner.outputBits = static_cast<unsigned>(std::max(scale + most, 2)) + 2;
    inner.maxUlp = innerUlp(std::max(0.1, (request.maxUlp - 0.5) / 2), guard);
    const auto reciprocal = approximatePower(-1, inner);
    if (!reciprocal)
      continue;
    QuotientFunction f;
    f.numeratorBits = bitsOf(numerator) + 2;
    f.reciprocal = reciprocal->function;
    f.productBits = std::max({bitsOf(numerator) + inner.outputBits + 1, f.numeratorBits + 1});
    f.drop = request.inputScale + inner.outputScale - request.outputScale;
    f.outputBits = request.outputBits;
    if (f.productBits > 62 || f.drop + 2 > f.productBits)
      continue;
    ErrorBounds error;
    std::mt19937_64 random(guard);
    constexpr int kPairs = 1 << 14;
    for (int i = 0; i < kPairs; ++i) {
      const std::int64_t b =
          i % 8 == 0 ? request.low
                     : request.low + static_cast<std::int64_t>((random() >> (random() % 16)) %
                                                               static_cast<std::uint64_t>(
                                                                   request.high - request.low + 1));
      // Quotients that fit the result.
      const double limit =
          std::min(static_cast<double>(numerator),
                   std::ldexp(static_cast<double>(b), static_cast<int>(request.outputBits) - 2 -
                                                          static_cast<int>(request.outputScale)));
      const auto bound = std::max<std::int64_t>(static_cast<std::int64_t>(limit), 1);
      const std::int64_t a =
          i % 4 == 0
              ? bound
              : static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2 * bound)) - bound;
      const double off = std::abs(static_cast<double>(evaluate(f, {&a, 1}, b).front()) -
                                  std::ldexp(static_cast<double>(a) / static_cast<double>(b),
                                             static_cast<int>(request.outputScale)));
      error.maxUlp = std::max(error.maxUlp, off);
      error.meanUlp += off / kPairs;
    }
    if (error.maxUlp <= request.maxUlp)
      return QuotientApproximation{f, error};
  }
  return std::nullopt;
}

std::optional<SoftmaxApproximation> approximateSoftmax(unsigned columns, const Request &request) {
  requireRange(request);
  const auto rows = measuredRows(columns, request);
  const auto exact = [](const std::vector<double> &row) {
    std::vector<double> result = exactLogSoftmax(row);
    for (double &x : result)
      x = std::exp(x);
    return result;
  };
  for (unsigned guard = 1; guard <= kMostGuardBits; ++guard) {
    const unsigned scale = request.outputScale + guard;
    const double inner = innerUlp(std::max(0.1, (request.maxUlp - 0.5) / 2), guard);
    const auto e = exponentialFor(columns, scale, inner, request);
    if (!e)
      continue;
    const auto reciprocal =
        approximatePower(-1, sumRequest(*e, scale, scale + 3, scale, inner, request));
    if (!reciprocal)
      continue;
    SoftmaxFunction f;
    f.exponential = e->function;
    f.exponentialBits = scale + 1;
    f.reciprocal = reciprocal->function;
    f.productBits = std::max(2 * scale + 3, f.exponential.outputBits + 1);
    f.drop = 2 * scale - request.outputScale;
    f.outputBits = request.outputBits;
    const ErrorBounds error = measureRows(f, rows, exact, request);
    if (error.maxUlp <= request.maxUlp)
      return SoftmaxApproximation{f, error};
  }
  return std::nullopt;
}

std::optional<LogSoftmaxApproximation> approximateLogSoftmax(unsigned columns,
                                                             const Request &request) {
  requireRange(request);
  DYAD_REQUIRE(request.outputScale == request.inputScale && request.outputBits <= request.inputBits,
               kOutOfRange, "log-softmax from scale {} to {}, {} to {} bits", request.inputScale,
               request.outputScale, request.inputBits, request.outputBits);
  const auto rows = measuredRows(columns, request);
  for (unsigned guard = 0; guard <= kMostGuardBits; ++guard) {
    const unsigned scale = request.outputScale + guard;
    const auto e = exponentialFor(columns, scale,
                                  innerUlp(std::max(0.1, request.maxUlp - 0.6), guard), request);
    if (!e)
      continue;
    const auto logarithm =
        approximateLog(1, sumRequest(*e, scale, request.outputBits, request.outputScale,
                                     std::max(0.6, request.maxUlp - 0.3), request));
    if (!logarithm)
      continue;
    const LogSoftmaxFunction f{e->function, logarithm->function};
    const ErrorBounds error = measureRows(f, rows, exactLogSoftmax, request);
    if (error.maxUlp <= request.maxUlp)
      return LogSoftmaxApproximation{f, error};
  }
  return std::nullopt;
}

std::optional<NormalizationApproximation> approximateNormalization(unsigned columns, double epsilon,
                                                                   bool subtractMean,
                                                                   double leastVariance,
                                                                   const Request &request) {
  requireRange(request);
  // The rounding of the mean counts at most a quarter of a unit in the result.
  const double leastRoot = std::sqrt(leastVariance + epsilon);
  const unsigned meanBits =
      subtractMean
          ? static_cast<unsigned>(std::max(
                0.0, std::ceil(static_cast<double>(request.outputScale) + 1 -
                               static_cast<double>(request.inputScale) - std::log2(leastRoot))))
          : 0;
  const std::int64_t reach =
      (subtractMean ? request.high - request.low + 1 : std::max(request.high, -request.low))
      << meanBits;
  NormalizationFunction f;
  f.columns = columns;
  f.subtractMean = subtractMean;
  f.inputBits = request.inputBits;
  f.meanBits = meanBits;
  f.deviationBits = std::min(bitsOf(reach) + 2, request.inputBits + meanBits);
  f.outputBits = request.outputBits;
  const int in = static_cast<int>(request.inputScale + meanBits);
  f.epsilon = std::max<std::int64_t>(1, std::llround(std::ldexp(epsilon, 2 * in)));
  f.squareBits = std::max(2 * bitsOf(reach) + ceilLog2(columns) + 3, f.deviationBits + 1);
  if (f.squareBits > 62)
    return std::nullopt;

  // Rows whose variance is as large as is said.
  std::vector<std::vector<std::int64_t>> rows = measuredRows(columns, request);
  const auto varianceOf = [&](const std::vector<double> &row) {
    double mean = 0;
    double squares = 0;
    for (const double x : row)
      mean += subtractMean ? x / columns : 0;
    for (const double x : row)
      squares += (x - mean) * (x - mean) / columns;
    return std::pair(mean, squares);
  };
  std::erase_if(rows, [&](const std::vector<std::int64_t> &row) {
    return varianceOf(realOf(row, request)).second < leastVariance;
  });
  if (rows.empty())
    return std::nullopt;
  const auto exact = [&](std::vector<double> row) {
    const auto [mean, variance] = varianceOf(row);
    for (double &x : row)
      x = (x - mean) / std::sqrt(variance + epsilon);
    return row;
  };
  const std::int64_t least =
      std::max<std::int64_t>(f.epsilon, std::llround(std::ldexp(leastVariance, 2 * in)) - 1);
  const std::int64_t most = reach * reach + f.epsilon;
  const double largestResult = std::sqrt(static_cast<double>(columns));
  for (unsigned guard = 2; guard <= 2 * kMostGuardBits; ++guard) {
    // Relative precision outputScale + guard: the smallest root has so many bits below its leading
    // one, and so has the variance, whose lower bits are dropped.
    const int wanted = static_cast<int>(request.outputScale + guard);
    f.varianceDrop =
        static_cast<unsigned>(std::max(0, static_cast<int>(bitsOf(least)) - 1 - wanted));
    Request inner = request;
    inner.inputBits = bitsOf(most >> f.varianceDrop) + 2;
    inner.inputScale =
        static_cast<unsigned>(std::max(0, 2 * in - static_cast<int>(f.varianceDrop)));
    if (2 * in < static_cast<int>(f.varianceDrop))
      return std::nullopt;
    inner.low = std::max<std::int64_t>(1, least >> f.varianceDrop);
    inner.high = (most >> f.varianceDrop) + 1;
    const int smallest = bitsOf(most) / 2 + 1 - in; // -log2 of the smallest root
    inner.outputScale = static_cast<unsigned>(std::max(wanted + smallest, 1));
    const int top = (2 * in - static_cast<int>(bitsOf(least)) + 2) / 2;
    inner.outputBits =
        static_cast<unsigned>(std::max(static_cast<int>(inner.outputScale) + top + 2, 4));
    if (inner.outputBits > 40)
      break;
    inner.maxUlp = 1;
    const auto root = approximatePower(-0.5, inner);
    if (!root)
      continue;
    f.rsqrt = root->function;
    f.drop = static_cast<unsigned>(in) + inner.outputScale - request.outputScale;
    f.productBits = std::max({static_cast<unsigned>(in) + inner.outputScale +
                                  static_cast<unsigned>(std::ceil(std::log2(largestResult))) + 3,
                              f.deviationBits + 1, inner.outputBits + 1});
    if (f.productBits > 62)
      break;
    const ErrorBounds error = measureRows(f, rows, exact, request);
    if (error.maxUlp <= request.maxUlp)
      return NormalizationApproximation{f, error};
  }
  return std::nullopt;
}

} // namespace dyad::approximation
