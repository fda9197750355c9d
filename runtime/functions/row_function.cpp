// SPDX-License-Identifier: Apache-2.0
// See row_function.h. No crypto.
#include "runtime/functions/row_function.h"

#include "runtime/functions/resize_cost.h"
#include "runtime/net/error.h"
#include "runtime/protocols/selection_cost.h"

#include <algorithm>

namespace dyad {
namespace {

std::int64_t signedReading(std::int64_t value, unsigned bits) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << (64 - bits)) >> (64 - bits);
}

std::int64_t halfOf(unsigned drop) { return drop == 0 ? 0 : std::int64_t{1} << (drop - 1); }

/// floor((x + floor(d / 2)) / d)
std::int64_t nearestQuotient(std::int64_t x, std::int64_t d) {
  const std::int64_t sum = x + d / 2;
  const std::int64_t quotient = sum / d;
  return sum % d < 0 ? quotient - 1 : quotient;
}

/// Like the results of other operations: what does not fit is an error, no other number.
std::int64_t fitted(std::int64_t value, unsigned bits) {
  DYAD_REQUIRE(signedReading(value, bits) == value, kOutOfRange,
               "result {} needs more than {} bits", value, bits);
  return value;
}

void requireSmall(std::int64_t value, unsigned bits, const char *name) {
  DYAD_REQUIRE(value >= -(std::int64_t{1} << (bits - 2)) && value < std::int64_t{1} << (bits - 2),
               kOutOfRange, "{} {} needs more than {} bits", name, value, bits);
}

std::int64_t largest(std::span<const std::int64_t> row) {
  DYAD_REQUIRE(!row.empty(), kShapeMismatch, "a row of no numbers");
  return *std::max_element(row.begin(), row.end());
}

std::vector<std::int64_t> exponentials(const ExponentialFunction &exponential,
                                       std::span<const std::int64_t> row) {
  const std::int64_t top = largest(row);
  std::vector<std::int64_t> result;
  for (const std::int64_t x : row) {
    DYAD_REQUIRE(x - top >= -(std::int64_t{1} << (exponential.inputBits - 1)), kOutOfRange,
                 "a row from {} to {} does not fit {} bits", x, top, exponential.inputBits);
    result.push_back(evaluate(exponential, x - top));
  }
  return result;
}

std::int64_t sumOf(const std::vector<std::int64_t> &values) {
  std::int64_t sum = 0;
  for (const std::int64_t value : values)
    sum += value;
  return sum;
}

NumberFormat unsignedNumber(unsigned bits) { return {bits, false, SignFact::kNonNegative}; }

} // namespace

void requireValid(const SoftmaxFunction &f) {
  requireValid(f.exponential);
  requireValid(f.reciprocal);
  DYAD_REQUIRE(f.exponential.outputBits == f.reciprocal.inputBits &&
                   f.exponentialBits < f.exponential.outputBits,
               kOutOfRange, "exponentials of {} bits are summed in {} and inverted in {}",
               f.exponentialBits, f.exponential.outputBits, f.reciprocal.inputBits);
  DYAD_REQUIRE(f.productBits <= 62 && f.productBits > f.exponential.outputBits &&
                   f.productBits > f.reciprocal.outputBits && f.drop < f.productBits &&
                   f.outputBits >= 1 && f.outputBits <= 62,
               kOutOfRange, "products of {} bits less {}, results of {}", f.productBits, f.drop,
               f.outputBits);
}

void requireValid(const LogSoftmaxFunction &f) {
  requireValid(f.exponential);
  requireValid(f.logarithm);
  DYAD_REQUIRE(f.exponential.outputBits == f.logarithm.inputBits &&
                   f.logarithm.outputBits <= f.exponential.inputBits,
               kOutOfRange, "exponentials of {} bits, sums of {}, results of {} from inputs of {}",
               f.exponential.outputBits, f.logarithm.inputBits, f.logarithm.outputBits,
               f.exponential.inputBits);
}

