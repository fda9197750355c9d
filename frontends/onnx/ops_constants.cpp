// SPDX-License-Identifier: Apache-2.0
// Builders of operators that make constants or only work on them: shape arithmetic, comparisons,
// and functions that have no protocol.
#include "frontends/onnx/operators.h"

#include "frontends/onnx/tensor_proto.h"

#include <cfenv>
#include <cmath>
#include <limits>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;

// Names are filled in from the node's outputs.
Values constant(Tensor tensor) { return {Value::of(std::move(tensor))}; }

Values buildConstant(Node &node) {
  if (std::optional<Tensor> value = node.tensor("value"))
    return constant(std::move(*value));
  if (node.hasAttribute("value_float"))
    return constant(scalarFloat(node.real("value_float", 0)));
  if (node.hasAttribute("value_int"))
    return constant({Kind::kInteger, {}, {}, {node.integer("value_int", 0)}});
  if (std::optional<Shape> values = node.integers("value_ints"))
    return constant(integerVector(*values));
  if (std::optional<std::vector<float>> values = node.reals("value_floats")) {
    Shape shape{static_cast<int64_t>(values->size())};
    return constant({Kind::kFloat, std::move(shape), std::move(*values), {}});
  }
  for (const char *name : {"value_string", "value_strings", "sparse_value"})
    if (node.hasAttribute(name))
      throw Refusal(
          fmt::format("attribute '{}' is not supported; use a dense tensor of numbers", name));
  throw Refusal("it has no value; the model is damaged");
}

Values buildConstantOfShape(Node &node) {
  Shape shape = node.constantIntegers(0, "the shape");
  Tensor value = node.tensor("value").value_or(Tensor{Kind::kFloat, {1}, {0.0F}, {}});
  if (value.size() != 1)
    throw Refusal("attribute 'value' should hold one element; the model is damaged");
  elementCount(shape);
  return constant(broadcast(reshape(value, {}), shape));
}

Values buildShape(Node &node) {
  Shape shape = node.input(0).shape();
  auto rank = static_cast<int64_t>(shape.size());
  int64_t start = 0;
  int64_t end = rank;
  if (node.opset >= 15) {
    auto clamped = [rank](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
    };
    start = clamped(node.integer("start", 0));
    end = std::max(start, clamped(node.integer("end", rank)));
  }
  return constant(integerVector(llvm::ArrayRef(shape).slice(start, end - start)));
}

Values buildSize(Node &node) {
  return constant({Kind::kInteger, {}, {}, {elementCount(node.input(0).shape())}});
}

Values buildRange(Node &node) {
  const Tensor &start = node.constantInput(0, "the start");
  const Tensor &limit = node.constantInput(1, "the limit");
  const Tensor &delta = node.constantInput(2, "the step");
  for (const Tensor *tensor : {&start, &limit, &delta})
    if (tensor->size() != 1 || tensor->kind != start.kind)
      throw Refusal("start, limit and step should be scalars of one type; the model is damaged");
  auto number = [](const Tensor &tensor) -> double {
    return tensor.kind == Kind::kFloat ? tensor.floats.front()
                                       : static_cast<double>(tensor.integers.front());
  };
  double length = std::ceil((number(limit) - number(start)) / number(delta));
  if (number(delta) == 0 || std::isnan(length) || length > static_cast<double>(kMaxElements))
    throw Refusal("the step is zero or the range too long; the model is damaged");
  Tensor result{start.kind, {std::max<int64_t>(static_cast<int64_t>(length), 0)}, {}, {}};
  for (int64_t i = 0; i < result.shape.front(); ++i) {
    if (start.kind == Kind::kFloat)
      result.floats.push_back(start.floats.front() + static_cast<float>(i) * delta.floats.front());
    else
      result.integers.push_back(start.integers.front() + i * delta.integers.front());
  }
  return constant(std::move(result));
}

// Keeps the low bits, as a conversion between integer types does.
int64_t narrowed(int64_t value, int type) {
  using Proto = ::onnx::TensorProto;
  switch (type) {
  case Proto::INT8:
    return static_cast<int8_t>(value);
  case Proto::UINT8:
    return static_cast<uint8_t>(value);
  case Proto::INT16:
    return static_cast<int16_t>(value);
  case Proto::UINT16:
    return static_cast<uint16_t>(value);
  case Proto::INT32:
    return static_cast<int32_t>(value);
  case Proto::UINT32:
    return static_cast<uint32_t>(value);
  default:
    return value;
  }
}

