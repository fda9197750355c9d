// SPDX-License-Identifier: Apache-2.0
// Builders of elementwise operators on values that depend on graph inputs.
#include "frontends/onnx/operators.h"

#include "ir/nn/nn.h"

#include <cmath>
#include <limits>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;

template <Binary kind> Values buildBinary(Node &node) {
  return {binary(node, kind, node.input(0), node.input(1))};
}

template <Binary kind> Values buildNary(Node &node) {
  Value result = node.input(0);
  for (size_t i = 1; i < node.inputs.size(); ++i)
    result = binary(node, kind, result, node.input(i));
  return {result};
}

Values buildMean(Node &node) {
  Value sum = buildNary<Binary::kAdd>(node).front();
  auto count = static_cast<float>(node.inputs.size());
  return {binary(node, Binary::kMul, sum, publicNumber(node, 1.0F / count, "count"))};
}

template <Unary kind> Values buildUnary(Node &node) { return {unary(node, kind, node.input(0))}; }

Values buildLeakyRelu(Node &node) {
  double alpha = node.real("alpha", 0.01F);
  const Value &input = node.floatInput(0);
  if (input.isConstant())
    return {
        Value::of(mapFloats(*input.constant,
                            [alpha](float x) { return x < 0 ? static_cast<float>(alpha * x) : x; }),
                  input.name)};
  return {node.emit<nn::LeakyReluOp>(input.computed, node.emitter.builder.getF64FloatAttr(alpha))};
}

Values buildPRelu(Node &node) {
  const Value &input = node.floatInput(0);
  const Value &slope = node.floatInput(1);
  Shape shape = input.shape();
  if (broadcastShape(shape, slope.shape()) != shape)
    throw Refusal(fmt::format("slope '{}' of shape {} cannot be broadcast to the input's {}; the "
                              "model is damaged",
                              slope.name, shapeText(slope.shape()), shapeText(shape)));
  mlir::Value x = node.operand(input);
  mlir::Value factor = node.operand(slope);
  if (slope.shape() != shape)
    factor = node.emit<nn::BroadcastOp>(node.floatType(shape), factor).computed;
  return {node.emit<nn::PReluOp>(x, factor)};
}

// A bound that no f32 passes does not bound.
std::optional<double> bound(double value, bool isLow) {
  if (std::isnan(value))
    throw Refusal("a bound is NaN; export the model again");
  double most = std::numeric_limits<float>::max();
  bool open = isLow ? value <= -most : value >= most;
  return open ? std::nullopt : std::optional(value);
}

Values buildClip(Node &node) {
  if (node.opset < 11)
    return {clip(node, node.input(0), bound(node.real("min", -HUGE_VALF), true),
                 bound(node.real("max", HUGE_VALF), false))};
  Value result = node.input(0);
  std::optional<double> bounds[2];
  const char *names[] = {"the lower bound", "the upper bound"};
  bool dynamic = (node.has(1) && !node.input(1).isConstant()) ||
                 (node.has(2) && !node.input(2).isConstant()) || result.kind() != Kind::kFloat;
  for (size_t i = 0; i < 2; ++i) {
    if (!node.has(i + 1))
      continue;
    // Minimum and maximum also take bounds that depend on an input, and integer constants.
    if (dynamic) {
      result = binary(node, i == 0 ? Binary::kMax : Binary::kMin, result, node.input(i + 1));
      continue;
    }
    const Tensor &value = node.constantInput(i + 1, names[i]);
    if (value.size() != 1 || value.kind != Kind::kFloat)
      throw Refusal(fmt::format("{} '{}' should be one float, found shape {}; the model is damaged",
                                names[i], node.input(i + 1).name, shapeText(value.shape)));
    bounds[i] = bound(value.floats.front(), i == 0);
  }
  return {clip(node, result, bounds[0], bounds[1])};
}

Values buildIdentity(Node &node) { return {node.input(0)}; }

