// SPDX-License-Identifier: Apache-2.0
// Reads an ONNX file into the nn dialect: protobuf, opset differences, functions, constant
// branches and shape arithmetic end here. Whatever is left is a static graph on floats, or an
// error that names the node and says what to do.
#pragma once

#include "ir/head_groups.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace dyad::onnx {

/// The value of a graph input fixed at compile time (`--set`). One value stands for all elements
/// of the input where `shape` is absent and there is one; otherwise there is one an element, row
/// major. Integers are accepted for float inputs, and whole floats for integer and bool inputs.
struct SetValue {
  std::optional<std::vector<int64_t>> shape;
  std::variant<std::vector<double>, std::vector<int64_t>> values;
};

struct ImportOptions {
  /// `--shape NAME=1,3,224,224`: all dimensions of a graph input, symbolic ones filled in.
  std::map<std::string, std::vector<int64_t>> shapes;
  /// `--set NAME=VALUE|FILE`.
  std::map<std::string, SetValue> sets;
  /// `--outputs NAME,...`: any tensors of the graph; the graph's own outputs when empty.
  std::vector<std::string> outputs;
  /// `--state IN=OUT`: graph input IN is what tensor OUT was in the last run. Neither is an input
  /// or output of the program then, unless `outputs` names OUT.
  std::vector<std::pair<std::string, std::string>> states;
  /// `--state-init IN=FILE`: a state's value in the first run, of its shape; zeros if not given.
  std::map<std::string, SetValue> stateInitials;
  /// `--owner NAME=client|server|public`; inputs that are not named are the client's.
  std::map<std::string, std::string> owners;
  /// `--public-weights FILE.onnx|PATTERN`: see PublicWeights (public_weights.h).
  std::vector<std::string> publicWeights;
  /// `--merge-heads`: blocks to rewrite before anything else (merge_heads.h).
  std::vector<HeadGroups> headGroups;
  /// `--reveal`: client, server or both.
  std::string reveal = "client";
  /// `--input-range [NAME=]LO,HI`; the entry "" holds for all inputs without one of their own.
  std::map<std::string, std::pair<double, double>> inputRanges;
};

/// Reads the model at `path`. The module holds `nn.weight` symbols and `func.func @main()` without
/// arguments, in the order inputs, operations, outputs; each location is a NameLoc with the ONNX
/// node's name ("Conv_3" for the fourth node of the graph, a Conv, if it has none).
///
/// Null on failure, after all problems of the model were emitted as diagnostics of the form
/// `node 'layer3/conv1' (Conv, opset 17): what was found; what to do`, at the node's location;
/// those of graph inputs, options and the file have none. Options that name unknown inputs or
/// tensors are errors too. The context's nn and func dialects are loaded by the call.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(mlir::MLIRContext &context, const std::string &path,
                                             const ImportOptions &options = {});

/// Writes the model at `path` with merged heads to the file `output` (merge_heads.h). What is in
/// the way is a diagnostic.
llvm::LogicalResult writeMergedHeads(mlir::MLIRContext &context, const std::string &path,
                                     const std::vector<HeadGroups> &blocks,
                                     const std::string &output);

/// One row of the table of operators, for docs/reference/ops.md.
struct OperatorEntry {
  std::string domain; // "" is ai.onnx
  std::string name;
  int firstOpset = 0;
  int lastOpset = 0; // inclusive
  std::string note;  // limits, in a few words
};

/// Everything the importer has a builder or an evaluator for, sorted by domain, name and opset.
std::vector<OperatorEntry> listOperators();

/// The page docs/reference/ops.md.
std::string operatorsPage();

/// The opsets of ai.onnx that are told apart.
inline constexpr int kFirstOpset = 7;
inline constexpr int kLastOpset = 23;

} // namespace dyad::onnx
