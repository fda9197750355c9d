// SPDX-License-Identifier: Apache-2.0
#include "passes/analysis/float_ranges.h"

#include "ir/nn/functions.h"
#include "ir/weights.h"

#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;

namespace dyad {
namespace {

// 0 * infinity is 0 here: an unknown finite number times zero.
double times(double a, double b) { return a == 0 || b == 0 ? 0 : a * b; }

FloatRange product(const FloatRange &a, const FloatRange &b) {
  auto [low, high] = std::minmax(
      {times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)});
  return {low, high};
}

FloatRange sum(const FloatRange &a, const FloatRange &b) {
  return {a.low + b.low, a.high + b.high};
}

FloatRange scaled(const FloatRange &a, double factor) { return product(a, {factor, factor}); }

FloatRange withZero(const FloatRange &a) { return hull(a, {0, 0}); }

// Sum of positive and of negative weights that meet in one output.
struct SignedSums {
  double positive = 0;
  double negative = 0;

  void add(double weight) { (weight > 0 ? positive : negative) += weight; }
  FloatRange times(const FloatRange &input) const {
    return sum(scaled(input, positive), scaled(input, negative));
  }
};

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

bool isPadded(ArrayRef<int64_t> pads) {
  return llvm::any_of(pads, [](int64_t pad) { return pad != 0; });
}

// Smallest and largest value on an interval: at its ends, where the function is monotone, or what
// the function never leaves.
FloatRange functionRange(nn::FunctionOp op, FloatRange input) {
  const double parameter = op.getParameter().convertToDouble();
  const double infinity = std::numeric_limits<double>::infinity();
  auto value = [&](double x) { return nn::evaluateFunction(op.getKind(), parameter, x); };
  FloatRange ends;
  if (nn::functionDomain(op.getKind(), parameter).nonNegative && input.low < 0)
    return {};
  double a = value(input.low);
  double b = value(input.high);
  if (!std::isnan(a) && !std::isnan(b))
    ends = {std::min(a, b), std::max(a, b)};
  switch (op.getKind()) {
  case nn::FunctionKind::kReciprocal:
  case nn::FunctionKind::kPower: // a pole, or a minimum, may lie at 0
    if (input.low <= 0 && input.high >= 0)
      return op.getKind() == nn::FunctionKind::kPower && parameter > 0
                 ? FloatRange{std::min({0.0, ends.low}), std::max(0.0, ends.high)}
                 : FloatRange();
    return ends;
  case nn::FunctionKind::kSin:
  case nn::FunctionKind::kCos:
    return {-1, 1};
  case nn::FunctionKind::kGelu:
  case nn::FunctionKind::kGeluTanh:
  case nn::FunctionKind::kSilu:
  case nn::FunctionKind::kMish: { // one minimum, not below -0.31
    constexpr double kLowest = -0.31;
    return {std::min(kLowest, ends.low), std::max(0.0, std::isnan(b) ? infinity : ends.high)};
  }
  default:
    return ends;
  }
}

// Rounding of f32 sums is not part of interval arithmetic: a little more than it can be.
FloatRange outward(const FloatRange &a) {
  double slack = 1e-5 * a.magnitude();
  return std::isfinite(slack) ? FloatRange{a.low - slack, a.high + slack} : a;
}

} // namespace

bool FloatRange::isFinite() const { return std::isfinite(low) && std::isfinite(high); }
double FloatRange::magnitude() const { return std::max(std::abs(low), std::abs(high)); }

FloatRange hull(const FloatRange &a, const FloatRange &b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}
FloatRange intersection(const FloatRange &a, const FloatRange &b) {
  return {std::max(a.low, b.low), std::min(a.high, b.high)};
}

nn::WeightOp constantWeight(Value value, const SymbolTable &symbols) {
  Operation *op = value.getDefiningOp();
  while (op != nullptr && isStructure(op) && op->getNumOperands() == 1 &&
         op->getName().getStringRef() != "nn.pad")
    op = op->getOperand(0).getDefiningOp();
  auto constant = dyn_cast_or_null<nn::ConstantOp>(op);
  return constant ? symbols.lookup<nn::WeightOp>(constant.getWeight()) : nn::WeightOp();
}

std::optional<std::vector<float>> constantValues(Value value, const SymbolTable &symbols) {
  auto constant = value.getDefiningOp<nn::ConstantOp>();
  auto weight = constant ? symbols.lookup<nn::WeightOp>(constant.getWeight()) : nn::WeightOp();
  if (!weight || !weight.getValue() || !weight.getValue()->getElementType().isF32())
    return std::nullopt;
  return floatValues(*weight.getValue());
}

