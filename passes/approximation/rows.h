// SPDX-License-Identifier: Apache-2.0
// Softmax, log-softmax and normalisation of rows from the range of their numbers and the precision
// asked for: the functions inside, and the widths between them.
#pragma once

#include "passes/approximation/normalize.h"
#include "runtime/functions/row_function.h"

#include <cstdint>
#include <limits>
#include <optional>

namespace dyad::approximation {

// request.low and request.high bound the row's numbers; differences must fit request.inputBits
// signed bits. Errors are measured on rows drawn from the range (kMeasuredRows of them), since no
// one can try all rows. Nothing where the error cannot be had.

inline constexpr unsigned kMeasuredRows = 256;

struct QuotientApproximation {
  QuotientFunction function;
  ErrorBounds error; ///< at pairs drawn from the ranges, and at their ends
};
/// a / b with both at request.inputScale, |a| <= numerator and 0 < low <= b <= high of the request;
/// quotients that do not fit request.outputBits do not occur.
std::optional<QuotientApproximation> approximateQuotient(std::int64_t numerator,
                                                         const Request &request);

struct SoftmaxApproximation {
  SoftmaxFunction function;
  ErrorBounds error;
};
std::optional<SoftmaxApproximation> approximateSoftmax(unsigned columns, const Request &request);

struct LogSoftmaxApproximation {
  LogSoftmaxFunction function;
  ErrorBounds error;
};
/// request.outputScale is request.inputScale, outputBits at most inputBits.
std::optional<LogSoftmaxApproximation> approximateLogSoftmax(unsigned columns,
                                                             const Request &request);

/// (x - mean) / sqrt(variance + epsilon) of `columns` numbers; without `subtractMean` the mean
/// counts as zero. Rows of other variances than between the two given do not occur.
struct NormalizationRequest {
  unsigned columns = 1;
  double epsilon = 1e-5;
  bool subtractMean = true;
  double leastVariance = 0;
  double mostVariance = std::numeric_limits<double>::infinity();
};
struct NormalizationApproximation {
  NormalizationFunction function;
  ErrorBounds error; ///< of rows with variances all over the range, even ones and one-hot ones
};
/// request.inputBits may become more in the function, where a row's sum needs them. Results that do
/// not fit request.outputBits do not occur.
std::optional<NormalizationApproximation>
approximateNormalization(const NormalizationRequest &wanted, const Request &request);

} // namespace dyad::approximation
