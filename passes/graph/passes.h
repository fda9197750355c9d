// SPDX-License-Identifier: Apache-2.0
// The graph passes: simplifications of the float network that change no result beyond rounding.
// What each does, requires and keeps stands in Passes.td.
#pragma once

#include "ir/nn/nn.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace dyad {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/graph/passes.h.inc"

} // namespace dyad
