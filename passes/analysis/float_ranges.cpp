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

FloatRange withZero(const FloatRange &a) { return hull(a, {0, 0}); }

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
    a = std::isnan(a) ? 0 : a; // towards minus infinity
    b = std::isnan(b) ? infinity : b;
    return {input.low >= 0 ? a : kLowest, std::max(a, b)};
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

// The same of quotients, and of sums of numbers of one range: rounding does not change their sign.
FloatRange outwardOfOneSign(const FloatRange &a) {
  const FloatRange wide = outward(a);
  return {a.low >= 0 ? std::max(wide.low, 0.0) : wide.low,
          a.high <= 0 ? std::min(wide.high, 0.0) : wide.high};
}

} // namespace

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
  if (op->getNumResults() != 1 || !isa<RankedTensorType>(op->getResult(0).getType()))
    return;
  FloatRange range = compute(op, [&](unsigned i) { return at(op->getOperand(i)); });
  if (std::isnan(range.low) || std::isnan(range.high))
    range = {};
  set(op->getResult(0), boundsOf(op), range);
}

void FloatRanges::set(Value value, Bounds bounds, FloatRange range) {
  bounds_.set(value, std::move(bounds), range);
  const FloatRange both = intersection(range, bounds_.at(value).hull());
  ranges_[value] = both.low <= both.high ? both : range;
}

//===--- by channel
//-----------------------------------------------------------------------------===//

Bounds FloatRanges::boundsOf(Operation *op) const {
  if (isStructure(op)) {
    std::vector<const Bounds *> operands;
    for (Value operand : op->getOperands())
      operands.push_back(&bounds(operand));
    auto pad = dyn_cast<nn::PadOp>(op);
    return BoundsMap::moved(op, operands, pad ? pad.getValue().convertToDouble() : 0);
  }
  if (auto constant = dyn_cast<nn::ConstantOp>(op)) {
    auto values = constantValues(constant.getResult(), symbols_);
    return values ? BoundsMap::ofConstant(shapeOf(constant.getResult()), *values) : Bounds();
  }
  if (auto affine = form(op))
    return *affine;
  // The same element of all operands, or the same channel.
  const bool isPool = isa<nn::MaxPool2DOp, nn::AveragePool2DOp>(op);
  if (isPool && bounds(op->getOperand(0)).axis > 1)
    return Bounds();
  if (isPool || isa<nn::AssumeOp, nn::MulOp, nn::DivOp, nn::MinOp, nn::MaxOp, nn::AbsOp, nn::StepOp,
                    nn::RoundOp, nn::PReluOp, nn::SignedReluOp, nn::ClipOp, nn::FunctionOp>(op))
    return elementwise(op);
  if (auto reduce = dyn_cast<nn::ReduceOp>(op)) {
    const Bounds &in = bounds(reduce.getInput());
    const bool keepsChannels = !llvm::is_contained(reduce.getAxes(), in.axis);
    if (keepsChannels && in.axis >= 0)
      return elementwise(op);
    if (reduce.getKind() == nn::ReduceKind::kSum)
      return bounds_.scaled(bounds_.reduced(in, shapeOf(reduce.getInput()), reduce.getAxes()),
                            std::ldexp(1.0, -static_cast<int>(reduce.getHalvings())), {0, 0});
    if (reduce.getKind() == nn::ReduceKind::kMean) {
      int64_t terms = 1;
      for (int64_t axis : reduce.getAxes())
        terms *= shapeOf(reduce.getInput())[static_cast<size_t>(axis)];
      return bounds_.scaled(bounds_.reduced(in, shapeOf(reduce.getInput()), reduce.getAxes()),
                            1.0 / static_cast<double>(std::max<int64_t>(terms, 1)), {0, 0});
    }
  }
  return Bounds();
}

Bounds FloatRanges::elementwise(Operation *op) const {
  std::vector<Bounds> operands;
  for (Value operand : op->getOperands())
    operands.push_back(bounds(operand));
  for (size_t i = 1; i < operands.size(); ++i)
    BoundsMap::align(operands[0], operands[i]);
  for (size_t i = 1; i < operands.size(); ++i) // the first may have channels by now
    BoundsMap::align(operands[0], operands[i]);
  Bounds result;
  result.axis = operands[0].axis;
  result.each.clear();
  for (size_t c = 0; c < operands[0].each.size(); ++c)
    result.each.push_back(compute(op, [&](unsigned i) { return operands[i].each[c]; }));
  return result;
}

