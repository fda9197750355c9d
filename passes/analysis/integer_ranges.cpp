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
#include <optional>

using namespace mlir;

namespace dyad {
namespace {

// Beyond any type's range; sums and products of such bounds still fit 128 bits once clamped.
constexpr __int128 kFar = static_cast<__int128>(1) << 100;

__int128 clamped(__int128 x) { return std::clamp(x, -kFar, kFar); }

// a * b, clamped; |a|, |b| <= 2^100.
__int128 product(__int128 a, __int128 b) {
  __int128 result = 0;
  if (__builtin_mul_overflow(a, b, &result))
    return (a < 0) == (b < 0) ? kFar : -kFar;
  return clamped(result);
}

IntegerRange sum(const IntegerRange &a, const IntegerRange &b) {
  return {clamped(a.low + b.low), clamped(a.high + b.high)};
}

IntegerRange product(const IntegerRange &a, const IntegerRange &b) {
  auto [low, high] = std::minmax({product(a.low, b.low), product(a.low, b.high),
                                  product(a.high, b.low), product(a.high, b.high)});
  return {low, high};
}

// Sum of between `least` and `most` values of the range.
IntegerRange repeated(const IntegerRange &a, int64_t least, int64_t most) {
  return {product(a.low, a.low < 0 ? most : least), product(a.high, a.high > 0 ? most : least)};
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

// Bounds of a sum of products of known weights with numbers of one range, or with none of them.
class WeightedSum {
public:
  WeightedSum(const IntegerRange &input, bool mayMiss) : input_(input) {
    if (mayMiss)
      input_ = hull(input_, {0, 0});
  }
  void add(int64_t weight) { (weight > 0 ? positive_ : negative_) += weight; }
  IntegerRange range() const {
    return sum(product(input_, {positive_, positive_}), product(input_, {negative_, negative_}));
  }

private:
  IntegerRange input_;
  __int128 positive_ = 0;
  __int128 negative_ = 0;
};

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

IntegerRanges::IntegerRanges(func::FuncOp function, bool strict, const SymbolTable *symbols)
    : strict_(strict), symbols_(symbols) {
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op->getNumResults() != 1 || !fx::fixedType(op->getResult(0)))
      return;
    IntegerRange type = rangeOf(fx::fixedType(op->getResult(0)));
    IntegerRange range = compute(op);
    computed_[op->getResult(0)] = range;
    if (strict_ && (range.low < type.low || range.high > type.high))
      range = type; // the ring wraps: anything of the type
    range = {std::max(range.low, type.low), std::min(range.high, type.high)};
    ranges_[op->getResult(0)] = range.low <= range.high ? range : type;
  });
}

// The integers of a constant, where they may be looked at.
std::vector<int64_t> IntegerRanges::weightsOf(Value value) const {
  auto constant = value.getDefiningOp<fx::ConstantOp>();
  if (symbols_ == nullptr || !constant)
    return {};
  auto weight = symbols_->lookup<fx::WeightOp>(constant.getWeight());
  return weight && weight.getValue() ? integerValues(*weight.getValue()) : std::vector<int64_t>();
}

IntegerRange IntegerRanges::product(fx::Conv2DOp conv) const {
  // Padding takes terms away, so a sum may have fewer than all.
  const bool padded = isPadded(conv.getPads());
  const int64_t terms = productOf(shapeOf(conv.getWeight()).drop_front());
  const IntegerRange input = at(conv.getInput());
  const std::vector<int64_t> weights = weightsOf(conv.getWeight());
  const std::vector<int64_t> bias =
      conv.getBias() ? weightsOf(conv.getBias()) : std::vector<int64_t>();
  const IntegerRange anyBias = conv.getBias() ? at(conv.getBias()) : IntegerRange{0, 0};
  if (weights.empty())
    return sum(repeated(dyad::product(input, at(conv.getWeight())), padded ? 0 : terms, terms),
               anyBias);
  std::optional<IntegerRange> range;
  for (size_t first = 0, channel = 0; first < weights.size();
       first += static_cast<size_t>(terms), ++channel) {
    WeightedSum one(input, padded);
    for (size_t i = 0; i < static_cast<size_t>(terms); ++i)
      one.add(weights[first + i]);
    const IntegerRange offset = bias.empty() ? anyBias : IntegerRange{bias[channel], bias[channel]};
    const IntegerRange result = sum(one.range(), offset);
    range = range ? hull(*range, result) : result;
  }
  return *range;
}

IntegerRange IntegerRanges::product(fx::MatMulOp matmul) const {
  const auto inner = static_cast<size_t>(shapeOf(matmul.getLhs()).back());
  const std::vector<int64_t> right = weightsOf(matmul.getRhs());
  const std::vector<int64_t> left = right.empty() ? weightsOf(matmul.getLhs()) : right;
  if (left.empty())
    return repeated(dyad::product(at(matmul.getLhs()), at(matmul.getRhs())),
                    static_cast<int64_t>(inner), static_cast<int64_t>(inner));
  // Each column of a matrix on the right, or row of one on the left, bounds its own outputs.
  const IntegerRange input = at(right.empty() ? matmul.getRhs() : matmul.getLhs());
  const size_t columns = right.empty() ? 1 : static_cast<size_t>(shapeOf(matmul.getRhs()).back());
  std::optional<IntegerRange> range;
  for (size_t block = 0; block < left.size(); block += inner * columns)
    for (size_t column = 0; column < columns; ++column) {
      WeightedSum one(input, false);
      for (size_t i = 0; i < inner; ++i)
        one.add(left[block + i * columns + column]);
      range = range ? hull(*range, one.range()) : one.range();
    }
  return range.value_or(IntegerRange{0, 0});
}

IntegerRange IntegerRanges::compute(Operation *op) const {
  auto in = [&](unsigned i = 0) { return at(op->getOperand(i)); };
  const IntegerRange zero{0, 0};
  if (isStructure(op)) {
    IntegerRange range = in();
    for (Value operand : op->getOperands().drop_front())
      range = hull(range, at(operand));
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
      .Case([&](fx::ConstantOp) -> IntegerRange {
        const std::vector<int64_t> weights = weightsOf(op->getResult(0));
        if (weights.empty())
          return rangeOf(fx::fixedType(op->getResult(0)));
        auto [low, high] = std::minmax_element(weights.begin(), weights.end());
        return {*low, *high};
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
      .Case<fx::Conv2DOp, fx::MatMulOp>([&](auto linear) { return product(linear); })
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
