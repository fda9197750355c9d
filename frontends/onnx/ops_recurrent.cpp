// SPDX-License-Identifier: Apache-2.0
// Builders of RNN, GRU and LSTM. The input's share of all gates, of all time steps and both
// directions, is one matrix product; the steps are unrolled, with the directions of a step side by
// side on an axis of their own, and the gates that share an activation evaluated together.
#include "frontends/onnx/operators.h"

#include <algorithm>
#include <numeric>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;
using nn::FunctionKind;

// Longer sequences would make a program of that many steps.
constexpr int64_t kMaxSteps = 4096;

struct Activation {
  std::string name; // lower case
  float alpha = 0, beta = 0;

  bool operator==(const Activation &) const = default;
};

Value activate(Node &node, const Activation &f, const Value &x) {
  auto line = [&](float alpha, float beta) {
    Value scaled =
        alpha == 1 ? x : binary(node, Binary::kMul, x, publicNumber(node, alpha, "alpha"));
    return beta == 0 ? scaled
                     : binary(node, Binary::kAdd, scaled, publicNumber(node, beta, "beta"));
  };
  if (f.name == "sigmoid")
    return function(node, FunctionKind::kSigmoid, x);
  if (f.name == "tanh")
    return function(node, FunctionKind::kTanh, x);
  if (f.name == "relu")
    return unary(node, Unary::kRelu, x);
  if (f.name == "affine")
    return line(f.alpha, f.beta);
  if (f.name == "scaledtanh") {
    Value inner = binary(node, Binary::kMul, x, publicNumber(node, f.beta, "beta"));
    return binary(node, Binary::kMul, function(node, FunctionKind::kTanh, inner),
                  publicNumber(node, f.alpha, "alpha"));
  }
  if (f.name == "hardsigmoid")
    return clip(node, line(f.alpha, f.beta), 0.0, 1.0);
  if (f.name == "elu")
    return function(node, FunctionKind::kElu, x, f.alpha);
  if (f.name == "softsign")
    return function(node, FunctionKind::kSoftsign, x);
  if (f.name == "softplus")
    return function(node, FunctionKind::kSoftplus, x);
  if (f.name == "leakyrelu") { // x + (alpha - 1) min(x, 0)
    Value negative = binary(node, Binary::kSub, x, unary(node, Unary::kRelu, x));
    return binary(node, Binary::kAdd, x,
                  binary(node, Binary::kMul, negative, publicNumber(node, f.alpha - 1, "alpha")));
  }
  throw Refusal(fmt::format("activation '{}' is not supported; Sigmoid, Tanh, Relu, Affine, "
                            "LeakyRelu, ScaledTanh, HardSigmoid, Elu, Softsign and Softplus are",
                            f.name));
}

// Values that an activation takes from the lists of the node, and their defaults.
struct Defaults {
  const char *name;
  bool hasAlpha, hasBeta;
  float alpha, beta;
};
constexpr Defaults kDefaults[] = {
    {"affine", true, true, 1, 0},     {"leakyrelu", true, false, 0.01F, 0},
    {"scaledtanh", true, true, 1, 1}, {"hardsigmoid", true, true, 0.2F, 0.5F},
    {"elu", true, false, 1, 0},       {"thresholdedrelu", true, false, 1, 0},
};

std::vector<Activation> activationsOf(const Node &node, std::vector<std::string> defaults,
                                      int64_t directions) {
  size_t count = defaults.size() * static_cast<size_t>(directions);
  std::vector<std::string> names = node.texts("activations");
  if (names.empty())
    for (int64_t d = 0; d < directions; ++d)
      names.insert(names.end(), defaults.begin(), defaults.end());
  if (names.size() != count)
    throw Refusal(fmt::format("there are {} activations for {} directions of {}; the model is "
                              "damaged",
                              names.size(), directions, defaults.size()));
  std::vector<float> alphas = node.reals("activation_alpha").value_or(std::vector<float>{});
  std::vector<float> betas = node.reals("activation_beta").value_or(std::vector<float>{});
  size_t alpha = 0;
  size_t beta = 0;
  std::vector<Activation> result;
  for (std::string name : names) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    Activation f{name};
    for (const Defaults &known : kDefaults)
      if (name == known.name) {
        f.alpha = known.hasAlpha && alpha < alphas.size() ? alphas[alpha++] : known.alpha;
        f.beta = known.hasBeta && beta < betas.size() ? betas[beta++] : known.beta;
      }
    result.push_back(f);
  }
  return result;
}

