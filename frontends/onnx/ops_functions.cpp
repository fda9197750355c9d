// SPDX-License-Identifier: Apache-2.0
// Builders of smooth functions of each element, of powers, and of the reductions made of them.
#include "frontends/onnx/operators.h"

#include "ir/nn/functions.h"

#include <cmath>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;
using Function = nn::FunctionKind;

template <Function kind> Values buildFunction(Node &node) {
  return {function(node, kind, node.floatInput(0))};
}

Value scaledBy(Node &node, const Value &input, float factor, const char *name) {
  return factor == 1 ? input : binary(node, Binary::kMul, input, publicNumber(node, factor, name));
}

Values buildGelu(Node &node) {
  std::string approximate = node.text("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    throw Refusal(fmt::format("attribute 'approximate' is '{}', none and tanh exist; the model is "
                              "damaged",
                              approximate));
  return {function(node, approximate == "tanh" ? Function::kGeluTanh : Function::kGelu,
                   node.floatInput(0))};
}

Values buildElu(Node &node) {
  return {function(node, Function::kElu, node.floatInput(0), node.real("alpha", 1))};
}

Values buildCelu(Node &node) {
  float alpha = node.real("alpha", 1);
  if (alpha == 0)
    throw Refusal("attribute 'alpha' is zero; the model is damaged");
  return {function(node, Function::kCelu, node.floatInput(0), alpha)};
}

Values buildSelu(Node &node) {
  constexpr float kAlpha = 1.67326319217681884765625F;
  constexpr float kGamma = 1.05070102214813232421875F;
  Value elu = function(node, Function::kElu, node.floatInput(0), node.real("alpha", kAlpha));
  return {scaledBy(node, elu, node.real("gamma", kGamma), "gamma")};
}

Value hardSigmoid(Node &node, const Value &input, float alpha, float beta) {
  Value line = binary(node, Binary::kAdd, scaledBy(node, input, alpha, "alpha"),
                      publicNumber(node, beta, "beta"));
  return clip(node, line, 0.0, 1.0);
}

Values buildHardSigmoid(Node &node) {
  return {hardSigmoid(node, node.floatInput(0), node.real("alpha", 0.2F), node.real("beta", 0.5F))};
}

Values buildHardSwish(Node &node) {
  const Value &input = node.floatInput(0);
  return {binary(node, Binary::kMul, input, hardSigmoid(node, input, 1.0F / 6, 0.5F))};
}

Value squared(Node &node, const Value &x) { return binary(node, Binary::kMul, x, x); }

Values buildPow(Node &node) {
  const Value &base = node.input(0);
  const Tensor &exponent = node.constantInput(1, "the exponent");
  if (base.isConstant()) {
    auto asFloat = [](const Tensor &tensor) {
      Tensor result = tensor;
      result.kind = Kind::kFloat;
      if (tensor.kind != Kind::kFloat)
        result.floats.assign(tensor.integers.begin(), tensor.integers.end());
      result.integers.clear();
      return result;
    };
    Tensor power = zipFloats(asFloat(*base.constant), asFloat(exponent),
                             [](float x, float y) { return std::pow(x, y); });
    if (base.kind() == Kind::kFloat)
      return {Value::of(std::move(power), base.name)};
    Tensor whole{Kind::kInteger, power.shape, {}, {}};
    for (float value : power.floats)
      whole.integers.push_back(std::llround(value));
    return {Value::of(std::move(whole), base.name)};
  }
  if (exponent.size() != 1)
    throw Refusal(fmt::format("an exponent of shape {} is not supported, only one number is",
                              shapeText(exponent.shape)));
  double value = exponent.kind == Kind::kFloat ? exponent.floats.front()
                                               : static_cast<double>(exponent.integers.front());
  Value input = broadcast(node, node.floatInput(0), broadcastShape(base.shape(), exponent.shape));
  if (value == 1)
    return {input};
  if (value == 2)
    return {squared(node, input)};
  if (value == 3)
    return {binary(node, Binary::kMul, squared(node, input), input)};
  if (value == 0.5)
    return {function(node, Function::kSqrt, input)};
  if (value == -0.5)
    return {function(node, Function::kRsqrt, input)};
  if (value == -1)
    return {function(node, Function::kReciprocal, input)};
  return {function(node, Function::kPower, input, value)};
}

