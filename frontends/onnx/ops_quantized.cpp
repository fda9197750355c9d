// SPDX-License-Identifier: Apache-2.0
// Builders of quantised operators: int8 models as quantisation tools write them. A quantised tensor
// is a float one that holds integers; quantising is a rounding between bounds, and what the
// operators compute is written out on the numbers that the integers stand for. Scales and zero
// points are public constants, which the graph passes merge into neighbouring weights.
#include "frontends/onnx/operators.h"

#include <cmath>
#include <optional>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;
using Proto = ::onnx::TensorProto;

/// Scale and zero point of a tensor, and the integers that its type holds.
struct Quantization {
  Tensor scale, zero; // floats, of rank one or scalars
  double low = 0, high = 255;
};

Tensor asFloat(const Tensor &tensor) {
  Tensor result{Kind::kFloat, tensor.shape, tensor.floats, {}};
  if (tensor.kind != Kind::kFloat)
    result.floats.assign(tensor.integers.begin(), tensor.integers.end());
  return result;
}

void setBounds(Quantization &q, int type) {
  switch (type) {
  case Proto::INT8:
    q.low = -128;
    q.high = 127;
    return;
  case Proto::INT16:
    q.low = -32768;
    q.high = 32767;
    return;
  case Proto::UINT16:
    q.low = 0;
    q.high = 65535;
    return;
  case Proto::INT32: // biases
    q.low = -0x1p31;
    q.high = 0x1p31 - 1;
    return;
  case Proto::UINT8:
  case 0:
    q.low = 0;
    q.high = 255;
    return;
  default:
    throw Refusal(
        "quantised types other than int8, uint8, int16, uint16 and int32 are not supported");
  }
}

Quantization quantization(const Node &node, size_t scale, size_t zero) {
  Quantization q;
  const Tensor &factor = node.constantInput(scale, "the scale");
  if (factor.kind != Kind::kFloat || factor.shape.size() > 1)
    throw Refusal("a scale should be one float, or one for each channel; blocks are not supported");
  for (float value : factor.floats)
    if (!(value > 0) || !std::isfinite(value))
      throw Refusal(fmt::format("a scale is {}; the model is damaged", value));
  q.scale = factor;
  q.zero = {Kind::kFloat, {}, {0.0F}, {}};
  int type = 0;
  if (node.has(zero)) {
    const Tensor &point = node.constantInput(zero, "the zero point");
    type = point.storedType;
    q.zero = asFloat(point);
  }
  if (node.opset >= 21 && node.hasAttribute("output_dtype"))
    type = static_cast<int>(node.integer("output_dtype", 0));
  if (node.opset >= 21 && node.integer("block_size", 0) != 0)
    throw Refusal("scales of blocks are not supported; quantise by tensor or by channel");
  setBounds(q, type);
  return q;
}

/// One value for all, or one along an axis of the tensor that it goes with.
Value along(const Tensor &values, int64_t axis, int64_t rank, const std::string &name) {
  Tensor shaped = values;
  bool isSingle = elementCount(values.shape) == 1;
  shaped.shape.assign(isSingle ? 0 : static_cast<size_t>(rank), 1);
  if (!isSingle)
    shaped.shape[static_cast<size_t>(axis)] = elementCount(values.shape);
  return Value::of(std::move(shaped), name, /*isPublic=*/true); // as the scales of all values are
}

bool isZero(const Tensor &zero) {
  return llvm::all_of(zero.floats, [](float value) { return value == 0; });
}

Value dequantized(Node &node, const Value &x, const Quantization &q, int64_t axis,
                  const std::string &name) {
  Value result = x.isConstant() ? Value::of(asFloat(*x.constant), x.name) : x;
  if (!isZero(q.zero))
    result = binary(node, Binary::kSub, result, along(q.zero, axis, x.rank(), name + ".zero"));
  return binary(node, Binary::kMul, result, along(q.scale, axis, x.rank(), name + ".scale"));
}

