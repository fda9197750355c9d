// SPDX-License-Identifier: Apache-2.0
// Which floats an nn value can hold: intervals of each channel and affine forms (bounds.h), proved
// from the ranges of inputs and assumptions by the operations and the weights' actual values.
#pragma once

#include "ir/nn/nn.h"
#include "passes/analysis/bounds.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseMap.h"

#include <optional>
#include <vector>

namespace dyad {

/// The weight behind a value that is a constant, through operations that only move elements; null
/// for any other value.
nn::WeightOp constantWeight(mlir::Value value, const mlir::SymbolTable &symbols);

/// Values of a constant directly behind `value` (no operations between), nothing otherwise.
std::optional<std::vector<float>> constantValues(mlir::Value value,
                                                 const mlir::SymbolTable &symbols);

/// Intervals of the f32 values of a function, filled in program order by `visit`, so that a pass
/// can add assumptions while it walks.
class FloatRanges {
public:
  explicit FloatRanges(const mlir::SymbolTable &symbols) : symbols_(symbols) {}
  /// All operations of the function at once.
  FloatRanges(mlir::func::FuncOp function, const mlir::SymbolTable &symbols);

  /// Computes the result's range from the operands' ranges and remembers it.
  void visit(mlir::Operation *op);
  FloatRange at(mlir::Value value) const;
  /// By channel.
  const BoundsMap &bounds() const { return bounds_; }
  const Bounds &bounds(mlir::Value value) const { return bounds_.at(value); }
  void set(mlir::Value value, FloatRange range) { set(value, Bounds::of(range), range); }
  /// `range` holds for all channels.
  void set(mlir::Value value, Bounds bounds, FloatRange range);

private:
  /// The range of one operand.
  using Operands = llvm::function_ref<FloatRange(unsigned)>;

  FloatRange compute(mlir::Operation *op, Operands in) const;
  Bounds boundsOf(mlir::Operation *op) const;
  Bounds elementwise(mlir::Operation *op) const;
  std::optional<Bounds> form(mlir::Operation *op) const;
  std::optional<Bounds> convolution(nn::Conv2DOp conv) const;
  std::optional<Bounds> product(nn::MatMulOp matmul) const;
  Bounds normalized(nn::BatchNormOp norm) const;

  const mlir::SymbolTable &symbols_;
  llvm::DenseMap<mlir::Value, FloatRange> ranges_;
  BoundsMap bounds_{BoundsMap::Numbers::kFloats};
};

} // namespace dyad
