// SPDX-License-Identifier: Apache-2.0
// What each node adds to the error itself: its float operations on the operands that it has in
// fixed point, beside its result there.
#pragma once

#include "ir/eval/nn_interpreter.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace dyad::compiler {

/// The last result of a node and shape in a fixed-point run.
struct FixedResult {
  mlir::Operation *op = nullptr; ///< of fx
  std::vector<std::int64_t> integers;
};
/// By node name.
using FixedResults = std::map<std::string, std::map<clear::Shape, FixedResult>>;

class NodeByNode {
public:
  /// The float module must outlive it and not change. Errors: dyad::Error (kBadInput) for weights
  /// without values.
  explicit NodeByNode(mlir::ModuleOp floats);

  /// `inputs` by name, and states, as fixed point has them; none in a first run. Computes each node
  /// from the fixed results of the nodes before, or from its own floats where those have none, and
  /// hands over what it has for (name, shape), as floats. A node whose floats cannot be computed
  /// from such operands is left out.
  using Visitor = llvm::function_ref<void(const std::string &, const clear::Shape &,
                                          const std::vector<float> &)>;
  void run(const FloatTensors &inputs, const FixedResults &fixed, Visitor visit) const;

private:
  std::vector<mlir::Operation *> operations_;
  std::map<std::pair<std::string, clear::Shape>, mlir::Value> last_; ///< what a FixedResult is of
  llvm::DenseMap<mlir::Operation *, NnValue> constants_;
};

} // namespace dyad::compiler
