// SPDX-License-Identifier: Apache-2.0
// If, Loop and Scan whose course is known while compiling: a branch is taken, iterations are
// unrolled.
#include "frontends/onnx/graph_importer.h"
#include "frontends/onnx/operators.h"

namespace dyad::onnx {

namespace {

// Longer loops would make a program of that many steps.
constexpr int64_t kMaxIterations = 4096;

bool flagOf(const Tensor &tensor, const char *what) {
  if (tensor.kind != Kind::kBool || elementCount(tensor.shape) != 1)
    throw Refusal(fmt::format("{} should be one bool; the model is damaged", what));
  return tensor.integers.front() != 0;
}

/// Element t of an axis, which goes.
Value step(Node &node, const Value &input, int64_t axis, int64_t t) {
  Shape shape = input.shape();
  Shape starts(shape.size(), 0);
  starts[axis] = t;
  shape[axis] = 1;
  Value one = slice(node, input, starts, shape, Shape(shape.size(), 1));
  shape.erase(shape.begin() + axis);
  return reshape(node, one, shape);
}

/// The results of all iterations along a new axis.
Value stacked(Node &node, std::vector<Value> parts, int64_t axis, bool isReverse) {
  if (parts.empty())
    throw Refusal("a loop without iterations has no results to collect; the model was exported "
                  "for other input shapes");
  if (isReverse)
    std::reverse(parts.begin(), parts.end());
  Shape shape = parts.front().shape();
  axis = Node::axis(axis, static_cast<int64_t>(shape.size()) + 1);
  shape.insert(shape.begin() + axis, 1);
  for (Value &part : parts)
    part = reshape(node, part, shape);
  return concat(node, parts, axis);
}

} // namespace

bool GraphImporter::isControlFlow(const Node &node) {
  return node.type == "If" || node.type == "Loop" || (node.type == "Scan" && node.opset >= 9);
}

std::vector<Value> GraphImporter::unfold(Scope &scope, Node &node) {
  if (node.type == "If")
    return takeBranch(scope, node);
  return node.type == "Loop" ? unrollLoop(scope, node) : unrollScan(scope, node);
}

std::vector<Value> GraphImporter::runBody(Scope &scope, const ::onnx::GraphProto &graph,
                                          const std::string &prefix,
                                          const std::vector<Value> &inputs) {
  Scope body(scope.frame, &scope, prefix);
  for (size_t i = 0; i < inputs.size(); ++i)
    body.values[graph.input(static_cast<int>(i)).name()] = inputs[i];
  enter(body, graph);
  std::vector<std::string> names;
  for (const auto &output : graph.output())
    names.push_back(output.name());
  std::vector<Value> values;
  for (const auto &[name, value] : llvm::zip(names, import(body, names))) {
    if (!value)
      throw Refusal(fmt::format("output '{}' of its graph is produced by no node; the model is "
                                "damaged",
                                name));
    values.push_back(*value);
  }
  return values;
}

std::vector<Value> GraphImporter::takeBranch(Scope &scope, const Node &node) {
  const Value &condition = node.input(0);
  if (!condition.isConstant())
    throw Refusal(fmt::format("the condition '{}' depends on a graph input, so that the branch "
                              "would be revealed; fix the input with --set, or compute both "
                              "branches",
                              condition.name));
  bool isTrue = flagOf(*condition.constant, "the condition");
  return runBody(scope, node.graph(isTrue ? "then_branch" : "else_branch"), node.name + "/", {});
}

std::vector<Value> GraphImporter::unrollLoop(Scope &scope, Node &node) {
  const ::onnx::GraphProto &graph = node.graph("body");
  size_t carried = node.inputs.size() > 2 ? node.inputs.size() - 2 : 0;
  if (static_cast<size_t>(graph.input_size()) != carried + 2 ||
      static_cast<size_t>(graph.output_size()) < carried + 1)
    throw Refusal(fmt::format("the body has {} inputs and {} outputs for {} values that it "
                              "carries; the model is damaged",
                              graph.input_size(), graph.output_size(), carried));
  int64_t most = kMaxIterations + 1;
  if (node.has(0)) {
    const Tensor &count = node.constantInput(0, "the trip count");
    if (count.kind != Kind::kInteger || elementCount(count.shape) != 1)
      throw Refusal("the trip count should be one integer; the model is damaged");
    most = count.integers.front();
  }
  bool goesOn = !node.has(1) || flagOf(node.constantInput(1, "the condition"), "the condition");
  Value condition = Value::of({Kind::kBool, {}, {}, {1}});
  std::vector<Value> values(node.inputs.begin() + std::min<ptrdiff_t>(2, node.inputs.size()),
                            node.inputs.end());
  std::vector<std::vector<Value>> collected(graph.output_size() - 1 - carried);
  for (int64_t t = 0; goesOn && t < most; ++t) {
    if (t >= kMaxIterations)
      throw Refusal(fmt::format("more than {} iterations are not supported", kMaxIterations));
    std::vector<Value> inputs{Value::of({Kind::kInteger, {}, {}, {t}}), condition};
    inputs.insert(inputs.end(), values.begin(), values.end());
    std::vector<Value> outputs = runBody(scope, graph, fmt::format("{}/{}/", node.name, t), inputs);
    condition = outputs.front();
    if (!condition.poisoned && !condition.isConstant())
      throw Refusal("whether it goes on depends on a graph input, which would reveal it; export "
                    "with a constant trip count");
    goesOn = condition.poisoned || flagOf(*condition.constant, "the condition");
    values.assign(outputs.begin() + 1, outputs.begin() + 1 + static_cast<ptrdiff_t>(carried));
    for (size_t i = 0; i < collected.size(); ++i)
      collected[i].push_back(outputs[1 + carried + i]);
    if (llvm::any_of(outputs, [](const Value &value) { return value.poisoned; }))
      return {Value::poison(true)}; // reported in the first iteration
  }
  for (std::vector<Value> &parts : collected)
    values.push_back(stacked(node, std::move(parts), 0, false));
  return values;
}

std::vector<Value> GraphImporter::unrollScan(Scope &scope, Node &node) {
  const ::onnx::GraphProto &graph = node.graph("body");
  auto scanned = static_cast<size_t>(node.integer("num_scan_inputs", 0));
  if (scanned < 1 || scanned > node.inputs.size() ||
      static_cast<size_t>(graph.input_size()) != node.inputs.size() ||
      static_cast<size_t>(graph.output_size()) < node.inputs.size() - scanned)
    throw Refusal("its inputs do not fit those of its body; the model is damaged");
  size_t states = node.inputs.size() - scanned;
  size_t results = static_cast<size_t>(graph.output_size()) - states;
  auto list = [&](const char *name, size_t count) {
    Shape given = node.integers(name).value_or(Shape{});
    if (!given.empty() && given.size() != count)
      throw Refusal(fmt::format("attribute '{}' has {} entries instead of {}; the model is damaged",
                                name, given.size(), count));
    given.resize(count, 0);
    return given;
  };
  Shape axes = list("scan_input_axes", scanned);
  Shape directions = list("scan_input_directions", scanned);
  Shape resultAxes = list("scan_output_axes", results);
  Shape resultDirections = list("scan_output_directions", results);
  int64_t count = -1;
  for (size_t i = 0; i < scanned; ++i) {
    const Value &input = node.input(states + i);
    axes[i] = Node::axis(axes[i], input.rank());
    int64_t length = input.shape()[axes[i]];
    if (count >= 0 && length != count)
      throw Refusal("the scanned inputs differ in length; the model is damaged");
    count = length;
  }
  if (count > kMaxIterations)
    throw Refusal(fmt::format("more than {} iterations are not supported", kMaxIterations));
  std::vector<Value> values(node.inputs.begin(),
                            node.inputs.begin() + static_cast<ptrdiff_t>(states));
  std::vector<std::vector<Value>> collected(results);
  for (int64_t t = 0; t < count; ++t) {
    std::vector<Value> inputs = values;
    for (size_t i = 0; i < scanned; ++i)
      inputs.push_back(
          step(node, node.input(states + i), axes[i], directions[i] != 0 ? count - 1 - t : t));
    std::vector<Value> outputs = runBody(scope, graph, fmt::format("{}/{}/", node.name, t), inputs);
    if (llvm::any_of(outputs, [](const Value &value) { return value.poisoned; }))
      return {Value::poison(true)};
    values.assign(outputs.begin(), outputs.begin() + static_cast<ptrdiff_t>(states));
    for (size_t i = 0; i < results; ++i)
      collected[i].push_back(outputs[states + i]);
  }
  for (size_t i = 0; i < results; ++i)
    values.push_back(
        stacked(node, std::move(collected[i]), resultAxes[i], resultDirections[i] != 0));
  return values;
}

} // namespace dyad::onnx
