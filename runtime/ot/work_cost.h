// SPDX-License-Identifier: Apache-2.0
// Seconds of computing of protocols by OT, from what they cost: linear in the constants of a
// machine, so that `dyad calibrate` can find these. No crypto.
#pragma once

#include "runtime/net/cost.h"
#include "runtime/net/machine.h"

namespace dyad {

/// What the correlated OTs of a protocol are used for.
enum class WorkKind {
  kComparison, ///< comparisons, and what begins with one: truncations, extensions, maxima
  kProduct,    ///< products, multiplexers, conversions
  kFunction,   ///< functions and rows
};

/// Of one core of each party, which work at once; the making of the COTs is the stock's.
double workSeconds(const Cost &cost, WorkKind kind, const MachineProfile &machine);

} // namespace dyad
