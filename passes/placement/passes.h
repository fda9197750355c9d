// SPDX-License-Identifier: Apache-2.0
// Passes that decide where values live (Passes.td).
#pragma once

#include "ir/fx/fx.h"

#include "mlir/Pass/Pass.h"

#include <memory>

namespace dyad {
#define GEN_PASS_DECL
#include "passes/placement/passes.h.inc"

/// Makes the passes of this folder known to pipelines written as text.
#define GEN_PASS_REGISTRATION
#include "passes/placement/passes.h.inc"
} // namespace dyad
