// SPDX-License-Identifier: Apache-2.0
#include "frontends/onnx/primitives.h"

#include "ir/nn/nn.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;

namespace dyad::onnx {

namespace {

// Larger repetitions of a weight stay an operation: repeating is free, storing is not.
constexpr int64_t kMaxRepeatedElements = int64_t{1} << 20;

// Constants keep their name on the way, so that weights can be recognised in dumps.
Value folded(llvm::ArrayRef<Value> sources, Tensor tensor) {
  bool isPublic = llvm::all_of(sources, [](const Value &source) { return source.isPublic; });
  return Value::of(std::move(tensor), sources.front().name, isPublic);
}

void requireFloat(const Value &value) {
  if (!value.isConstant() && value.kind() != Kind::kFloat)
    throw Refusal(fmt::format("'{}' holds integers that depend on a graph input; these can only be "
                              "reshaped and returned",
                              value.name));
}

bool isIdentity(llvm::ArrayRef<int64_t> permutation) {
  for (auto [i, axis] : llvm::enumerate(permutation))
    if (static_cast<int64_t>(i) != axis)
      return false;
  return true;
}

// Wraps around as the hardware does; the behaviour of signed overflow is undefined in C++.
int64_t wrap(uint64_t value) { return static_cast<int64_t>(value); }

int64_t integerBinary(Binary kind, int64_t a, int64_t b) {
  auto x = static_cast<uint64_t>(a);
  auto y = static_cast<uint64_t>(b);
  switch (kind) {
  case Binary::kAdd:
    return wrap(x + y);
  case Binary::kSub:
    return wrap(x - y);
  case Binary::kMul:
    return wrap(x * y);
  case Binary::kDiv:
    if (b == 0)
      throw Refusal("an integer computation divides by zero; the model is damaged or was exported "
                    "for other input shapes");
    return b == -1 ? wrap(0 - x) : a / b;
  case Binary::kMin:
    return std::min(a, b);
  case Binary::kMax:
    return std::max(a, b);
  }
  return 0;
}

// NaN wins, so that it is seen where the result becomes a weight.
float floatBinary(Binary kind, float a, float b) {
  switch (kind) {
  case Binary::kAdd:
    return a + b;
  case Binary::kSub:
    return a - b;
  case Binary::kMul:
    return a * b;
  case Binary::kDiv:
    return a / b;
  case Binary::kMin:
    return std::isnan(a) || std::isnan(b) ? a + b : std::min(a, b);
  case Binary::kMax:
    return std::isnan(a) || std::isnan(b) ? a + b : std::max(a, b);
  }
  return 0;
}

Value foldBinary(Binary kind, const Value &lhs, const Value &rhs) {
  if (lhs.kind() != rhs.kind())
    throw Refusal(fmt::format("operands '{}' and '{}' have different types; the model is damaged",
                              lhs.name, rhs.name));
  if (lhs.kind() == Kind::kFloat)
    return folded({lhs, rhs}, zipFloats(*lhs.constant, *rhs.constant, [kind](float a, float b) {
                    return floatBinary(kind, a, b);
                  }));
  return folded({lhs, rhs},
                zipIntegers(*lhs.constant, *rhs.constant, Kind::kInteger,
                            [kind](int64_t a, int64_t b) { return integerBinary(kind, a, b); }));
}

Value emitBinary(Node &node, Binary kind, const Value &lhs, const Value &rhs) {
  mlir::Value a = node.operand(lhs);
  mlir::Value b = node.operand(rhs);
  switch (kind) {
  case Binary::kAdd:
    return node.emit<nn::AddOp>(a, b);
  case Binary::kSub:
    return node.emit<nn::SubOp>(a, b);
  case Binary::kMul:
    return node.emit<nn::MulOp>(a, b);
  case Binary::kDiv:
    return node.emit<nn::DivOp>(a, b);
  case Binary::kMin:
    return node.emit<nn::MinOp>(a, b);
  case Binary::kMax:
    return node.emit<nn::MaxOp>(a, b);
  }
  return {};
}

Tensor foldReduction(Reduction kind, const Tensor &input, const Shape &axes) {
  double infinity = std::numeric_limits<double>::infinity();
  double count = 1;
  for (int64_t axis : axes)
    count *= static_cast<double>(input.shape[axis]);
  switch (kind) {
  case Reduction::kSum:
    return reduceFloats(input, axes, 0, [](double a, double b) { return a + b; });
  case Reduction::kMean:
    return mapFloats(reduceFloats(input, axes, 0, [](double a, double b) { return a + b; }),
                     [count](float sum) { return static_cast<float>(sum / count); });
  case Reduction::kMax:
    return reduceFloats(input, axes, -infinity, [](double a, double b) {
      return std::isnan(a) || std::isnan(b) ? a + b : std::max(a, b);
    });
  case Reduction::kMin:
    return reduceFloats(input, axes, infinity, [](double a, double b) {
      return std::isnan(a) || std::isnan(b) ? a + b : std::min(a, b);
    });
  case Reduction::kL1:
    return reduceFloats(input, axes, 0, [](double a, double b) { return a + std::fabs(b); });
  }
  return input;
}

Tensor foldIntegerReduction(Reduction kind, const Tensor &input, const Shape &axes) {
  auto sum = [](int64_t a, int64_t b) { return integerBinary(Binary::kAdd, a, b); };
  switch (kind) {
  case Reduction::kSum:
    return reduceIntegers(input, axes, 0, sum);
  case Reduction::kMax:
    return reduceIntegers(input, axes, std::numeric_limits<int64_t>::min(),
                          [](int64_t a, int64_t b) { return std::max(a, b); });
  case Reduction::kMin:
    return reduceIntegers(input, axes, std::numeric_limits<int64_t>::max(),
                          [](int64_t a, int64_t b) { return std::min(a, b); });
  case Reduction::kL1:
    return reduceIntegers(input, axes, 0, [sum](int64_t a, int64_t b) {
      return sum(a, b < 0 ? integerBinary(Binary::kSub, 0, b) : b);
    });
  case Reduction::kMean:
    break;
  }
  throw Refusal("the mean of integers is not supported; cast them to float before exporting");
}

nn::ReduceKind reduceKind(Reduction kind) {
  switch (kind) {
  case Reduction::kSum:
    return nn::ReduceKind::kSum;
  case Reduction::kMean:
    return nn::ReduceKind::kMean;
  case Reduction::kMax:
    return nn::ReduceKind::kMax;
  case Reduction::kMin:
    return nn::ReduceKind::kMin;
  case Reduction::kL1:
    break;
  }
  return nn::ReduceKind::kL1;
}

// nn.pad, and its folding.
Value emitPad(Node &node, const Value &input, const Shape &low, const Shape &high,
              const Shape &interior, double value) {
  if (input.isConstant())
    return folded(input, pad(*input.constant, low, high, interior, value));
  Shape shape = input.shape();
  for (size_t i = 0; i < shape.size(); ++i)
    shape[i] += low[i] + high[i] + std::max<int64_t>(shape[i] - 1, 0) * interior[i];
  elementCount(shape); // refuses sizes that no model has
  OpBuilder &b = node.emitter.builder;
  return node.emit<nn::PadOp>(node.floatType(shape), input.computed, b.getDenseI64ArrayAttr(low),
                              b.getDenseI64ArrayAttr(high), b.getDenseI64ArrayAttr(interior),
                              b.getF64FloatAttr(value));
}

} // namespace

Value reshape(Node &node, const Value &input, Shape shape) {
  if (input.shape() == shape)
    return input;
  if (elementCount(shape) != elementCount(input.shape()))
    throw Refusal(fmt::format("'{}' of shape {} cannot be given shape {}; the model was exported "
                              "for other input shapes",
                              input.name, shapeText(input.shape()), shapeText(shape)));
  if (input.poisoned)
    return Value::poison(input.secret, std::move(shape));
  if (input.isConstant())
    return folded(input, reshape(*input.constant, std::move(shape)));
  Type element = cast<RankedTensorType>(input.computed.getType()).getElementType();
  Value result = node.emit<nn::ReshapeOp>(RankedTensorType::get(shape, element), input.computed);
  result.labels = input.labels;
  return result;
}

Value transpose(Node &node, const Value &input, const Shape &permutation) {
  if (isIdentity(permutation))
    return input;
  if (input.isConstant())
    return folded(input, transpose(*input.constant, permutation));
  requireFloat(input);
  Shape from = input.shape();
  Shape shape;
  for (int64_t axis : permutation)
    shape.push_back(from[axis]);
  return node.emit<nn::TransposeOp>(node.floatType(shape), input.computed, permutation);
}

Value broadcast(Node &node, const Value &input, const Shape &shape) {
  if (input.shape() == shape)
    return input;
  if (broadcastShape(input.shape(), shape) != shape)
    throw Refusal(fmt::format("'{}' of shape {} cannot be broadcast to {}; the model was exported "
                              "for other input shapes",
                              input.name, shapeText(input.shape()), shapeText(shape)));
  bool large = elementCount(shape) > kMaxRepeatedElements && input.kind() == Kind::kFloat;
  if (input.isConstant() && !large)
    return folded(input, broadcast(*input.constant, shape));
  requireFloat(input);
  return node.emit<nn::BroadcastOp>(node.floatType(shape), node.operand(input));
}

Value concat(Node &node, llvm::ArrayRef<Value> inputs, int64_t axis) {
  if (inputs.size() == 1)
    return inputs.front();
  Shape shape = inputs.front().shape();
  shape[axis] = 0;
  for (const Value &input : inputs) {
    Shape one = input.shape();
    if (one.size() != shape.size() || input.kind() != inputs.front().kind())
      throw Refusal(fmt::format("'{}' and '{}' differ in rank or type; the model is damaged",
                                inputs.front().name, input.name));
    for (size_t i = 0; i < shape.size(); ++i)
      if (static_cast<int64_t>(i) != axis && one[i] != shape[i])
        throw Refusal(fmt::format("'{}' of shape {} and '{}' of shape {} differ outside of axis "
                                  "{}; the model was exported for other input shapes",
                                  inputs.front().name, shapeText(inputs.front().shape()),
                                  input.name, shapeText(one), axis));
    shape[axis] += one[axis];
  }
  elementCount(shape);
  if (llvm::all_of(inputs, [](const Value &input) { return input.isConstant(); })) {
    std::vector<const Tensor *> tensors;
    for (const Value &input : inputs)
      tensors.push_back(input.constant.get());
    return folded(inputs, concat(tensors, axis));
  }
  std::vector<mlir::Value> operands;
  for (const Value &input : inputs) {
    requireFloat(input);
    operands.push_back(node.operand(input));
  }
  return node.emit<nn::ConcatOp>(node.floatType(shape), operands, axis);
}

Value slice(Node &node, const Value &input, const Shape &starts, const Shape &counts,
            const Shape &steps) {
  Shape from = input.shape();
  if (counts == from && llvm::all_of(steps, [](int64_t step) { return step == 1; }))
    return input;
  if (input.isConstant()) {
    Shape strides = stridesOf(from);
    int64_t offset = 0;
    for (size_t i = 0; i < strides.size(); ++i) {
      offset += starts[i] * strides[i];
      strides[i] *= steps[i];
    }
    return folded(input, strided(*input.constant, counts, offset, strides));
  }
  requireFloat(input);
  return node.emit<nn::SliceOp>(node.floatType(counts), input.computed, starts, steps);
}

Value gather(Node &node, const Value &input, int64_t axis, const Shape &indices) {
  Shape shape = input.shape();
  bool identity = static_cast<int64_t>(indices.size()) == shape[axis];
  for (size_t i = 0; identity && i < indices.size(); ++i)
    identity = indices[i] == static_cast<int64_t>(i);
  if (identity)
    return input;
  Shape from = shape;
  shape[axis] = static_cast<int64_t>(indices.size());
  int64_t count = elementCount(shape);
  if (!input.isConstant()) {
    requireFloat(input);
    return node.emit<nn::GatherOp>(node.floatType(shape), input.computed, axis, indices);
  }
  int64_t inner =
      std::accumulate(from.begin() + axis + 1, from.end(), int64_t{1}, std::multiplies<int64_t>());
  Shape positions;
  positions.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    int64_t outer = i / inner / shape[axis];
    int64_t at = indices[i / inner % shape[axis]];
    positions.push_back((outer * from[axis] + at) * inner + i % inner);
  }
  return folded(input, take(*input.constant, std::move(shape), positions));
}