// Operations that keep what their operand is affine in.
std::optional<Bounds> FloatRanges::form(Operation *op) const {
  auto in = [&](unsigned i = 0) -> const Bounds & { return bounds(op->getOperand(i)); };
  return llvm::TypeSwitch<Operation *, std::optional<Bounds>>(op)
      .Case([&](nn::AssumeOp) { return in(); })
      .Case([&](nn::AddOp) { return bounds_.sum(in(), in(1), 1); })
      .Case([&](nn::SubOp) { return bounds_.sum(in(), in(1), -1); })
      .Case([&](nn::NegOp) { return bounds_.scaled(in(), -1, {0, 0}); })
      .Case([&](nn::MulOp mul) -> std::optional<Bounds> {
        if (!in().isConstant() && !in(1).isConstant())
          return std::nullopt;
        return bounds_.product(in(), in(1));
      })
      .Case([&](nn::ReluOp) { return bounds_.rectified(in(), 0); })
      .Case([&](nn::LeakyReluOp leaky) {
        return bounds_.rectified(in(), leaky.getAlpha().convertToDouble());
      })
      .Case([&](nn::Conv2DOp conv) { return convolution(conv); })
      .Case([&](nn::MatMulOp matmul) { return product(matmul); })
      .Case([&](nn::BatchNormOp norm) { return normalized(norm); })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<Bounds> FloatRanges::convolution(nn::Conv2DOp conv) const {
  auto weights = constantValues(conv.getWeight(), symbols_);
  if (!weights || weights->empty())
    return std::nullopt;
  Bounds result = bounds_.linear(bounds(conv.getInput()), 1, 1,
                                 convolutionShape(shapeOf(conv.getWeight()), conv.getStrides(),
                                                  conv.getPads(), conv.getGroups()),
                                 *weights);
  if (!conv.getBias())
    return result;
  Bounds bias; // its channels lie along its only axis
  bias.each = bounds(conv.getBias()).each;
  bias.axis = bounds(conv.getBias()).axis == 0 ? 1 : -1;
  return bounds_.sum(result, bias, 1);
}

std::optional<Bounds> FloatRanges::product(nn::MatMulOp matmul) const {
  const bool isRight = constantValues(matmul.getRhs(), symbols_).has_value();
  auto weights = constantValues(isRight ? matmul.getRhs() : matmul.getLhs(), symbols_);
  if (!weights || weights->empty())
    return std::nullopt;
  Value input = isRight ? matmul.getLhs() : matmul.getRhs();
  Value matrix = isRight ? matmul.getRhs() : matmul.getLhs();
  const auto rank = static_cast<int64_t>(shapeOf(input).size());
  const auto results = static_cast<int64_t>(shapeOf(matmul.getResult()).size());
  const int64_t back = isRight ? 1 : 2;
  return bounds_.linear(bounds(input), rank - back, results - back,
                        matrixShape(shapeOf(matrix), isRight), *weights);
}

// factor * x + offset, where the four parameters are constants.
Bounds FloatRanges::normalized(nn::BatchNormOp norm) const {
  auto scale = constantValues(norm.getScale(), symbols_);
  auto bias = constantValues(norm.getBias(), symbols_);
  auto mean = constantValues(norm.getMean(), symbols_);
  auto variance = constantValues(norm.getVariance(), symbols_);
  if (!scale || !bias || !mean || !variance)
    return Bounds();
  Bounds factors, offsets;
  factors.axis = offsets.axis = 1;
  factors.each.clear();
  offsets.each.clear();
  for (size_t c = 0; c < scale->size(); ++c) {
    const double factor =
        (*scale)[c] / std::sqrt((*variance)[c] + norm.getEpsilon().convertToDouble());
    const double offset = (*bias)[c] - factor * (*mean)[c];
    factors.each.push_back({factor, factor});
    offsets.each.push_back({offset, offset});
  }
  return bounds_.sum(bounds_.product(bounds(norm.getInput()), factors), offsets, 1);
}

//===--- of one element
//-------------------------------------------------------------------------===//

FloatRange FloatRanges::compute(Operation *op, Operands operand) const {
  auto in = [&](unsigned i = 0) { return operand(i); };
  if (isStructure(op)) {
    FloatRange range = in();
    for (unsigned i = 1; i < op->getNumOperands(); ++i)
      range = hull(range, in(i));
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
      .Case([&](nn::SignedReluOp) { return FloatRange{0, std::max({in().high, -in().low, 0.0})}; })
      .Case([&](nn::StepOp) { return FloatRange{0, 1}; })
      .Case([&](nn::RoundOp) { // ties to even here, up in fx
        return FloatRange{std::ceil(in().low - 0.5), std::floor(in().high + 0.5)};
      })
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
      .Case([&](nn::Conv2DOp conv) {
        // Any weights of a range: what `convolution` says of given ones is narrower.
        const ArrayRef<int64_t> shape = shapeOf(conv.getWeight());
        const auto terms = static_cast<double>(shape[1] * shape[2] * shape[3]);
        const FloatRange input = isPadded(conv.getPads()) ? withZero(in()) : in();
        const FloatRange bias = conv.getBias() ? in(2) : FloatRange{0, 0};
        return outward(sum(scaled(dyad::product(input, in(1)), terms), bias));
      })
      .Case([&](nn::MatMulOp matmul) {
        const auto terms = static_cast<double>(shapeOf(matmul.getLhs()).back());
        return outward(scaled(dyad::product(in(), in(1)), terms));
      })
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
          return outwardOfOneSign(
              scaled(in(), std::ldexp(static_cast<double>(terms),
                                      -static_cast<int>(reduce.getHalvings()))));
        case nn::ReduceKind::kL1:
          return outwardOfOneSign({0, static_cast<double>(terms) * in().magnitude()});
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
        return outwardOfOneSign(dyad::product(in(), FloatRange{1 / in(1).high, 1 / in(1).low}));
      })
      .Case([&](nn::SoftmaxOp softmax) {
        if (!softmax.getLog())
          return FloatRange{0, 1};
        const auto size = static_cast<double>(
            shapeOf(softmax.getInput())[static_cast<size_t>(softmax.getAxis())]);
        const double low = in().low - in().high - std::log(std::max(size, 1.0));
        return FloatRange{outward({low, 0}).low, 0};
      })
      .Default([](Operation *) { return FloatRange(); });
}

} // namespace dyad
