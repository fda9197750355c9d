// SPDX-License-Identifier: Apache-2.0
// Which activations share one scale, and which scale that is. Values that meet in a sum, a
// concatenation or a maximum, or that only pass through, form a group: then nothing has to be
// rescaled where they meet.
#pragma once

#include "passes/analysis/float_ranges.h"
#include "passes/numbers/config.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace dyad {

/// Counts the operations of each ONNX node, so that a configuration can tell them apart.
class NodeKeys {
public:
  explicit NodeKeys(mlir::func::FuncOp function);
  /// Position of the operation among those of its node that choose numbers; 0 for any other.
  unsigned index(mlir::Operation *op) const { return index_.lookup(op); }
  /// Whether the operation computes numbers that have a scale, rather than moving them.
  bool choosesScale(mlir::Operation *op) const { return index_.contains(op); }

private:
  llvm::DenseMap<mlir::Operation *, unsigned> index_;
};

/// How many fraction bits activations get.
struct ScaleRule {
  int64_t significantBits = 14; ///< integer and fraction bits together, where scales are chosen
  std::optional<int64_t> fixed; ///< `--scale N`

  /// Fraction bits of a group whose largest magnitude has so many integer bits. Finer than 2^-24
  /// and coarser than 2^16 is for values that would have fewer than 16 significant bits otherwise.
  int64_t chosen(int64_t integerBits) const;
};

/// 1 + floor(log2 x): bits left of the point, at least of the magnitude `x`; negative below 1/2.
int64_t integerBits(double magnitude);

/// What shares one fraction: keys of a configuration.
struct ScaleGroup {
  std::vector<std::string> nodes; ///< NodeKeys of named nodes, in program order
  std::vector<std::string> inputs;
  std::vector<mlir::Operation *> operations; ///< that compute members
  int64_t fraction = 0;
  bool isFixed = false; ///< integers by their meaning: no other fraction is possible
};

/// Fractions of all f32 values of a function.
///
/// A group's fraction is the node's or input's of the configuration, else the configuration's or
/// the command's default, else `significantBits` less the integer bits of the group's largest
/// range, and no less than 0 where functions read or give it. What a square root is taken of has
/// twice the fraction of the root, where that is more.
class ScaleGroups {
public:
  /// Two members of a group with different fractions in the configuration are a diagnostic; then
  /// `ok` is false.
  ScaleGroups(mlir::func::FuncOp function, const FloatRanges &ranges, const NumbersConfig &config,
              const NodeKeys &keys, const ScaleRule &rule);

  int64_t fraction(mlir::Value value);
  /// Whether nothing but roundings reads the value and those that share its scale: a sum in a
  /// quantised model, which has all its fraction bits until then, and none after.
  bool isOnlyRounded(mlir::Value value) { return onlyRounded_.contains(find(value)); }
  bool ok() const { return ok_; }
  /// All groups that a configuration can name, in program order.
  std::vector<ScaleGroup> groups(mlir::func::FuncOp function, const NodeKeys &keys);

private:
  mlir::Value find(mlir::Value value);
  void unite(mlir::Value a, mlir::Value b);

  llvm::DenseMap<mlir::Value, mlir::Value> parent_;
  llvm::DenseMap<mlir::Value, int64_t> fractions_;
  llvm::DenseSet<mlir::Value> onlyRounded_; ///< groups
  llvm::DenseSet<mlir::Value> fixed_;       ///< groups
  bool ok_ = true;
};

} // namespace dyad
