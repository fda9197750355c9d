// SPDX-License-Identifier: Apache-2.0
// What was chosen for an operation, and what the next best would have cost: each alternative is set
// on a copy of the operation, and asked for its cost.
#pragma once

#include "passes/cost/time_model.h"

#include <nlohmann/json.hpp>

namespace dyad::compiler {

/// A list of {"what", "chosen", "seconds", "bytes", "next": {"choice", "seconds", "bytes"},
/// "saved_seconds", "saved_bytes"}; what had no alternative has no "next" and saves nothing.
///
///   linear   products with private weights: by OT and who chooses, by RLWE, with packed replies;
///            seconds with the OTs' price, keys for RLWE apart, which all layers share
///   radix    comparisons: levels of the tree that larger digits save; seconds of the link alone,
///            which is what the choice goes by
///   form     functions of one variable: segments and degree of the polynomials, digits that are
///            looked up; what other forms would cost is known to the fit alone, so there is no next
///   fused    truncation and ReLU in one protocol or in two, with extensions
///
/// A choice was made for the whole program, or was forced: the next best may be cheaper, and
/// "saved" negative.
nlohmann::ordered_json decisionsOf(mlir::Operation *op, const TimeModel &times);

/// The extension of correlated OTs of the program, in the same form.
nlohmann::ordered_json decisionOfOts(mlir::ModuleOp module);

} // namespace dyad::compiler
