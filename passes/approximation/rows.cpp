// SPDX-License-Identifier: Apache-2.0
// See rows.h. Guard bits between the functions grow until rows drawn at random are precise enough.
#include "passes/approximation/rows.h"

#include "passes/approximation/exponential.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace dyad::approximation {
namespace {

constexpr unsigned kMostGuardBits = 8;

unsigned bitsOf(std::int64_t value) {
  return static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(value)));
}
unsigned ceilLog2(std::uint64_t x) { return static_cast<unsigned>(std::bit_width(x - 1)); }

/// Rows over the whole range, narrow ones anywhere in it, and some with one large number.
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
    if (r % 4 == 3)
      rows[r][random() % columns] = request.high;
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
    std::vector<std::int64_t> found;
    try {
      found = evaluate(f, row);
    } catch (const Error &) { // so far off that it does not fit
      error.maxUlp = std::numeric_limits<double>::infinity();
      return error;
    }
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
  inner.effort = std::min(request.effort, Effort::kFirstForm);
  return inner;
}

void requireRange(const Request &request) {
  DYAD_REQUIRE(request.low < request.high &&
                   request.high - request.low < std::int64_t{1} << (request.inputBits - 1),
               kOutOfRange, "rows from {} to {} do not fit {} bits", request.low, request.high,
               request.inputBits);
}

/// Shares of the error, and guard bits from `first` on. Errors of one sign add up in a row's sum:
/// then the exponentials have to be finer.
std::vector<std::pair<double, unsigned>> attempts(unsigned first) {
  constexpr unsigned kGuardBitsEach = 4;
  std::vector<std::pair<double, unsigned>> result;
  for (const unsigned step : {0U, 2U, 4U})
    for (unsigned guard = first; guard < first + kGuardBitsEach; ++guard)
      result.emplace_back(std::ldexp(1.0, static_cast<int>(step)), guard + step);
  return result;
}

double unitOf(unsigned scale) { return std::ldexp(1.0, -static_cast<int>(scale)); }

/// Ring in which products are small that give results up to `largest` when `drop` bits are gone.
unsigned productBitsFor(double largest, unsigned outputScale, unsigned drop) {
  constexpr double kSlack = 1.01;
  return static_cast<unsigned>(std::max(
             0.0, std::ceil(std::log2(std::ldexp(kSlack * largest + unitOf(outputScale),
                                                 static_cast<int>(outputScale + drop)))))) +
         2;
}

struct Spread {
  double mean = 0, variance = 0;
};
Spread spreadOf(const std::vector<double> &row, bool center) {
  const auto columns = static_cast<double>(row.size());
  Spread result;
  for (const double x : row)
    result.mean += center ? x / columns : 0;
  for (const double x : row)
    result.variance += (x - result.mean) * (x - result.mean) / columns;
  return result;
}

/// Rows whose variances are spread over those that occur: evenly filled ones, and such that have
/// one large number, whose results are the largest that there are.
std::vector<std::vector<std::int64_t>> rowsOfVariances(const NormalizationRequest &wanted,
                                                       const Request &request) {
  std::vector<std::vector<std::int64_t>> rows;
  std::mt19937_64 random(wanted.columns);
  std::uniform_real_distribution<double> uniform(0, 1);
  const double unit = unitOf(request.inputScale);
  const double low = static_cast<double>(request.low) * unit;
  const double high = static_cast<double>(request.high) * unit;
  const double most = std::min(std::sqrt(wanted.mostVariance), high - low);
  const double least = std::clamp(std::sqrt(wanted.leastVariance), unit / 4, most);
  for (unsigned r = 0; r < 2 * kMeasuredRows; ++r) {
    const double deviation = least * std::pow(most / least, uniform(random));
    std::vector<double> row(wanted.columns);
    for (double &x : row)
      x = r % 2 == 0 ? uniform(random) - 0.5 : 0.01 * uniform(random);
    if (r % 2 == 1)
      row[random() % row.size()] = random() % 2 == 0 ? 1 : -1;
    const Spread spread = spreadOf(row, wanted.subtractMean);
    if (spread.variance == 0)
      continue;
    for (double &x : row)
      x = (x - spread.mean) * deviation / std::sqrt(spread.variance);
    const auto [smallest, largest] = std::minmax_element(row.begin(), row.end());
    double shift = 0;
    if (wanted.subtractMean)
      shift = low - *smallest + uniform(random) * (high - low - *largest + *smallest);
    std::vector<std::int64_t> integers(row.size());
    bool fits = true;
    for (std::size_t i = 0; i < row.size(); ++i) {
      integers[i] = std::llround((row[i] + shift) / unit);
      fits = fits && integers[i] >= request.low && integers[i] <= request.high;
    }
    const double variance = spreadOf(realOf(integers, request), wanted.subtractMean).variance;
    if (fits && variance >= wanted.leastVariance && variance <= wanted.mostVariance)
      rows.push_back(std::move(integers));
  }
  return rows;
}