Value quantized(Node &node, const Value &x, const Quantization &q, int64_t axis,
                const std::string &name) {
  Tensor inverse = mapFloats(q.scale, [](float scale) { return 1.0F / scale; });
  Value steps = binary(node, Binary::kMul, x, along(inverse, axis, x.rank(), name + ".inverse"));
  Value rounded = unary(node, Unary::kRound, steps);
  auto [least, most] = std::minmax_element(q.zero.floats.begin(), q.zero.floats.end());
  if (*least == *most) {
    rounded = clip(node, rounded, q.low - *least, q.high - *least);
    if (*least != 0)
      rounded = binary(node, Binary::kAdd, rounded, along(q.zero, axis, x.rank(), name + ".zero"));
    return rounded;
  }
  rounded = binary(node, Binary::kAdd, rounded, along(q.zero, axis, x.rank(), name + ".zero"));
  return clip(node, rounded, q.low, q.high);
}

int64_t channelAxis(const Node &node, const Value &x) {
  int64_t axis = node.integer("axis", 1);
  return x.rank() == 0 || axis >= x.rank() ? 0 : Node::axis(axis, x.rank());
}

Values buildQuantize(Node &node) {
  const Value &x = node.floatInput(0);
  return {quantized(node, x, quantization(node, 1, 2), channelAxis(node, x), node.name)};
}

Values buildDequantize(Node &node) {
  const Value &x = node.input(0);
  return {dequantized(node, x, quantization(node, 1, 2), channelAxis(node, x), node.name)};
}

// A scale that depends on the input would cost more than it saves: the numbers stay as they are.
Values buildDynamicQuantize(Node &node) {
  return {node.floatInput(0), publicNumber(node, 1, "scale"),
          Value::of({Kind::kInteger, {}, {}, {0}, Proto::UINT8}, node.name + ".zero")};
}

/// Imports what the operator means without its quantisation, on the given inputs.
Value plain(Node &node, const char *type, std::vector<Value> inputs) {
  node.inputs = std::move(inputs);
  return findOperator("", type, 17)->build(node).front();
}

Values buildQLinearConv(Node &node) {
  Quantization x = quantization(node, 1, 2);
  Quantization w = quantization(node, 4, 5);
  Quantization y = quantization(node, 6, 7);
  std::vector<Value> inputs{dequantized(node, node.input(0), x, 0, node.name + ".x"),
                            dequantized(node, node.input(3), w, 0, node.name + ".w")};
  if (node.has(8)) { // its scale is the product of those of x and w
    Tensor scale = zipFloats(x.scale, w.scale, [](float a, float b) { return a * b; });
    Quantization bias{scale, {Kind::kFloat, {}, {0.0F}, {}}};
    inputs.push_back(dequantized(node, node.input(8), bias, 0, node.name + ".bias"));
  }
  Value result = plain(node, "Conv", std::move(inputs));
  return {quantized(node, result, y, 0, node.name + ".y")};
}

Values buildQLinearMatMul(Node &node) {
  Quantization a = quantization(node, 1, 2);
  Quantization b = quantization(node, 4, 5);
  Quantization y = quantization(node, 6, 7);
  const Value &right = node.input(3);
  Value lhs = dequantized(node, node.input(0), a, node.input(0).rank() - 2, node.name + ".a");
  Value rhs = dequantized(node, right, b, right.rank() - 1, node.name + ".b");
  Value result = plain(node, "MatMul", {lhs, rhs});
  return {quantized(node, result, y, 0, node.name + ".y")};
}

/// An integer operand less its zero point.
Value centred(Node &node, size_t index, size_t zero, int64_t axis) {
  const Value &x = node.input(index);
  Value result = x.isConstant() ? Value::of(asFloat(*x.constant), x.name) : x;
  if (!node.has(zero))
    return result;
  Tensor point = asFloat(node.constantInput(zero, "the zero point"));
  return isZero(point) ? result
                       : binary(node, Binary::kSub, result,
                                along(point, axis, x.rank(), node.name + ".zero"));
}

Values buildMatMulInteger(Node &node) {
  Value lhs = centred(node, 0, 2, node.input(0).rank() - 2);
  Value rhs = centred(node, 1, 3, node.input(1).rank() - 1);
  return {plain(node, "MatMul", {lhs, rhs})};
}

Values buildConvInteger(Node &node) {
  return {plain(node, "Conv", {centred(node, 0, 2, 0), centred(node, 1, 3, 0)})};
}

//===--- of domain com.microsoft, as ONNX Runtime's QOperator format has them
//-----------------------===//

Quantization perTensor(const Node &node, size_t scale, size_t zero) {
  Quantization q = quantization(node, scale, zero);
  if (elementCount(q.scale.shape) != 1)
    throw Refusal("this operator has one scale for each tensor");
  return q;
}