/// One layer: shapes, weights in [directions, ...] order, and what steps have in common.
class Recurrence {
public:
  Recurrence(Node &node, int64_t gates, std::vector<std::string> activations)
      : node_(node), gates_(gates) {
    direction_ = node.text("direction", "forward");
    if (direction_ != "forward" && direction_ != "reverse" && direction_ != "bidirectional")
      throw Refusal(fmt::format("direction '{}' does not exist; the model is damaged", direction_));
    directions_ = direction_ == "bidirectional" ? 2 : 1;
    activations_ = activationsOf(node, std::move(activations), directions_);
    batchFirst_ = node.opset >= 14 && node.integer("layout", 0) != 0;
    x_ = node.floatInput(0);
    if (x_.rank() != 3)
      throw Refusal(fmt::format("input '{}' has shape {}, three axes are expected; the model is "
                                "damaged",
                                x_.name, shapeText(x_.shape())));
    if (batchFirst_)
      x_ = transpose(node, x_, {1, 0, 2});
    steps = x_.shape()[0];
    batch_ = x_.shape()[1];
    hidden_ = node.floatInput(2).shape().back();
    if (steps < 1 || steps > kMaxSteps)
      throw Refusal(
          fmt::format("a sequence of {} steps is not supported, 1 to {} are", steps, kMaxSteps));
    if (node.hasAttribute("clip"))
      clip_ = node.real("clip", 0);
    require(1, {directions_, gates_ * hidden_, x_.shape()[2]});
    require(2, {directions_, gates_ * hidden_, hidden_});
    readLengths();
  }

  int64_t steps = 0;

  /// Refuses an input of another shape.
  void require(size_t index, const Shape &shape) const {
    if (node_.floatInput(index).shape() != shape)
      throw Refusal(fmt::format("'{}' has shape {} instead of {}; the model is damaged",
                                node_.input(index).name, shapeText(node_.input(index).shape()),
                                shapeText(shape)));
  }

  /// The half of B (0 for the input's, 1 for the recurrent one) of some gates: [directions, 1,
  /// count * hidden], or an absent value.
  Value bias(int64_t half, int64_t firstGate, int64_t count) const {
    if (!node_.has(3))
      return {};
    require(3, {directions_, 2 * gates_ * hidden_});
    Value part = slice(node_, node_.floatInput(3), {0, (half * gates_ + firstGate) * hidden_},
                       {directions_, count * hidden_}, {1, 1});
    return reshape(node_, part, {directions_, 1, count * hidden_});
  }

  /// R of some gates, transposed: [directions, hidden, count * hidden]; a matrix for one direction,
  /// since a weight of rank two is cheaper to handle than a batch of one. Made once for all steps.
  Value recurrentWeight(int64_t firstGate, int64_t count) const {
    Value part = slice(node_, node_.floatInput(2), {0, firstGate * hidden_, 0},
                       {directions_, count * hidden_, hidden_}, {1, 1, 1});
    Value transposed = transpose(node_, part, {0, 2, 1});
    return directions_ > 1 ? transposed : reshape(node_, transposed, {hidden_, count * hidden_});
  }

  /// The input's part of all gates at each step: [directions, batch, gates * hidden]. The reverse
  /// direction has its own time.
  Values inputGates() const {
    int64_t width = gates_ * hidden_;
    Shape from = x_.shape();
    Value weight = reshape(node_, node_.floatInput(1), {directions_ * width, from[2]});
    Value flat = reshape(node_, x_, {steps * batch_, from[2]});
    Value all = matmul(node_, flat, transpose(node_, weight, {1, 0}));
    all = reshape(node_, all, {steps, batch_, directions_, width});
    all = transpose(node_, all, {2, 0, 1, 3});
    all = turned(all);
    Values result;
    for (int64_t t = 0; t < steps; ++t)
      result.push_back(reshape(
          node_, slice(node_, all, {0, t, 0, 0}, {directions_, 1, batch_, width}, {1, 1, 1, 1}),
          {directions_, batch_, width}));
    return result;
  }

