// SPDX-License-Identifier: Apache-2.0
// What both interpreters share: the straight-line program of a module, the point after which each
// value is no longer needed, and the operations that only move elements.
#pragma once

#include "ir/structure.h"
#include "runtime/clear/shape.h"
#include "runtime/clear/structure.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dyad {

/// Floats of a named input or output, row-major.
using FloatTensors = std::map<std::string, clear::Tensor<float>>;

/// The operations of a module's program in order. The module has one function with a body of one
/// block, and no operation in it has regions.
class StraightLine {
public:
  /// Failure is a diagnostic on the module.
  static mlir::FailureOr<StraightLine> of(mlir::ModuleOp module);

  const std::vector<mlir::Operation *> &operations() const { return operations_; }
  /// Values that no operation behind number `index` uses.
  const std::vector<mlir::Value> &lastUses(std::size_t index) const { return lastUses_[index]; }

private:
  std::vector<mlir::Operation *> operations_;
  std::vector<std::vector<mlir::Value>> lastUses_;
};

clear::Shape shapeOf(mlir::Value value);
std::vector<std::int64_t> listOf(mlir::Operation *op, llvm::StringRef attribute);

/// Executes a structure operation (isStructure) of any dialect. Errors: dyad::Error of the kernel.
template <typename T>
clear::Tensor<T> evaluateStructure(mlir::Operation *op,
                                   const std::vector<const clear::Tensor<T> *> &operands);

extern template clear::Tensor<float>
evaluateStructure(mlir::Operation *, const std::vector<const clear::Tensor<float> *> &);
extern template clear::Tensor<std::int64_t>
evaluateStructure(mlir::Operation *, const std::vector<const clear::Tensor<std::int64_t> *> &);
extern template clear::Tensor<clear::Wide>
evaluateStructure(mlir::Operation *, const std::vector<const clear::Tensor<clear::Wide> *> &);

} // namespace dyad
