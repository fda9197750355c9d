// SPDX-License-Identifier: Apache-2.0
// Builders of normalisations by statistics of the input itself: one operation for means and
// variances, reductions and a quotient for norms.
#include "frontends/onnx/operators.h"

#include <numeric>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;
using nn::FunctionKind;

Shape axesFrom(int64_t first, int64_t rank) {
  Shape axes(rank - first);
  std::iota(axes.begin(), axes.end(), first);
  return axes;
}

/// (x - mean) / sqrt(variance + epsilon) over the axes; without `center` the mean counts as zero.
Value standardized(Node &node, const Value &x, const Shape &axes, double epsilon, bool center) {
  mlir::OpBuilder &b = node.emitter.builder;
  return node.emit<nn::NormalizeOp>(node.operand(x), b.getDenseI64ArrayAttr(axes),
                                    b.getF64FloatAttr(epsilon), b.getBoolAttr(center),
                                    mlir::FloatAttr(), mlir::FloatAttr());
}

/// Scale and bias of one value a channel, brought to the rank of x with the channels on `axis`.
Value perChannel(Node &node, size_t index, int64_t axis, int64_t rank) {
  const Value &given = node.floatInput(index);
  if (given.rank() != 1)
    throw Refusal(fmt::format("'{}' has shape {}, one value a channel is expected; the model is "
                              "damaged",
                              given.name, shapeText(given.shape())));
  Shape shape(rank, 1);
  shape[axis] = given.shape()[0];
  return reshape(node, given, shape);
}

Value affine(Node &node, const Value &x, const Value &scale, const Value &bias) {
  return binary(node, Binary::kAdd, binary(node, Binary::kMul, x, scale), bias);
}

template <bool center> Values buildLayerNorm(Node &node) {
  const Value &x = node.floatInput(0);
  Shape axes = axesFrom(Node::axis(node.integer("axis", -1), x.rank()), x.rank());
  Value result = standardized(node, x, axes, node.real("epsilon", 1e-5F), center);
  result = binary(node, Binary::kMul, result, node.floatInput(1));
  if (center && node.has(2))
    result = binary(node, Binary::kAdd, result, node.floatInput(2));
  return {result};
}

Values buildInstanceNorm(Node &node) {
  const Value &x = node.floatInput(0);
  if (x.rank() < 3)
    throw Refusal(fmt::format("input '{}' has rank {}, three or more are expected; the model is "
                              "damaged",
                              x.name, x.rank()));
  Value result = standardized(node, x, axesFrom(2, x.rank()), node.real("epsilon", 1e-5F), true);
  return {affine(node, result, perChannel(node, 1, 1, x.rank()), perChannel(node, 2, 1, x.rank()))};
}

Values buildGroupNorm(Node &node) {
  const Value &x = node.floatInput(0);
  int64_t groups = node.integer("num_groups", 0);
  Shape shape = x.shape();
  if (x.rank() < 2 || groups < 1 || shape[1] % groups != 0)
    throw Refusal(fmt::format("{} groups of input '{}' of shape {}; the model is damaged", groups,
                              x.name, shapeText(shape)));
  Shape grouped{shape[0], groups, elementCount(shape) / std::max<int64_t>(shape[0] * groups, 1)};
  Value result =
      standardized(node, reshape(node, x, grouped), {2}, node.real("epsilon", 1e-5F), true);
  // Before opset 21 scale and bias are those of a group.
  if (node.opset < 21) {
    result = affine(node, result, perChannel(node, 1, 1, 3), perChannel(node, 2, 1, 3));
    return {reshape(node, result, shape)};
  }
  return {affine(node, reshape(node, result, shape), perChannel(node, 1, 1, x.rank()),
                 perChannel(node, 2, 1, x.rank()))};
}

Values buildMeanVarianceNorm(Node &node) {
  const Value &x = node.floatInput(0);
  Shape axes = Node::axes(node.integers("axes").value_or(Shape{0, 2, 3}), x.rank());
  constexpr double kEpsilon = 1e-9;
  return {standardized(node, x, axes, kEpsilon, true)};
}

/// x / norm, of order 1 or 2 or (0) the largest magnitude.
Value normalized(Node &node, const Value &x, int64_t order, int64_t axis) {
  if (order == 2) {
    Value sum = reduce(node, Reduction::kSum, binary(node, Binary::kMul, x, x), {axis});
    return binary(node, Binary::kMul, x, function(node, FunctionKind::kRsqrt, sum));
  }
  Value norm = order == 1 ? reduce(node, Reduction::kL1, x, {axis})
                          : reduce(node, Reduction::kMax, unary(node, Unary::kAbs, x), {axis});
  return binary(node, Binary::kDiv, x, norm);
}

Values buildLpNorm(Node &node) {
  const Value &x = node.floatInput(0);
  int64_t order = node.integer("p", 2);
  if (order != 1 && order != 2)
    throw Refusal(fmt::format("attribute 'p' is {}, 1 and 2 exist; the model is damaged", order));
  return {normalized(node, x, order, Node::axis(node.integer("axis", -1), x.rank()))};
}

Values buildNormalizer(Node &node) {
  const Value &x = node.floatInput(0);
  std::string norm = node.text("norm", "MAX");
  if (norm != "MAX" && norm != "L1" && norm != "L2")
    throw Refusal(fmt::format("attribute 'norm' is '{}', MAX, L1 and L2 exist; the model is "
                              "damaged",
                              norm));
  return {normalized(node, x, norm == "L1" ? 1 : norm == "L2" ? 2 : 0, x.rank() - 1)};
}

} // namespace

void addNormalizations(std::vector<Operator> &table) {
  const char *statistics = "inference";
  table.insert(
      table.end(),
      {
          {"", "LayerNormalization", 17, kNewest, buildLayerNorm<true>, refuseTrainingOutputs,
           statistics},
          {"", "RMSNormalization", 23, kNewest, buildLayerNorm<false>, nullptr, ""},
          {"", "InstanceNormalization", 7, kNewest, buildInstanceNorm, nullptr, ""},
          {"", "GroupNormalization", 18, kNewest, buildGroupNorm, nullptr, ""},
          {"", "MeanVarianceNormalization", 9, kNewest, buildMeanVarianceNorm, nullptr, ""},
          {"", "LpNormalization", 7, kNewest, buildLpNorm, nullptr, ""},
          {"ai.onnx.ml", "Normalizer", 1, kNewest, buildNormalizer, nullptr, ""},
      });
}

} // namespace dyad::onnx