/// With `extra` fraction bits of the deviations beyond those that the mean's rounding asks for.
std::optional<NormalizationApproximation>
normalizationWith(unsigned extra, const NormalizationRequest &wanted, const Request &request) {
  const unsigned columns = wanted.columns;
  const double epsilon = wanted.epsilon;
  const int outputScale = static_cast<int>(request.outputScale);
  // The rounding of the mean counts at most a quarter of the error in the result.
  const double leastRoot = std::sqrt(wanted.leastVariance + epsilon);
  const double meanBits =
      std::max(0.0, std::ceil(outputScale + 1 - static_cast<double>(request.inputScale) -
                              std::log2(leastRoot * request.maxUlp)));
  NormalizationFunction f;
  f.columns = columns;
  f.subtractMean = wanted.subtractMean;
  f.meanBits = (wanted.subtractMean ? static_cast<unsigned>(meanBits) : 0) + extra;
  f.outputBits = request.outputBits;
  const int in = static_cast<int>(request.inputScale + f.meanBits);
  const std::int64_t magnitude = std::max(std::abs(request.low), std::abs(request.high)) + 1;
  const std::int64_t span = wanted.subtractMean ? request.high - request.low + 1 : magnitude;
  // Differences fit, and sums of a row.
  f.inputBits = std::max(request.inputBits, bitsOf(span) + 2);
  if (wanted.subtractMean)
    f.inputBits = std::max(f.inputBits, bitsOf(magnitude * static_cast<std::int64_t>(columns)) + 2);
  const double widest = unitOf(request.inputScale) * static_cast<double>(span);
  const double most = std::ldexp(std::min(wanted.mostVariance, widest * widest), 2 * in) + columns;
  if (f.inputBits + f.meanBits > 62 || bitsOf(span) + f.meanBits > 40)
    return std::nullopt;
  const std::int64_t reach =
      std::min(span << f.meanBits, static_cast<std::int64_t>(std::sqrt(most * columns)) + 1);
  f.deviationBits = std::min(bitsOf(reach) + 2, f.inputBits + f.meanBits);
  f.epsilon = std::max<std::int64_t>(1, std::llround(std::ldexp(epsilon, 2 * in)));
  const double squares = most * columns + columns + static_cast<double>(f.epsilon);
  f.squareBits = std::max(static_cast<unsigned>(std::log2(2 * squares)) + 3, f.deviationBits + 1);
  if (f.squareBits > 62)
    return std::nullopt;
  const auto exact = [&](std::vector<double> row) {
    const Spread spread = spreadOf(row, wanted.subtractMean);
    for (double &x : row)
      x = (x - spread.mean) / std::sqrt(spread.variance + epsilon);
    return row;
  };
  // No result is larger, since a row's squares are at least its largest one.
  const double largest =
      std::min(std::sqrt(static_cast<double>(columns)),
               std::ldexp(1.0, static_cast<int>(request.outputBits) - 1 - outputScale));
  auto rows = rowsOfVariances(wanted, request);
  std::erase_if(rows, [&](const std::vector<std::int64_t> &row) {
    const std::vector<double> results = exact(realOf(row, request));
    return std::any_of(results.begin(), results.end(), [&](double y) {
      return std::abs(y) > largest - (request.maxUlp + 1) * unitOf(request.outputScale);
    });
  });
  if (rows.empty())
    return std::nullopt;
  const std::int64_t least = std::max<std::int64_t>(
      1, f.epsilon + static_cast<std::int64_t>(std::ldexp(wanted.leastVariance, 2 * in)) - 1);
  const std::int64_t highest = static_cast<std::int64_t>(most) + f.epsilon;
  const int coarse = static_cast<int>(std::floor(std::log2(request.maxUlp)));
  for (int guard = -coarse; guard <= static_cast<int>(kMostGuardBits); ++guard) {
    // Bits of the root, relative to itself: as many below its leading one as the largest result
    // has. The variance needs no more, and lower bits are dropped.
    const int precision =
        std::max(outputScale + static_cast<int>(std::ceil(std::log2(largest))) + guard, 4);
    constexpr int kFinest = 26; // of a root by parabolas on 256 segments of two octaves
    if (precision > kFinest)
      break;
    f.varianceDrop =
        static_cast<unsigned>(std::max(0, static_cast<int>(bitsOf(least)) - 2 - precision));
    Request inner = request;
    inner.inputBits = bitsOf(highest >> f.varianceDrop) + 2;
    if (2 * in < static_cast<int>(f.varianceDrop) || f.varianceDrop + 2 > f.squareBits)
      return std::nullopt;
    inner.inputScale = static_cast<unsigned>(2 * in) - f.varianceDrop;
    inner.low = std::max<std::int64_t>(1, least >> f.varianceDrop);
    inner.high = (highest >> f.varianceDrop) + 1;
    const double smallestRoot = 1 / std::sqrt(std::ldexp(static_cast<double>(inner.high),
                                                         -static_cast<int>(inner.inputScale)));
    inner.outputScale = static_cast<unsigned>(
        std::max(precision - static_cast<int>(std::floor(std::log2(smallestRoot))), 1));
    const int top = (2 * in - static_cast<int>(bitsOf(least)) + 2) / 2;
    inner.outputBits =
        static_cast<unsigned>(std::max(static_cast<int>(inner.outputScale) + top + 2, 4));
    f.drop = static_cast<unsigned>(in) + inner.outputScale - request.outputScale;
    f.productBits = std::max({productBitsFor(largest, request.outputScale, f.drop),
                              f.deviationBits + 1, inner.outputBits + 1, f.drop + 2});
    if (inner.outputBits > 44 || f.productBits > 62)
      break;
    inner.maxUlp = 1;
    inner.effort = std::min(request.effort, Effort::kFirstForm);
    const auto root = approximatePower(-0.5, inner, smallestRoot);
    if (!root)
      continue;
    f.rsqrt = root->function;
    const ErrorBounds error = measureRows(f, rows, exact, request);
    if (error.maxUlp <= request.maxUlp)
      return NormalizationApproximation{f, error};
  }
  return std::nullopt;
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
  // What fits the result: numerators of small divisors are small.
  const double largest = std::min(static_cast<double>(numerator) / static_cast<double>(request.low),
                                  std::ldexp(1.0, static_cast<int>(request.outputBits) - 1 -
                                                      static_cast<int>(request.outputScale)));
  const double relativeFrom =
      largest / std::ldexp(static_cast<double>(numerator), -static_cast<int>(request.inputScale));
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
    const auto reciprocal = approximatePower(-1, inner, relativeFrom);
    if (!reciprocal)
      continue;
    QuotientFunction f;
    f.numeratorBits = bitsOf(numerator) + 2;
    f.reciprocal = reciprocal->function;
    f.drop = request.inputScale + inner.outputScale - request.outputScale;
    f.productBits = std::max({productBitsFor(largest, request.outputScale, f.drop),
                              f.numeratorBits + 1, inner.outputBits + 1, f.drop + 2});
    f.outputBits = request.outputBits;
    if (f.productBits > 62)
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
      // What is off by as much as may be still has to fit.
      const double limit = std::min(static_cast<double>(numerator),
                                    (largest - (1 + request.maxUlp) * unitOf(request.outputScale)) *
                                        static_cast<double>(b));
      const auto bound = static_cast<std::int64_t>(limit);
      if (bound < 1)
        continue;
      const std::int64_t a =
          i % 4 == 0
              ? bound
              : static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2 * bound)) - bound;
      double off = std::numeric_limits<double>::infinity();
      try {
        off = std::abs(static_cast<double>(evaluate(f, {&a, 1}, b).front()) -
                       std::ldexp(static_cast<double>(a) / static_cast<double>(b),
                                  static_cast<int>(request.outputScale)));
      } catch (const Error &) {
        // Off by more than may be, so much that it does not fit.
      }
      error.maxUlp = std::max(error.maxUlp, off);
      error.meanUlp += off / kPairs;
      if (error.maxUlp > request.maxUlp)
        break;
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
  for (const auto &[finer, guard] : attempts(1)) {
    const unsigned scale = request.outputScale + guard;
    const double inner = innerUlp(std::max(0.1, (request.maxUlp - 0.5) / 2) / finer, guard);
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
  for (const auto &[finer, guard] : attempts(0)) {
    const unsigned scale = request.outputScale + guard;
    const auto e =
        exponentialFor(columns, scale, innerUlp(std::max(0.1, request.maxUlp - 0.6), 0), request);
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

std::optional<NormalizationApproximation>
approximateNormalization(const NormalizationRequest &wanted, const Request &request) {
  DYAD_REQUIRE(request.low < request.high, kOutOfRange, "rows from {} to {}", request.low,
               request.high);
  // Numbers closer together than their last place, or a coarse epsilon, are told apart by more
  // fraction bits of the deviations.
  for (const unsigned extra : {0U, 1U, 2U, 4U})
    if (auto found = normalizationWith(extra, wanted, request))
      return found;
  return std::nullopt;
}

} // namespace dyad::approximation