  /// An initial state: [directions, batch, hidden], or absent where it is zero.
  Value initial(size_t index) const {
    if (!node_.has(index))
      return {};
    Value state = node_.floatInput(index);
    if (batchFirst_)
      state = transpose(node_, state, {1, 0, 2});
    if (state.shape() != Shape{directions_, batch_, hidden_})
      throw Refusal(fmt::format("initial state '{}' has shape {} instead of {}; the model is "
                                "damaged",
                                state.name, shapeText(state.shape()),
                                shapeText({directions_, batch_, hidden_})));
    bool isZero = state.isConstant() &&
                  llvm::all_of(state.constant->floats, [](float value) { return value == 0; });
    return isZero ? Value{} : state;
  }

  /// h R of some gates, or an absent value where h is.
  Value recurrent(const Value &h, const Value &weight) const {
    if (!h.isPresent())
      return {};
    if (directions_ > 1)
      return matmul(node_, h, weight);
    Value product = matmul(node_, reshape(node_, h, {batch_, hidden_}), weight);
    return reshape(node_, product, {1, batch_, weight.shape()[1]});
  }

  Value sum(const Value &a, const Value &b) const {
    return !a.isPresent() ? b : !b.isPresent() ? a : binary(node_, Binary::kAdd, a, b);
  }
  Value product(const Value &a, const Value &b) const {
    return !a.isPresent() || !b.isPresent() ? Value{} : binary(node_, Binary::kMul, a, b);
  }
  /// The part of some gates of a value [directions, batch, n * hidden].
  Value gate(const Value &x, int64_t first, int64_t count) const {
    return slice(node_, x, {0, 0, first * hidden_}, {directions_, batch_, count * hidden_},
                 {1, 1, 1});
  }

  /// Activation `index` of every direction on [directions, batch, n]. Inputs of gates are clipped,
  /// the cell is not (as ONNX Runtime does it).
  Value activation(size_t index, const Value &x, bool isGate = true) const {
    Value bounded = clip_ && isGate ? clip(node_, x, -*clip_, *clip_) : x;
    size_t kinds = activations_.size() / static_cast<size_t>(directions_);
    if (directions_ == 1 || activations_[index] == activations_[kinds + index])
      return activate(node_, activations_[index], bounded);
    Shape shape = x.shape();
    Values parts;
    for (int64_t d = 0; d < directions_; ++d)
      parts.push_back(
          activate(node_, activations_[kinds * static_cast<size_t>(d) + index],
                   slice(node_, bounded, {d, 0, 0}, {1, shape[1], shape[2]}, {1, 1, 1})));
    return concat(node_, parts, 0);
  }

  /// After step t: sequences that ended before keep their state. `before` may be absent (zero).
  Value kept(int64_t t, const Value &now, const Value &before) const {
    if (llvm::all_of(lengths_, [&](int64_t length) { return t < length; }))
      return now;
    return selected(t, now, before);
  }
  /// The output of step t, zero where the sequence has ended.
  Value shown(int64_t t, const Value &h) const {
    if (llvm::all_of(lengths_, [&](int64_t length) { return t < length; }))
      return h;
    return selected(t, h, {});
  }

  /// Y of all steps, from the states in each direction's own time.
  Value sequence(const Values &outputs) const {
    Values lifted;
    for (const Value &h : outputs)
      lifted.push_back(reshape(node_, h, {directions_, 1, batch_, hidden_}));
    Value all = concat(node_, lifted, 1); // directions, steps, batch, hidden
    all = turned(all);
    return transpose(node_, all, batchFirst_ ? Shape{2, 1, 0, 3} : Shape{1, 0, 2, 3});
  }
  /// Y_h or Y_c.
  Value last(const Value &state) const {
    return batchFirst_ ? transpose(node_, state, {1, 0, 2}) : state;
  }
  Value zeroState() const {
    Tensor zero{Kind::kFloat, {directions_, batch_, hidden_}, {}, {}};
    zero.floats.assign(static_cast<size_t>(elementCount(zero.shape)), 0.0F);
    return Value::of(std::move(zero), node_.name + ".zero", /*isPublic=*/true);
  }
  int64_t directions() const { return directions_; }
  int64_t hidden() const { return hidden_; }

private:
  bool isReverse(int64_t d) const { return direction_ == "reverse" || d == 1; }