enum class Norm { kL2, kSumSquare, kLogSum, kLogSumExp };

template <Norm norm> Values buildReduceNorm(Node &node) {
  const Value &input = node.floatInput(0);
  Shape axes = reducedAxes(node, 18);
  auto sum = [&](const Value &x) { return reduce(node, Reduction::kSum, x, axes); };
  Value result;
  switch (norm) {
  case Norm::kL2:
    result = function(node, Function::kSqrt, sum(squared(node, input)));
    break;
  case Norm::kSumSquare:
    result = sum(squared(node, input));
    break;
  case Norm::kLogSum:
    result = function(node, Function::kLog, sum(input));
    break;
  case Norm::kLogSumExp: {
    Value most = reduce(node, Reduction::kMax, input, axes);
    Value rest = binary(node, Binary::kSub, input, most);
    Value total = sum(function(node, Function::kExp, rest));
    result = binary(node, Binary::kAdd, most, function(node, Function::kLog, total));
    break;
  }
  }
  return {withoutAxes(node, result, axes)};
}

} // namespace

void addFunctions(std::vector<Operator> &table) {
  const char *attribute = "axes as attribute";
  const char *input = "axes as constant input";
  table.insert(
      table.end(),
      {
          {"", "Exp", 7, kNewest, buildFunction<Function::kExp>, nullptr, ""},
          {"", "Log", 7, kNewest, buildFunction<Function::kLog>, nullptr, "positive inputs"},
          {"", "Sqrt", 7, kNewest, buildFunction<Function::kSqrt>, nullptr, "non-negative inputs"},
          {"", "Reciprocal", 7, kNewest, buildFunction<Function::kReciprocal>, nullptr,
           "inputs of one sign"},
          {"", "Sigmoid", 7, kNewest, buildFunction<Function::kSigmoid>, nullptr, ""},
          {"", "Tanh", 7, kNewest, buildFunction<Function::kTanh>, nullptr, ""},
          {"", "Erf", 9, kNewest, buildFunction<Function::kErf>, nullptr, ""},
          {"", "Sin", 7, kNewest, buildFunction<Function::kSin>, nullptr, ""},
          {"", "Cos", 7, kNewest, buildFunction<Function::kCos>, nullptr, ""},
          {"", "Softplus", 7, kNewest, buildFunction<Function::kSoftplus>, nullptr, ""},
          {"", "Softsign", 7, kNewest, buildFunction<Function::kSoftsign>, nullptr, ""},
          {"", "Mish", 18, kNewest, buildFunction<Function::kMish>, nullptr, ""},
          {"", "Gelu", 20, kNewest, buildGelu, nullptr, ""},
          {"", "Elu", 7, kNewest, buildElu, nullptr, "alpha is public"},
          {"", "Celu", 12, kNewest, buildCelu, nullptr, "alpha is public"},
          {"", "Selu", 7, kNewest, buildSelu, nullptr, "alpha and gamma are public"},
          {"", "HardSigmoid", 7, kNewest, buildHardSigmoid, nullptr, "alpha and beta are public"},
          {"", "HardSwish", 14, kNewest, buildHardSwish, nullptr, ""},
          {"", "Pow", 7, kNewest, buildPow, nullptr,
           "one constant exponent, public; any when all is constant"},
          {"", "ReduceL2", 7, 17, buildReduceNorm<Norm::kL2>, nullptr, attribute},
          {"", "ReduceL2", 18, kNewest, buildReduceNorm<Norm::kL2>, nullptr, input},
          {"", "ReduceSumSquare", 7, 17, buildReduceNorm<Norm::kSumSquare>, nullptr, attribute},
          {"", "ReduceSumSquare", 18, kNewest, buildReduceNorm<Norm::kSumSquare>, nullptr, input},
          {"", "ReduceLogSum", 7, 17, buildReduceNorm<Norm::kLogSum>, nullptr, attribute},
          {"", "ReduceLogSum", 18, kNewest, buildReduceNorm<Norm::kLogSum>, nullptr, input},
          {"", "ReduceLogSumExp", 7, 17, buildReduceNorm<Norm::kLogSumExp>, nullptr, attribute},
          {"", "ReduceLogSumExp", 18, kNewest, buildReduceNorm<Norm::kLogSumExp>, nullptr, input},
      });
}

} // namespace dyad::onnx
