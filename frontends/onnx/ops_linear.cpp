// SPDX-License-Identifier: Apache-2.0
// Builders of matrix products, batch normalisation and reductions.
#include "frontends/onnx/operators.h"

#include "ir/nn/nn.h"

#include <numeric>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;

// The input times a public factor of the node's attributes.
Value scaled(Node &node, const Value &input, float factor, const char *attribute) {
  if (factor == 1)
    return input;
  return binary(node, Binary::kMul, input, publicNumber(node, factor, attribute));
}

Values buildGemm(Node &node) {
  Value a = node.floatInput(0);
  Value b = node.floatInput(1);
  if (a.rank() != 2 || b.rank() != 2)
    throw Refusal(fmt::format("operands of shape {} and {} are no matrices; the model is damaged",
                              shapeText(a.shape()), shapeText(b.shape())));
  if (node.integer("transA", 0) != 0)
    a = transpose(node, a, {1, 0});
  if (node.integer("transB", 0) != 0)
    b = transpose(node, b, {1, 0});
  // A constant factor takes alpha with it; otherwise the product does.
  float alpha = node.real("alpha", 1);
  if (b.isConstant())
    b = scaled(node, b, alpha, "alpha");
  else if (a.isConstant())
    a = scaled(node, a, alpha, "alpha");
  Value product = matmul(node, a, b);
  if (!a.isConstant() && !b.isConstant())
    product = scaled(node, product, alpha, "alpha");
  if (!node.has(2))
    return {product};
  Value c = scaled(node, node.floatInput(2), node.real("beta", 1), "beta");
  if (broadcastShape(c.shape(), product.shape()) != product.shape())
    throw Refusal(fmt::format("bias '{}' of shape {} cannot be broadcast to {}; the model is "
                              "damaged",
                              c.name, shapeText(c.shape()), shapeText(product.shape())));
  return {binary(node, Binary::kAdd, product, c)};
}

// Vectors are matrices of one row or column on the way.
Values buildMatMul(Node &node) {
  Value a = node.floatInput(0);
  Value b = node.floatInput(1);
  Shape left = a.shape();
  Shape right = b.shape();
  if (left.empty() || right.empty())
    throw Refusal("a scalar cannot be an operand of a matrix product; the model is damaged");
  if (left.size() == 1)
    a = reshape(node, a, {1, left[0]});
  if (right.size() == 1)
    b = reshape(node, b, {right[0], 1});
  Value product = matmul(node, a, b);
  Shape shape = product.shape();
  if (right.size() == 1)
    shape.pop_back();
  if (left.size() == 1)
    shape.erase(shape.end() - (right.size() == 1 ? 1 : 2));
  return {reshape(node, product, shape)};
}

Values buildBatchNorm(Node &node) {
  const Value &input = node.floatInput(0);
  if (input.rank() < 2)
    throw Refusal(fmt::format("input '{}' has rank {}, there is no channel axis; the model is "
                              "damaged",
                              input.name, input.rank()));
  Shape channels{input.shape()[1]};
  for (size_t i = 1; i < 5; ++i)
    if (node.floatInput(i).shape() != channels)
      throw Refusal(fmt::format("'{}' has shape {} for {} channels; the model is damaged",
                                node.input(i).name, shapeText(node.input(i).shape()), channels[0]));
  mlir::Value operands[5];
  for (size_t i = 0; i < 5; ++i)
    operands[i] = node.operand(node.input(i));
  double epsilon = node.real("epsilon", 1e-5F);
  return {node.emit<nn::BatchNormOp>(node.floatType(input.shape()), operands[0], operands[1],
                                     operands[2], operands[3], operands[4],
                                     node.emitter.builder.getF64FloatAttr(epsilon))};
}

void checkBatchNorm(const Node &node) {
  if (node.opset < 9 && node.integer("spatial", 1) == 0)
    throw Refusal("spatial 0, statistics for each element, is not supported; export with opset 9 "
                  "or later");
  if (node.opset >= 14 && node.integer("training_mode", 0) != 0)
    throw Refusal("training_mode 1 is not supported; export the model in evaluation mode");
  refuseTrainingOutputs(node);
}

