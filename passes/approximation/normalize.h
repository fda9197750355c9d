// SPDX-License-Identifier: Apache-2.0
// Powers and logarithms of positive numbers of many sizes: the function of the mantissa is fitted,
// the exponent's part follows from the function.
#pragma once

#include "passes/approximation/approximate.h"
#include "runtime/functions/normalized_function.h"

#include <optional>

namespace dyad::approximation {

struct NormalizedApproximation {
  NormalizedFunction function;
  ErrorBounds error;
};

/// x^exponent for 0 < request.low <= x <= request.high: reciprocal -1, rsqrt -1/2, sqrt 1/2, any
/// other constant. Nothing where the error cannot be had, or numbers grow beyond 62 bits. Error
/// kOutOfRange for a range that is not positive.
std::optional<NormalizedApproximation> approximatePower(double exponent, const Request &request);
/// factor * ln(x); factor 1 / ln(b) for another base b.
std::optional<NormalizedApproximation> approximateLog(double factor, const Request &request);

/// Errors over [request.low, request.high]: of all inputs if there are at most 2^20, else of so
/// many in each octave.
ErrorBounds measureByOctave(const std::function<double(double)> &f,
                            const std::function<std::int64_t(std::int64_t)> &evaluate,
                            const Request &request);

} // namespace dyad::approximation