Value take(Node &node, const Value &input, Shape shape, const Shape &indices) {
  if (input.isConstant())
    return folded(input, take(*input.constant, std::move(shape), indices));
  requireFloat(input);
  return node.emit<nn::TakeOp>(node.floatType(shape), input.computed, indices);
}

Value pad(Node &node, const Value &input, Shape low, Shape high, double value) {
  requireFloat(input);
  Shape counts = input.shape();
  Shape starts(counts.size(), 0);
  for (size_t i = 0; i < counts.size(); ++i) {
    starts[i] = std::max<int64_t>(-low[i], 0);
    counts[i] -= starts[i] + std::max<int64_t>(-high[i], 0);
    if (counts[i] < 0)
      throw Refusal(
          fmt::format("negative padding cuts off more than the {} elements along axis {}; "
                      "the model was exported for other input shapes",
                      input.shape()[i], i));
    low[i] = std::max<int64_t>(low[i], 0);
    high[i] = std::max<int64_t>(high[i], 0);
  }
  Value kept = slice(node, input, starts, counts, Shape(counts.size(), 1));
  Shape none(counts.size(), 0);
  return low == none && high == none ? kept : emitPad(node, kept, low, high, none, value);
}

Value spread(Node &node, const Value &input, const Shape &interior) {
  Shape none(interior.size(), 0);
  requireFloat(input);
  return interior == none ? input : emitPad(node, input, none, none, interior, 0);
}

