// SPDX-License-Identifier: Apache-2.0
// Weights as integers: rounds constants of an nn module to a fraction and a width, and collects the
// fx.weight symbols that result.
#pragma once

#include "ir/fx/fx.h"
#include "passes/analysis/float_ranges.h"
#include "passes/analysis/integer_ranges.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace dyad {

/// A constant of the fx program.
struct FixedConstant {
  mlir::Value value;
  IntegerRange range;            ///< of its integers
  std::vector<int64_t> integers; ///< empty where operations stand between the weight and the value
};

class Quantiser {
public:
  Quantiser(mlir::ModuleOp module, const mlir::SymbolTable &symbols)
      : module_(module), symbols_(symbols) {}

  /// Largest magnitude in the weight behind `value`.
  double magnitude(mlir::Value value) const;

  /// Fraction bits at which the weight behind `value` is exact, if it is public and of powers of
  /// two only.
  std::optional<int64_t> exactFraction(mlir::Value value) const;

  /// Whether the weight behind `value` is of -1, 0 and 1 only.
  bool areSigns(mlir::Value value) const;

  /// Integers of the weight behind `value` at `fraction`, before they get a width; in the weight's
  /// own order.
  std::vector<int64_t> integersAt(mlir::Value value, int64_t fraction) const;
  /// Of each value rounded by itself; kernels that are rounded together take no more bits.
  IntegerRange rangeAt(mlir::Value value, int64_t fraction) const;

  /// The constant `value` (an nn.constant, perhaps through structure operations) rounded to
  /// nearest at `fraction`, as an fx value of the given width, public if the weight is, else the
  /// server's. The range must fit: see `rangeAt`.
  FixedConstant constant(mlir::OpBuilder &builder, mlir::Value value, int64_t fraction,
                         unsigned width);

  /// A public constant that the compiler made, named after the node.
  FixedConstant publicConstant(mlir::OpBuilder &builder, mlir::Location location,
                               llvm::StringRef suffix, llvm::ArrayRef<int64_t> shape,
                               const std::vector<int64_t> &integers, int64_t fraction);

  /// The integers of a constant that this made; empty for others.
  std::vector<int64_t> integersBehind(fx::ConstantOp constant) const;

  /// Inserts the fx.weight symbols at the start of the module; the nn ones must be gone.
  void insertWeights();

private:
  struct Weight {
    std::string name;
    mlir::RankedTensorType type;
    std::vector<int64_t> integers;
    mlir::Location location;
  };

  mlir::Value reference(mlir::OpBuilder &builder, mlir::Location location, std::string name,
                        fx::FixedType type, llvm::ArrayRef<int64_t> shape,
                        std::vector<int64_t> integers);

  mlir::ModuleOp module_;
  const mlir::SymbolTable &symbols_;
  std::vector<Weight> weights_;
  std::map<std::tuple<std::string, int64_t, unsigned>, size_t> known_;
  std::map<std::string, unsigned> uses_;
  llvm::StringMap<size_t> bySymbol_;
};

/// round(x * 2^fraction), halves away from zero; saturates beyond 2^62.
int64_t roundedAt(double x, int64_t fraction);

} // namespace dyad
