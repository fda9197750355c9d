// SPDX-License-Identifier: Apache-2.0
// The choice of a comparison's radix, for the pass choose-radix and for those that compare
// candidates.
#pragma once

#include "passes/cost/time_model.h"

namespace dyad {

/// More would save nothing: a comparison of 64 bits has five levels.
inline constexpr uint64_t kMaxRadix = 5;

/// Gives a comparison the radix of least time on the link, of several the smallest, and returns the
/// seconds that the operation then takes, computing included. Operations that do not compare stay
/// as they are.
double chooseRadix(mlir::Operation *op, const TimeModel &times);

} // namespace dyad
