// SPDX-License-Identifier: Apache-2.0
// Who knows what: for each weight its owner and why, for each node where it is computed. Part of
// the manifest, and what `dyad-dump --owners` shows.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <nlohmann/json.hpp>
#include <string>

namespace dyad::compiler {

/// [{"name", "shape", "owner", "why"}] of all weights, in the module's order.
nlohmann::ordered_json weightsStatement(mlir::ModuleOp fxModule);

/// [{"node", "operations": of fx, "runs": where}] in program order; a node that is computed in
/// several places has several entries.
nlohmann::ordered_json operationsStatement(mlir::ModuleOp fxModule, mlir::ModuleOp mpcModule);

/// {"client": {"products", "seconds", "public_weight_bytes"}, "server": ...}: what each party
/// computes alone for a sample, about, and the public weights that the client's folder holds. A
/// look-up or a sum counts as a product; seconds are of one core.
nlohmann::ordered_json clearStatement(mlir::ModuleOp fxModule);

/// What a manifest says of all this, as text.
std::string renderStatement(const nlohmann::ordered_json &manifest);

} // namespace dyad::compiler