  void readLengths() {
    lengths_.assign(static_cast<size_t>(batch_), steps);
    if (!node_.has(4))
      return;
    lengths_ = node_.constantIntegers(4, "the sequence lengths");
    if (static_cast<int64_t>(lengths_.size()) != batch_ ||
        llvm::any_of(lengths_, [&](int64_t length) { return length < 0 || length > steps; }))
      throw Refusal("the sequence lengths do not fit the input; the model is damaged");
  }

  /// [directions, steps, batch, n] with the reverse direction's steps in its own time, or back.
  Value turned(const Value &all) const {
    Shape shape = all.shape();
    shape[0] = 1;
    Values parts;
    for (int64_t d = 0; d < directions_; ++d) {
      Value one = directions_ == 1 ? all : slice(node_, all, {d, 0, 0, 0}, shape, {1, 1, 1, 1});
      parts.push_back(isReverse(d) ? inOwnTime(one) : one);
    }
    return concat(node_, parts, 0);
  }

  /// [1, steps, batch, n] with each sequence's steps in reverse; its own inverse.
  Value inOwnTime(const Value &x) const {
    Shape shape = x.shape();
    if (llvm::all_of(lengths_, [&](int64_t length) { return length == steps; }))
      return slice(node_, x, {0, steps - 1, 0, 0}, shape, {1, -1, 1, 1});
    Shape positions;
    for (int64_t t = 0; t < steps; ++t)
      for (int64_t b = 0; b < batch_; ++b) {
        int64_t length = lengths_[static_cast<size_t>(b)];
        int64_t from = t < length ? length - 1 - t : t;
        for (int64_t i = 0; i < shape[3]; ++i)
          positions.push_back((from * batch_ + b) * shape[3] + i);
      }
    return take(node_, x, shape, positions);
  }

  Value selected(int64_t t, const Value &now, const Value &before) const {
    Value other = before.isPresent() ? before : zeroState();
    int64_t count = directions_ * batch_ * hidden_;
    Value both = concat(node_, {reshape(node_, now, {count}), reshape(node_, other, {count})}, 0);
    Shape positions;
    for (int64_t i = 0; i < count; ++i) {
      auto b = static_cast<size_t>(i / hidden_ % batch_);
      positions.push_back(t < lengths_[b] ? i : count + i);
    }
    return take(node_, both, {directions_, batch_, hidden_}, positions);
  }

  Node &node_;
  int64_t gates_;
  std::string direction_;
  int64_t directions_ = 1, batch_ = 0, hidden_ = 0;
  bool batchFirst_ = false;
  Value x_;
  std::vector<Activation> activations_;
  std::optional<double> clip_;
  Shape lengths_;
};

Values buildRnn(Node &node) {
  Recurrence layer(node, 1, {"Tanh"});
  Value weight = layer.recurrentWeight(0, 1);
  Value bias = layer.sum(layer.bias(0, 0, 1), layer.bias(1, 0, 1));
  Value h = layer.initial(5);
  Values outputs;
  Values inputs = layer.inputGates();
  for (int64_t t = 0; t < layer.steps; ++t) {
    Value gate = layer.sum(layer.sum(inputs[t], bias), layer.recurrent(h, weight));
    Value next = layer.activation(0, gate);
    outputs.push_back(layer.shown(t, next));
    h = layer.kept(t, next, h);
  }
  return {layer.sequence(outputs), layer.last(h)};
}

