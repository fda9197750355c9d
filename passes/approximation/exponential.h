// SPDX-License-Identifier: Apache-2.0
// exp over any range: one piecewise polynomial, or a table for the high bits times one for the low
// bits, whichever is cheaper.
#pragma once

#include "passes/approximation/approximate.h"
#include "runtime/functions/exponential_function.h"

#include <optional>

namespace dyad::approximation {

struct ExponentialApproximation {
  ExponentialFunction function;
  ErrorBounds error;
};

/// exp(x) for request.low <= x <= request.high. Nothing where the error cannot be had.
std::optional<ExponentialApproximation> approximateExponential(const Request &request);

} // namespace dyad::approximation
