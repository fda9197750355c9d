// SPDX-License-Identifier: Apache-2.0
// What a whole mpc program sends, node by node and in total, by the formulas beside the protocols.
// The figures are those that the parties' statistics show after one sample, exactly.
#pragma once

#include "ir/mpc/mpc.h"

#include <cstdint>
#include <string>
#include <vector>

namespace dyad {

/// A row of the statistics: a phase, or a node.
struct CostRow {
  std::string name; ///< ONNX node, or phase
  std::string op;   ///< mpc operation; empty for a phase
  std::uint64_t bytesToServer = 0;
  std::uint64_t bytesToClient = 0;
  unsigned flows = 0; ///< by how much the longest causal chain of messages grew
  std::uint64_t serverCots = 0;
  std::uint64_t clientCots = 0;
};

struct ProgramCost {
  std::vector<CostRow> nodes;  ///< in the order in which they first run; a name and op occur once
  std::vector<CostRow> phases; ///< "setup", "stock", "online", for one sample
  CostRow total;               ///< of the online phase
};

/// Costs of the program `main` of an mpc module, for one sample.
ProgramCost costOf(mlir::ModuleOp module);

/// The row that an operation's traffic counts for: ONNX node and mpc operation; those of an
/// `mpc.parallel` are its members', joined.
struct NodeLabel {
  std::string name;
  std::string op;
  bool operator==(const NodeLabel &) const = default;
};
/// Whether the operation is marked as a node of its own: it is a protocol, or heavy local work.
bool isNode(mlir::Operation *op);
NodeLabel labelOf(mlir::Operation *op);

/// A table for people.
std::string renderTable(const ProgramCost &cost);
/// {"nodes": [{"name", "op", "bytes_to_server", "bytes_to_client", "bytes", "flows", "cots"}],
/// "phases": [...], "total": {...}}
std::string renderJson(const ProgramCost &cost);

} // namespace dyad
