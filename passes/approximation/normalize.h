// SPDX-License-Identifier: Apache-2.0
// Powers and logarithms of positive numbers of many sizes: the function of the mantissa is fitted,
// the exponent's part follows from the function.
#pragma once

#include "passes/approximation/approximate.h"
#include "runtime/functions/normalized_function.h"

#include <limits>
#include <optional>

namespace dyad::approximation {

struct NormalizedApproximation {
  NormalizedFunction function;
  ErrorBounds error;
};

/// x^exponent for 0 < request.low <= x <= request.high: reciprocal -1, rsqrt -1/2, sqrt 1/2, any
/// other constant; from 0 on if the exponent is positive. Nothing where the error cannot be had, or
/// numbers grow beyond 62 bits. Error kOutOfRange for other ranges.
///
/// From `relativeFrom` on the error may grow as the result does: request.maxUlp holds for smaller
/// results, and for a result y it is y / relativeFrom times as large, by whole powers of two. What
/// multiplies a result by a number that is the smaller the larger the result needs no more.
std::optional<NormalizedApproximation>
approximatePower(double exponent, const Request &request,
                 double relativeFrom = std::numeric_limits<double>::infinity());
/// factor * ln(x); factor 1 / ln(b) for another base b.
std::optional<NormalizedApproximation> approximateLog(double factor, const Request &request);

/// Errors over [request.low, request.high], low > 0: of all inputs if there are at most 2^20, else
/// of so many in each octave. In units of `unitOf` an octave: ULPs of the result, by the place of
/// the input's leading one.
ErrorBounds measureByOctave(
    const std::function<double(double)> &f,
    const std::function<std::int64_t(std::int64_t)> &evaluate, const Request &request,
    const std::function<double(unsigned)> &unitOf = [](unsigned) { return 1.0; });

} // namespace dyad::approximation