Values buildGru(Node &node) {
  Recurrence layer(node, 3, {"Sigmoid", "Tanh"});
  bool resetAfter = node.integer("linear_before_reset", 0) != 0;
  Value weight = layer.recurrentWeight(0, resetAfter ? 3 : 2);
  Value hiddenWeight = resetAfter ? Value{} : layer.recurrentWeight(2, 1);
  Value gateBias = layer.sum(layer.bias(0, 0, 2), layer.bias(1, 0, 2));
  Value inputBias = layer.bias(0, 2, 1);
  Value hiddenBias = layer.bias(1, 2, 1);
  Value h = layer.initial(5);
  Values outputs;
  Values inputs = layer.inputGates();
  for (int64_t t = 0; t < layer.steps; ++t) {
    Value fromState = layer.recurrent(h, weight);
    Value both = layer.sum(layer.gate(inputs[t], 0, 2), gateBias);
    if (fromState.isPresent())
      both = layer.sum(both, layer.gate(fromState, 0, 2));
    both = layer.activation(0, both); // update and reset
    Value update = layer.gate(both, 0, 1);
    Value reset = layer.gate(both, 1, 1);
    Value candidate = layer.sum(layer.gate(inputs[t], 2, 1), inputBias);
    if (resetAfter) {
      Value inner = fromState.isPresent() ? layer.gate(fromState, 2, 1) : Value{};
      candidate = layer.sum(candidate, layer.product(reset, layer.sum(inner, hiddenBias)));
    } else {
      Value inner = layer.recurrent(layer.product(reset, h), hiddenWeight);
      candidate = layer.sum(candidate, layer.sum(inner, hiddenBias));
    }
    candidate = layer.activation(1, candidate);
    // (1 - z) c + z h = c + z (h - c), one product.
    Value rest = h.isPresent() ? binary(node, Binary::kSub, h, candidate)
                               : unary(node, Unary::kNeg, candidate);
    Value next = binary(node, Binary::kAdd, candidate, layer.product(update, rest));
    outputs.push_back(layer.shown(t, next));
    h = layer.kept(t, next, h);
  }
  return {layer.sequence(outputs), layer.last(h)};
}

// Gates in the order of ONNX: input, output, forget, cell.
Values buildLstm(Node &node) {
  Recurrence layer(node, 4, {"Sigmoid", "Tanh", "Tanh"});
  bool coupled = node.integer("input_forget", 0) != 0;
  Value weight = layer.recurrentWeight(0, 4);
  Value bias = layer.sum(layer.bias(0, 0, 4), layer.bias(1, 0, 4));
  bool hasPeepholes = node.has(7);
  auto peephole = [&](int64_t index) -> Value { // i, o, f
    return reshape(node,
                   slice(node, node.floatInput(7), {0, index * layer.hidden()},
                         {layer.directions(), layer.hidden()}, {1, 1}),
                   {layer.directions(), 1, layer.hidden()});
  };
  if (hasPeepholes)
    layer.require(7, {layer.directions(), 3 * layer.hidden()});
  Value h = layer.initial(5);
  Value c = layer.initial(6);
  Values outputs;
  Values inputs = layer.inputGates();
  for (int64_t t = 0; t < layer.steps; ++t) {
    Value gates = layer.sum(layer.sum(inputs[t], bias), layer.recurrent(h, weight));
    Value input, output, forget;
    if (hasPeepholes) {
      input =
          layer.activation(0, layer.sum(layer.gate(gates, 0, 1), layer.product(c, peephole(0))));
      if (!coupled)
        forget =
            layer.activation(0, layer.sum(layer.gate(gates, 2, 1), layer.product(c, peephole(2))));
    } else { // the three at once
      Value all = layer.activation(0, layer.gate(gates, 0, 3));
      input = layer.gate(all, 0, 1);
      output = layer.gate(all, 1, 1);
      forget = layer.gate(all, 2, 1);
    }
    if (coupled)
      forget = binary(node, Binary::kSub, publicNumber(node, 1, "one"), input);
    Value candidate = layer.activation(1, layer.gate(gates, 3, 1));
    Value cell = layer.sum(layer.product(input, candidate), layer.product(forget, c));
    if (hasPeepholes)
      output =
          layer.activation(0, layer.sum(layer.gate(gates, 1, 1), layer.product(cell, peephole(1))));
    Value next = binary(node, Binary::kMul, output, layer.activation(2, cell, false));
    outputs.push_back(layer.shown(t, next));
    h = layer.kept(t, next, h);
    c = layer.kept(t, cell, c);
  }
  return {layer.sequence(outputs), layer.last(h), layer.last(c)};
}

} // namespace

void addRecurrent(std::vector<Operator> &table) {
  const char *note = "unrolled; constant sequence lengths";
  table.insert(table.end(), {
                                {"", "RNN", 7, kNewest, buildRnn, nullptr, note},
                                {"", "GRU", 7, kNewest, buildGru, nullptr, note},
                                {"", "LSTM", 7, kNewest, buildLstm, nullptr, note},
                            });
}

} // namespace dyad::onnx