Value binary(Node &node, Binary kind, const Value &lhs, const Value &rhs) {
  if (lhs.isConstant() && rhs.isConstant())
    return foldBinary(kind, lhs, rhs);
  if (lhs.kind() != Kind::kFloat || rhs.kind() != Kind::kFloat)
    throw Refusal(fmt::format("'{}' holds integers that depend on a graph input; these can only be "
                              "reshaped and returned",
                              lhs.isConstant() ? rhs.name : lhs.name));
  if (kind == Binary::kDiv && lhs.isConstant() && !rhs.isConstant())
    return binary(node, Binary::kMul, lhs, function(node, nn::FunctionKind::kReciprocal, rhs));
  // A weight is stored once and repeated by an operation.
  Shape shape = broadcastShape(lhs.shape(), rhs.shape());
  elementCount(shape);
  auto repeated = [&](const Value &value) -> Value {
    if (value.shape() == shape)
      return value;
    return node.emit<nn::BroadcastOp>(node.floatType(shape), node.operand(value));
  };
  Value a = repeated(lhs);
  Value b = repeated(rhs);
  return emitBinary(node, kind, a, b);
}

Value unary(Node &node, Unary kind, const Value &input) {
  if (!input.isConstant()) {
    requireFloat(input);
    switch (kind) {
    case Unary::kNeg:
      return node.emit<nn::NegOp>(input.computed);
    case Unary::kAbs:
      return node.emit<nn::AbsOp>(input.computed);
    case Unary::kRelu:
      return node.emit<nn::ReluOp>(input.computed);
    case Unary::kRound:
      return node.emit<nn::RoundOp>(input.computed);
    }
  }
  if (input.kind() == Kind::kFloat)
    return folded(input, mapFloats(*input.constant, [kind](float x) {
                    return kind == Unary::kNeg     ? -x
                           : kind == Unary::kAbs   ? std::fabs(x)
                           : kind == Unary::kRound ? std::nearbyint(x)
                           : std::isnan(x)         ? x
                                                   : std::max(x, 0.0F);
                  }));
  return folded(input, mapIntegers(*input.constant, Kind::kInteger, [kind](int64_t x) {
                  int64_t negated = integerBinary(Binary::kSub, 0, x);
                  return kind == Unary::kNeg     ? negated
                         : kind == Unary::kAbs   ? (x < 0 ? negated : x)
                         : kind == Unary::kRound ? x
                                                 : std::max<int64_t>(x, 0);
                }));
}

