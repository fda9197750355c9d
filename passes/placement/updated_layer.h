// SPDX-License-Identifier: Apache-2.0
// A convolution or matrix product whose private weight stands in a public base with other values:
// what of it can be computed with the public one, and what that costs.
#pragma once

#include "passes/cost/linear_seconds.h"
#include "passes/graph/constants.h"

#include <optional>
#include <vector>

namespace dyad {

/// How a layer is computed with its public base.
struct UpdateSplit {
  enum class Kind {
    kEqual,      ///< the base's weight, up to the tolerance
    kOutputs,    ///< some outputs with private weights, the others with public ones
    kInputs,     ///< a private product of some inputs beside the public one of all
    kRank,       ///< two narrow private products beside the public one
    kRankBehind, ///< the same for convolutions, with the window in the second one
  };
  Kind kind = Kind::kEqual;
  std::vector<int64_t> indices; ///< of outputs or inputs
  int64_t rank = 0;
  Constant left, right; ///< weights of the first and the second narrow product
  double seconds = 0;
};

class UpdatedLayer {
public:
  /// Nothing for another operation, weights of several groups or batches, and weights that are not
  /// finite. `base` is the public weight, of the same shape.
  static std::optional<UpdatedLayer> of(mlir::Operation *op, const Weights &weights,
                                        const Constant &base);

  /// The cheapest split, if there is one; shapes, ranks and positions decide, which become known.
  std::optional<UpdateSplit> best(const LinearSeconds &seconds) const;
  /// Of the private product as a whole.
  double wholeSeconds(const LinearSeconds &seconds) const {
    return productSeconds(seconds, inputs_, outputs_);
  }

  /// Puts the split in the layer's place. False if a diagnostic was emitted.
  bool apply(const UpdateSplit &split, Weights &weights);

  int64_t inputs() const { return inputs_; }
  int64_t outputs() const { return outputs_; }
  const std::string &weightName() const { return weight_.name; }

private:
  explicit UpdatedLayer(mlir::Operation *op) : op_(op) {}

  double productSeconds(const LinearSeconds &seconds, int64_t inputs, int64_t outputs) const;
  double rankSeconds(const LinearSeconds &seconds, int64_t rank, bool isBehind) const;
  std::optional<UpdateSplit> ofRank(const LinearSeconds &seconds, bool isBehind) const;

  /// Where the weight of an output, an input and a position of the window stands.
  std::size_t at(int64_t output, int64_t input, int64_t position) const;
  /// Of a weight of the same kind with so many inputs and outputs.
  clear::Shape weightShape(int64_t outputs, int64_t inputs, bool hasWindow = true) const;
  /// A part of a weight: all outputs or inputs where a list is null.
  Constant part(const Constant &from, const std::vector<int64_t> *outputs,
                const std::vector<int64_t> *inputs) const;
  Constant difference() const;

  mlir::Value product(mlir::OpBuilder &builder, mlir::Value input, const Constant &weight,
                      const Constant *bias, Weights &weights, bool hasStep = true) const;
  mlir::Value gather(mlir::OpBuilder &builder, mlir::Value value, int64_t axis,
                     const std::vector<int64_t> &indices) const;

  mlir::Operation *op_;
  mlir::Operation *last_ = nullptr; ///< the sum with a bias behind a matrix product, or `op_`
  bool isConv_ = false;
  bool isLeft_ = false; ///< the weight is the left operand
  mlir::Value input_;
  int64_t inputs_ = 0, outputs_ = 0, window_ = 1;
  int64_t inputAxis_ = 0, outputAxis_ = 0; ///< of the computed tensors
  Constant weight_, base_;
  std::string recipe_;           ///< of what is made of this weight
  std::optional<Constant> bias_; ///< one for each output
  double tolerance_ = 0;
};

} // namespace dyad
