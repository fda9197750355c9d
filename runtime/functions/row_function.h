// SPDX-License-Identifier: Apache-2.0
// Functions of whole rows of numbers as plain integers: softmax, log-softmax, and normalisation by
// the row's variance or mean square. Each is made of the functions of one variable.
#pragma once

#include "runtime/functions/exponential_function.h"
#include "runtime/functions/normalized_function.h"

#include <cstdint>
#include <span>
#include <vector>

namespace dyad {

/// y_i = floor((e_i r + 2^(drop-1)) / 2^drop) with e_i = exponential(x_i - max x) and
/// r = reciprocal(sum e). Differences of a row's numbers fit exponential.inputBits signed bits.
struct SoftmaxFunction {
  ExponentialFunction exponential; ///< of numbers up to 0; outputBits = reciprocal.inputBits
  unsigned exponentialBits = 0;    ///< exponential < 2^exponentialBits <= 2^(outputBits - 1)
  NormalizedFunction reciprocal;   ///< results from 0 to 2^(outputBits - 1)
  unsigned productBits = 0;        ///< e r + 2^(drop-1) < 2^(productBits-1)
  unsigned drop = 0;
  unsigned outputBits = 0;
  bool operator==(const SoftmaxFunction &) const = default;
};

/// y_i = x_i - max x - logarithm(sum e), which fits logarithm.outputBits, at most
/// exponential.inputBits.
struct LogSoftmaxFunction {
  ExponentialFunction exponential;
  NormalizedFunction logarithm;
  bool operator==(const LogSoftmaxFunction &) const = default;
};

/// Layer and RMS normalisation without their weights. With d_i = x_i 2^meanBits less the mean of
/// these (or not), mean and variance rounded to the nearest, halves up,
///
///   v = round((round(sum d_i^2 / columns) + epsilon) / 2^varianceDrop)
///   y_i = round(d_i rsqrt(v) / 2^drop)   which fits outputBits
struct NormalizationFunction {
  unsigned inputBits = 0; ///< ring of x; sums of a row fit, with two bits to spare
  unsigned meanBits = 0;  ///< fraction bits that the mean has more than x
  unsigned columns = 0;
  bool subtractMean = true;
  unsigned deviationBits = 0; ///< d fits so many signed bits with a bit to spare (kSmall)
  unsigned squareBits = 0;    ///< sums of squares fit, with two bits to spare
  std::int64_t epsilon = 1;
  unsigned varianceDrop = 0;
  NormalizedFunction rsqrt;
  unsigned productBits = 0; ///< d rsqrt + 2^(drop-1) is small in so many bits
  unsigned drop = 0;
  unsigned outputBits = 0;
  bool operator==(const NormalizationFunction &) const = default;
};

/// y_i = floor((a_i reciprocal(b) + 2^(drop-1)) / 2^drop), which fits outputBits, one b for a row
/// of a.
struct QuotientFunction {
  unsigned numeratorBits = 0;    ///< a is small (kSmall) in so many signed bits
  NormalizedFunction reciprocal; ///< results from 0 to 2^(outputBits - 1)
  unsigned productBits = 0;      ///< a r + 2^(drop-1) is small in so many bits
  unsigned drop = 0;
  unsigned outputBits = 0;
  bool operator==(const QuotientFunction &) const = default;
};

void requireValid(const SoftmaxFunction &f);
void requireValid(const LogSoftmaxFunction &f);
void requireValid(const NormalizationFunction &f);
void requireValid(const QuotientFunction &f);

/// One row. Error kOutOfRange where a number does not fit what the function says, results included.
/// What `reference` runs.
std::vector<std::int64_t> evaluate(const SoftmaxFunction &f, std::span<const std::int64_t> row);
std::vector<std::int64_t> evaluate(const LogSoftmaxFunction &f, std::span<const std::int64_t> row);
std::vector<std::int64_t> evaluate(const NormalizationFunction &f,
                                   std::span<const std::int64_t> row);

std::vector<std::int64_t> evaluate(const QuotientFunction &f, std::span<const std::int64_t> row,
                                   std::int64_t divisor);

Cost quotientCost(std::uint64_t rows, std::uint64_t columns, const QuotientFunction &f,
                  Radix radix = {});
Cost softmaxCost(std::uint64_t rows, std::uint64_t columns, const SoftmaxFunction &f,
                 Radix radix = {});
Cost logSoftmaxCost(std::uint64_t rows, std::uint64_t columns, const LogSoftmaxFunction &f,
                    Radix radix = {});
Cost normalizeRowsCost(std::uint64_t rows, const NormalizationFunction &f, Radix radix = {});

} // namespace dyad
