// SPDX-License-Identifier: Apache-2.0
// Which elementwise operations keep the order of numbers: for passes that move or leave them out.
#pragma once

#include "ir/nn/nn.h"

namespace dyad {

/// Whether x < y implies f(x) < f(y), on all of the function's domain.
inline bool isIncreasing(nn::FunctionKind kind) {
  switch (kind) {
  case nn::FunctionKind::kExp:
  case nn::FunctionKind::kLog:
  case nn::FunctionKind::kSqrt:
  case nn::FunctionKind::kSigmoid:
  case nn::FunctionKind::kTanh:
  case nn::FunctionKind::kErf:
  case nn::FunctionKind::kSoftplus:
  case nn::FunctionKind::kSoftsign:
    return true;
  default:
    return false;
  }
}

} // namespace dyad
