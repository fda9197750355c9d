// SPDX-License-Identifier: Apache-2.0
// Passes that choose protocols for the shared part of a program and arrange them (Passes.td).
#pragma once

#include "ir/mpc/mpc.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace dyad {
#define GEN_PASS_DECL
#include "passes/protocols/passes.h.inc"

/// Makes the passes of this folder known to pipelines written as text.
#define GEN_PASS_REGISTRATION
#include "passes/protocols/passes.h.inc"
} // namespace dyad