Value dequantizedInput(Node &node, size_t index, const char *name) {
  Quantization q = perTensor(node, index + 1, index + 2);
  return dequantized(node, node.input(index), q, 0, node.name + name);
}

template <Binary kind> Values buildQLinearBinary(Node &node) {
  Quantization y = perTensor(node, 6, 7);
  Value a = dequantizedInput(node, 0, ".a");
  Value b = dequantizedInput(node, 3, ".b");
  return {quantized(node, binary(node, kind, a, b), y, 0, node.name + ".y")};
}

Values buildQLinearPool(Node &node) {
  if (node.integer("channels_last", 0) != 0)
    throw Refusal("channels_last is not supported; quantise a model with channels first");
  Quantization y = perTensor(node, 3, 4);
  std::string type = node.type.substr(std::string("QLinear").size());
  Value result = plain(node, type.c_str(), {dequantizedInput(node, 0, ".x")});
  return {quantized(node, result, y, 0, node.name + ".y")};
}

Values buildQLinearConcat(Node &node) {
  Quantization y = perTensor(node, 0, 1);
  std::vector<Value> parts;
  for (size_t i = 2; i + 1 < node.inputs.size(); i += 3)
    parts.push_back(dequantizedInput(node, i, fmt::format(".{}", i / 3).c_str()));
  return {quantized(node, plain(node, "Concat", std::move(parts)), y, 0, node.name + ".y")};
}

Values buildQGemm(Node &node) {
  Quantization b = quantization(node, 4, 5);
  int64_t outputs = node.integer("transB", 0) != 0 ? 0 : 1;
  std::vector<Value> inputs{dequantizedInput(node, 0, ".a"),
                            dequantized(node, node.input(3), b, outputs, node.name + ".b")};
  Quantization a = perTensor(node, 1, 2);
  if (node.has(6)) { // its scale is the product of those of a and b
    Tensor scale = zipFloats(a.scale, b.scale, [](float x, float y) { return x * y; });
    Quantization bias{scale, {Kind::kFloat, {}, {0.0F}, {}}};
    inputs.push_back(
        dequantized(node, node.input(6), bias, node.input(6).rank() - 1, node.name + ".bias"));
  }
  std::optional<Quantization> y;
  if (node.has(7))
    y = perTensor(node, 7, 8);
  Value result = plain(node, "Gemm", std::move(inputs));
  return {y ? quantized(node, result, *y, 0, node.name + ".y") : result};
}

} // namespace

void addQuantized(std::vector<Operator> &table) {
  const char *note = "constant scales and zero points, by tensor or channel";
  const char *one = "constant scales and zero points by tensor, channels first";
  const char *ms = "com.microsoft"; // what ONNX Runtime's quantiser writes
  table.insert(
      table.end(),
      {
          {"", "QuantizeLinear", 10, kNewest, buildQuantize, nullptr, note},
          {"", "DequantizeLinear", 10, kNewest, buildDequantize, nullptr, note},
          {"", "DynamicQuantizeLinear", 11, kNewest, buildDynamicQuantize, nullptr,
           "the input is not rounded: scale 1, zero point 0"},
          {"", "QLinearConv", 10, kNewest, buildQLinearConv, nullptr, note},
          {"", "QLinearMatMul", 10, kNewest, buildQLinearMatMul, nullptr, note},
          {"", "MatMulInteger", 10, kNewest, buildMatMulInteger, nullptr, "constant zero points"},
          {"", "ConvInteger", 10, kNewest, buildConvInteger, nullptr, "constant zero points"},
          {ms, "QGemm", 1, kNewest, buildQGemm, nullptr, note},
          {ms, "QLinearAdd", 1, kNewest, buildQLinearBinary<Binary::kAdd>, nullptr, one},
          {ms, "QLinearAveragePool", 1, kNewest, buildQLinearPool, nullptr, one},
          {ms, "QLinearConcat", 1, kNewest, buildQLinearConcat, nullptr, one},
          {ms, "QLinearGlobalAveragePool", 1, kNewest, buildQLinearPool, nullptr, one},
          {ms, "QLinearMul", 1, kNewest, buildQLinearBinary<Binary::kMul>, nullptr, one},
      });
}

} // namespace dyad::onnx
