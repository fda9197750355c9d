// SPDX-License-Identifier: Apache-2.0
// Reading and making constants in graph passes. Whether a pass applies depends on shapes alone and
// never on the values of weights: the client sees the program, and must not learn weights from it.
#pragma once

#include "ir/nn/nn.h"
#include "runtime/clear/shape.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dyad {

/// A constant operand, before the nn.broadcast that brings it to the operation's shape.
struct Constant {
  clear::Shape shape;
  std::vector<double> values;
  std::string name;      ///< of the weight
  bool isPublic = false; ///< both parties know it
  /// How it was computed from which weights; constants of one recipe become one weight. Empty: a
  /// weight of its own. Values never decide, so that equal ones tell nobody that they are equal.
  std::string recipe = {};

  /// The value for each position of `axis` of a tensor of shape `target`, if the constant does not
  /// depend on any other axis.
  std::optional<std::vector<double>> along(llvm::ArrayRef<int64_t> target, int64_t axis) const;
  bool isScalar() const { return values.size() == 1; }
};

/// Elementwise combination under NumPy broadcasting.
template <typename F> Constant combine(const Constant &a, const Constant &b, F f);

/// The weights of a module while a pass runs.
class Weights {
public:
  explicit Weights(mlir::ModuleOp module);

  /// Whether every weight has its values; otherwise a diagnostic on the first that has none.
  llvm::LogicalResult requireValues();

  /// The float constant behind a value: nn.constant, perhaps broadcast.
  std::optional<Constant> constantOf(mlir::Value value) const;
  bool isConstant(mlir::Value value) const;
  /// The name of the weight behind a constant, "" for other values.
  llvm::StringRef symbolOf(mlir::Value value) const;

  /// A new weight and the nn.constant of it. Values are rounded to floats; one that is not finite
  /// is a diagnostic at `location`, and null is returned. `name` is made unique.
  mlir::Value create(mlir::OpBuilder &builder, mlir::Location location, const Constant &constant);
  /// The same, broadcast to a type where shapes differ.
  mlir::Value create(mlir::OpBuilder &builder, mlir::Location location, const Constant &constant,
                     mlir::RankedTensorType type);
  /// An existing weight once more, and broadcast to a type where shapes differ.
  mlir::Value again(mlir::OpBuilder &builder, mlir::Location location,
                    llvm::StringRef symbol) const;
  mlir::Value again(mlir::OpBuilder &builder, mlir::Location location, llvm::StringRef symbol,
                    mlir::RankedTensorType type) const;
  /// A new weight with this value attribute, made unique in the same way.
  mlir::Value create(mlir::OpBuilder &builder, mlir::Location location, llvm::StringRef name,
                     mlir::ElementsAttr value, bool isPublic);
  /// Whether the weight behind an nn.constant is public.
  bool isPublic(nn::ConstantOp constant) const;

  /// Whether a diagnostic was emitted: patterns stop, and the pass fails.
  bool failed() const { return failed_; }
  void fail(mlir::Location location, const llvm::Twine &message);

private:
  mlir::ModuleOp module_;
  mlir::SymbolTable symbols_;
  std::map<std::string, std::string> bases_;    ///< of new weights, the name they were derived from
  std::map<std::string, std::string> byRecipe_; ///< the symbol of each
  bool failed_ = false;
};

/// The two sides of an elementwise operation of which one is a constant, the other is not.
struct WithConstant {
  mlir::Value other;
  Constant constant;
  llvm::StringRef symbol; ///< of the constant's weight
};
template <typename OpType>
std::optional<WithConstant> splitConstant(OpType op, const Weights &weights) {
  mlir::Value lhs = op.getLhs();
  mlir::Value rhs = op.getRhs();
  if (weights.isConstant(lhs) == weights.isConstant(rhs))
    return std::nullopt;
  if (weights.isConstant(lhs))
    std::swap(lhs, rhs);
  std::optional<Constant> constant = weights.constantOf(rhs);
  if (!constant)
    return std::nullopt;
  return WithConstant{lhs, std::move(*constant), weights.symbolOf(rhs)};
}

template <typename F> Constant combine(const Constant &a, const Constant &b, F f) {
  const std::size_t rank = std::max(a.shape.size(), b.shape.size());
  auto size = [&](const Constant &c, std::size_t axis) -> std::int64_t {
    std::size_t missing = rank - c.shape.size();
    return axis < missing ? 1 : c.shape[axis - missing];
  };
  Constant result;
  result.name = a.name;
  result.isPublic = a.isPublic && b.isPublic;
  for (std::size_t axis = 0; axis < rank; ++axis)
    result.shape.push_back(size(a, axis) == 1 ? size(b, axis) : size(a, axis));
  result.values.resize(static_cast<std::size_t>(clear::sizeOf(result.shape)));
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    std::size_t rest = i;
    std::size_t indexA = 0, indexB = 0, strideA = 1, strideB = 1;
    for (std::size_t axis = rank; axis-- > 0;) {
      auto extent = static_cast<std::size_t>(result.shape[axis]);
      std::size_t position = rest % extent;
      rest /= extent;
      indexA += size(a, axis) == 1 ? 0 : position * strideA;
      indexB += size(b, axis) == 1 ? 0 : position * strideB;
      strideA *= static_cast<std::size_t>(size(a, axis));
      strideB *= static_cast<std::size_t>(size(b, axis));
    }
    result.values[i] = f(a.values[indexA], b.values[indexB]);
  }
  return result;
}

} // namespace dyad
