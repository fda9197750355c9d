// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ir/fx/fx.h"
#include "ir/fx/owner.h"

namespace dyad {

/// Fraction bits that a requantisation drops; negative where it appends some.
inline int64_t lostBits(fx::RequantizeOp op) {
  return static_cast<int64_t>(fx::fixedType(op.getInput()).getFraction()) -
         fx::fixedType(op.getResult()).getFraction();
}

} // namespace dyad