Value clip(Node &node, const Value &input, std::optional<double> low, std::optional<double> high) {
  if (!low && !high)
    return input;
  if (low && high && *low > *high)
    low = high; // the upper bound is applied last
  if (input.isConstant() && input.kind() == Kind::kFloat)
    return folded(input, mapFloats(*input.constant, [&](float x) {
                    double raised = low ? std::max<double>(x, *low) : x;
                    return std::isnan(x)
                               ? x
                               : static_cast<float>(high ? std::min(raised, *high) : raised);
                  }));
  if (input.kind() != Kind::kFloat)
    throw Refusal(fmt::format("'{}' holds integers, only floats can be clipped", input.name));
  OpBuilder &b = node.emitter.builder;
  return node.emit<nn::ClipOp>(input.computed, low ? b.getF64FloatAttr(*low) : FloatAttr(),
                               high ? b.getF64FloatAttr(*high) : FloatAttr());
}

Value step(Node &node, const Value &input, bool isStrict) {
  if (input.isConstant())
    return folded(input, mapFloats(*input.constant, [=](float x) {
                    return (isStrict ? x > 0 : x >= 0) ? 1.0F : 0.0F;
                  }));
  requireFloat(input);
  return node.emit<nn::StepOp>(input.computed, isStrict);
}

