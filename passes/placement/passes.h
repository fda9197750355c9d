// SPDX-License-Identifier: Apache-2.0
// Passes that decide where values live (Passes.td).
#pragma once

#include "ir/fx/fx.h"
#include "passes/placement/public_base.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace dyad {
#define GEN_PASS_DECL
#include "passes/placement/passes.h.inc"

/// With models that were read already, beside those of the option.
std::unique_ptr<mlir::Pass> createMatchPublicWeights(PublicBases bases);
std::unique_ptr<mlir::Pass> createSplitUpdates(SplitUpdatesOptions options, PublicBases bases);

/// Makes the passes of this folder known to pipelines written as text.
#define GEN_PASS_REGISTRATION
#include "passes/placement/passes.h.inc"
} // namespace dyad