Value cast(const Value &input, Kind kind, int type) {
  if (!input.isConstant()) {
    // An index that becomes a number stays one: it can only be reshaped and returned.
    if (input.kind() == kind || (input.kind() == Kind::kInteger && kind == Kind::kFloat))
      return input;
    throw Refusal(fmt::format("a cast from {} to {} of '{}', which depends on a graph input, is "
                              "not supported; leave the cast out and convert the result",
                              kindName(input.kind()), typeName(type), input.name));
  }
  const Tensor &from = *input.constant;
  Tensor result{kind, from.shape, {}, {}};
  if (kind == Kind::kFloat) {
    result.floats = from.floats;
    if (from.kind != Kind::kFloat)
      result.floats.assign(from.integers.begin(), from.integers.end());
    return Value::of(std::move(result), input.name);
  }
  result.integers = from.integers;
  for (float value : from.floats) {
    bool fits = value > -9.2e18F && value < 9.2e18F;
    if (kind == Kind::kInteger && !fits)
      throw Refusal(fmt::format("'{}' holds {}, which has no integer value", input.name, value));
    result.integers.push_back(kind == Kind::kBool ? value != 0 : static_cast<int64_t>(value));
  }
  for (int64_t &value : result.integers)
    value = kind == Kind::kBool ? value != 0 : narrowed(value, type);
  return Value::of(std::move(result), input.name);
}

Values buildCast(Node &node) {
  auto type = static_cast<int>(node.integer("to", 0));
  return {cast(node.input(0), kindOfType(type), type)};
}

void checkCast(const Node &node) { kindOfType(static_cast<int>(node.integer("to", 0))); }

Values buildCastLike(Node &node) {
  // Of integer types only i64 is left here, so that nothing can be cut off.
  Kind kind = node.input(1).kind();
  int type = kind == Kind::kFloat     ? ::onnx::TensorProto::FLOAT
             : kind == Kind::kInteger ? ::onnx::TensorProto::INT64
                                      : ::onnx::TensorProto::BOOL;
  return {cast(node.input(0), kind, type)};
}

template <float (*function)(float)> Values buildFunction(Node &node) {
  const Tensor &input = node.foldedInput(0);
  if (input.kind != Kind::kFloat)
    throw Refusal("integers are not supported here; cast them to float before exporting");
  return constant(mapFloats(input, function));
}

float signOf(float x) { return x > 0 ? 1.0F : x < 0 ? -1.0F : x; }
float roundEven(float x) { return std::nearbyint(x); }
float floorOf(float x) { return std::floor(x); }
float ceilOf(float x) { return std::ceil(x); }

Values buildMod(Node &node) {
  const Tensor &lhs = node.foldedInput(0);
  const Tensor &rhs = node.foldedInput(1);
  bool sameSign = node.integer("fmod", 0) != 0; // as the dividend; otherwise as the divisor
  if (lhs.kind == Kind::kFloat)
    return constant(zipFloats(lhs, rhs, [](float a, float b) { return std::fmod(a, b); }));
  return constant(zipIntegers(lhs, rhs, Kind::kInteger, [&](int64_t a, int64_t b) -> int64_t {
    if (b == 0)
      throw Refusal("an integer computation divides by zero; the model is damaged");
    if (b == -1)
      return 0;
    int64_t rest = a % b;
    return !sameSign && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }));
}

struct Equal {
  template <typename T> bool operator()(T a, T b) const { return a == b; }
};
struct Less {
  template <typename T> bool operator()(T a, T b) const { return a < b; }
};
struct LessOrEqual {
  template <typename T> bool operator()(T a, T b) const { return a <= b; }
};
struct Greater {
  template <typename T> bool operator()(T a, T b) const { return a > b; }
};
struct GreaterOrEqual {
  template <typename T> bool operator()(T a, T b) const { return a >= b; }
};

template <typename Relation> Values buildCompare(Node &node) {
  const Tensor &lhs = node.foldedInput(0);
  const Tensor &rhs = node.foldedInput(1);
  if (lhs.kind != rhs.kind)
    throw Refusal("the operands have different types; the model is damaged");
  if (lhs.kind != Kind::kFloat)
    return constant(zipIntegers(lhs, rhs, Kind::kBool, Relation{}));
  Tensor flags = zipFloats(lhs, rhs, [](float a, float b) { return Relation{}(a, b) ? 1.F : 0.F; });
  Tensor result{Kind::kBool, flags.shape, {}, {}};
  result.integers.assign(flags.floats.begin(), flags.floats.end());
  return constant(std::move(result));
}

