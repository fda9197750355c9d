// SPDX-License-Identifier: Apache-2.0
// See integer_ranges.h. One transfer function an operation; arithmetic saturates far outside of
// 64 bits, where every type stops it anyway.
#include "passes/analysis/integer_ranges.h"

#include "ir/fx/owner.h"
#include "ir/weights.h"
#include "runtime/functions/scalar_function.h"
#include "runtime/net/error.h"

#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

using namespace mlir;

namespace dyad {
namespace {

// Beyond any type's range; sums and products of such bounds still fit 128 bits once clamped.
constexpr __int128 kFar = static_cast<__int128>(1) << 100;

__int128 clamped(__int128 x) { return std::clamp(x, -kFar, kFar); }

// a * b, clamped; |a|, |b| <= 2^100.
__int128 multiplied(__int128 a, __int128 b) {
  __int128 result = 0;
  if (__builtin_mul_overflow(a, b, &result))
    return (a < 0) == (b < 0) ? kFar : -kFar;
  return clamped(result);
}

// Sum of between `least` and `most` values of the range.
IntegerRange repeated(const IntegerRange &a, int64_t least, int64_t most) {
  return {multiplied(a.low, a.low < 0 ? most : least),
          multiplied(a.high, a.high > 0 ? most : least)};
}

__int128 floorDivided(__int128 x, __int128 divisor) {
  __int128 quotient = x / divisor;
  return x % divisor < 0 ? quotient - 1 : quotient;
}

IntegerRange divided(const IntegerRange &a, __int128 divisor, fx::Rounding rounding) {
  __int128 half = rounding == fx::Rounding::kNearest ? divisor / 2 : 0;
  return {floorDivided(a.low + half, divisor), floorDivided(a.high + half, divisor)};
}

IntegerRange maximum(const IntegerRange &a, const IntegerRange &b) {
  return {std::max(a.low, b.low), std::max(a.high, b.high)};
}
IntegerRange minimum(const IntegerRange &a, const IntegerRange &b) {
  return {std::min(a.low, b.low), std::min(a.high, b.high)};
}

// x * 2^fraction rounded, halves away from zero, as the input's owner does it.
__int128 quantised(double x, int fraction) {
  double scaled = std::round(std::ldexp(x, fraction));
  return std::abs(scaled) > 0x1p99 ? (scaled < 0 ? -kFar : kFar) : static_cast<__int128>(scaled);
}

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

int64_t productOf(ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result *= size;
  return result;
}

int64_t reducedElements(Value input, ArrayRef<int64_t> axes) {
  int64_t count = 1;
  for (int64_t axis : axes)
    count *= shapeOf(input)[axis];
  return count;
}

bool isPadded(ArrayRef<int64_t> pads) {
  return llvm::any_of(pads, [](int64_t pad) { return pad != 0; });
}

} // namespace

unsigned IntegerRange::signedBits() const {
  unsigned bits = 1;
  while (low < -(static_cast<__int128>(1) << (bits - 1)) ||
         high >= (static_cast<__int128>(1) << (bits - 1)))
    ++bits;
  return bits;
}

IntegerRange difference(const IntegerRange &a, const IntegerRange &b) {
  return {clamped(a.low - b.high), clamped(a.high - b.low)};
}

IntegerRange sum(const IntegerRange &a, const IntegerRange &b) {
  return {clamped(a.low + b.low), clamped(a.high + b.high)};
}

IntegerRange product(const IntegerRange &a, const IntegerRange &b) {
  auto [low, high] = std::minmax({multiplied(a.low, b.low), multiplied(a.low, b.high),
                                  multiplied(a.high, b.low), multiplied(a.high, b.high)});
  return {low, high};
}

IntegerRange hull(const IntegerRange &a, const IntegerRange &b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

IntegerRange rangeOf(fx::FixedType type) { return {type.lowest(), type.highest()}; }

IntegerRange IntegerRanges::at(Value value) const {
  auto found = ranges_.find(value);
  return found == ranges_.end() ? rangeOf(fx::fixedType(value)) : found->second;
}

IntegerRange IntegerRanges::computed(Value value) const {
  auto found = computed_.find(value);
  return found == computed_.end() ? at(value) : found->second;
}

IntegerRange integersWithin(const FloatRange &range) {
  if (std::isnan(range.low) || std::isnan(range.high))
    return {-kFar, kFar};
  auto integer = [](double x) {
    return std::abs(x) > 0x1p99 ? (x < 0 ? -kFar : kFar) : static_cast<__int128>(x);
  };
  return {integer(std::ceil(range.low)), integer(std::floor(range.high))};
}

FloatRange floatsAround(const IntegerRange &range) {
  // A double is within half a unit of its last place of the integer that it stands for.
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr __int128 kExact = static_cast<__int128>(1) << 53;
  auto outwards = [&](__int128 x, double towards) {
    const auto nearest = static_cast<double>(x);
    return x >= -kExact && x <= kExact ? nearest : std::nextafter(nearest, towards);
  };
  return {outwards(range.low, -kInfinity), outwards(range.high, kInfinity)};
}

IntegerRanges::IntegerRanges(func::FuncOp function, bool strict, const SymbolTable *symbols)
    : strict_(strict) {
  if (symbols != nullptr)
    weights_ = [symbols](fx::ConstantOp constant) {
      auto weight = symbols->lookup<fx::WeightOp>(constant.getWeight());
      return weight && weight.getValue() ? integerValues(*weight.getValue())
                                         : std::vector<int64_t>();
    };
  for (BlockArgument argument : function.getArguments())
    if (fx::fixedType(argument))
      set(argument, Bounds(), rangeOf(fx::fixedType(argument)));
  function.walk<WalkOrder::PreOrder>([&](Operation *op) { visit(op); });
}

void IntegerRanges::visit(Operation *op) {
  if (op->getNumResults() != 1 || !fx::fixedType(op->getResult(0)))
    return;
  set(op->getResult(0), boundsOf(op),
      compute(op, [&](unsigned i) { return at(op->getOperand(i)); }));
}

void IntegerRanges::set(Value value, Bounds bounds, IntegerRange computed) {
  const IntegerRange type = rangeOf(fx::fixedType(value));
  IntegerRange narrow = integersWithin(bounds.hull());
  narrow = {std::max(computed.low, narrow.low), std::min(computed.high, narrow.high)};
  if (narrow.low <= narrow.high)
    computed = narrow;
  computed_[value] = computed;
  IntegerRange range = computed;
  if (strict_ && (range.low < type.low || range.high > type.high)) {
    range = type; // the ring wraps: anything of the type
    bounds = Bounds();
  }
  range = {std::max(range.low, type.low), std::min(range.high, type.high)};
  ranges_[value] = range.low <= range.high ? range : type;
  bounds_.set(value, std::move(bounds), floatsAround(ranges_[value]));
}

// The integers of a constant, where they may be looked at.
std::vector<int64_t> IntegerRanges::weightsOf(Value value) const {
  auto constant = value.getDefiningOp<fx::ConstantOp>();
  return weights_ && constant ? weights_(constant) : std::vector<int64_t>();
}

//===--- by channel
//-----------------------------------------------------------------------------===//

Bounds IntegerRanges::boundsOf(Operation *op) const {
  if (isStructure(op)) {
    std::vector<const Bounds *> operands;
    for (Value operand : op->getOperands())
      operands.push_back(&bounds_.at(operand));
    auto pad = dyn_cast<fx::PadOp>(op);
    return BoundsMap::moved(op, operands,
                            pad ? static_cast<double>(static_cast<int64_t>(pad.getValue())) : 0);
  }
  if (isa<fx::ConstantOp>(op))
    return BoundsMap::ofConstant(shapeOf(op->getResult(0)), weightsOf(op->getResult(0)));
  if (auto affine = form(op))
    return *affine;
  const bool isPool = isa<fx::MaxPool2DOp, fx::SumPool2DOp>(op);
  if (isPool && bounds_.at(op->getOperand(0)).axis > 1)
    return Bounds();
  if (isPool || isa<fx::MulOp, fx::DivideOp, fx::MinOp, fx::MaxOp, fx::AbsOp, fx::StepOp,
                    fx::ClipOp, fx::PReluOp>(op))
    return elementwise(op);
  if (isa<fx::ReduceSumOp, fx::ReduceMaxOp, fx::ReduceMinOp>(op)) {
    const Bounds &in = bounds_.at(op->getOperand(0));
    const ArrayRef<int64_t> axes = op->getAttrOfType<DenseI64ArrayAttr>("axes").asArrayRef();
    if (isa<fx::ReduceSumOp>(op))
      return bounds_.reduced(in, shapeOf(op->getOperand(0)), axes);
    if (in.axis >= 0 && !llvm::is_contained(axes, in.axis))
      return elementwise(op);
  }
  return Bounds();
}

Bounds IntegerRanges::elementwise(Operation *op) const {
  std::vector<Bounds> operands;
  for (Value operand : op->getOperands())
    operands.push_back(bounds_.at(operand));
  if (operands.size() > 1)
    BoundsMap::align(operands[0], operands[1]);
  Bounds result;
  result.axis = operands[0].axis;
  result.each.clear();
  for (size_t c = 0; c < operands[0].each.size(); ++c)
    result.each.push_back(
        floatsAround(compute(op, [&](unsigned i) { return integersWithin(operands[i].each[c]); })));
  return result;
}

// Operations that keep what their operand is affine in, up to a rounding.
std::optional<Bounds> IntegerRanges::form(Operation *op) const {
  auto in = [&](unsigned i = 0) -> const Bounds & { return bounds_.at(op->getOperand(i)); };
  // x / 2^bits, rounded.
  auto shifted = [&](int bits, fx::Rounding rounding) {
    const FloatRange error =
        rounding == fx::Rounding::kNearest ? FloatRange{-0.5, 0.5} : FloatRange{-1, 0};
    return bounds_.scaled(in(), std::ldexp(1.0, -bits), bits > 0 ? error : FloatRange{0, 0});
  };
  return llvm::TypeSwitch<Operation *, std::optional<Bounds>>(op)
      .Case<fx::ResizeOp, fx::RevealOp>([&](auto) { return in(); })
      .Case([&](fx::AssumeOp) { return in(); })
      .Case([&](fx::RequantizeOp) {
        return shifted(fx::fixedType(op->getOperand(0)).getFraction() -
                           fx::fixedType(op->getResult(0)).getFraction(),
                       fx::Rounding::kNearest);
      })
      .Case([&](fx::TruncateOp truncate) {
        return shifted(static_cast<int>(truncate.getShift()), truncate.getRounding());
      })
      .Case([&](fx::ShiftLeftOp shift) {
        return shifted(-static_cast<int>(shift.getShift()), fx::Rounding::kFloor);
      })
      .Case([&](fx::AddOp) { return bounds_.sum(in(), in(1), 1); })
      .Case([&](fx::SubOp) { return bounds_.sum(in(), in(1), -1); })
      .Case([&](fx::NegOp) { return bounds_.scaled(in(), -1, {0, 0}); })
      .Case([&](fx::MulOp) -> std::optional<Bounds> {
        if (!in().isConstant() && !in(1).isConstant())
          return std::nullopt;
        return bounds_.product(in(), in(1));
      })
      .Case([&](fx::ReluOp) { return bounds_.rectified(in(), 0); })
      .Case([&](fx::Conv2DOp conv) { return convolution(conv); })
      .Case([&](fx::MatMulOp matmul) { return product(matmul); })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<Bounds> IntegerRanges::convolution(fx::Conv2DOp conv) const {
  const std::vector<int64_t> weights = weightsOf(conv.getWeight());
  if (weights.empty())
    return std::nullopt;
  Bounds result = bounds_.linear(bounds_.at(conv.getInput()), 1, 1,
                                 convolutionShape(shapeOf(conv.getWeight()), conv.getStrides(),
                                                  conv.getPads(), conv.getGroups()),
                                 weights);
  if (!conv.getBias())
    return result;
  Bounds bias; // its channels lie along its only axis
  bias.each = bounds_.at(conv.getBias()).each;
  bias.axis = bounds_.at(conv.getBias()).axis == 0 ? 1 : -1;
  return bounds_.sum(result, bias, 1);
}

std::optional<Bounds> IntegerRanges::product(fx::MatMulOp matmul) const {
  const std::vector<int64_t> right = weightsOf(matmul.getRhs());
  const bool isRight = !right.empty();
  const std::vector<int64_t> weights = isRight ? right : weightsOf(matmul.getLhs());
  if (weights.empty())
    return std::nullopt;
  Value input = isRight ? matmul.getLhs() : matmul.getRhs();
  Value matrix = isRight ? matmul.getRhs() : matmul.getLhs();
  const auto rank = static_cast<int64_t>(shapeOf(input).size());
  const auto results = static_cast<int64_t>(shapeOf(matmul.getResult()).size());
  const int64_t back = isRight ? 1 : 2;
  return bounds_.linear(bounds_.at(input), rank - back, results - back,
                        matrixShape(shapeOf(matrix), isRight), weights);
}

//===--- of one element
//-------------------------------------------------------------------------===//

IntegerRange IntegerRanges::compute(Operation *op, Operands operand) const {
  auto in = [&](unsigned i = 0) { return operand(i); };
  const IntegerRange zero{0, 0};
  if (isStructure(op)) {
    IntegerRange range = in();
    for (unsigned i = 1; i < op->getNumOperands(); ++i)
      range = hull(range, in(i));
    if (auto pad = dyn_cast<fx::PadOp>(op)) {
      auto value = static_cast<int64_t>(pad.getValue());
      range = hull(range, {value, value});
    }
    return range;
  }
  return llvm::TypeSwitch<Operation *, IntegerRange>(op)
      .Case([&](fx::InputOp input) -> IntegerRange {
        // The owner refuses what is outside, whatever the range stands on.
        int fraction = fx::fixedType(input.getResult()).getFraction();
        return {quantised(input.getLow().convertToDouble(), fraction),
                quantised(input.getHigh().convertToDouble(), fraction)};
      })
      .Case([&](fx::AssumeOp assume) -> IntegerRange {
        if (strict_ && assume.getKind() != fx::RangeKind::kProved)
          return in();
        IntegerRange range{static_cast<int64_t>(assume.getLow()),
                           static_cast<int64_t>(assume.getHigh())};
        return {std::max(range.low, in().low), std::min(range.high, in().high)};
      })
      .Case<fx::ResizeOp, fx::RevealOp>([&](auto) { return in(); })
      .Case([&](fx::RequantizeOp) -> IntegerRange {
        const int lost = fx::fixedType(op->getOperand(0)).getFraction() -
                         fx::fixedType(op->getResult(0)).getFraction();
        const __int128 factor = static_cast<__int128>(1) << std::min(std::abs(lost), 99);
        return lost >= 0 ? divided(in(), factor, fx::Rounding::kNearest)
                         : dyad::product(in(), {factor, factor});
      })
      .Case([&](fx::TruncateOp truncate) {
        return divided(in(), static_cast<__int128>(1) << truncate.getShift(),
                       truncate.getRounding());
      })
      .Case([&](fx::DivideOp divide) {
        return divided(in(), static_cast<__int128>(divide.getDivisor()), divide.getRounding());
      })
      .Case([&](fx::ShiftLeftOp shift) {
        __int128 factor = static_cast<__int128>(1) << shift.getShift();
        return dyad::product(in(), {factor, factor});
      })
      .Case([&](fx::AddOp) { return sum(in(), in(1)); })
      .Case([&](fx::SubOp) { return difference(in(), in(1)); })
      .Case([&](fx::MinOp) { return minimum(in(), in(1)); })
      .Case([&](fx::MaxOp) { return maximum(in(), in(1)); })
      .Case([&](fx::MulOp mul) {
        IntegerRange range = dyad::product(in(), in(1));
        return mul.getLhs() == mul.getRhs() ? maximum(range, {0, 0}) : range;
      })
      .Case([&](fx::NegOp) { return difference(zero, in()); })
      .Case([&](fx::AbsOp) {
        IntegerRange range = hull(in(), difference(zero, in()));
        __int128 low = in().low > 0 ? in().low : in().high < 0 ? -in().high : 0;
        return IntegerRange{low, range.high};
      })
      .Case([&](fx::ReluOp) { return maximum(in(), zero); })
      .Case([&](fx::StepOp) { return IntegerRange{0, 1}; })
      .Case([&](fx::ClipOp clip) {
        auto low = static_cast<int64_t>(clip.getLow());
        auto high = static_cast<int64_t>(clip.getHigh());
        return minimum(maximum(in(), {low, low}), {high, high});
      })
      .Case([&](fx::FunctionOp op) -> IntegerRange {
        fx::FixedType type = fx::fixedType(op.getResult());
        IntegerRange inputs = in();
        try {
          auto [low, high] =
              resultsOf(functionFrom(op.getNumbers()), static_cast<int64_t>(inputs.low),
                        static_cast<int64_t>(inputs.high));
          return low <= high ? IntegerRange{low, high} : rangeOf(type);
        } catch (const Error &) { // inputs that the program never has, as far as it knows
          return rangeOf(type);
        }
      })
      .Case([&](fx::PReluOp prelu) {
        int fraction = std::clamp(fx::fixedType(prelu.getSlope()).getFraction(), 0, 62);
        __int128 one = static_cast<__int128>(1) << fraction;
        IntegerRange negative = dyad::product(minimum(in(), zero), in(1));
        return hull(dyad::product(maximum(in(), zero), {one, one}), negative);
      })
      .Case([&](fx::Conv2DOp conv) {
        // Any weights of a range; padding takes terms away, so a sum may have fewer than all.
        const int64_t terms = productOf(shapeOf(conv.getWeight()).drop_front());
        return sum(
            repeated(dyad::product(in(), in(1)), isPadded(conv.getPads()) ? 0 : terms, terms),
            conv.getBias() ? in(2) : zero);
      })
      .Case([&](fx::MatMulOp matmul) {
        const int64_t terms = shapeOf(matmul.getLhs()).back();
        return repeated(dyad::product(in(), in(1)), terms, terms);
      })
      .Case<fx::MaxPool2DOp, fx::ReduceMaxOp, fx::ReduceMinOp>([&](auto) { return in(); })
      .Case([&](fx::SumPool2DOp pool) {
        int64_t terms = productOf(pool.getKernel());
        return repeated(in(), isPadded(pool.getPads()) ? 0 : terms, terms);
      })
      .Case([&](fx::ReduceSumOp reduce) {
        int64_t terms = reducedElements(reduce.getInput(), reduce.getAxes());
        return repeated(in(), terms, terms);
      })
      .Case([&](fx::ArgMaxOp argMax) {
        return IntegerRange{0,
                            std::max<int64_t>(shapeOf(argMax.getInput())[argMax.getAxis()], 1) - 1};
      })
      .Default([](Operation *other) { return rangeOf(fx::fixedType(other->getResult(0))); });
}

} // namespace dyad
