// SPDX-License-Identifier: Apache-2.0
// What a whole mpc program sends, node by node and in total, by the formulas beside the protocols.
// Bytes, flows and COTs are those that the parties' statistics show after one sample, exactly;
// seconds are the time model's.
#pragma once

#include "ir/mpc/mpc.h"
#include "runtime/net/link.h"
#include "runtime/ot/node_stats.h"

#include <optional>
#include <string>
#include <vector>

namespace dyad {

struct ProgramCost {
  std::string link; ///< that seconds are for
  /// In the order in which they first run; a pair of name and operation occurs once, as in the
  /// statistics of a run.
  std::vector<NodeStats> nodes;
  /// "setup" and "stock", which come before, and "online": all nodes together. One sample.
  std::vector<NodeStats> phases;
};

/// Costs of the program `main` of an mpc module, for one sample. With a link: those of the same
/// program over that one, which changes its seconds alone.
ProgramCost costOf(mlir::ModuleOp module, const std::optional<LinkProfile> &link = std::nullopt);

/// The row that an operation's traffic counts for: ONNX node and mpc operation; those of an
/// `mpc.parallel` are its members', joined.
struct NodeLabel {
  std::string name;
  std::string op;
  bool operator==(const NodeLabel &) const = default;
};
/// Whether the operation is a row of its own: a protocol, an `mpc.parallel`. What is local counts
/// for no row.
bool isNode(mlir::Operation *op);
NodeLabel labelOf(mlir::Operation *op);

/// A table for people.
std::string renderTable(const ProgramCost &cost);
/// {"link", "phases": [{"name", "bytes_to_server", "bytes_to_client", "bytes", "flows",
/// "server_cots", "client_cots", "seconds"}], "nodes": [the same and "op"]}
std::string renderJson(const ProgramCost &cost);

} // namespace dyad
