// SPDX-License-Identifier: Apache-2.0
// See integer_ranges.h. One transfer function an operation; arithmetic saturates far outside of
// 64 bits, where every type stops it anyway.
#include "passes/analysis/integer_ranges.h"

#include "ir/fx/owner.h"
#include "runtime/functions/scalar_function.h"
#include "runtime/net/error.h"

#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>

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

IntegerRanges::IntegerRanges(func::FuncOp function, bool strict) : strict_(strict) {
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op->getNumResults() != 1 || !fx::fixedType(op->getResult(0)))
      return;
    IntegerRange type = rangeOf(fx::fixedType(op->getResult(0)));
    IntegerRange range = compute(op);
    if (strict_ && (range.low < type.low || range.high > type.high))
      range = type; // the ring wraps: anything of the type
    range = {std::max(range.low, type.low), std::min(range.high, type.high)};
    ranges_[op->getResult(0)] = range.low <= range.high ? range : type;
  });
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
      .Case<fx::ResizeOp, fx::RevealOp>([&](auto) { return in(); })
      .Case([&](fx::TruncateOp truncate) {
        return divided(in(), static_cast<__int128>(1) << truncate.getShift(),
                       truncate.getRounding());
      })
      .Case([&](fx::DivideOp divide) {
        return divided(in(), static_cast<__int128>(divide.getDivisor()), divide.getRounding());
      })
      .Case([&](fx::ShiftLeftOp shift) {
        __int128 factor = static_cast<__int128>(1) << shift.getShift();
        return product(in(), {factor, factor});
      })
      .Case([&](fx::AddOp) { return sum(in(), in(1)); })
      .Case([&](fx::SubOp) { return difference(in(), in(1)); })
      .Case([&](fx::MinOp) { return minimum(in(), in(1)); })
      .Case([&](fx::MaxOp) { return maximum(in(), in(1)); })
      .Case([&](fx::MulOp mul) {
        IntegerRange range = product(in(), in(1));
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
        IntegerRange negative = product(minimum(in(), zero), in(1));
        return hull(product(maximum(in(), zero), {one, one}), negative);
      })
      .Case([&](fx::Conv2DOp conv) {
        // Padding takes terms away, so a sum may have fewer than all.
        int64_t terms = productOf(shapeOf(conv.getWeight()).drop_front());
        IntegerRange term = product(in(), in(1));
        IntegerRange range = repeated(term, isPadded(conv.getPads()) ? 0 : terms, terms);
        return conv.getBias() ? sum(range, at(conv.getBias())) : range;
      })
      .Case([&](fx::MatMulOp matmul) {
        int64_t terms = shapeOf(matmul.getLhs()).back();
        return repeated(product(in(), in(1)), terms, terms);
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
