// SPDX-License-Identifier: Apache-2.0
// Which channels of an nn program may be multiplied by powers of two of their own: those between
// linear operations, where everything computes f(c x) = c f(x) for a positive c, so that what one
// layer's weights are multiplied by, the next layer's are divided by.
#pragma once

#include "ir/nn/nn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace dyad {

/// Classes of channels that have to share a factor. Found from operations and shapes alone, never
/// from the values of weights: which program is made must not depend on them.
class Channels {
public:
  /// The class whose factor is one: of inputs, outputs, and whatever is not homogeneous.
  static constexpr unsigned kFixed = 0;

  /// The channels of a value: along one axis, each with its class.
  struct Along {
    std::size_t axis = 0;
    std::vector<unsigned> classes;
  };

  /// Weights of a linear operation, or a constant that is added. Element e is multiplied by the
  /// factor of its output's class and divided by that of its input's.
  struct Weight {
    nn::WeightOp op;
    std::vector<unsigned> outputs; ///< class of output e / perOutput modulo their number
    std::vector<unsigned> inputs;  ///< class of input; empty for what is added
    std::size_t perOutput = 1;     ///< elements between one output and the next
    std::size_t perInput = 1;
    std::size_t groupOutputs = 0; ///< outputs that read the same inputs (convolutions of groups)
    std::size_t groupInputs = 0;

    /// (output class, input class) of an element.
    std::pair<unsigned, unsigned> classesOf(std::size_t element) const;
  };

  /// Values of `fresh`, homogeneous functions of their operand each, begin classes of their own
  /// along the given axis: factors may enter there.
  using Fresh = llvm::DenseMap<mlir::Value, std::size_t>;
  explicit Channels(mlir::func::FuncOp function, const Fresh &fresh = Fresh());

  unsigned find(unsigned of) const;
  std::size_t count() const { return parent_.size(); }
  /// Nothing for a value whose channels have no factors.
  const Along *of(mlir::Value value) const;
  const std::vector<Weight> &weights() const { return weights_; }

private:
  unsigned make();
  void unite(unsigned a, unsigned b);
  void fix(mlir::Value value);
  void visit(mlir::Operation *op);
  void structure(mlir::Operation *op);
  void linear(mlir::Operation *op);
  void sum(mlir::Operation *op);
  void pair(mlir::Operation *op);
  void keep(mlir::Operation *op);
  nn::WeightOp ownWeight(mlir::Value value, bool throughBroadcast) const;
  /// Adds `value` as a constant with the classes of `result`'s channels; false if it has no such
  /// shape.
  bool addend(mlir::Value value, mlir::Value result, const Along &channels);
  bool isConstant(mlir::Value value) const;

  std::vector<unsigned> parent_;
  llvm::DenseMap<mlir::Value, Along> along_;
  llvm::DenseMap<mlir::StringAttr, nn::WeightOp> symbols_;
  llvm::DenseMap<mlir::StringAttr, unsigned> uses_;
  std::vector<Weight> weights_;
};

} // namespace dyad