Value reduce(Node &node, Reduction kind, const Value &input, const Shape &axes) {
  if (axes.empty())
    return kind == Reduction::kL1 ? unary(node, Unary::kAbs, input) : input;
  Shape shape = input.shape();
  for (int64_t axis : axes) {
    if (shape[axis] == 0 && (!input.isConstant() || kind != Reduction::kSum))
      throw Refusal(fmt::format("axis {} of '{}' has no elements to reduce", axis, input.name));
    shape[axis] = 1;
  }
  if (input.isConstant())
    return folded(input, input.kind() == Kind::kFloat
                             ? foldReduction(kind, *input.constant, axes)
                             : foldIntegerReduction(kind, *input.constant, axes));
  requireFloat(input);
  return node.emit<nn::ReduceOp>(node.floatType(shape), input.computed, reduceKind(kind), axes);
}

Shape reducedAxes(Node &node, int inputSince) {
  std::optional<Shape> given;
  if (node.opset < inputSince)
    given = node.integers("axes");
  else if (node.has(1))
    given = node.constantIntegers(1, "the axes");
  int64_t rank = node.input(0).rank();
  if (given && !given->empty())
    return Node::axes(*given, rank);
  if (node.opset >= inputSince && node.integer("noop_with_empty_axes", 0) != 0)
    return {};
  Shape all(rank);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

Value publicNumber(const Node &node, float value, llvm::StringRef what) {
  return Value::of(scalarFloat(value), node.name + "." + what.str(), /*isPublic=*/true);
}

void refuseTrainingOutputs(const Node &node) {
  for (size_t i = 1; i < node.outputCount(); ++i)
    if (node.wants(i))
      throw Refusal("outputs for training are not supported; export the model in evaluation mode");
}

Value withoutAxes(Node &node, const Value &reduced, const Shape &axes) {
  if (node.integer("keepdims", 1) != 0)
    return reduced;
  Shape from = reduced.shape();
  Shape shape;
  for (int64_t i = 0; i < reduced.rank(); ++i)
    if (!llvm::is_contained(axes, i))
      shape.push_back(from[i]);
  return reshape(node, reduced, shape);
}

Value function(Node &node, nn::FunctionKind kind, const Value &input, double parameter) {
  if (input.isConstant()) {
    if (input.kind() != Kind::kFloat)
      throw Refusal("integers are not supported here; cast them to float before exporting");
    return folded(input, mapFloats(*input.constant, [&](float x) {
                    return static_cast<float>(nn::evaluateFunction(kind, parameter, x));
                  }));
  }
  requireFloat(input);
  return node.emit<nn::FunctionOp>(input.computed.getType(), kind, input.computed,
                                   APFloat(parameter));
}

Value matmul(Node &node, const Value &lhs, const Value &rhs) {
  Shape left = lhs.shape();
  Shape right = rhs.shape();
  Shape leftBatch(left.begin(), left.end() - 2);
  Shape rightBatch(right.begin(), right.end() - 2);
  int64_t rows = left[left.size() - 2];
  int64_t columns = right.back();
  if (left.back() != right[right.size() - 2])
    throw Refusal(fmt::format("shapes {} and {} do not fit as a matrix product; the model was "
                              "exported for other input shapes",
                              shapeText(left), shapeText(right)));
  Shape batch = broadcastShape(leftBatch, rightBatch);
  auto withBatch = [&](const Value &value, const Shape &own, Shape shape) -> Value {
    if (own.empty() || own == batch)
      return value;
    shape.insert(shape.begin(), batch.begin(), batch.end());
    return node.emit<nn::BroadcastOp>(node.floatType(shape), node.operand(value));
  };
  Value a = withBatch(lhs, leftBatch, {rows, left.back()});
  Value b = withBatch(rhs, rightBatch, {left.back(), columns});
  Shape shape = batch;
  shape.insert(shape.end(), {rows, columns});
  elementCount(shape);
  mlir::Value first = node.operand(a);
  mlir::Value second = node.operand(b);
  return node.emit<nn::MatMulOp>(node.floatType(shape), first, second);
}

} // namespace dyad::onnx
