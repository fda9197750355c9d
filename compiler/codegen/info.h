// SPDX-License-Identifier: Apache-2.0
// The ProgramInfo of a generated program: constant tables of inputs, outputs, weights and nodes.
#pragma once

#include "compiler/codegen/codegen.h"
#include "compiler/codegen/text.h"
#include "passes/cost/program_cost.h"
#include "runtime/ot/stock_cost.h"

#include <optional>

namespace dyad::compiler {

struct InfoOptions {
  CodegenOptions codegen;
  std::string hash;
  /// Small public weights too: the reference reads them from its file, a party has them in its
  /// text.
  bool publicWeights = false;
  std::vector<NodeLabel> nodes;
  std::uint64_t serverCots = 0;
  std::uint64_t clientCots = 0;
  /// Nothing for the reference.
  std::optional<StockOptions> stock;
};

/// Text of the tables and of kInfo, for an anonymous namespace.
std::string infoTables(mlir::ModuleOp module, const InfoOptions &options);

/// Whether a weight is part of the program's text, not of a file: a public one that is small or of
/// one number.
bool standsInText(fx::WeightOp weight);

/// The text that `text` makes of the info with its hash: SHA-256 of the text with an empty one.
std::string hashed(InfoOptions info, llvm::function_ref<std::string(const InfoOptions &)> text);

/// "{{2, 2}, Owner::kPublic, {1, 2, 3, 4}}" without the owner if `owner` is empty: a tensor's value
/// as an initialiser.
std::string tensorInitialiser(fx::WeightOp weight, const std::string &owner);

} // namespace dyad::compiler