template <char operation> Values buildLogic(Node &node) {
  const Tensor &lhs = node.foldedInput(0);
  const Tensor &rhs = node.foldedInput(1);
  if (lhs.kind != Kind::kBool || rhs.kind != Kind::kBool)
    throw Refusal("the operands should be of type bool; the model is damaged");
  return constant(zipIntegers(lhs, rhs, Kind::kBool, [](int64_t a, int64_t b) {
    return operation == '&' ? a & b : operation == '|' ? a | b : a ^ b;
  }));
}

Values buildNot(Node &node) {
  const Tensor &input = node.foldedInput(0);
  if (input.kind != Kind::kBool)
    throw Refusal("the operand should be of type bool; the model is damaged");
  return constant(mapIntegers(input, Kind::kBool, [](int64_t value) { return 1 - value; }));
}

// Chosen by a public condition, so that it is a selection of positions and no computation.
Values buildWhere(Node &node) {
  const Tensor &condition = node.constantInput(0, "the condition");
  const Value &yes = node.input(1);
  const Value &no = node.input(2);
  if (condition.kind != Kind::kBool || yes.kind() != no.kind())
    throw Refusal("condition or branches have the wrong type; the model is damaged");
  Shape shape = broadcastShape(broadcastShape(condition.shape, yes.shape()), no.shape());
  Tensor flags = broadcast(condition, shape);
  bool all = llvm::all_of(flags.integers, [](int64_t flag) { return flag != 0; });
  bool none = llvm::all_of(flags.integers, [](int64_t flag) { return flag == 0; });
  if (all || none)
    return {broadcast(node, all ? yes : no, shape)};
  int64_t count = elementCount(shape);
  Value both = concat(node,
                      {reshape(node, broadcast(node, yes, shape), {count}),
                       reshape(node, broadcast(node, no, shape), {count})},
                      0);
  Shape positions;
  for (int64_t i = 0; i < count; ++i)
    positions.push_back(flags.integers[i] != 0 ? i : count + i);
  return {take(node, both, shape, positions)};
}

} // namespace

void addConstants(std::vector<Operator> &table) {
  const char *folded = "of constants";
  table.insert(
      table.end(),
      {
          {"", "Constant", 7, kNewest, buildConstant, nullptr, "numbers, dense"},
          {"", "ConstantOfShape", 9, kNewest, buildConstantOfShape, nullptr, ""},
          {"", "Shape", 7, kNewest, buildShape, nullptr, "folded"},
          {"", "Size", 7, kNewest, buildSize, nullptr, "folded"},
          {"", "Range", 11, kNewest, buildRange, nullptr, folded},
          {"", "Cast", 7, kNewest, buildCast, checkCast,
           "any of constants; between float types, and of indices, otherwise"},
          {"", "CastLike", 15, kNewest, buildCastLike, nullptr,
           "any of constants; between float types, and of indices, otherwise"},
          {"", "Floor", 7, kNewest, buildFunction<floorOf>, nullptr, folded, true},
          {"", "Ceil", 7, kNewest, buildFunction<ceilOf>, nullptr, folded, true},
          {"", "Round", 11, kNewest, buildFunction<roundEven>, nullptr, folded, true},
          {"", "Sign", 9, kNewest, buildFunction<signOf>, nullptr, folded, true},
          {"", "Mod", 10, kNewest, buildMod, nullptr, folded, true},
          {"", "Equal", 7, kNewest, buildCompare<Equal>, nullptr, folded, true},
          {"", "Less", 7, kNewest, buildCompare<Less>, nullptr, folded, true},
          {"", "LessOrEqual", 12, kNewest, buildCompare<LessOrEqual>, nullptr, folded, true},
          {"", "Greater", 7, kNewest, buildCompare<Greater>, nullptr, folded, true},
          {"", "GreaterOrEqual", 12, kNewest, buildCompare<GreaterOrEqual>, nullptr, folded, true},
          {"", "And", 7, kNewest, buildLogic<'&'>, nullptr, folded, true},
          {"", "Or", 7, kNewest, buildLogic<'|'>, nullptr, folded, true},
          {"", "Xor", 7, kNewest, buildLogic<'^'>, nullptr, folded, true},
          {"", "Not", 7, kNewest, buildNot, nullptr, folded, true},
          {"", "Where", 9, kNewest, buildWhere, nullptr, "constant condition"},
      });
}

} // namespace dyad::onnx
