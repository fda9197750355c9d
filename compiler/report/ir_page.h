// SPDX-License-Identifier: Apache-2.0
// A module of any stage as data for a page: its operations, with links from each use of a value to
// what defines it.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <nlohmann/json.hpp>
#include <string>

namespace dyad::compiler {

/// {"title", "symbols": [{"name", "type"}], "operations": [{"op", "dialect", "node", "inside":
/// index of the operation around it or -1, "results": [{"name", "type"}], "operands": [{"name",
/// "from": index or -1}], "attributes": [[name, value]], "owner", "shape": of the first result,
/// "bytes", "flows"}]}
///
/// Operations are those of `main` in program order, an mpc.parallel before its members; names of
/// values are those of the text. Long values of attributes are cut off, weights left out. Bytes and
/// flows stand at what sends.
nlohmann::ordered_json irData(mlir::ModuleOp module, const std::string &title);

/// A page that needs nothing but itself: the graph as a picture, operations that open, links
/// between uses and definitions, a search.
std::string renderIrPage(const nlohmann::ordered_json &data);

} // namespace dyad::compiler
