// SPDX-License-Identifier: Apache-2.0
// Builders of the operators of ai.onnx.ml that prepare features and rename results.
#include "frontends/onnx/classical.h"

#include "mlir/IR/Diagnostics.h"

#include <cmath>
#include <map>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;

Values buildBinarizer(Node &node) {
  const Value &x = node.floatInput(0);
  float threshold = node.real("threshold", 0);
  Value gap = threshold == 0
                  ? x
                  : binary(node, Binary::kSub, x, privateVector(node, "threshold", {threshold}));
  return {step(node, gap, /*isStrict=*/true)};
}

// Where x is the value that stands for "missing". NaN does not exist in fixed point.
Values buildImputer(Node &node) {
  const Value &x = node.floatInput(0);
  float missing = node.real("replaced_value_float", 0);
  if (std::isnan(missing))
    return {x};
  std::vector<float> imputed = requiredReals(node, "imputed_value_floats");
  int64_t features = x.rank() == 0 ? 1 : x.shape().back();
  if (imputed.size() != 1 && static_cast<int64_t>(imputed.size()) != features)
    throw Refusal(fmt::format("there are {} imputed values for {} features; the model is damaged",
                              imputed.size(), features));
  for (float &value : imputed)
    value -= missing;
  Value isMissing = equals(node, x, privateVector(node, "replaced_value_float", {missing}));
  Value change = binary(node, Binary::kMul, isMissing,
                        privateVector(node, "imputed_value_floats", std::move(imputed)));
  return {binary(node, Binary::kAdd, x, change)};
}

Values buildFeatureVectorizer(Node &node) {
  Shape sizes = node.integers("inputdimensions").value_or(Shape{});
  if (!sizes.empty() && sizes.size() != node.inputs.size())
    throw Refusal(fmt::format("there are {} input dimensions for {} inputs; the model is damaged",
                              sizes.size(), node.inputs.size()));
  Values parts;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    Value part = node.floatInput(i);
    if (part.rank() == 1)
      part = reshape(node, part, {1, part.shape()[0]});
    if (part.rank() != 2)
      throw Refusal(fmt::format("input '{}' has shape {}, a matrix of features is expected; the "
                                "model is damaged",
                                part.name, shapeText(part.shape())));
    int64_t missing = sizes.empty() ? 0 : sizes[i] - part.shape()[1];
    parts.push_back(missing == 0 ? part : pad(node, part, {0, 0}, {0, missing}, 0));
  }
  return {concat(node, parts, 1)};
}

/// [..., K] of whether each element of x is each of the K numbers.
Value isEach(Node &node, const Value &x, const char *what, std::vector<float> numbers) {
  Shape shape = x.shape();
  shape.push_back(1);
  return equals(node, reshape(node, x, shape), privateVector(node, what, std::move(numbers)));
}

Values buildOneHotEncoder(Node &node) {
  Shape categories = node.integers("cats_int64s").value_or(Shape{});
  if (categories.empty())
    throw Refusal("categories that are strings are not supported; number them before exporting");
  return {isEach(node, node.floatInput(0), "cats_int64s",
                 std::vector<float>(categories.begin(), categories.end()))};
}

template <typename Key> using Table = std::map<Key, size_t>;

template <typename Key, typename List> Table<Key> tableOf(const List &keys) {
  Table<Key> table;
  for (size_t i = 0; i < keys.size(); ++i)
    table.try_emplace(keys[i], i);
  return table;
}

// Labels of a result that is an index: only what they are called changes.
Value encodedLabels(Node &node, const Value &index) {
  const bool isFirst = node.hasAttribute("classes_strings"); // ai.onnx.ml 1
  std::vector<std::string> names = node.texts(isFirst ? "classes_strings" : "keys_strings");
  Shape numbers = node.integers("keys_int64s").value_or(Shape{});
  if (isFirst)
    for (size_t i = 0; i < names.size(); ++i)
      numbers.push_back(static_cast<int64_t>(i));
  const std::vector<std::string> toNames = isFirst ? names : node.texts("values_strings");
  const Shape toNumbers = isFirst ? numbers : node.integers("values_int64s").value_or(Shape{});
  const bool givesNames = isFirst ? !index.labels || index.labels->names.empty() : !toNames.empty();
  if (!givesNames && toNumbers.empty())
    throw Refusal("labels that become floats are not supported; leave the encoder out and convert "
                  "the result");
  const std::string otherName = node.text("default_string", "_Unused");
  const int64_t otherNumber = node.integer("default_int64", -1);
  const auto byName = tableOf<std::string>(names);
  const auto byNumber = tableOf<int64_t>(numbers);
  return relabelled(node, index, [&](int64_t number, const std::string *name, Labels &labels) {
    size_t at = std::max(toNames.size(), toNumbers.size());
    if (name != nullptr) {
      if (auto found = byName.find(*name); found != byName.end())
        at = found->second;
    } else if (auto found = byNumber.find(number); found != byNumber.end()) {
      at = found->second;
    }
    if (givesNames)
      labels.names.push_back(at < toNames.size() ? toNames[at] : otherName);
    else
      labels.numbers.push_back(at < toNumbers.size() ? toNumbers[at] : otherNumber);
  });
}

Values buildLabelEncoder(Node &node) {
  const Value &x = node.input(0);
  if (x.kind() != Kind::kFloat)
    return {encodedLabels(node, x)};
  std::vector<float> keys = realsOrTensor(node, "keys_floats");
  std::vector<float> values = realsOrTensor(node, "values_floats");
  if (keys.empty() || keys.size() != values.size())
    throw Refusal("numbers that depend on a graph input are supported with as many keys_floats as "
                  "values_floats only");
  float other = node.real("default_float", 0);
  for (float &value : values)
    value -= other;
  auto count = static_cast<int64_t>(keys.size());
  Value flat = reshape(node, x, {elementCount(x.shape())});
  Value chosen = matmul(node, isEach(node, flat, "keys_floats", std::move(keys)),
                        privateTensor(node, "values_floats", {count, 1}, std::move(values)));
  Value result = reshape(node, chosen, x.shape());
  if (other == 0)
    return {result};
  return {binary(node, Binary::kAdd, result, privateVector(node, "default_float", {other}))};
}

Values buildZipMap(Node &node) {
  mlir::emitWarning(node.location,
                    "ZipMap is left out: the result is a tensor of probabilities, in the order of "
                    "the classes");
  return {node.input(0)};
}

} // namespace

void addEncoders(std::vector<Operator> &table) {
  const char *ml = "ai.onnx.ml";
  table.insert(table.end(),
               {
                   {ml, "Binarizer", 1, kNewest, buildBinarizer, nullptr, ""},
                   {ml, "Imputer", 1, kNewest, buildImputer, nullptr,
                    "of a number; a NaN to be replaced does not exist in fixed point"},
                   {ml, "FeatureVectorizer", 1, kNewest, buildFeatureVectorizer, nullptr, ""},
                   {ml, "OneHotEncoder", 1, kNewest, buildOneHotEncoder, nullptr,
                    "categories that are whole numbers; others than these give zeros"},
                   {ml, "LabelEncoder", 1, kNewest, buildLabelEncoder, nullptr,
                    "floats to floats, and labels of a class to labels"},
                   {ml, "ZipMap", 1, kNewest, buildZipMap, nullptr,
                    "left out: probabilities are a tensor in the order of the classes"},
               });
}

} // namespace dyad::onnx
