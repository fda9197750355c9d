// SPDX-License-Identifier: Apache-2.0
// Which floats an nn value can hold: intervals proved from the ranges of inputs and assumptions by
// the operations and the weights' actual values (per output channel for linear operations).
#pragma once

#include "ir/nn/nn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseMap.h"

#include <limits>
#include <optional>
#include <vector>

namespace dyad {

/// low <= x <= high; infinite where nothing is known.
struct FloatRange {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  bool isFinite() const;
  /// Largest magnitude.
  double magnitude() const;
};

FloatRange hull(const FloatRange &a, const FloatRange &b);
FloatRange intersection(const FloatRange &a, const FloatRange &b);

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
  void set(mlir::Value value, FloatRange range) { ranges_[value] = range; }

private:
  FloatRange compute(mlir::Operation *op) const;
  FloatRange convolution(nn::Conv2DOp conv) const;
  FloatRange product(nn::MatMulOp matmul) const;

  const mlir::SymbolTable &symbols_;
  llvm::DenseMap<mlir::Value, FloatRange> ranges_;
};

} // namespace dyad
