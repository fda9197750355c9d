// SPDX-License-Identifier: Apache-2.0
#include "frontends/onnx/graph_importer.h"

#include "frontends/onnx/operators.h"
#include "frontends/onnx/tensor_proto.h"

#include "mlir/IR/Diagnostics.h"

#include <array>
#include <google/protobuf/unknown_field_set.h>

using namespace mlir;

namespace dyad::onnx {

using ::onnx::AttributeProto;
using ::onnx::FunctionProto;
using ::onnx::NodeProto;

namespace {

// Calls of functions within functions, and graphs within graphs, deeper than any model's.
constexpr int kMaxDepth = 64;
constexpr int kMaxNesting = 400;

// Fields that files have since IR versions 9 and 10, but the installed ONNX library may not know.
constexpr int kFunctionAttributeDefaults = 11;
constexpr int kFunctionOverload = 13;
constexpr int kNodeOverload = 8;

std::string normalDomain(const std::string &domain) { return domain == "ai.onnx" ? "" : domain; }

template <typename Visit>
void forUnknown(const google::protobuf::Message &message, int number, Visit visit) {
  const auto &fields = message.GetReflection()->GetUnknownFields(message);
  for (int i = 0; i < fields.field_count(); ++i)
    if (fields.field(i).number() == number &&
        fields.field(i).type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED)
      visit(fields.field(i).length_delimited());
}

std::string overloadOf(const google::protobuf::Message &message, int number) {
  std::string overload;
  forUnknown(message, number, [&](const std::string &text) { overload = text; });
  return overload;
}

std::string functionKey(const std::string &domain, const std::string &name,
                        const std::string &overload) {
  return normalDomain(domain) + '\0' + name + '\0' + overload;
}

bool hasShape(const Node &node, size_t input) {
  return node.has(input) &&
         (!node.inputs[input].poisoned || node.inputs[input].poisonedShape.has_value());
}

// Whether the result, or its shape, follows from the shape of a poisoned first input.
bool needsOnlyShape(const Node &node) {
  static constexpr std::array kNames = {"Flatten", "Identity", "Reshape",  "Shape",
                                        "Size",    "Squeeze",  "Unsqueeze"};
  bool others = false;
  for (size_t i = 1; i < node.inputs.size(); ++i)
    others |= node.inputs[i].poisoned;
  return llvm::is_contained(kNames, node.type) && !others;
}

// The shape of a float result that could not be computed, where it is easily known: elementwise
// operators, and what language models do with their integer inputs.
std::optional<Shape> placeholderShape(const Node &node) {
  using Proto = ::onnx::TensorProto;
  if (!hasShape(node, 0))
    return std::nullopt;
  const Value &input = node.inputs[0];
  try {
    bool isFloat = input.poisoned || input.kind() == Kind::kFloat;
    if ((keepsShape(node.type) && isFloat) ||
        (node.type == "Cast" && node.integer("to", 0) == Proto::FLOAT))
      return input.shape();
    if (node.type == "Gather" && hasShape(node, 1) && !input.poisoned && isFloat) {
      Shape shape = input.shape();
      Shape indices = node.inputs[1].shape();
      auto axis = shape.begin() + Node::axis(node.integer("axis", 0), input.rank());
      axis = shape.erase(axis);
      shape.insert(axis, indices.begin(), indices.end());
      elementCount(shape);
      return shape;
    }
  } catch (const Refusal &) {
    return std::nullopt; // the node's own error is reported already
  }
  return std::nullopt;
}

bool dependsOnInput(const Node &node) {
  return llvm::any_of(node.inputs, [](const Value &value) { return value.dependsOnInput(); });
}

std::string unsupported(const std::string &domain, const std::string &name) {
  std::string ranges;
  for (const Operator &row : operators())
    if (domain == row.domain && name == row.name)
      ranges += fmt::format("{}{} to {}", ranges.empty() ? "" : ", ", row.firstOpset,
                            row.lastOpset == kNewest ? "23" : std::to_string(row.lastOpset));
  if (!ranges.empty())
    return fmt::format("this operator does not exist at this opset but at {}; export the model "
                       "again",
                       ranges);
  if (!domain.empty())
    return fmt::format("operators of domain '{}' are not supported; export with those of ai.onnx, "
                       "or end the model before it with --outputs",
                       domain);
  return "this operator is not supported; see docs/reference/ops.md for those that are, or end the "
         "model before it with --outputs";
}

} // namespace

std::string Scope::nodeName(size_t index) const {
  const NodeProto &node = *nodes[index];
  if (!node.name().empty())
    return frame.prefix + node.name();
  return fmt::format("{}{}_{}", unnamedPrefix, node.op_type(), index);
}

GraphImporter::GraphImporter(const ::onnx::ModelProto &model, std::string folder,
                             PublicWeights &publicWeights, Emitter &emitter)
    : folder_(std::move(folder)), publicWeights_(publicWeights), emitter_(emitter) {
  for (const FunctionProto &function : model.functions())
    functions_[functionKey(function.domain(), function.name(),
                           overloadOf(function, kFunctionOverload))] = &function;
}

std::map<std::string, int> GraphImporter::opsetsOf(
    const google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto> &imports) {
  std::map<std::string, int> opsets;
  for (const auto &import : imports)
    opsets[normalDomain(import.domain())] =
        static_cast<int>(std::clamp<int64_t>(import.version(), 0, 1 << 20));
  return opsets;
}

void GraphImporter::report(Location location, const std::string &message) {
  failed_ = true;
  emitError(location) << message;
}

void GraphImporter::report(const std::string &message) {
  report(UnknownLoc::get(emitter_.builder.getContext()), message);
}

Location GraphImporter::at(const std::string &name) const {
  return NameLoc::get(StringAttr::get(emitter_.builder.getContext(), name));
}

void GraphImporter::addNodes(Scope &scope,
                             const google::protobuf::RepeatedPtrField<NodeProto> &nodes) {
  for (const NodeProto &node : nodes) {
    size_t index = scope.nodes.size();
    scope.nodes.push_back(&node);
    scope.states.push_back(Scope::State::kNew);
    for (const std::string &output : node.output()) {
      if (output.empty())
        continue;
      auto [place, isNew] = scope.producers.emplace(output, index);
      bool given = scope.values.count(output) > 0 || scope.initializers.count(output) > 0;
      if (isNew && !given)
        continue;
      std::string other =
          given ? "is also an input or initializer"
                : fmt::format("is also produced by node '{}'", scope.nodeName(place->second));
      report(at(scope.nodeName(index)),
             fmt::format("node '{}' ({}): its result '{}' {}; a name must stand for one tensor",
                         scope.nodeName(index), node.op_type(), output, other));
    }
  }
}

void GraphImporter::enter(Scope &scope, const ::onnx::GraphProto &graph) {
  for (const auto &tensor : graph.initializer())
    if (!scope.initializers.emplace(tensor.name(), &tensor).second)
      report(fmt::format("initializer '{}' is there twice; a name must stand for "
                         "one tensor",
                         tensor.name()));
  for (const auto &tensor : graph.sparse_initializer()) {
    report(fmt::format("initializer '{}' is sparse, which is not supported; store it as a dense "
                       "tensor",
                       tensor.values().name()));
    scope.values[tensor.values().name()] = Value::poison(false);
  }
  addNodes(scope, graph.node());
}

Value GraphImporter::load(Scope &scope, const ::onnx::TensorProto &proto) {
  std::string name = scope.frame.prefix + proto.name();
  Tensor tensor = readTensor(proto, folder_);
  bool isPublic = publicWeights_.contains(name, &proto) || tensor.kind != Kind::kFloat;
  return Value::of(std::move(tensor), std::move(name), isPublic);
}

std::optional<Value> GraphImporter::lookup(Scope &scope, const std::string &name) {
  if (auto value = scope.values.find(name); value != scope.values.end())
    return value->second;
  if (auto tensor = scope.initializers.find(name); tensor != scope.initializers.end()) {
    scope.values[name] = Value::poison(false); // an error is reported once
    return scope.values[name] = load(scope, *tensor->second);
  }
  if (auto producer = scope.producers.find(name); producer != scope.producers.end()) {
    if (scope.states[producer->second] == Scope::State::kActive)
      reportCycle(scope, producer->second, name);
    else
      demand(scope, producer->second);
    auto unsupported = scope.unsupported.find(name);
    auto [value, isNew] = scope.values.try_emplace(name, Value::poison(false));
    if (isNew && unsupported != scope.unsupported.end())
      throw Refusal(fmt::format("output '{}' of {} is not supported; export the model without it",
                                name, unsupported->second));
    return value->second;
  }
  return scope.parent != nullptr ? lookup(*scope.parent, name) : std::nullopt;
}

std::set<size_t> GraphImporter::reachable(const Scope &scope,
                                          const std::vector<std::string> &names) const {
  std::set<size_t> found;
  std::vector<size_t> open;
  auto visit = [&](const std::string &name) {
    auto producer = scope.producers.find(name);
    if (producer != scope.producers.end() && found.insert(producer->second).second)
      open.push_back(producer->second);
  };
  for (const std::string &name : names)
    visit(name);
  while (!open.empty()) {
    const NodeProto &node = *scope.nodes[open.back()];
    open.pop_back();
    for (const std::string &input : node.input())
      visit(input);
  }
  return found;
}

std::vector<std::optional<Value>> GraphImporter::import(Scope &scope,
                                                        const std::vector<std::string> &names) {
  if (nesting_ >= kMaxNesting)
    throw Refusal("graphs are nested too deeply; flatten the model before exporting");
  ++nesting_;
  for (size_t index : reachable(scope, names))
    demand(scope, index);
  std::vector<std::optional<Value>> values;
  for (const std::string &name : names) {
    try {
      values.push_back(lookup(scope, name));
    } catch (const Refusal &refusal) {
      report(refusal.what());
      values.emplace_back(Value::poison(false));
    }
  }
  --nesting_;
  return values;
}

// Imports a node after all nodes it depends on; without recursion, since graphs can be deep.
void GraphImporter::demand(Scope &scope, size_t index) {
  std::vector<size_t> stack{index};
  while (!stack.empty()) {
    size_t top = stack.back();
    if (scope.states[top] == Scope::State::kDone) {
      stack.pop_back();
      continue;
    }
    if (scope.states[top] == Scope::State::kActive) {
      build(scope, top);
      scope.states[top] = Scope::State::kDone;
      stack.pop_back();
      continue;
    }
    scope.states[top] = Scope::State::kActive;
    for (const std::string &input : scope.nodes[top]->input()) {
      auto producer = scope.producers.find(input);
      if (producer == scope.producers.end() || scope.values.count(input) > 0)
        continue;
      if (scope.states[producer->second] == Scope::State::kActive)
        reportCycle(scope, producer->second, input);
      else
        stack.push_back(producer->second);
    }
  }
}

void GraphImporter::reportCycle(Scope &scope, size_t index, const std::string &input) {
  std::string name = scope.nodeName(index);
  report(at(name), fmt::format("node '{}' ({}): its result '{}' is needed to compute it; a graph "
                               "must not have cycles",
                               name, scope.nodes[index]->op_type(), input));
  scope.values[input] = Value::poison(false);
}

std::vector<Value> GraphImporter::inputsOf(Scope &scope, const Node &node, const NodeProto &proto) {
  std::vector<Value> inputs;
  for (const std::string &name : proto.input()) {
    if (name.empty()) {
      inputs.emplace_back();
      continue;
    }
    std::string problem;
    Value value;
    try {
      if (std::optional<Value> found = lookup(scope, name))
        value = *found;
      else
        problem = fmt::format("its input '{}' is produced by no node; the model is damaged", name);
    } catch (const Refusal &refusal) {
      problem = refusal.what();
    }
    if (!problem.empty()) {
      report(node.location, node.title() + ": " + problem);
      value = scope.values[name] = Value::poison(false);
    }
    if (!value.isConstant())
      value.name = name;
    inputs.push_back(value);
  }
  // Trailing inputs without a name are as good as none.
  while (!inputs.empty() && !inputs.back().isPresent())
    inputs.pop_back();
  return inputs;
}

// Whether a constant that a node computed is public: it follows from public ones and from shapes,
// or it is a Constant of integers or one that was named.
bool GraphImporter::isPublicResult(const Node &node, const Value &value) {
  if (!value.isConstant())
    return false;
  if (node.inputs.empty())
    return publicWeights_.contains(value.name, nullptr) || value.kind() != Kind::kFloat;
  return llvm::all_of(node.inputs,
                      [](const Value &input) { return !input.isConstant() || input.isPublic; });
}

void GraphImporter::build(Scope &scope, size_t index) {
  const NodeProto &proto = *scope.nodes[index];
  std::string domain = normalDomain(proto.domain());
  auto opset = scope.frame.opsets.find(domain);
  const Frame &frame = scope.frame;
  Node node(
      proto, scope.nodeName(index), opset == frame.opsets.end() ? 0 : opset->second, emitter_,
      [&frame](const AttributeProto &attribute) -> const AttributeProto * {
        if (attribute.ref_attr_name().empty())
          return &attribute;
        auto actual = frame.attributes.find(attribute.ref_attr_name());
        return actual == frame.attributes.end() ? nullptr : actual->second;
      },
      folder_);
  std::vector<Value> values;
  bool refused = false;
  try {
    node.inputs = inputsOf(scope, node, proto);
    values = results(scope, node, proto);
    refused = values.front().poisoned;
  } catch (const Refusal &refusal) {
    report(node.location, node.title() + ": " + refusal.what());
    values = {placeholder(node)};
    refused = true;
  }
  for (size_t i = 0; i < node.outputCount(); ++i) {
    if (!node.wants(i))
      continue;
    const std::string &name = node.outputName(i);
    if (i < values.size() && values[i].isPresent()) {
      if (values[i].name.empty())
        values[i].name = frame.prefix + name;
      values[i].isPublic |= isPublicResult(node, values[i]);
      scope.values[name] = values[i];
      continue;
    }
    if (refused)
      scope.values[name] = Value::poison(dependsOnInput(node));
    else
      scope.unsupported.emplace(name, node.title());
  }
}

std::vector<Value> GraphImporter::results(Scope &scope, Node &node, const NodeProto &proto) {
  std::string domain = normalDomain(proto.domain());
  bool poisoned = llvm::any_of(node.inputs, [](const Value &value) { return value.poisoned; });
  if (const FunctionProto *function = findFunction(proto))
    return inlineFunction(scope, node, proto, *function);
  if (node.opset == 0)
    throw Refusal(fmt::format("the model names no opset for domain '{}'; it is damaged",
                              domain.empty() ? "ai.onnx" : domain));
  if (domain.empty() && isControlFlow(node))
    return poisoned ? std::vector<Value>{Value::poison(false)} : unfold(scope, node);
  const Operator *row = findOperator(domain, node.type, node.opset);
  if (row == nullptr)
    throw Refusal(unsupported(domain, node.type));
  if (row->check != nullptr)
    row->check(node);
  if (!poisoned || (needsOnlyShape(node) && hasShape(node, 0)))
    return built(*row, node, proto);
  if (node.type == "Shape" || node.type == "Size")
    return {Value::poison(false)};
  for (const Value &value : node.inputs)
    if (row->constantsOnly && value.dependsOnInput())
      Node::refuseSecret(value);
  return {placeholder(node)};
}

// What follows from the same constants in the same way, as in each step of an unrolled loop, is one
// constant.
std::vector<Value> GraphImporter::built(const Operator &row, Node &node, const NodeProto &proto) {
  ConstantKey key{fmt::format("{} {} {} {}", normalDomain(proto.domain()), node.type, node.opset,
                              node.outputCount()),
                  {}};
  for (const Value &input : node.inputs) {
    if (input.isPresent() && !input.isConstant())
      return row.build(node);
    key.first += input.isPublic ? " public" : " -";
    key.second.push_back(input.constant);
  }
  for (const auto &attribute : proto.attribute())
    key.first += " " + attribute.SerializeAsString();
  if (auto known = constants_.find(key); known != constants_.end())
    return known->second;
  std::vector<Value> values = row.build(node);
  if (!node.inputs.empty() && llvm::all_of(values, [](const Value &v) { return v.isConstant(); }))
    constants_.emplace(std::move(key), values);
  return values;
}

// Stands for a result that cannot be computed, so that later nodes are still checked. The module it
// is in is thrown away.
Value GraphImporter::placeholder(const Node &node) {
  std::optional<Shape> shape = placeholderShape(node);
  if (!shape)
    return Value::poison(dependsOnInput(node));
  auto cast = emitter_.builder.create<UnrealizedConversionCastOp>(
      node.location, TypeRange{node.floatType(*shape)}, ValueRange{});
  return {"", nullptr, cast.getResult(0)};
}

const FunctionProto *GraphImporter::findFunction(const NodeProto &proto) const {
  auto function = functions_.find(
      functionKey(proto.domain(), proto.op_type(), overloadOf(proto, kNodeOverload)));
  return function == functions_.end() ? nullptr : function->second;
}

void GraphImporter::fillDefaults(const FunctionProto &function, Frame &frame) {
  forUnknown(function, kFunctionAttributeDefaults, [&](const std::string &bytes) {
    AttributeProto &attribute = defaults_.emplace_back();
    if (!attribute.ParseFromString(bytes))
      throw Refusal(fmt::format("the attributes of function '{}' cannot be read; the model is "
                                "damaged",
                                function.name()));
    frame.attributes.try_emplace(attribute.name(), &attribute);
  });
}

std::vector<Value> GraphImporter::inlineFunction(Scope &scope, const Node &node,
                                                 const NodeProto &proto,
                                                 const FunctionProto &function) {
  Frame frame;
  frame.depth = scope.frame.depth + 1;
  if (frame.depth > kMaxDepth)
    throw Refusal(fmt::format("calls of function '{}' are nested deeper than {}; a function must "
                              "not call itself",
                              function.name(), kMaxDepth));
  if (proto.input_size() > function.input_size() || proto.output_size() > function.output_size())
    throw Refusal(fmt::format("function '{}' has {} inputs and {} outputs; the model is damaged",
                              function.name(), function.input_size(), function.output_size()));
  frame.prefix = node.name + "/";
  frame.opsets = opsetsOf(function.opset_import());
  for (const auto &[domain, version] : scope.frame.opsets)
    frame.opsets.try_emplace(domain, version);
  for (const AttributeProto &attribute : proto.attribute()) {
    const AttributeProto *actual = &attribute;
    if (!attribute.ref_attr_name().empty()) {
      auto outer = scope.frame.attributes.find(attribute.ref_attr_name());
      actual = outer == scope.frame.attributes.end() ? nullptr : outer->second;
    }
    if (actual != nullptr)
      frame.attributes.emplace(attribute.name(), actual);
  }
  fillDefaults(function, frame);
  Scope body(frame, nullptr, frame.prefix);
  for (int i = 0; i < function.input_size(); ++i)
    body.values[function.input(i)] =
        i < static_cast<int>(node.inputs.size()) ? node.inputs[i] : Value{};
  addNodes(body, function.node());
  auto end = function.output().begin() + proto.output_size();
  const std::vector<std::string> names(function.output().begin(), end);
  std::vector<Value> values;
  for (const auto &[name, value] : llvm::zip(names, import(body, names))) {
    if (!value)
      throw Refusal(fmt::format("output '{}' of function '{}' is produced by no node; the model is "
                                "damaged",
                                name, function.name()));
    values.push_back(*value);
  }
  return values;
}

} // namespace dyad::onnx
