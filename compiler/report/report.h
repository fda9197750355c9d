// SPDX-License-Identifier: Apache-2.0
// The report of a compilation: for every node of the graph who holds it, its type and range, the
// protocols that were chosen and what they cost; for the program its totals, what its exactness
// rests on and what each party learns. As data for scripts, and as a page for people.
#pragma once

#include "passes/numbers/shadow.h"

#include "mlir/IR/BuiltinOps.h"

#include <nlohmann/json.hpp>
#include <string>

namespace dyad::compiler {

/// {"model", "manifest": as written beside the program, "link", "phases": [cost], "networks":
/// [{"link", "phases"}]: the same program over other links, "decisions": of the program (see
/// decisions.h), "nodes": [...], "edges": [[from, to]], "samples": of errors, "warnings": [text]}
///
/// Nodes are those of the ONNX graph, in program order; edges are their indices:
/// {"name", "operations": fx operations, "owner": of the last result, "shape", "type": {"bits",
/// "signed", "fraction"}, "range": {"low", "high": reals, "kind": proved, declared or calibrated,
/// "basis" of what is proved: type, interval or affine form, "spare_bits"}, "seen": {"low", "high",
/// "half_within", "99_percent_within": reals, on the calibration samples}, "margin_bits": how
/// often the samples' largest could double within the range, "bytes_to_server", "bytes_to_client",
/// "bytes", "flows", "cots", "seconds", "protocols": [{"op", "ring": bits of its shares, "protocol"
/// and "radix" where it has one, "with": nodes that it computes besides, cost}]}
///
/// `errors` is what verificationJson writes, or null. Bytes are exact, frame headers of shared
/// flows apart; flows are those of the node on its own, seconds the time model's.
nlohmann::ordered_json reportData(mlir::ModuleOp fxModule, mlir::ModuleOp mpcModule,
                                  const std::string &manifest, const SeenRanges &seen,
                                  const nlohmann::ordered_json &errors = {});

/// The "nodes" of the above alone, without what proofs rest on.
nlohmann::ordered_json reportNodes(mlir::ModuleOp fxModule, mlir::ModuleOp mpcModule);

/// A page that needs nothing but itself: the graph as a picture, coloured by cost or owner, and a
/// table that can be sorted and searched.
std::string renderReportPage(const nlohmann::ordered_json &data);

} // namespace dyad::compiler
