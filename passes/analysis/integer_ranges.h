// SPDX-License-Identifier: Apache-2.0
// Which integers an fx value can hold: intervals from types, inputs, assumptions and arithmetic.
// For choosing protocols only what both parties know goes in: a weight counts with its type's
// range, never with its values, so that two models that differ in weights only get the same
// protocols.
#pragma once

#include "ir/fx/fx.h"
#include "passes/analysis/bounds.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseMap.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace dyad {

/// low <= x <= high.
struct IntegerRange {
  __int128 low = 0;
  __int128 high = 0;

  bool nonNegative() const { return low >= 0; }
  /// Width of the narrowest two's complement number that holds all of it; at least 1.
  unsigned signedBits() const;
  /// Whether a ring of `width` bits, read as signed, holds all of it.
  bool fits(unsigned width) const { return signedBits() <= width; }
  bool operator==(const IntegerRange &) const = default;
};

/// Arithmetic, as far as 2^100.
IntegerRange sum(const IntegerRange &a, const IntegerRange &b);
IntegerRange product(const IntegerRange &a, const IntegerRange &b);
/// Differences of two values of a range, or of two ranges.
IntegerRange difference(const IntegerRange &a, const IntegerRange &b);
IntegerRange hull(const IntegerRange &a, const IntegerRange &b);

/// Intervals of all fx values of a function, by one walk in program order.
///
/// Without `strict`, a value is within its type and within every `fx.assume`, as `reference`
/// checks. With `strict`, only proved assumptions count, and a result whose computed interval
/// leaves its type may be anything of the type: it then holds for every input, even where
/// `reference` fails.
///
/// With `symbols`, or a source of weights, these count with their values, and each channel has
/// bounds of its own (bounds.h): for the model owner's eyes, never for choices that show in the
/// program.
class IntegerRanges {
public:
  /// The integers of a constant in its own order; empty where they are not known.
  using Weights = std::function<std::vector<int64_t>(fx::ConstantOp)>;

  IntegerRanges(mlir::func::FuncOp function, bool strict,
                const mlir::SymbolTable *symbols = nullptr);
  /// To be filled by `visit` in program order; `composes` as in BoundsMap.
  IntegerRanges(bool strict, Weights weights, bool composes)
      : strict_(strict), weights_(std::move(weights)),
        bounds_(BoundsMap::Numbers::kIntegers, composes) {}

  void visit(mlir::Operation *op);
  /// Instead of a visit: what is known of the result already.
  void set(mlir::Value value, Bounds bounds, IntegerRange computed);

  /// The interval of an fx value; its type's range when nothing better is known.
  IntegerRange at(mlir::Value value) const;
  /// By channel; for sums and products that are not there yet.
  const BoundsMap &bounds() const { return bounds_; }
  /// What the operation computes from its operands' intervals, whether its type holds it or not.
  IntegerRange computed(mlir::Value value) const;

private:
  using Operands = llvm::function_ref<IntegerRange(unsigned)>;

  IntegerRange compute(mlir::Operation *op, Operands in) const;
  Bounds boundsOf(mlir::Operation *op) const;
  Bounds elementwise(mlir::Operation *op) const;
  std::optional<Bounds> form(mlir::Operation *op) const;
  std::optional<Bounds> convolution(fx::Conv2DOp conv) const;
  std::optional<Bounds> product(fx::MatMulOp matmul) const;
  std::vector<int64_t> weightsOf(mlir::Value value) const;

  bool strict_;
  Weights weights_;
  llvm::DenseMap<mlir::Value, IntegerRange> ranges_;
  llvm::DenseMap<mlir::Value, IntegerRange> computed_;
  BoundsMap bounds_{BoundsMap::Numbers::kIntegers};
};

/// The integers within floats, and an interval of floats around integers.
IntegerRange integersWithin(const FloatRange &range);
FloatRange floatsAround(const IntegerRange &range);

/// All integers of a fixed-point type.
IntegerRange rangeOf(fx::FixedType type);

} // namespace dyad
