// SPDX-License-Identifier: Apache-2.0
// Builders of the operators of ai.onnx.ml that scikit-learn exports write.
#include "frontends/onnx/operators.h"

#include "ir/nn/nn.h"

#include <numeric>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;
using nn::FunctionKind;

Value vectorOf(std::vector<float> values, const std::string &name) {
  Shape shape{static_cast<int64_t>(values.size())};
  return Value::of({Kind::kFloat, std::move(shape), std::move(values), {}}, name);
}

std::vector<float> requiredReals(const Node &node, const char *name) {
  std::optional<std::vector<float>> values = node.reals(name);
  if (!values || values->empty())
    throw Refusal(fmt::format("attribute '{}' is missing; the model is damaged", name));
  return *values;
}

/// Features as a matrix: a vector is one row.
Value rows(Node &node) {
  const Value &x = node.floatInput(0);
  if (x.rank() == 1)
    return reshape(node, x, {1, x.shape()[0]});
  if (x.rank() != 2)
    throw Refusal(fmt::format("input '{}' has shape {}, a matrix of features is expected; the "
                              "model is damaged",
                              x.name, shapeText(x.shape())));
  return x;
}

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
                    vectorOf(std::move(values), node.name + "." + name));
  }
  return {result};
}

Value softmax(Node &node, const Value &x) {
  mlir::OpBuilder &b = node.emitter.builder;
  return node.emit<nn::SoftmaxOp>(node.operand(x), b.getI64IntegerAttr(x.rank() - 1),
                                  mlir::UnitAttr());
}

Value transformed(Node &node, const Value &scores) {
  std::string transform = node.text("post_transform", "NONE");
  if (transform == "NONE")
    return scores;
  if (transform == "LOGISTIC")
    return function(node, FunctionKind::kSigmoid, scores);
  if (transform == "SOFTMAX")
    return softmax(node, scores);
  throw Refusal(fmt::format("post_transform '{}' is not supported; NONE, LOGISTIC and SOFTMAX are",
                            transform));
}

/// x W^T + b with W [targets, features].
Value linear(Node &node, const Value &x, int64_t targets) {
  std::vector<float> weights = requiredReals(node, "coefficients");
  int64_t features = x.shape()[1];
  if (static_cast<int64_t>(weights.size()) != targets * features)
    throw Refusal(fmt::format("there are {} coefficients for {} targets of {} features; the model "
                              "is damaged",
                              weights.size(), targets, features));
  Value matrix = Value::of({Kind::kFloat, {targets, features}, std::move(weights), {}},
                           node.name + ".coefficients");
  Value product = matmul(node, x, transpose(node, matrix, {1, 0}));
  std::optional<std::vector<float>> intercepts = node.reals("intercepts");
  if (!intercepts)
    return product;
  if (static_cast<int64_t>(intercepts->size()) != targets)
    throw Refusal(fmt::format("there are {} intercepts for {} targets; the model is damaged",
                              intercepts->size(), targets));
  return binary(node, Binary::kAdd, product,
                vectorOf(std::move(*intercepts), node.name + ".intercepts"));
}

/// The classes have to be numbered from zero: results that depend on the input are indices.
void requireIndices(llvm::ArrayRef<int64_t> labels, const char *what) {
  for (size_t i = 0; i < labels.size(); ++i)
    if (labels[i] != static_cast<int64_t>(i))
      throw Refusal(fmt::format("{} are supported as 0, 1, 2, ... only; number the classes so and "
                                "name them after the model",
                                what));
}

Value indexOfLargest(Node &node, const Value &scores) {
  mlir::OpBuilder &b = node.emitter.builder;
  Shape shape = scores.shape();
  shape.back() = 1;
  Value index = node.emit<nn::ArgMaxOp>(mlir::RankedTensorType::get(shape, b.getI64Type()),
                                        node.operand(scores),
                                        b.getI64IntegerAttr(scores.rank() - 1), mlir::UnitAttr());
  return reshape(node, index, {shape[0]});
}

Values buildLinearClassifier(Node &node) {
  if (node.hasAttribute("classlabels_strings") && !node.texts("classlabels_strings").empty())
    throw Refusal("class labels that are strings are not supported; number the classes 0, 1, 2, "
                  "... and name them after the model");
  Shape labels = node.integers("classlabels_ints").value_or(Shape{});
  requireIndices(labels, "class labels");
  Value x = rows(node);
  auto coefficients = static_cast<int64_t>(requiredReals(node, "coefficients").size());
  int64_t targets = coefficients / std::max<int64_t>(x.shape()[1], 1);
  Value scores = linear(node, x, targets);
  if (targets > 1)
    return {indexOfLargest(node, scores), transformed(node, scores)};
  // One score decides between two classes by its sign.
  Tensor zeros{Kind::kFloat, scores.shape(), {}, {}};
  zeros.floats.assign(static_cast<size_t>(elementCount(zeros.shape)), 0.0F);
  Value zero = Value::of(std::move(zeros), node.name + ".zero", /*isPublic=*/true);
  Value label = indexOfLargest(node, concat(node, {zero, scores}, 1));
  if (labels.size() != 2)
    return {label, transformed(node, scores)};
  if (node.text("post_transform", "NONE") == "SOFTMAX")
    throw Refusal("post_transform SOFTMAX of one score is not supported; export two scores");
  Value positive = transformed(node, scores);
  Value negative = binary(node, Binary::kSub, publicNumber(node, 1, "one"), positive);
  return {label, concat(node, {negative, positive}, 1)};
}

Values buildLinearRegressor(Node &node) {
  return {transformed(node, linear(node, rows(node), node.integer("targets", 1)))};
}

// Columns of the last axis; or, of a list of classes, the one that an arg-max names.
Values buildArrayFeatureExtractor(Node &node) {
  const Value &x = node.input(0);
  const Value &index = node.input(1);
  if (!index.isConstant()) {
    if (!x.isConstant() || x.constant->kind != Kind::kInteger)
      throw Refusal(fmt::format("index '{}' depends on a graph input; this is supported for a "
                                "constant list of integer classes only",
                                index.name));
    requireIndices(x.constant->integers, "classes");
    return {reshape(node, index, {1, elementCount(index.shape())})};
  }
  if (x.rank() < 1)
    throw Refusal("the input is a scalar; the model is damaged");
  int64_t size = x.shape().back();
  Shape positions = index.constant->integers;
  for (int64_t at : positions)
    if (at < 0 || at >= size)
      throw Refusal(
          fmt::format("column {} does not exist among {}; the model is damaged", at, size));
  Value chosen = gather(node, x, x.rank() - 1, positions);
  if (x.rank() == 1)
    chosen = reshape(node, chosen, {1, static_cast<int64_t>(positions.size())});
  return {chosen};
}

} // namespace

void addClassical(std::vector<Operator> &table) {
  const char *ml = "ai.onnx.ml";
  const char *transforms = "post_transform NONE, LOGISTIC, SOFTMAX";
  table.insert(table.end(),
               {
                   {ml, "Scaler", 1, kNewest, buildScaler, nullptr, ""},
                   {ml, "LinearClassifier", 1, kNewest, buildLinearClassifier, nullptr,
                    "classes numbered from 0; post_transform NONE, LOGISTIC, SOFTMAX"},
                   {ml, "LinearRegressor", 1, kNewest, buildLinearRegressor, nullptr, transforms},
                   {ml, "ArrayFeatureExtractor", 1, kNewest, buildArrayFeatureExtractor, nullptr,
                    "constant indices, or a result of ArgMax in a list 0, 1, 2, ..."},
               });
}

} // namespace dyad::onnx
