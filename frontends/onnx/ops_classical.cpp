// SPDX-License-Identifier: Apache-2.0
// Linear models of ai.onnx.ml, as scikit-learn exports write them, and what all of its classifiers
// share (classical.h).
#include "frontends/onnx/classical.h"

#include "ir/nn/nn.h"

#include <numeric>

namespace dyad::onnx {

using Values = std::vector<Value>;
using nn::FunctionKind;

//===--- shared
//---------------------------------------------------------------------------------===//

Value privateTensor(const Node &node, const char *what, Shape shape, std::vector<float> values) {
  return Value::of({Kind::kFloat, std::move(shape), std::move(values), {}}, node.name + "." + what);
}

Value privateVector(const Node &node, const char *what, std::vector<float> values) {
  Shape shape{static_cast<int64_t>(values.size())};
  return privateTensor(node, what, std::move(shape), std::move(values));
}

Value publicTensor(const Node &node, const char *what, Shape shape, std::vector<float> values) {
  return Value::of({Kind::kFloat, std::move(shape), std::move(values), {}}, node.name + "." + what,
                   /*isPublic=*/true);
}

std::vector<float> realsOrTensor(const Node &node, const std::string &name) {
  if (node.hasAttribute(name + "_as_tensor"))
    return node.tensor(name + "_as_tensor")->floats;
  return node.reals(name).value_or(std::vector<float>());
}

std::vector<float> requiredReals(const Node &node, const char *name) {
  std::vector<float> values = node.reals(name).value_or(std::vector<float>());
  if (values.empty())
    throw Refusal(fmt::format("attribute '{}' is missing; the model is damaged", name));
  return values;
}

Value featureRows(Node &node) {
  const Value &x = node.floatInput(0);
  if (x.rank() == 1)
    return reshape(node, x, {1, x.shape()[0]});
  if (x.rank() != 2)
    throw Refusal(fmt::format("input '{}' has shape {}, a matrix of features is expected; the "
                              "model is damaged",
                              x.name, shapeText(x.shape())));
  return x;
}

std::shared_ptr<const Labels> classLabels(const Node &node, const char *numbers,
                                          const char *names) {
  Labels labels{node.integers(numbers).value_or(Shape{}), node.texts(names)};
  if (labels.size() == 0)
    return nullptr;
  return std::make_shared<const Labels>(std::move(labels));
}

Value indexOfLargest(Node &node, const Value &scores, std::shared_ptr<const Labels> labels,
                     bool last) {
  mlir::OpBuilder &b = node.emitter.builder;
  Shape shape = scores.shape();
  if (labels && static_cast<int64_t>(labels->size()) != shape.back())
    throw Refusal(fmt::format("there are {} labels for {} classes; the model is damaged",
                              labels->size(), shape.back()));
  shape.back() = 1;
  Value index = node.emit<nn::ArgMaxOp>(
      mlir::RankedTensorType::get(shape, b.getI64Type()), node.operand(scores),
      b.getI64IntegerAttr(scores.rank() - 1), last ? b.getUnitAttr() : mlir::UnitAttr());
  index.labels = std::move(labels);
  shape.pop_back();
  return reshape(node, index, shape);
}

namespace {

// How many values an index can have: the size of the axis that an arg-max was taken over.
int64_t indexCount(const Value &index) {
  if (index.labels)
    return static_cast<int64_t>(index.labels->size());
  mlir::Operation *op = index.computed ? index.computed.getDefiningOp() : nullptr;
  while (auto reshaped = llvm::dyn_cast_or_null<nn::ReshapeOp>(op))
    op = reshaped.getInput().getDefiningOp();
  auto argMax = llvm::dyn_cast_or_null<nn::ArgMaxOp>(op);
  if (!argMax)
    throw Refusal(fmt::format("'{}' is no index of classes that depends on a graph input, which is "
                              "all that labels can be found for",
                              index.name));
  return llvm::cast<mlir::RankedTensorType>(argMax.getInput().getType())
      .getDimSize(argMax.getAxis());
}

} // namespace

Value relabelled(
    Node &, const Value &index,
    const std::function<void(int64_t number, const std::string *name, Labels &)> &map) {
  auto labels = std::make_shared<Labels>();
  const Labels *old = index.labels.get();
  for (int64_t i = 0, count = indexCount(index); i < count; ++i)
    map(old && old->names.empty() ? old->numbers[static_cast<size_t>(i)] : i,
        old && !old->names.empty() ? &old->names[static_cast<size_t>(i)] : nullptr, *labels);
  Value result = index;
  result.labels = std::move(labels);
  return result;
}

Value minusFrom(Node &node, float number, const Value &x) {
  return binary(node, Binary::kSub, publicNumber(node, number, fmt::format("{}", number)), x);
}

Value isZero(Node &node, const Value &x) {
  return binary(node, Binary::kSub, step(node, x, /*isStrict=*/false),
                step(node, x, /*isStrict=*/true));
}

Value equals(Node &node, const Value &x, const Value &y) {
  return isZero(node, binary(node, Binary::kSub, x, y));
}

Value transformed(Node &node, const Value &scores, const std::string &transform) {
  if (transform == "NONE")
    return scores;
  if (transform == "LOGISTIC")
    return function(node, FunctionKind::kSigmoid, scores);
  const int64_t axis = scores.rank() - 1;
  if (transform == "SOFTMAX")
    return node.emit<nn::SoftmaxOp>(node.operand(scores),
                                    node.emitter.builder.getI64IntegerAttr(axis), mlir::UnitAttr());
  if (transform == "SOFTMAX_ZERO") {
    Value rest = binary(node, Binary::kSub, scores, reduce(node, Reduction::kMax, scores, {axis}));
    Value used = minusFrom(node, 1, isZero(node, scores));
    Value powers = binary(node, Binary::kMul, function(node, FunctionKind::kExp, rest), used);
    return binary(node, Binary::kDiv, powers, reduce(node, Reduction::kSum, powers, {axis}));
  }
  throw Refusal(fmt::format("post_transform '{}' is not supported; NONE, LOGISTIC, SOFTMAX and "
                            "SOFTMAX_ZERO are",
                            transform));
}

//===--- linear models
//--------------------------------------------------------------------------===//

namespace {

std::string transformOf(const Node &node) { return node.text("post_transform", "NONE"); }

// (x - offset) * scale; one value, or one for each feature.
Values buildScaler(Node &node) {
  const Value &x = node.floatInput(0);
  Value result = x;
  int64_t features = x.rank() == 0 ? 1 : x.shape().back();
  for (const char *name : {"offset", "scale"}) {
    std::vector<float> values = requiredReals(node, name);
    if (values.size() != 1 && static_cast<int64_t>(values.size()) != features)
      throw Refusal(
          fmt::format("attribute '{}' has {} values for {} features; the model is damaged", name,
                      values.size(), features));
    result = binary(node, name[0] == 'o' ? Binary::kSub : Binary::kMul, result,
                    privateVector(node, name, std::move(values)));
  }
  return {result};
}

/// x W^T + b with W [targets, features].
Value linear(Node &node, const Value &x, int64_t targets) {
  std::vector<float> weights = requiredReals(node, "coefficients");
  int64_t features = x.shape()[1];
  if (static_cast<int64_t>(weights.size()) != targets * features)
    throw Refusal(fmt::format("there are {} coefficients for {} targets of {} features; the model "
                              "is damaged",
                              weights.size(), targets, features));
  Value matrix = privateTensor(node, "coefficients", {targets, features}, std::move(weights));
  Value product = matmul(node, x, transpose(node, matrix, {1, 0}));
  std::optional<std::vector<float>> intercepts = node.reals("intercepts");
  if (!intercepts)
    return product;
  if (static_cast<int64_t>(intercepts->size()) != targets)
    throw Refusal(fmt::format("there are {} intercepts for {} targets; the model is damaged",
                              intercepts->size(), targets));
  return binary(node, Binary::kAdd, product,
                privateVector(node, "intercepts", std::move(*intercepts)));
}

Values buildLinearClassifier(Node &node) {
  auto labels = classLabels(node, "classlabels_ints", "classlabels_strings");
  Value x = featureRows(node);
  auto coefficients = static_cast<int64_t>(requiredReals(node, "coefficients").size());
  int64_t targets = coefficients / std::max<int64_t>(x.shape()[1], 1);
  Value scores = linear(node, x, targets);
  std::string transform = transformOf(node);
  if (targets > 1)
    return {indexOfLargest(node, scores, labels), transformed(node, scores, transform)};
  // One score decides between two classes by its sign.
  auto count = static_cast<size_t>(scores.shape()[0]);
  Value zero = publicTensor(node, "zero", scores.shape(), std::vector<float>(count, 0.0F));
  bool hasTwo = labels && labels->size() == 2;
  Value label = indexOfLargest(node, concat(node, {zero, scores}, 1), hasTwo ? labels : nullptr);
  if (!hasTwo)
    return {label, transformed(node, scores, transform)};
  if (transform != "NONE" && transform != "LOGISTIC")
    throw Refusal(fmt::format("post_transform {} of one score is not supported; export two scores",
                              transform));
  Value positive = transformed(node, scores, transform);
  return {label, concat(node, {minusFrom(node, 1, positive), positive}, 1)};
}

Values buildLinearRegressor(Node &node) {
  return {transformed(node, linear(node, featureRows(node), node.integer("targets", 1)),
                      transformOf(node))};
}

// Columns of the last axis; or, of a list of classes, the one that an arg-max names.
Values buildArrayFeatureExtractor(Node &node) {
  const Value &x = node.input(0);
  const Value &index = node.input(1);
  if (x.rank() < 1)
    throw Refusal("the input is a scalar; the model is damaged");
  int64_t size = x.shape().back();
  auto require = [&](int64_t at) {
    if (at < 0 || at >= size)
      throw Refusal(
          fmt::format("column {} does not exist among {}; the model is damaged", at, size));
  };
  if (!index.isConstant()) {
    if (!x.isConstant() || x.constant->kind != Kind::kInteger || elementCount(x.shape()) != size)
      throw Refusal(fmt::format("index '{}' depends on a graph input; this is supported for a "
                                "constant list of integer classes only",
                                index.name));
    Value label = relabelled(node, index, [&](int64_t at, const std::string *, Labels &labels) {
      require(at);
      labels.numbers.push_back(x.constant->integers[static_cast<size_t>(at)]);
    });
    return {reshape(node, label, {1, elementCount(index.shape())})};
  }
  Shape positions = index.constant->integers;
  for (int64_t at : positions)
    require(at);
  Value chosen = gather(node, x, x.rank() - 1, positions);
  if (x.rank() == 1)
    chosen = reshape(node, chosen, {1, static_cast<int64_t>(positions.size())});
  return {chosen};
}

} // namespace

void addClassical(std::vector<Operator> &table) {
  const char *ml = "ai.onnx.ml";
  const char *transforms = "post_transform NONE, LOGISTIC, SOFTMAX, SOFTMAX_ZERO";
  table.insert(table.end(),
               {
                   {ml, "Scaler", 1, kNewest, buildScaler, nullptr, ""},
                   {ml, "LinearClassifier", 1, kNewest, buildLinearClassifier, nullptr, transforms},
                   {ml, "LinearRegressor", 1, kNewest, buildLinearRegressor, nullptr, transforms},
                   {ml, "ArrayFeatureExtractor", 1, kNewest, buildArrayFeatureExtractor, nullptr,
                    "constant indices, or a label that depends on an input in a list of integers"},
               });
  addEncoders(table);
  addSupportVectors(table);
  addTrees(table);
}

} // namespace dyad::onnx
