// SPDX-License-Identifier: Apache-2.0
// Products from nn to fx: convolution, matrix product, elementwise product, slopes. Fractions add
// up; bounds come from the quantised weights of each output channel.
#include "passes/numbers/converter.h"

#include "passes/numbers/integer_math.h"

#include <fmt/format.h>

using namespace mlir;

namespace dyad {
namespace {

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

constexpr unsigned kMaxFactorWidth = 63;
// Of a factor that a party multiplies its own value with, in the clear.
constexpr int64_t kClearFactorBits = 20;

} // namespace

std::optional<int64_t> Converter::fractionOfPartner(Value product) {
  while (product.hasOneUse() && isa<nn::AssumeOp>(*product.user_begin()))
    product = product.user_begin()->getResult(0);
  auto sum = product.hasOneUse() ? dyn_cast<nn::AddOp>(*product.user_begin()) : nn::AddOp();
  if (!sum || !scales_.isOnlyRounded(sum.getResult()))
    return std::nullopt;
  Value partner = sum.getLhs() == product ? sum.getRhs() : sum.getLhs();
  auto known = numbers_.find(partner); // as long as it was converted before
  if (known == numbers_.end() || known->second.settled)
    return std::nullopt;
  return fx::fixedType(known->second.value).getFraction();
}

FixedConstant Converter::factor(Operation *op, Value value, Value other) {
  // Powers of two that both know are what they are, however far they are apart.
  if (std::optional<int64_t> exact = quantiser_.exactFraction(value))
    if (const unsigned width = std::max(2U, quantiser_.rangeAt(value, *exact).signedBits());
        width < kMaxFactorWidth)
      return quantiser_.constant(builder_, value, *exact, width);
  NodeNumbers numbers = configured(op);
  if (isConstant(other) || !scales_.isOnlyRounded(op->getResult(0)) || choices_.weightScale ||
      numbers.weightScale || numbers.weightBitwidth)
    return weight(op, value);
  fx::FixedType from = fx::fixedType(settled(other).value);
  bool isPublic = constantWeight(value, symbols_).getIsPublic();
  int64_t fraction = 0;
  if (std::optional<int64_t> sum = fractionOfPartner(op->getResult(0)))
    fraction = *sum - from.getFraction();
  else if (isPublic && from.getOwner() != fx::Owner::kShared)
    fraction = kClearFactorBits - integerBits(quantiser_.magnitude(value));
  else
    return weight(op, value);
  unsigned width = std::max(2U, quantiser_.rangeAt(value, fraction).signedBits());
  if (fraction < 0 || width >= kMaxFactorWidth)
    return weight(op, value);
  consulted(op, "weight_scale", fraction);
  consulted(op, "weight_bitwidth", width);
  return quantiser_.constant(builder_, value, fraction, width);
}

void Converter::convertConvolution(nn::Conv2DOp op) {
  if (isConstant(op.getInput()) || !isConstant(op.getWeight()) ||
      (op.getBias() && !isConstant(op.getBias())))
    return fail(op, "convolution needs an input that is computed, and constant weights and bias");
  Number input = settled(op.getInput());
  fx::FixedType from = fx::fixedType(input.value);
  FixedConstant weights = weight(op, op.getWeight());
  fx::FixedType weightType = fx::fixedType(weights.value);
  int64_t fraction = from.getFraction() + weightType.getFraction();

  Bounds known;
  IntegerRange proved;
  const LinearShape shape =
      convolutionShape(shapeOf(op.getWeight()), op.getStrides(), op.getPads(), op.getGroups());
  if (weights.integers.empty()) {
    const IntegerRange x = shape.mayMiss ? withZero(input.range) : input.range;
    proved = scaledBy(withZero(productOf(x, weights.range)), shape.inputs * shape.taps);
    if (op.getBias())
      proved = sumOf(proved, withZero(quantiser_.rangeAt(op.getBias(), fraction)));
  } else {
    known = ranges_.bounds().linear(bounds(input), 1, 1, shape, weights.integers);
    if (op.getBias()) {
      Bounds bias = BoundsMap::ofConstant(shapeOf(op.getBias()),
                                          quantiser_.integersAt(op.getBias(), fraction));
      bias.axis = 1;
      known = ranges_.bounds().sum(known, bias, 1);
    }
    proved = integersWithin(known.hull());
  }
  Format chosen = format(op, proved, fraction, Stage::kAccumulator);
  fx::Owner owner = fx::join(from.getOwner(), weightType.getOwner());
  Value biasValue;
  if (op.getBias()) {
    biasValue = addend(op, op.getBias(), fraction, chosen).value;
    owner = fx::join(owner, fx::fixedType(biasValue).getOwner());
  }
  Value value = builder_.create<fx::Conv2DOp>(
      op.getLoc(), type(op.getResult(), chosen.width, fraction, owner), input.value, weights.value,
      biasValue, op.getStridesAttr(), op.getPadsAttr(), op.getDilationsAttr(), op.getGroupsAttr());
  ranges_.set(value, std::move(known), proved);
  copyChannelShifts(op, value);
  finish(op, value, chosen, false);
}

void Converter::convertMatMul(nn::MatMulOp op) {
  bool constantLeft = isConstant(op.getLhs());
  bool constantRight = isConstant(op.getRhs());
  FixedConstant weights;
  Number numbers[2];
  if (!constantLeft)
    numbers[0] = settled(op.getLhs());
  if (!constantRight)
    numbers[1] = settled(op.getRhs());
  if (constantLeft || constantRight) {
    weights = weight(op, constantLeft ? op.getLhs() : op.getRhs());
    numbers[constantLeft ? 0 : 1] = {weights.value, weights.range, true};
  }
  fx::FixedType lhs = fx::fixedType(numbers[0].value);
  fx::FixedType rhs = fx::fixedType(numbers[1].value);
  int64_t fraction = lhs.getFraction() + rhs.getFraction();

  int64_t inner = shapeOf(op.getLhs()).back();
  IntegerRange proved = scaledBy(productOf(numbers[0].range, numbers[1].range), inner);
  Bounds known;
  if (!weights.integers.empty()) {
    const int64_t back = constantLeft ? 2 : 1;
    Value input = constantLeft ? op.getRhs() : op.getLhs();
    known = ranges_.bounds().linear(
        bounds(numbers[constantLeft ? 1 : 0]), static_cast<int64_t>(shapeOf(input).size()) - back,
        static_cast<int64_t>(shapeOf(op.getResult()).size()) - back,
        matrixShape(shapeOf(constantLeft ? op.getLhs() : op.getRhs()), !constantLeft),
        weights.integers);
    proved = cut(integersWithin(known.hull()), proved);
  }
  Format chosen = format(op, proved, fraction, Stage::kAccumulator);
  Value value = builder_.create<fx::MatMulOp>(
      op.getLoc(),
      type(op.getResult(), chosen.width, fraction, fx::join(lhs.getOwner(), rhs.getOwner())),
      numbers[0].value, numbers[1].value);
  ranges_.set(value, std::move(known), proved);
  copyChannelShifts(op, value);
  finish(op, value, chosen, false);
}

void Converter::copyChannelShifts(Operation *op, Value value) {
  used_.insert({nodeName(op).str() + "/" + kChannelShifts,
                NumbersConfig::nodeKey(nodeName(op), keys_.index(op)) + "/" + kChannelShifts});
  auto shifts = op->getAttrOfType<DenseI64ArrayAttr>(kChannelShifts);
  if (!shifts)
    return;
  value.getDefiningOp()->setAttr(kChannelShifts, shifts);
  if (!nodeName(op).empty())
    chosen_.nodes[NumbersConfig::nodeKey(nodeName(op), keys_.index(op))].channelShifts =
        std::vector<int64_t>(shifts.asArrayRef());
}

void Converter::convertProduct(nn::MulOp op) {
  Number numbers[2];
  for (unsigned i = 0; i < 2; ++i) {
    Value operand = op->getOperand(i);
    if (isConstant(operand)) {
      FixedConstant weights = factor(op, operand, op->getOperand(1 - i));
      numbers[i] = {weights.value, weights.range, true};
    } else {
      numbers[i] = settled(operand);
    }
  }
  fx::FixedType lhs = fx::fixedType(numbers[0].value);
  fx::FixedType rhs = fx::fixedType(numbers[1].value);
  int64_t fraction = lhs.getFraction() + rhs.getFraction();
  IntegerRange proved = productOf(numbers[0].range, numbers[1].range);
  if (op.getLhs() == op.getRhs())
    proved.low = std::max<__int128>(proved.low, 0);
  proved =
      cut(proved,
          integersWithin(ranges_.bounds().product(bounds(numbers[0]), bounds(numbers[1])).hull()));
  Format chosen = format(op, proved, fraction, Stage::kAccumulator);
  Value value = builder_.create<fx::MulOp>(
      op.getLoc(),
      type(op.getResult(), chosen.width, fraction, fx::join(lhs.getOwner(), rhs.getOwner())),
      numbers[0].value, numbers[1].value);
  finish(op, value, chosen, false);
}

void Converter::convertSlope(Operation *op) {
  Number input = settled(op->getOperand(0));
  Number slope;
  if (auto leaky = dyn_cast<nn::LeakyReluOp>(op)) {
    // An attribute, and so public.
    double alpha = leaky.getAlpha().convertToDouble();
    constexpr int64_t kSlopeBits = 10;
    int64_t fraction = std::clamp<int64_t>(kSlopeBits - integerBits(std::abs(alpha)), 0, 30);
    auto count = cast<RankedTensorType>(input.value.getType()).getNumElements();
    FixedConstant constant = quantiser_.publicConstant(
        builder_, op->getLoc(), "slope", shapeOf(input.value),
        std::vector<int64_t>(static_cast<size_t>(count), roundedAt(alpha, fraction)), fraction);
    slope = {constant.value, constant.range, true};
  } else if (isConstant(op->getOperand(1))) {
    FixedConstant weights = weight(op, op->getOperand(1));
    slope = {weights.value, weights.range, true};
  } else {
    slope = settled(op->getOperand(1));
  }
  fx::FixedType from = fx::fixedType(input.value);
  fx::FixedType slopeType = fx::fixedType(slope.value);
  int64_t fraction = from.getFraction() + slopeType.getFraction();
  if (slopeType.getFraction() < 0 || slopeType.getFraction() > 62)
    return fail(op,
                fmt::format("slopes need 0 to 62 fraction bits, not {}", slopeType.getFraction()));
  IntegerRange positive{std::max<__int128>(input.range.low, 0),
                        std::max<__int128>(input.range.high, 0)};
  IntegerRange negative{std::min<__int128>(input.range.low, 0),
                        std::min<__int128>(input.range.high, 0)};
  IntegerRange proved =
      hull(scaledBy(positive, static_cast<__int128>(1) << slopeType.getFraction()),
           productOf(negative, slope.range));
  Format chosen = format(op, proved, fraction, Stage::kAccumulator);
  Value value = builder_.create<fx::PReluOp>(op->getLoc(),
                                             type(op->getResult(0), chosen.width, fraction,
                                                  fx::join(from.getOwner(), slopeType.getOwner())),
                                             input.value, slope.value);
  finish(op, value, chosen, false);
}

} // namespace dyad
