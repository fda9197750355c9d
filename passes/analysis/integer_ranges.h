// SPDX-License-Identifier: Apache-2.0
// Which integers an fx value can hold: intervals from types, inputs, assumptions and arithmetic.
// For choosing protocols only what both parties know goes in: a weight counts with its type's
// range, never with its values, so that two models that differ in weights only get the same
// protocols.
#pragma once

#include "ir/fx/fx.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseMap.h"

#include <cstdint>
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
/// With `symbols`, weights count with their values, and each output channel of a product with its
/// own: for the model owner's eyes, never for choices that show in the program.
class IntegerRanges {
public:
  IntegerRanges(mlir::func::FuncOp function, bool strict,
                const mlir::SymbolTable *symbols = nullptr);

  /// The interval of an fx value; its type's range when nothing better is known.
  IntegerRange at(mlir::Value value) const;
  /// What the operation computes from its operands' intervals, whether its type holds it or not.
  IntegerRange computed(mlir::Value value) const;

private:
  IntegerRange compute(mlir::Operation *op) const;
  std::vector<int64_t> weightsOf(mlir::Value value) const;
  IntegerRange product(fx::Conv2DOp conv) const;
  IntegerRange product(fx::MatMulOp matmul) const;

  bool strict_;
  const mlir::SymbolTable *symbols_;
  llvm::DenseMap<mlir::Value, IntegerRange> ranges_;
  llvm::DenseMap<mlir::Value, IntegerRange> computed_;
};

/// All integers of a fixed-point type.
IntegerRange rangeOf(fx::FixedType type);

} // namespace dyad