template <Reduction kind, int inputSince> Values buildReduce(Node &node) {
  const Value &input = node.input(0);
  Shape axes = reducedAxes(node, inputSince);
  return {withoutAxes(node, reduce(node, kind, input, axes), axes)};
}

Values buildReduceProd(Node &node) {
  const Tensor &input = node.foldedInput(0);
  Shape axes = reducedAxes(node, 18);
  Tensor result =
      input.kind == Kind::kFloat
          ? reduceFloats(input, axes, 1, [](double a, double b) { return a * b; })
          : reduceIntegers(input, axes, 1, [](int64_t a, int64_t b) {
              return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
            });
  Shape shape;
  bool keep = node.integer("keepdims", 1) != 0;
  for (size_t i = 0; i < result.shape.size(); ++i)
    if (keep || !llvm::is_contained(axes, static_cast<int64_t>(i)))
      shape.push_back(result.shape[i]);
  return {Value::of(reshape(result, shape), node.input(0).name, node.input(0).isPublic)};
}

// The smallest element is the largest one of the negated input.
template <bool minimum> Values buildArgMax(Node &node) {
  const Value &given = node.floatInput(0);
  int64_t axis = Node::axis(node.integer("axis", 0), given.rank());
  Shape shape = given.shape();
  if (shape[axis] == 0)
    throw Refusal(fmt::format("axis {} of '{}' has no elements", axis, given.name));
  Value input = minimum ? unary(node, Unary::kNeg, given) : given;
  shape[axis] = 1;
  mlir::OpBuilder &b = node.emitter.builder;
  bool last = node.opset >= 12 && node.integer("select_last_index", 0) != 0;
  Value result = node.emit<nn::ArgMaxOp>(mlir::RankedTensorType::get(shape, b.getI64Type()),
                                         node.operand(input), b.getI64IntegerAttr(axis),
                                         last ? b.getUnitAttr() : mlir::UnitAttr());
  if (node.integer("keepdims", 1) == 0)
    shape.erase(shape.begin() + axis);
  return {reshape(node, result, shape)};
}

} // namespace

void addLinear(std::vector<Operator> &table) {
  table.insert(
      table.end(),
      {
          {"", "Gemm", 7, kNewest, buildGemm, nullptr, "alpha and beta are public"},
          {"", "MatMul", 7, kNewest, buildMatMul, nullptr, "vectors and batches too"},
          {"", "BatchNormalization", 7, 8, buildBatchNorm, checkBatchNorm, "inference, spatial 1"},
          {"", "BatchNormalization", 9, kNewest, buildBatchNorm, checkBatchNorm, "inference"},
      });
}

void addReductions(std::vector<Operator> &table) {
  const char *attribute = "axes as attribute";
  const char *input = "axes as constant input";
  table.insert(
      table.end(),
      {
          {"", "ReduceSum", 7, 12, buildReduce<Reduction::kSum, 13>, nullptr, attribute},
          {"", "ReduceSum", 13, kNewest, buildReduce<Reduction::kSum, 13>, nullptr, input},
          {"", "ReduceMean", 7, 17, buildReduce<Reduction::kMean, 18>, nullptr, attribute},
          {"", "ReduceMean", 18, kNewest, buildReduce<Reduction::kMean, 18>, nullptr, input},
          {"", "ReduceMax", 7, 17, buildReduce<Reduction::kMax, 18>, nullptr, attribute},
          {"", "ReduceMax", 18, kNewest, buildReduce<Reduction::kMax, 18>, nullptr, input},
          {"", "ReduceMin", 7, 17, buildReduce<Reduction::kMin, 18>, nullptr, attribute},
          {"", "ReduceMin", 18, kNewest, buildReduce<Reduction::kMin, 18>, nullptr, input},
          {"", "ReduceL1", 7, 17, buildReduce<Reduction::kL1, 18>, nullptr, attribute},
          {"", "ReduceL1", 18, kNewest, buildReduce<Reduction::kL1, 18>, nullptr, input},
          {"", "ReduceProd", 7, kNewest, buildReduceProd, nullptr, "of constants", true},
          {"", "ArgMax", 7, kNewest, buildArgMax<false>, nullptr, ""},
          {"", "ArgMin", 7, kNewest, buildArgMax<true>, nullptr, ""},
      });
}

} // namespace dyad::onnx
