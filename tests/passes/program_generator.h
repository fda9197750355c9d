// SPDX-License-Identifier: Apache-2.0
// Random programs of nn or fx as text, of all operations that compute or move elements, with
// shapes, fractions and owners that fit each other.
#pragma once

#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace dyad {

using Shape = std::vector<std::int64_t>;

// Programs of one dialect as text. Values of fx are 48 bits wide; their fractions are kept apart.
class Generator {
public:
  Generator(bool isInteger, unsigned seed) : isInteger_(isInteger), random_(seed) {}

  void build() {
    const Shape shapes[] = {{1, 4, 3, 3}, {2, 4}, {1, 2, 4}};
    for (const Shape &shape : shapes)
      input(shape);
    for (int i = 0; i < 24; ++i)
      step();
  }

  const std::string &symbols() const { return symbols_; }
  const std::string &body() const { return body_; }
  const std::map<std::string, std::pair<Shape, std::pair<double, double>>> &inputs() const {
    return inputs_;
  }
  const std::set<std::string> &used() const { return used_; }

private:
  struct Known {
    std::string name;
    Shape shape;
    int fraction = 0;
    const char *owner = "shared";
  };

  int draw(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  bool chance(int percent) { return draw(1, 100) <= percent; }

  std::string type(const Shape &shape, int fraction, const char *owner = "shared") const {
    return fmt::format("tensor<{}x{}>", fmt::join(shape, "x"),
                       isInteger_ ? fmt::format("!fx.fixed<s48, {}, {}>", fraction, owner) : "f32");
  }
  std::string fresh() { return fmt::format("%v{}", next_++); }
  std::string opName(const std::string &name) const { return (isInteger_ ? "fx." : "nn.") + name; }

  void input(const Shape &shape) {
    const double a = draw(-6, 6);
    const double b = draw(-6, 6);
    const std::string name = fresh();
    const std::string given = fmt::format("x{}", next_);
    if (isInteger_)
      body_ += fmt::format("{} = fx.input \"{}\" range {:.1f} to {:.1f} <declared> : {}\n", name,
                           given, std::min(a, b), std::max(a, b), type(shape, 0, "client"));
    else
      body_ += fmt::format("{} = nn.input \"{}\" owner \"client\" range {:.1f} to {:.1f} : {}\n",
                           name, given, std::min(a, b), std::max(a, b), type(shape, 0));
    inputs_[given] = {shape, {std::min(a, b), std::max(a, b)}};
    if (isInteger_) // shared from here on
      emit("add", {{name, shape, 0, "client"}, constant(shape, 0)}, "", shape, 0);
    else
      values_.push_back({name, shape, 0});
  }

  Known constant(const Shape &shape, int fraction, int low = -3, int high = 3) {
    const std::string symbol = fmt::format("w{}", next_);
    std::int64_t count = 1;
    for (std::int64_t size : shape)
      count *= size;
    std::vector<std::string> numbers;
    const bool isDead = chance(10);
    for (std::int64_t i = 0; i < count; ++i)
      numbers.push_back(std::to_string(isDead ? std::max(low, 0) : draw(low, high)) +
                        (isInteger_ ? "" : ".0"));
    std::string list;
    std::size_t at = 0;
    std::function<std::string(std::size_t)> nested = [&](std::size_t axis) -> std::string {
      if (axis == shape.size())
        return numbers[at++];
      std::vector<std::string> parts;
      for (std::int64_t i = 0; i < shape[axis]; ++i)
        parts.push_back(nested(axis + 1));
      return fmt::format("[{}]", fmt::join(parts, ", "));
    };
    symbols_ += fmt::format("{} @{} : {} = dense<{}> : tensor<{}x{}>\n", opName("weight"), symbol,
                            type(shape, fraction, "server"), nested(0), fmt::join(shape, "x"),
                            isInteger_ ? "i64" : "f32");
    const std::string name = fresh();
    body_ += fmt::format("{} = {} @{} : {}\n", name, opName("constant"), symbol,
                         type(shape, fraction, "server"));
    return {name, shape, fraction, "server"};
  }

  const Known &any() {
    return values_[static_cast<std::size_t>(draw(0, static_cast<int>(values_.size()) - 1))];
  }
  std::optional<Known> like(const Known &value, bool sameFraction) {
    std::vector<Known> found;
    for (const Known &other : values_)
      if (other.shape == value.shape && (!sameFraction || other.fraction == value.fraction))
        found.push_back(other);
    return chance(25)
               ? value
               : found[static_cast<std::size_t>(draw(0, static_cast<int>(found.size()) - 1))];
  }
  std::optional<Known> ofRank(std::size_t least, std::size_t most) {
    std::vector<Known> found;
    for (const Known &value : values_)
      if (value.shape.size() >= least && value.shape.size() <= most)
        found.push_back(value);
    if (found.empty())
      return std::nullopt;
    return found[static_cast<std::size_t>(draw(0, static_cast<int>(found.size()) - 1))];
  }

  Known emit(const std::string &op, const std::vector<Known> &operands,
             const std::string &attributes, const Shape &shape, int fraction) {
    used_.insert(op);
    const std::string name = fresh();
    std::vector<std::string> names, types;
    for (const Known &operand : operands) {
      names.push_back(operand.name);
      types.push_back(type(operand.shape, operand.fraction, operand.owner));
    }
    const bool isOfServer = llvm::all_of(
        operands, [](const Known &operand) { return operand.owner == std::string("server"); });
    const Known result{name, shape, fraction, isOfServer ? "server" : "shared"};
    // The generic form: one for all operations.
    body_ += fmt::format("{} = \"{}\"({}) {{{}}} : ({}) -> {}\n", name, opName(op),
                         fmt::join(names, ", "), attributes, fmt::join(types, ", "),
                         type(shape, fraction, result.owner));
    if (!isOfServer)
      values_.push_back(result);
    return result;
  }
  static std::string list(const Shape &numbers) {
    return numbers.empty() ? "array<i64>" : fmt::format("array<i64: {}>", fmt::join(numbers, ", "));
  }

  // Magnitudes stay below what 48 bits and floats hold.
  bool mayGrow() { return growth_++ < 6; }

  void step() {
    const Known x = any();
    switch (draw(0, 9)) {
    case 0:
      return sums(x);
    case 1:
      return unary(x);
    case 2:
      return structure(x);
    case 3:
      return convolution();
    case 4:
      return product();
    case 5:
      return pooling();
    case 6:
      return reduction(x);
    case 7:
      return rescaling(x);
    case 8:
      return chance(50) ? unary(x) : sums(x);
    default:
      return chance(50) ? product() : rescaling(x);
    }
  }

  void sums(const Known &x) {
    const Known y = *like(x, true);
    const char *const kinds[] = {"add", "sub", "min", "max"};
    const std::string kind = kinds[draw(0, 3)];
    if (chance(30)) { // a constant, perhaps one for each channel
      const Known c = chance(50) || x.shape.size() != 4
                          ? constant(x.shape, x.fraction)
                          : emit("broadcast", {constant({x.shape[1], 1, 1}, x.fraction)}, "",
                                 x.shape, x.fraction);
      emit(kind, {x, c}, "", x.shape, x.fraction);
      return;
    }
    emit(kind, {x, y}, "", x.shape, x.fraction);
  }

  void unary(const Known &x) {
    const int kind = draw(0, isInteger_ ? 6 : 9);
    if (kind == 0)
      emit("neg", {x}, "", x.shape, x.fraction);
    else if (kind == 1)
      emit("abs", {x}, "", x.shape, x.fraction);
    else if (kind == 2 || kind == 3)
      emit("relu", {x}, "", x.shape, x.fraction);
    else if (kind == 4)
      emit("step", {x}, chance(50) ? "strict" : "", x.shape, 0);
    else if (kind == 5)
      emit("clip", {x},
           isInteger_ ? fmt::format("low = {} : i64, high = {} : i64", draw(-9, 0), draw(0, 9))
                      : fmt::format("low = {}.0 : f64, high = {}.0 : f64", draw(-9, 0), draw(0, 9)),
           x.shape, x.fraction);
    else if (kind == 6 && mayGrow())
      emit("prelu", {x, constant(x.shape, 2)}, "", x.shape, x.fraction + 2);
    else if (kind == 7)
      emit("leaky_relu", {x}, fmt::format("alpha = {:.2f} : f64", draw(-20, 20) / 10.0), x.shape,
           0);
    else if (kind == 8)
      emit("round", {x}, "", x.shape, 0);
    else if (kind == 9)
      function(x);
  }

  void function(const Known &x) {
    const char *const kinds[] = {"sigmoid",  "tanh", "erf", "gelu", "gelu_tanh", "silu", "softplus",
                                 "softsign", "mish", "elu", "celu", "sin",       "cos",  "power"};
    emit("function", {x},
         fmt::format("kind = #nn.function<{}>, parameter = {}.0 : f64", kinds[draw(0, 13)],
                     draw(1, 3)),
         x.shape, 0);
    if (chance(30))
      emit("softmax", {x},
           fmt::format("axis = {} : i64{}", x.shape.size() - 1, chance(50) ? ", log" : ""), x.shape,
           0);
    else if (chance(30))
      emit("normalize", {x},
           fmt::format("axes = array<i64: {}>, epsilon = 1.0e-3 : f64, center = {}",
                       x.shape.size() - 1, chance(50)),
           x.shape, 0);
    else if (chance(30))
      emit("div", {x, constant(x.shape, 0, 1, 4)}, "", x.shape, 0);
    else if (chance(30)) {
      const Known y = *like(x, true);
      const Known e =
          emit("function", {emit("clip", {y}, "low = -3.0 : f64, high = 3.0 : f64", y.shape, 0)},
               "kind = #nn.function<exp>, parameter = 0.0 : f64", y.shape, 0);
      emit("function", {e},
           fmt::format("kind = #nn.function<{}>, parameter = 0.0 : f64",
                       std::array{"log", "sqrt", "rsqrt",
                                  "reciprocal"}[static_cast<std::size_t>(draw(0, 3))]),
           y.shape, 0);
      emit("div", {x, e}, "", x.shape, 0);
    } else if (x.shape.size() == 4 && mayGrow()) {
      auto one = [&] { return constant({x.shape[1]}, 0); };
      const std::vector<Known> operands = {x, one(), one(), one(), constant({x.shape[1]}, 0, 1, 4)};
      emit("batch_norm", operands, "epsilon = 1.0e-3 : f64", x.shape, 0);
    }
  }

  void structure(const Known &x) {
    const auto rank = static_cast<int>(x.shape.size());
    const auto axis = static_cast<std::size_t>(draw(0, rank - 1));
    Shape shape = x.shape;
    switch (draw(0, 7)) {
    case 0: { // join two axes, or split off one of size one
      const auto at = static_cast<std::size_t>(draw(0, rank - 2));
      shape[at] *= shape[at + 1];
      shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(at) + 1);
      if (shape.size() < 2 || (shape.size() == 3 && chance(60)))
        shape.insert(shape.begin() + draw(0, static_cast<int>(shape.size())), 1);
      emit("reshape", {x}, "", shape, x.fraction);
      return;
    }
    case 1: { // split an even axis
      if (shape[axis] % 2 != 0 || shape.size() > 3)
        return;
      shape[axis] /= 2;
      shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, 2);
      emit("reshape", {x}, "", shape, x.fraction);
      return;
    }
    case 2: {
      Shape permutation(shape.size());
      for (std::size_t i = 0; i < shape.size(); ++i)
        permutation[i] = static_cast<std::int64_t>(i);
      std::shuffle(permutation.begin(), permutation.end(), random_);
      for (std::size_t i = 0; i < shape.size(); ++i)
        shape[i] = x.shape[static_cast<std::size_t>(permutation[i])];
      emit("transpose", {x}, "permutation = " + list(permutation), shape, x.fraction);
      return;
    }
    case 3: {
      const Known y = *like(x, true);
      shape[axis] *= 2;
      if (shape[axis] > 12)
        return;
      emit("concat", {x, y}, fmt::format("axis = {} : i64", axis), shape, x.fraction);
      return;
    }
    case 4: {
      const bool isBack = chance(30);
      shape[axis] = draw(1, static_cast<int>(x.shape[axis]));
      Shape starts(shape.size(), 0), steps(shape.size(), 1);
      starts[axis] = isBack ? shape[axis] - 1 : x.shape[axis] - shape[axis];
      steps[axis] = isBack ? -1 : 1;
      emit("slice", {x}, "starts = " + list(starts) + ", steps = " + list(steps), shape,
           x.fraction);
      return;
    }
    case 5: {
      Shape indices;
      for (int i = draw(1, 5); i > 0; --i)
        indices.push_back(draw(0, static_cast<int>(x.shape[axis]) - 1));
      shape[axis] = static_cast<std::int64_t>(indices.size());
      emit("gather", {x}, fmt::format("axis = {} : i64, indices = {}", axis, list(indices)), shape,
           x.fraction);
      return;
    }
    case 6: {
      Shape low(shape.size(), 0), high(shape.size(), 0), interior(shape.size(), 0);
      low[axis] = draw(0, 1);
      high[axis] = draw(0, 1);
      interior[axis] = draw(0, 1);
      shape[axis] += low[axis] + high[axis] + interior[axis] * (shape[axis] - 1);
      if (shape[axis] > 12)
        return;
      emit("pad", {x},
           fmt::format("low = {}, high = {}, interior = {}, value = {}", list(low), list(high),
                       list(interior),
                       isInteger_ ? "0 : i64" : fmt::format("{}.0 : f64", draw(-2, 2))),
           shape, x.fraction);
      return;
    }
    default: {
      std::int64_t count = 1;
      for (std::int64_t size : x.shape)
        count *= size;
      Shape indices;
      for (int i = 0; i < 4; ++i)
        indices.push_back(draw(0, static_cast<int>(count) - 1));
      emit("take", {x}, "indices = " + list(indices), {2, 2}, x.fraction);
    }
    }
  }

  void convolution() {
    const std::optional<Known> x = ofRank(4, 4);
    if (!x || !mayGrow())
      return;
    const std::int64_t channels = x->shape[1];
    const std::int64_t groups = chance(30) ? channels : 1;
    const std::int64_t outputs = groups == 1 ? draw(1, 4) : channels;
    const std::int64_t kernel = x->shape[2] > 1 && x->shape[3] > 1 && chance(50) ? 2 : 1;
    const std::int64_t pad = chance(40) ? 1 : 0;
    const std::int64_t stride = chance(20) ? 2 : 1;
    auto size = [&](std::int64_t n) { return (n + 2 * pad - kernel) / stride + 1; };
    std::vector<Known> operands = {*x, constant({outputs, channels / groups, kernel, kernel}, 1)};
    if (chance(50))
      operands.push_back(constant({outputs}, x->fraction + 1));
    emit("conv2d", operands,
         fmt::format("strides = {}, pads = {}, dilations = array<i64: 1, 1>, groups = {} : i64",
                     list({stride, stride}), list({pad, pad, pad, pad}), groups),
         {x->shape[0], outputs, size(x->shape[2]), size(x->shape[3])}, x->fraction + 1);
  }

  void product() {
    const std::optional<Known> x = ofRank(2, 4);
    if (!mayGrow())
      return;
    Shape shape = x->shape;
    if (chance(40)) {
      const int fraction = x->fraction;
      const Known y = chance(50) ? constant(shape, 1) : *like(*x, false);
      emit("mul", {*x, y}, "", shape, fraction + y.fraction);
    } else if (chance(60)) {
      const Known w = constant({shape.back(), draw(1, 4)}, 1);
      shape.back() = w.shape.back();
      emit("matmul", {*x, w}, "", shape, x->fraction + 1);
    } else if (chance(60)) {
      const std::int64_t inner = shape[shape.size() - 2];
      const Known w = constant({draw(1, 4), inner}, 1);
      shape[shape.size() - 2] = w.shape.front();
      emit("matmul", {w, *x}, "", shape, x->fraction + 1);
    } else if (shape.size() == 3) {
      const Known w = constant({shape[0], shape[2], 3}, 1);
      shape.back() = 3;
      emit("matmul", {*x, w}, "", shape, x->fraction + 1);
    } else if (shape.size() == 2) {
      const Known turned = emit("transpose", {*x}, "permutation = array<i64: 1, 0>",
                                {shape[1], shape[0]}, x->fraction);
      emit("matmul", {*x, turned}, "", {shape[0], shape[0]}, 2 * x->fraction);
    }
  }

  void pooling() {
    const std::optional<Known> x = ofRank(4, 4);
    if (!x || x->shape[2] < 2 || x->shape[3] < 2)
      return;
    const std::int64_t pad = chance(40) ? 1 : 0;
    const bool isMax = chance(50);
    auto size = [&](std::int64_t n) { return n + 2 * pad - 1; };
    emit(isMax        ? "max_pool2d"
         : isInteger_ ? "sum_pool2d"
                      : "average_pool2d",
         {*x},
         fmt::format("kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = {}, dilations "
                     "= array<i64: 1, 1>{}",
                     list({pad, pad, pad, pad}),
                     isMax || isInteger_
                         ? ""
                         : fmt::format(", ceil_pads = array<i64: 0, 0>, count_include_pad = {}",
                                       chance(50))),
         {x->shape[0], x->shape[1], size(x->shape[2]), size(x->shape[3])}, x->fraction);
  }

  void reduction(const Known &x) {
    Shape axes;
    Shape shape = x.shape;
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      if (chance(50)) {
        axes.push_back(static_cast<std::int64_t>(axis));
        shape[axis] = 1;
      }
    if (axes.empty())
      return;
    if (isInteger_) {
      const char *const kinds[] = {"reduce_sum", "reduce_max", "reduce_min"};
      emit(kinds[draw(0, 2)], {x}, "axes = " + list(axes), shape, x.fraction);
      return;
    }
    const char *const kinds[] = {"sum", "mean", "max", "min", "l1"};
    emit("reduce", {x},
         fmt::format("kind = #nn.reduce<{}>, axes = {}", kinds[draw(0, 4)], list(axes)), shape, 0);
  }

  void rescaling(const Known &x) {
    if (!isInteger_)
      return unary(x);
    const int kind = draw(0, 3);
    const char *const rounding = chance(50) ? "floor" : "nearest";
    const int bits = draw(1, 3);
    if (kind <= 1)
      emit("truncate", {x},
           fmt::format("shift = {} : i64, rounding = #fx.rounding<{}>", bits, rounding), x.shape,
           x.fraction - bits);
    else if (kind == 2 && mayGrow())
      emit("shift_left", {x}, fmt::format("shift = {} : i64", bits), x.shape, x.fraction + bits);
    else if (kind == 3)
      emit("divide", {x},
           fmt::format("divisor = {} : i64, rounding = #fx.rounding<{}>", draw(2, 9), rounding),
           x.shape, x.fraction);
  }

  bool isInteger_;
  std::mt19937 random_;
  std::string symbols_, body_;
  std::vector<Known> values_;
  std::map<std::string, std::pair<Shape, std::pair<double, double>>> inputs_;
  std::set<std::string> used_;
  int next_ = 0;
  int growth_ = 0;
};

} // namespace dyad