void requireValid(const NormalizationFunction &f) {
  requireValid(f.rsqrt);
  DYAD_REQUIRE(
      f.columns >= 1 && f.inputBits >= 2 && f.inputBits <= 62 && f.inputBits + f.meanBits <= 62 &&
          f.deviationBits >= 3 && f.deviationBits <= f.inputBits + f.meanBits &&
          f.deviationBits < f.productBits && f.rsqrt.outputBits < f.productBits &&
          f.productBits <= 62 && f.drop + 2 <= f.productBits && f.outputBits <= 62,
      kOutOfRange, "rows of {} numbers of {} bits, deviations of {}, products of {} less {}",
      f.columns, f.inputBits, f.deviationBits, f.productBits, f.drop);
  DYAD_REQUIRE(f.squareBits > f.deviationBits && f.squareBits <= 62 &&
                   f.varianceDrop + 2 <= f.squareBits && f.epsilon >= 1 &&
                   f.columns <= std::uint64_t{1} << (std::min(f.inputBits, f.squareBits) - 2),
               kOutOfRange, "sums of squares in {} bits, less {}", f.squareBits, f.varianceDrop);
}

void requireValid(const QuotientFunction &f) {
  requireValid(f.reciprocal);
  DYAD_REQUIRE(f.numeratorBits >= 2 && f.numeratorBits < f.productBits &&
                   f.reciprocal.outputBits < f.productBits && f.productBits <= 62 &&
                   f.drop + 2 <= f.productBits && f.outputBits >= 1 && f.outputBits <= 62,
               kOutOfRange, "numerators of {} bits, products of {} less {}, results of {}",
               f.numeratorBits, f.productBits, f.drop, f.outputBits);
}

std::vector<std::int64_t> evaluate(const QuotientFunction &f, std::span<const std::int64_t> row,
                                   std::int64_t divisor) {
  const std::int64_t r = evaluate(f.reciprocal, divisor);
  DYAD_REQUIRE(r >= 0, kOutOfRange, "reciprocal {} is negative", r);
  std::vector<std::int64_t> result;
  for (const std::int64_t a : row) {
    requireSmall(a, f.numeratorBits, "numerator");
    const std::int64_t sum = a * r + halfOf(f.drop);
    requireSmall(sum, f.productBits, "product");
    result.push_back(fitted(sum >> f.drop, f.outputBits));
  }
  return result;
}

std::vector<std::int64_t> evaluate(const SoftmaxFunction &f, std::span<const std::int64_t> row) {
  const std::vector<std::int64_t> e = exponentials(f.exponential, row);
  const std::int64_t r = evaluate(f.reciprocal, sumOf(e));
  DYAD_REQUIRE(r >= 0, kOutOfRange, "reciprocal {} is negative", r);
  std::vector<std::int64_t> result;
  for (const std::int64_t value : e) {
    DYAD_REQUIRE(value >= 0 && value < std::int64_t{1} << f.exponentialBits, kOutOfRange,
                 "exponential {} does not fit {} bits", value, f.exponentialBits);
    const std::int64_t sum = value * r + halfOf(f.drop);
    DYAD_REQUIRE(sum < std::int64_t{1} << (f.productBits - 1), kOutOfRange,
                 "product {} needs more than {} bits", sum, f.productBits);
    result.push_back(fitted(sum >> f.drop, f.outputBits));
  }
  return result;
}

std::vector<std::int64_t> evaluate(const LogSoftmaxFunction &f, std::span<const std::int64_t> row) {
  const std::int64_t logarithm = evaluate(f.logarithm, sumOf(exponentials(f.exponential, row)));
  const std::int64_t top = largest(row);
  std::vector<std::int64_t> result;
  for (const std::int64_t x : row)
    result.push_back(fitted(x - top - logarithm, f.logarithm.outputBits));
  return result;
}