Values buildDropout(Node &node) {
  if (node.opset >= 12 && node.has(2)) {
    const Tensor &training = node.constantInput(2, "training_mode");
    if (training.size() != 1 || training.kind != Kind::kBool || training.integers.front() != 0)
      throw Refusal("training_mode is true; export the model in evaluation mode");
  }
  return {node.input(0)};
}

template <bool logarithm> Values buildSoftmax(Node &node) {
  const Value &input = node.floatInput(0);
  Shape shape = input.shape();
  auto emit = [&](const Value &value, int64_t axis) -> Value {
    mlir::OpBuilder &b = node.emitter.builder;
    return node.emit<nn::SoftmaxOp>(node.operand(value), b.getI64IntegerAttr(axis),
                                    logarithm ? b.getUnitAttr() : mlir::UnitAttr());
  };
  if (node.opset >= 13)
    return {emit(input, Node::axis(node.integer("axis", -1), input.rank()))};
  // Before opset 13 all axes from `axis` on are one; where only one of them has a size that is the
  // same as that axis alone.
  int64_t given = node.integer("axis", 1);
  int64_t axis = given == input.rank() ? given : Node::axis(given, input.rank());
  Shape joined;
  for (int64_t i = axis; i < input.rank(); ++i)
    if (shape[i] != 1)
      joined.push_back(i);
  if (joined.size() == 1)
    return {emit(input, joined.front())};
  int64_t rows = elementCount(llvm::ArrayRef(shape).take_front(axis));
  int64_t columns = elementCount(llvm::ArrayRef(shape).drop_front(axis));
  return {reshape(node, emit(reshape(node, input, {rows, columns}), 1), shape)};
}

} // namespace

void addElementwise(std::vector<Operator> &table) {
  const char *integers = "integers when constant";
  table.insert(
      table.end(),
      {
          {"", "Add", 7, kNewest, buildBinary<Binary::kAdd>, nullptr, integers},
          {"", "Sub", 7, kNewest, buildBinary<Binary::kSub>, nullptr, integers},
          {"", "Mul", 7, kNewest, buildBinary<Binary::kMul>, nullptr, integers},
          {"", "Div", 7, kNewest, buildBinary<Binary::kDiv>, nullptr, integers},
          {"", "Sum", 7, kNewest, buildNary<Binary::kAdd>, nullptr, ""},
          {"", "Mean", 7, kNewest, buildMean, nullptr, ""},
          {"", "Min", 7, kNewest, buildNary<Binary::kMin>, nullptr, integers},
          {"", "Max", 7, kNewest, buildNary<Binary::kMax>, nullptr, integers},
          {"", "Neg", 7, kNewest, buildUnary<Unary::kNeg>, nullptr, integers},
          {"", "Abs", 7, kNewest, buildUnary<Unary::kAbs>, nullptr, integers},
          {"", "Relu", 7, kNewest, buildUnary<Unary::kRelu>, nullptr, ""},
          {"", "LeakyRelu", 7, kNewest, buildLeakyRelu, nullptr, "alpha is public"},
          {"", "PRelu", 7, kNewest, buildPRelu, nullptr, ""},
          {"", "Clip", 7, 10, buildClip, nullptr, "bounds are public"},
          {"", "Clip", 11, kNewest, buildClip, nullptr, "constant bounds are public"},
          {"", "Identity", 7, kNewest, buildIdentity, nullptr, ""},
          {"", "Dropout", 7, kNewest, buildDropout, nullptr, "inference; no mask output"},
          {"", "Softmax", 7, 12, buildSoftmax<false>, nullptr, "all axes from `axis` on"},
          {"", "Softmax", 13, kNewest, buildSoftmax<false>, nullptr, "one axis"},
          {"", "LogSoftmax", 7, 12, buildSoftmax<true>, nullptr, "all axes from `axis` on"},
          {"", "LogSoftmax", 13, kNewest, buildSoftmax<true>, nullptr, "one axis"},
      });
}

} // namespace dyad::onnx