FloatRanges::FloatRanges(func::FuncOp function, const SymbolTable &symbols) : symbols_(symbols) {
  function.walk<WalkOrder::PreOrder>([&](Operation *op) { visit(op); });
}

FloatRange FloatRanges::at(Value value) const {
  auto found = ranges_.find(value);
  return found == ranges_.end() ? FloatRange() : found->second;
}

void FloatRanges::visit(Operation *op) {
  if (op->getNumResults() != 1)
    return;
  FloatRange range = compute(op);
  if (std::isnan(range.low) || std::isnan(range.high))
    range = {};
  ranges_[op->getResult(0)] = range;
}

FloatRange FloatRanges::convolution(nn::Conv2DOp conv) const {
  FloatRange input = at(conv.getInput());
  if (isPadded(conv.getPads()))
    input = withZero(input);
  ArrayRef<int64_t> shape = shapeOf(conv.getWeight());
  int64_t terms = shape[1] * shape[2] * shape[3];
  auto weights = constantValues(conv.getWeight(), symbols_);
  auto bias = conv.getBias() ? constantValues(conv.getBias(), symbols_) : std::nullopt;
  FloatRange biasRange = conv.getBias() ? at(conv.getBias()) : FloatRange{0, 0};
  if (!weights)
    return sum(
        scaled(withZero(dyad::product(input, at(conv.getWeight()))), static_cast<double>(terms)),
        biasRange);
  std::optional<FloatRange> range;
  for (int64_t channel = 0; channel < shape[0]; ++channel) {
    SignedSums sums;
    for (int64_t i = 0; i < terms; ++i)
      sums.add((*weights)[static_cast<size_t>(channel * terms + i)]);
    FloatRange one = sums.times(input);
    double offset = bias ? (*bias)[static_cast<size_t>(channel)] : 0;
    one = bias ? sum(one, {offset, offset}) : sum(one, biasRange);
    range = range ? hull(*range, one) : one;
  }
  return outward(range.value_or(FloatRange{0, 0}));
}

FloatRange FloatRanges::product(nn::MatMulOp matmul) const {
  ArrayRef<int64_t> lhs = shapeOf(matmul.getLhs());
  ArrayRef<int64_t> rhs = shapeOf(matmul.getRhs());
  int64_t inner = lhs.back();
  int64_t columns = rhs.back();
  auto right = constantValues(matmul.getRhs(), symbols_);
  auto left = constantValues(matmul.getLhs(), symbols_);
  std::optional<FloatRange> range;
  auto include = [&](const FloatRange &one) { range = range ? hull(*range, one) : one; };
  if (right) {
    auto matrices = static_cast<int64_t>(right->size()) / std::max<int64_t>(inner * columns, 1);
    for (int64_t matrix = 0; matrix < matrices; ++matrix)
      for (int64_t column = 0; column < columns; ++column) {
        SignedSums sums;
        for (int64_t i = 0; i < inner; ++i)
          sums.add((*right)[static_cast<size_t>((matrix * inner + i) * columns + column)]);
        include(sums.times(at(matmul.getLhs())));
      }
  } else if (left) {
    auto rows = static_cast<int64_t>(left->size()) / std::max<int64_t>(inner, 1);
    for (int64_t row = 0; row < rows; ++row) {
      SignedSums sums;
      for (int64_t i = 0; i < inner; ++i)
        sums.add((*left)[static_cast<size_t>(row * inner + i)]);
      include(sums.times(at(matmul.getRhs())));
    }
  } else {
    include(scaled(dyad::product(at(matmul.getLhs()), at(matmul.getRhs())),
                   static_cast<double>(inner)));
  }
  return outward(range.value_or(FloatRange{0, 0}));
}