std::vector<std::int64_t> evaluate(const NormalizationFunction &f,
                                   std::span<const std::int64_t> row) {
  DYAD_REQUIRE(row.size() == f.columns, kShapeMismatch, "a row of {} numbers instead of {}",
               row.size(), f.columns);
  std::vector<std::int64_t> d;
  for (const std::int64_t x : row)
    d.push_back(x * (std::int64_t{1} << f.meanBits));
  const auto columns = static_cast<std::int64_t>(f.columns);
  if (f.subtractMean) {
    const std::int64_t sum = sumOf(d);
    requireSmall((sum < 0 ? -sum : sum) + columns, f.inputBits + f.meanBits, "sum of a row");
    const std::int64_t mean = nearestQuotient(sum, columns);
    for (std::int64_t &value : d)
      value -= mean;
  }
  std::int64_t squares = 0;
  for (const std::int64_t value : d) {
    requireSmall(value, f.deviationBits, "deviation");
    squares += value * value;
  }
  requireSmall(squares + columns + f.epsilon + halfOf(f.varianceDrop), f.squareBits,
               "sum of squares");
  const std::int64_t variance =
      (nearestQuotient(squares, columns) + f.epsilon + halfOf(f.varianceDrop)) >> f.varianceDrop;
  const std::int64_t r = evaluate(f.rsqrt, variance);
  DYAD_REQUIRE(r >= 0, kOutOfRange, "reciprocal root {} is negative", r);
  for (std::int64_t &value : d) {
    const std::int64_t sum = value * r + halfOf(f.drop);
    requireSmall(sum, f.productBits, "product");
    value = fitted(sum >> f.drop, f.outputBits);
  }
  return d;
}

Cost quotientCost(std::uint64_t rows, std::uint64_t columns, const QuotientFunction &f,
                  Radix radix) {
  requireValid(f);
  return normalizedCost(rows, f.reciprocal, radix)
      .then(rowProductCost(rows, columns, unsignedNumber(f.reciprocal.outputBits),
                           {f.numeratorBits, true, SignFact::kSmall}, f.productBits, radix))
      .then(truncateExtendCost(rows * columns, f.productBits, f.drop, f.outputBits,
                               SignFact::kSmall, radix));
}

Cost softmaxCost(std::uint64_t rows, std::uint64_t columns, const SoftmaxFunction &f, Radix radix) {
  requireValid(f);
  const std::uint64_t n = rows * columns;
  return maximumOverCost(rows, columns, f.exponential.inputBits, radix)
      .then(exponentialCost(n, f.exponential, radix))
      .then(normalizedCost(rows, f.reciprocal, radix))
      .then(rowProductCost(rows, columns, unsignedNumber(f.reciprocal.outputBits),
                           unsignedNumber(f.exponential.outputBits), f.productBits, radix))
      .then(truncateExtendCost(n, f.productBits, f.drop, f.outputBits, SignFact::kNonNegative,
                               radix));
}

Cost logSoftmaxCost(std::uint64_t rows, std::uint64_t columns, const LogSoftmaxFunction &f,
                    Radix radix) {
  requireValid(f);
  return maximumOverCost(rows, columns, f.exponential.inputBits, radix)
      .then(exponentialCost(rows * columns, f.exponential, radix))
      .then(normalizedCost(rows, f.logarithm, radix));
}

Cost normalizeRowsCost(std::uint64_t rows, const NormalizationFunction &f, Radix radix) {
  requireValid(f);
  const std::uint64_t n = rows * f.columns;
  const NumberFormat deviation{f.deviationBits, true, SignFact::kSmall};
  Cost cost;
  if (f.subtractMean)
    cost = divideCost(rows, f.inputBits + f.meanBits, f.columns, radix);
  return cost.then(mixedSquareCost(n, deviation, f.squareBits, radix))
      .then(divideCost(rows, f.squareBits, f.columns, radix))
      .then(truncateExtendCost(rows, f.squareBits, f.varianceDrop, f.rsqrt.inputBits,
                               SignFact::kNonNegative, radix))
      .then(normalizedCost(rows, f.rsqrt, radix))
      .then(rowProductCost(rows, f.columns, unsignedNumber(f.rsqrt.outputBits), deviation,
                           f.productBits, radix))
      .then(truncateExtendCost(n, f.productBits, f.drop, f.outputBits, SignFact::kSmall, radix));
}

} // namespace dyad
