// SPDX-License-Identifier: Apache-2.0
#include "frontends/onnx/node.h"

#include "frontends/onnx/tensor_proto.h"
#include "ir/nn/nn.h"
#include "ir/weights.h"

#include <cmath>

using namespace mlir;

namespace dyad::onnx {

using ::onnx::AttributeProto;

Value Value::of(Tensor tensor, std::string name, bool isPublic) {
  Value value{std::move(name), std::make_shared<const Tensor>(std::move(tensor)), {}};
  value.isPublic = isPublic;
  return value;
}

Kind Value::kind() const {
  if (constant)
    return constant->kind;
  return cast<RankedTensorType>(computed.getType()).getElementType().isF32() ? Kind::kFloat
                                                                             : Kind::kInteger;
}

Shape Value::shape() const {
  if (constant)
    return constant->shape;
  if (poisoned)
    return poisonedShape.value_or(Shape{});
  return cast<RankedTensorType>(computed.getType()).getShape().vec();
}

mlir::Value Emitter::operand(const Value &value, llvm::StringRef fallbackName) {
  if (!value.isConstant())
    return value.computed;
  auto [place, isNew] = operands_.try_emplace(value.constant);
  if (!isNew)
    return place->second;
  const Tensor &tensor = *value.constant;
  std::string name = value.name.empty() ? fallbackName.str() + ".constant" : value.name;
  for (float element : tensor.floats)
    if (!std::isfinite(element)) {
      operands_.erase(place);
      throw Refusal(fmt::format("weight '{}' holds {}, which has no fixed-point value; train or "
                                "export the model again",
                                name, std::isnan(element) ? "NaN" : "infinity"));
    }
  MLIRContext *context = builder.getContext();
  ElementsAttr data = tensor.kind == Kind::kFloat
                          ? makeFloatValue(tensor.shape, tensor.floats, context, name)
                          : makeIntegerValue(tensor.shape, tensor.integers, 64, context, name);
  auto type = cast<RankedTensorType>(data.getType());
  Location location = NameLoc::get(builder.getStringAttr(name));
  OpBuilder atModule = OpBuilder::atBlockBegin(cast<ModuleOp>(symbols_.getOp()).getBody());
  auto weight = atModule.create<nn::WeightOp>(location, name, type, data, value.isPublic);
  // Weights stand before the function, in the order of their first use.
  weight->remove();
  symbols_.insert(weight, builder.getBlock()->getParentOp()->getIterator());
  place->second = builder.create<nn::ConstantOp>(location, type, weight.getSymName());
  return place->second;
}

Node::Node(const ::onnx::NodeProto &proto, std::string name, int opset, Emitter &emitter,
           AttributeLookup lookup, std::string folder)
    : name(std::move(name)), type(proto.op_type()), opset(opset),
      location(NameLoc::get(emitter.builder.getStringAttr(this->name))), emitter(emitter),
      folder(std::move(folder)), proto_(proto), lookup_(std::move(lookup)) {}

std::string Node::title() const {
  std::string domain =
      proto_.domain().empty() || proto_.domain() == "ai.onnx" ? "" : proto_.domain() + ".";
  return fmt::format("node '{}' ({}{}, opset {})", name, domain, type, opset);
}

const AttributeProto *Node::attribute(llvm::StringRef name) const {
  for (const AttributeProto &attribute : proto_.attribute())
    if (attribute.name() == name.str())
      return lookup_(attribute);
  return nullptr;
}

const AttributeProto *Node::typed(llvm::StringRef name, int type) const {
  const AttributeProto *found = attribute(name);
  if (found != nullptr && found->type() != type)
    throw Refusal(fmt::format(
        "attribute '{}' should be a {}, found a {}; the model is damaged", name.str(),
        AttributeProto::AttributeType_Name(static_cast<AttributeProto::AttributeType>(type)),
        AttributeProto::AttributeType_Name(found->type())));
  return found;
}

int64_t Node::integer(llvm::StringRef name, int64_t fallback) const {
  const auto *found = typed(name, AttributeProto::INT);
  return found != nullptr ? found->i() : fallback;
}

float Node::real(llvm::StringRef name, float fallback) const {
  const auto *found = typed(name, AttributeProto::FLOAT);
  return found != nullptr ? found->f() : fallback;
}

std::string Node::text(llvm::StringRef name, llvm::StringRef fallback) const {
  const auto *found = typed(name, AttributeProto::STRING);
  return found != nullptr ? found->s() : fallback.str();
}

std::optional<Shape> Node::integers(llvm::StringRef name) const {
  const auto *found = typed(name, AttributeProto::INTS);
  return found != nullptr ? std::optional(Shape(found->ints().begin(), found->ints().end()))
                          : std::nullopt;
}

std::optional<std::vector<float>> Node::reals(llvm::StringRef name) const {
  const auto *found = typed(name, AttributeProto::FLOATS);
  return found != nullptr
             ? std::optional(std::vector<float>(found->floats().begin(), found->floats().end()))
             : std::nullopt;
}

std::vector<std::string> Node::texts(llvm::StringRef name) const {
  const auto *found = typed(name, AttributeProto::STRINGS);
  return found != nullptr
             ? std::vector<std::string>(found->strings().begin(), found->strings().end())
             : std::vector<std::string>{};
}

std::optional<Tensor> Node::tensor(llvm::StringRef name) const {
  const auto *found = typed(name, AttributeProto::TENSOR);
  return found != nullptr ? std::optional(readTensor(found->t(), folder)) : std::nullopt;
}

const ::onnx::GraphProto &Node::graph(llvm::StringRef name) const {
  const auto *found = typed(name, AttributeProto::GRAPH);
  if (found == nullptr)
    throw Refusal(fmt::format("attribute '{}' is missing; the model is damaged", name.str()));
  return found->g();
}

const Value &Node::input(size_t index) const {
  if (!has(index))
    throw Refusal(fmt::format("input {} is missing; the model is damaged", index + 1));
  return inputs[index];
}

const Value &Node::floatInput(size_t index) const {
  const Value &value = input(index);
  if (value.kind() == Kind::kFloat)
    return value;
  if (value.isConstant())
    throw Refusal(fmt::format("input {} '{}' is a tensor of type {}, only float is supported here; "
                              "cast it before exporting",
                              index + 1, value.name, kindName(value.kind())));
  throw Refusal(fmt::format("input {} '{}' holds integers that depend on a graph input; these can "
                            "only be reshaped and returned",
                            index + 1, value.name));
}

const Tensor &Node::constantInput(size_t index, llvm::StringRef what) const {
  const Value &value = input(index);
  if (!value.isConstant())
    throw Refusal(fmt::format("{} '{}' depends on a graph input and must be known when compiling; "
                              "export with a constant one, or fix the input with --set",
                              what.str(), value.name));
  return *value.constant;
}

const Tensor &Node::foldedInput(size_t index) const {
  const Value &value = input(index);
  if (!value.isConstant())
    refuseSecret(value);
  return *value.constant;
}

void Node::refuseSecret(const Value &value) {
  throw Refusal(
      fmt::format("this operator is supported on constants only, and '{}' depends on a "
                  "graph input; see docs/reference/ops.md for what can replace it, or end "
                  "the model before it with --outputs",
                  value.name));
}

Shape Node::constantIntegers(size_t index, llvm::StringRef what) const {
  const Tensor &value = constantInput(index, what);
  if (value.kind != Kind::kInteger || value.shape.size() > 1)
    throw Refusal(fmt::format("{} '{}' should be a vector of integers; the model is damaged",
                              what.str(), input(index).name));
  return value.integers;
}

bool Node::wants(size_t index) const { return index < outputCount() && !outputName(index).empty(); }

int64_t Node::axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    throw Refusal(fmt::format("axis {} does not exist in a tensor of rank {}; the model is damaged",
                              axis, rank));
  return axis < 0 ? axis + rank : axis;
}

Shape Node::axes(llvm::ArrayRef<int64_t> axes, int64_t rank) {
  Shape result;
  for (int64_t one : axes) {
    result.push_back(axis(one, rank));
    if (llvm::is_contained(llvm::ArrayRef(result).drop_back(), result.back()))
      throw Refusal(fmt::format("axis {} is named twice; the model is damaged", result.back()));
  }
  return result;
}

RankedTensorType Node::floatType(llvm::ArrayRef<int64_t> shape) const {
  return RankedTensorType::get(shape, Float32Type::get(location.getContext()));
}

} // namespace dyad::onnx