FloatRange FloatRanges::compute(Operation *op) const {
  auto in = [&](unsigned i = 0) { return at(op->getOperand(i)); };
  if (isStructure(op)) {
    FloatRange range = in();
    for (Value operand : op->getOperands().drop_front())
      range = hull(range, at(operand));
    if (auto pad = dyn_cast<nn::PadOp>(op)) {
      double value = pad.getValue().convertToDouble();
      range = hull(range, {value, value});
    }
    return range;
  }
  return llvm::TypeSwitch<Operation *, FloatRange>(op)
      .Case([&](nn::InputOp input) {
        return input.getLow() && input.getHigh() ? FloatRange{input.getLow()->convertToDouble(),
                                                              input.getHigh()->convertToDouble()}
                                                 : FloatRange();
      })
      .Case([&](nn::StateOp state) {
        return state.getLow() ? FloatRange{state.getLow()->convertToDouble(),
                                           state.getHigh()->convertToDouble()}
                              : FloatRange();
      })
      .Case([&](nn::ConstantOp constant) {
        auto values = constantValues(constant.getResult(), symbols_);
        if (!values || values->empty())
          return FloatRange();
        auto [low, high] = std::minmax_element(values->begin(), values->end());
        return FloatRange{*low, *high};
      })
      .Case([&](nn::AssumeOp assume) {
        FloatRange assumed{assume.getLow().convertToDouble(), assume.getHigh().convertToDouble()};
        FloatRange both = intersection(assumed, in());
        return both.low <= both.high ? both : assumed;
      })
      .Case([&](nn::AddOp) { return sum(in(), in(1)); })
      .Case([&](nn::SubOp) { return sum(in(), scaled(in(1), -1)); })
      .Case([&](nn::MulOp mul) {
        FloatRange range = dyad::product(in(), in(1));
        return mul.getLhs() == mul.getRhs() ? FloatRange{std::max(range.low, 0.0), range.high}
                                            : range;
      })
      .Case([&](nn::MinOp) {
        return FloatRange{std::min(in().low, in(1).low), std::min(in().high, in(1).high)};
      })
      .Case([&](nn::MaxOp) {
        return FloatRange{std::max(in().low, in(1).low), std::max(in().high, in(1).high)};
      })
      .Case([&](nn::NegOp) { return scaled(in(), -1); })
      .Case([&](nn::AbsOp) {
        double low = in().low > 0 ? in().low : in().high < 0 ? -in().high : 0;
        return FloatRange{low, in().magnitude()};
      })
      .Case(
          [&](nn::ReluOp) { return FloatRange{std::max(in().low, 0.0), std::max(in().high, 0.0)}; })
      .Case([&](nn::LeakyReluOp leaky) {
        FloatRange negative{std::min(in().low, 0.0), std::min(in().high, 0.0)};
        FloatRange positive{std::max(in().low, 0.0), std::max(in().high, 0.0)};
        return hull(positive, scaled(negative, leaky.getAlpha().convertToDouble()));
      })
      .Case([&](nn::PReluOp) {
        FloatRange negative{std::min(in().low, 0.0), std::min(in().high, 0.0)};
        FloatRange positive{std::max(in().low, 0.0), std::max(in().high, 0.0)};
        return hull(positive, dyad::product(negative, in(1)));
      })
      .Case([&](nn::StepOp) { return FloatRange{0, 1}; })
      .Case([&](nn::RoundOp) { return FloatRange{std::floor(in().low), std::ceil(in().high)}; })
      .Case([&](nn::FunctionOp function) { return functionRange(function, in()); })
      .Case([&](nn::ClipOp clip) {
        FloatRange range = in();
        if (clip.getLow()) {
          double low = clip.getLow()->convertToDouble();
          range = {std::max(range.low, low), std::max(range.high, low)};
        }
        if (clip.getHigh()) {
          double high = clip.getHigh()->convertToDouble();
          range = {std::min(range.low, high), std::min(range.high, high)};
        }
        return range;
      })
      .Case([&](nn::Conv2DOp conv) { return convolution(conv); })
      .Case([&](nn::MatMulOp matmul) { return product(matmul); })
      .Case([&](nn::MaxPool2DOp) { return in(); })
      .Case([&](nn::AveragePool2DOp pool) {
        return isPadded(pool.getPads()) ? withZero(in()) : in();
      })
      .Case([&](nn::ReduceOp reduce) {
        int64_t terms = 1;
        for (int64_t axis : reduce.getAxes())
          terms *= shapeOf(reduce.getInput())[static_cast<size_t>(axis)];
        switch (reduce.getKind()) {
        case nn::ReduceKind::kSum:
          return outward(scaled(in(), static_cast<double>(terms)));
        case nn::ReduceKind::kL1:
          return outward(FloatRange{0, static_cast<double>(terms) * in().magnitude()});
        default:
          return in();
        }
      })
      .Case([&](nn::NormalizeOp norm) {
        double elements = 1;
        for (int64_t axis : norm.getAxes())
          elements *= static_cast<double>(shapeOf(norm.getInput())[static_cast<size_t>(axis)]);
        return outward(FloatRange{-std::sqrt(elements), std::sqrt(elements)});
      })
      .Case([&](nn::DivOp) {
        if (in(1).low <= 0 && in(1).high >= 0)
          return FloatRange();
        return outward(dyad::product(in(), FloatRange{1 / in(1).high, 1 / in(1).low}));
      })
      .Case([&](nn::SoftmaxOp softmax) {
        return softmax.getLog() ? FloatRange{-std::numeric_limits<double>::infinity(), 0}
                                : FloatRange{0, 1};
      })
      .Default([](Operation *) { return FloatRange(); });
}

} // namespace dyad
