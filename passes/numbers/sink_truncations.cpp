// SPDX-License-Identifier: Apache-2.0
// The pass sink-truncations: requantisations behind sums, pools and maxima of what they round.
// Rounding to nearest is monotone, so a maximum may be taken before or after it: same integers.
#include "passes/numbers/passes.h"

#include "ir/fx/owner.h"
#include "ir/structure.h"
#include "passes/analysis/integer_ranges.h"
#include "passes/numbers/integer_math.h"
#include "passes/numbers/requantize.h"
#include "runtime/protocols/selection_cost.h"
#include "runtime/protocols/truncation_cost.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_SINKTRUNCATIONS
#include "passes/numbers/passes.h.inc"

namespace {

constexpr unsigned kMaxWidth = 62;
// Of one more bit in the result of a product: replies and shares of both sides.
constexpr double kReplyBytes = 2.0 / 8;

int64_t elements(Value value) { return cast<RankedTensorType>(value.getType()).getNumElements(); }

// Bytes of a protocol, with what the correlated OTs that it uses up cost to make.
double bytesOf(const Cost &cost) {
  constexpr double kBytesPerCot = 8;
  return static_cast<double>(cost.bytesToServer() + cost.bytesToClient()) +
         kBytesPerCot * static_cast<double>(cost.serverCots + cost.clientCots);
}

// Elements of a window of a maximum or sum over windows or axes. Windows may overlap.
int64_t windowOf(Operation *op) {
  if (auto pool = dyn_cast<fx::MaxPool2DOp>(op))
    return pool.getKernel()[0] * pool.getKernel()[1];
  if (auto pool = dyn_cast<fx::SumPool2DOp>(op))
    return pool.getKernel()[0] * pool.getKernel()[1];
  return elements(op->getOperand(0)) / std::max<int64_t>(elements(op->getResult(0)), 1);
}

// A requantisation of shared signed numbers that drops bits and is read once; null otherwise.
fx::RequantizeOp roundingBefore(Value value) {
  auto requantize = value.getDefiningOp<fx::RequantizeOp>();
  if (!requantize || !value.hasOneUse() || lostBits(requantize) <= 0 || lostBits(requantize) > 60)
    return {};
  fx::FixedType type = fx::fixedType(requantize.getInput());
  return type.getOwner() == fx::Owner::kShared && type.getIsSigned() ? requantize
                                                                     : fx::RequantizeOp();
}

double truncationBytes(int64_t n, unsigned width, int64_t shift) {
  return bytesOf(truncateReduceCost(static_cast<uint64_t>(n), width, static_cast<unsigned>(shift)));
}

double truncationBytes(fx::RequantizeOp op) {
  return truncationBytes(elements(op.getInput()), fx::fixedType(op.getInput()).getWidth(),
                         lostBits(op));
}

struct SinkTruncations : impl::SinkTruncationsBase<SinkTruncations> {
  using SinkTruncationsBase::SinkTruncationsBase;

  // Whether rounding after the maximum is cheaper: fewer truncations, wider comparisons.
  static bool isCheaperBehind(fx::RequantizeOp requantize, Operation *maximum) {
    auto before = static_cast<uint64_t>(elements(requantize.getResult()));
    auto after = static_cast<uint64_t>(elements(maximum->getResult(0)));
    auto window = static_cast<uint64_t>(windowOf(maximum));
    auto shift = static_cast<unsigned>(lostBits(requantize));
    unsigned wide = fx::fixedType(requantize.getInput()).getWidth();
    unsigned narrow = fx::fixedType(requantize.getResult()).getWidth();
    return bytesOf(truncateReduceCost(after, wide, shift)) +
               bytesOf(maximumOverCost(after, window, wide)) <
           bytesOf(truncateReduceCost(before, wide, shift)) +
               bytesOf(maximumOverCost(after, window, narrow));
  }

  void sinkBehindMaximum(fx::RequantizeOp requantize, const IntegerRanges &ranges) {
    if (lostBits(requantize) <= 0 || lostBits(requantize) > 60 ||
        !requantize.getResult().hasOneUse())
      return;
    Operation *maximum = *requantize.getResult().user_begin();
    if (!isa<fx::MaxPool2DOp, fx::ReduceMaxOp>(maximum))
      return;
    Value input = requantize.getInput();
    fx::FixedType type = fx::fixedType(input);
    if (type.getOwner() != fx::Owner::kShared)
      return; // in the clear nothing costs
    // Comparisons need room for differences.
    IntegerRange range = ranges.at(input);
    if (!difference(range, range).fits(type.getWidth()) || !isCheaperBehind(requantize, maximum))
      return;
    OpBuilder builder(maximum);
    Operation *moved = builder.clone(*maximum);
    moved->setOperand(0, input);
    auto shape = cast<RankedTensorType>(maximum->getResult(0).getType()).getShape();
    moved->getResult(0).setType(RankedTensorType::get(shape, type));
    Value rounded = builder.create<fx::RequantizeOp>(
        requantize.getLoc(), maximum->getResult(0).getType(), moved->getResult(0));
    maximum->getResult(0).replaceAllUsesWith(rounded);
    maximum->erase();
    requantize.erase();
  }

  // The number of a summand before it was rounded, through moves of elements: what is read, and the
  // requantisation that is then needless. Null if the summand was not rounded, or for others too.
  static fx::RequantizeOp roundingOf(Value summand) {
    while (summand.hasOneUse()) {
      Operation *op = summand.getDefiningOp();
      auto requantize = dyn_cast_or_null<fx::RequantizeOp>(op);
      if (requantize && lostBits(requantize) > 0)
        return requantize;
      if (op == nullptr || !isMove(op))
        return {};
      summand = op->getOperand(0);
    }
    return {};
  }

  // Bytes that one truncation of the sum saves against two of its operands, less what products and
  // truncation take that are as wide as the sum.
  static double gainBehindSum(fx::RequantizeOp a, fx::RequantizeOp b, Value sum, unsigned width) {
    const int64_t lost = std::max(lostBits(a), lostBits(b));
    double wider = 0;
    for (fx::RequantizeOp op : {a, b})
      wider += kReplyBytes * static_cast<double>(elements(op.getInput())) *
               (width - std::min(width, fx::fixedType(op.getInput()).getWidth()));
    return truncationBytes(a) + truncationBytes(b) - truncationBytes(elements(sum), width, lost) -
           wider;
  }

  // The raw number of a summand at `fraction`, moved as the rounded one was.
  static Value unrounded(OpBuilder &builder, Value summand, fx::RequantizeOp requantize,
                         int fraction) {
    if (summand == requantize.getResult()) {
      Value raw = requantize.getInput();
      fx::FixedType type = fx::fixedType(raw);
      int shift = fraction - type.getFraction();
      if (shift == 0)
        return raw;
      auto longer = fx::FixedType::get(
          type.getContext(), type.getIsSigned(),
          std::min(type.getWidth() + static_cast<unsigned>(shift), 64U), fraction, type.getOwner());
      auto shape = cast<RankedTensorType>(raw.getType()).getShape();
      return builder.create<fx::ShiftLeftOp>(requantize.getLoc(),
                                             RankedTensorType::get(shape, longer), raw,
                                             static_cast<uint64_t>(shift));
    }
    Operation *move = summand.getDefiningOp();
    Value moved = unrounded(builder, move->getOperand(0), requantize, fraction);
    Type element = cast<RankedTensorType>(moved.getType()).getElementType();
    return cloneStructure(builder, move, "fx", moved, element)->getResult(0);
  }

  // Rounded once, the sum may be a unit more than that of rounded numbers: the type has to have
  // room for it, or the program to say what it relies on.
  static bool hasRoom(Operation *sum, const IntegerRange &rounded) {
    Value result = sum->getResult(0);
    return rounded.fits(fx::fixedType(result).getWidth()) ||
           llvm::all_of(result.getUsers(), [](Operation *user) { return isa<fx::AssumeOp>(user); });
  }

  void sinkBehindSum(Operation *sum, const IntegerRanges &ranges) {
    Value left = sum->getOperand(0);
    Value right = sum->getOperand(1);
    if (left == right)
      return;
    fx::RequantizeOp a = roundingOf(left);
    fx::RequantizeOp b = roundingOf(right);
    if (!a || !b || a == b)
      return;
    fx::FixedType typeA = fx::fixedType(a.getInput());
    fx::FixedType typeB = fx::fixedType(b.getInput());
    fx::FixedType result = fx::fixedType(sum->getResult(0));
    if (typeA.getOwner() != fx::Owner::kShared || typeB.getOwner() != fx::Owner::kShared ||
        !typeA.getIsSigned() || !typeB.getIsSigned())
      return;
    int fraction = std::max(typeA.getFraction(), typeB.getFraction());
    const int lost = fraction - result.getFraction();
    auto rangeAt = [&](fx::RequantizeOp op, fx::FixedType type) {
      return scaledBy(ranges.at(op.getInput()), static_cast<__int128>(1)
                                                    << std::min(fraction - type.getFraction(), 63));
    };
    IntegerRange terms[2] = {rangeAt(a, typeA), rangeAt(b, typeB)};
    IntegerRange all =
        isa<fx::SubOp>(sum) ? difference(terms[0], terms[1]) : sumOf(terms[0], terms[1]);
    unsigned width = hull(all, hull(terms[0], terms[1])).signedBits();
    if (width > kMaxWidth || !hasRoom(sum, rescaled(all, lost)) ||
        gainBehindSum(a, b, sum->getResult(0), width) <= 0)
      return;
    OpBuilder builder(sum);
    auto shape = cast<RankedTensorType>(sum->getResult(0).getType()).getShape();
    auto wide = RankedTensorType::get(
        shape, fx::FixedType::get(result.getContext(), true, width, fraction, result.getOwner()));
    OperationState state(
        sum->getLoc(), sum->getName().getStringRef(),
        {unrounded(builder, left, a, fraction), unrounded(builder, right, b, fraction)}, {wide});
    Value exact = builder.create(state)->getResult(0);
    Value rounded =
        builder.create<fx::RequantizeOp>(sum->getLoc(), sum->getResult(0).getType(), exact);
    sum->getResult(0).replaceAllUsesWith(rounded);
    sum->erase();
    for (Value summand : {left, right})
      while (Operation *op = summand.getDefiningOp()) {
        if (!op->use_empty() || !(isa<fx::RequantizeOp>(op) || isStructure(op)))
          break;
        summand = op->getOperand(0);
        op->erase();
      }
  }

  // Sums over windows or axes are of the unrounded numbers, where what is left to be rounded is
  // less; a division by a power of two that follows is part of that rounding.
  void sinkBehindWindows(Operation *sum, const IntegerRanges &ranges) {
    fx::RequantizeOp requantize = roundingBefore(sum->getOperand(0));
    if (!requantize)
      return;
    const int64_t lost = lostBits(requantize);
    auto onlyUser = [](Operation *op) { return op->hasOneUse() ? *op->user_begin() : nullptr; };
    auto assume = dyn_cast_or_null<fx::AssumeOp>(onlyUser(sum));
    Operation *last = assume ? assume.getOperation() : sum;
    auto divide = dyn_cast_or_null<fx::DivideOp>(onlyUser(last));
    int64_t halvings = 0;
    if (divide && divide.getRounding() == fx::Rounding::kNearest &&
        llvm::isPowerOf2_64(divide.getDivisor())) {
      halvings = static_cast<int64_t>(llvm::Log2_64(divide.getDivisor()));
      last = divide;
    }
    Value raw = requantize.getInput();
    fx::FixedType type = fx::fixedType(sum->getResult(0));
    const IntegerRange terms = withZero(ranges.at(raw));
    IntegerRange range = scaledBy(terms, windowOf(sum));
    const __int128 unit = static_cast<__int128>(1) << lost;
    if (assume)
      range = cut(range, {static_cast<int64_t>(assume.getLow()) * unit,
                          static_cast<int64_t>(assume.getHigh()) * unit});
    const unsigned width = hull(range, terms).signedBits();
    if (width > kMaxWidth || lost + halvings > 60 ||
        !hasRoom(last, rescaled(range, lost + halvings)))
      return;
    const double wider = kReplyBytes * static_cast<double>(elements(raw)) *
                         (width - std::min(width, fx::fixedType(raw).getWidth()));
    double apart = truncationBytes(requantize);
    if (halvings > 0)
      apart += truncationBytes(elements(last->getResult(0)), type.getWidth(), halvings);
    if (truncationBytes(elements(last->getResult(0)), width, lost + halvings) + wider >= apart)
      return;
    OpBuilder builder(last);
    Operation *moved = builder.clone(*sum);
    moved->setOperand(0, raw);
    auto shape = cast<RankedTensorType>(sum->getResult(0).getType()).getShape();
    moved->getResult(0).setType(RankedTensorType::get(
        shape, fx::FixedType::get(type.getContext(), true, width,
                                  type.getFraction() + static_cast<int>(lost + halvings),
                                  type.getOwner())));
    Value exact = moved->getResult(0);
    if (assume)
      exact = builder.create<fx::AssumeOp>(assume.getLoc(), exact.getType(), exact,
                                           static_cast<int64_t>(range.low),
                                           static_cast<int64_t>(range.high), assume.getKind());
    Value rounded =
        builder.create<fx::RequantizeOp>(last->getLoc(), last->getResult(0).getType(), exact);
    last->getResult(0).replaceAllUsesWith(rounded);
    for (Operation *op = last; op != requantize.getOperation();) {
      Operation *before = op->getOperand(0).getDefiningOp();
      op->erase();
      op = before;
    }
    requantize.erase();
  }

  // Parts that are all rounded are rounded together, so that what reads their concatenation (a
  // ReLU, a sum, a maximum) meets one rounding that it can take in.
  void sinkBehindConcat(fx::ConcatOp concat) {
    if (!concat->hasOneUse() ||
        !isa<fx::ReluOp, fx::AddOp, fx::SubOp, fx::SumPool2DOp, fx::ReduceSumOp, fx::MaxPool2DOp,
             fx::ReduceMaxOp>(*concat->user_begin()))
      return;
    int fraction = 0;
    double apart = 0;
    for (Value part : concat->getOperands()) {
      fx::RequantizeOp rounding = roundingBefore(part);
      if (!rounding)
        return;
      fraction = std::max(fraction, fx::fixedType(rounding.getInput()).getFraction());
      apart += truncationBytes(rounding);
    }
    unsigned width = 0;
    for (Value part : concat->getOperands()) {
      fx::FixedType type = fx::fixedType(part.getDefiningOp()->getOperand(0));
      width =
          std::max(width, type.getWidth() + static_cast<unsigned>(fraction - type.getFraction()));
    }
    fx::FixedType result = fx::fixedType(concat->getResult(0));
    const int64_t lost = fraction - result.getFraction();
    if (width > kMaxWidth || lost > 60 ||
        truncationBytes(elements(concat->getResult(0)), width, lost) > apart)
      return;
    OpBuilder builder(concat);
    SmallVector<Value> parts;
    SmallVector<fx::RequantizeOp> roundings;
    auto element =
        fx::FixedType::get(result.getContext(), true, width, fraction, result.getOwner());
    for (Value part : concat->getOperands()) {
      roundings.push_back(part.getDefiningOp<fx::RequantizeOp>());
      Value raw = unrounded(builder, part, roundings.back(), fraction);
      auto shape = cast<RankedTensorType>(raw.getType()).getShape();
      auto wide = RankedTensorType::get(shape, element);
      parts.push_back(raw.getType() == wide
                          ? raw
                          : builder.create<fx::ResizeOp>(concat.getLoc(), wide, raw).getResult());
    }
    Value together = cloneStructure(builder, concat, "fx", parts, element)->getResult(0);
    Value rounded =
        builder.create<fx::RequantizeOp>(concat.getLoc(), concat->getResult(0).getType(), together);
    concat->getResult(0).replaceAllUsesWith(rounded);
    concat->erase();
    for (fx::RequantizeOp rounding : roundings)
      rounding->erase();
  }

  void runOnOperation() override {
    auto all = [&]<typename... Ops>() {
      SmallVector<Operation *> list;
      getOperation().walk([&](Operation *op) {
        if (isa<Ops...>(op))
          list.push_back(op);
      });
      return list;
    };
    for (Operation *concat : all.template operator()<fx::ConcatOp>())
      sinkBehindConcat(cast<fx::ConcatOp>(concat));
    // Behind windows first: what reads their sums is a sum more often than the other way round.
    {
      const IntegerRanges ranges(getOperation(), /*strict=*/false);
      for (Operation *sum : all.template operator()<fx::SumPool2DOp, fx::ReduceSumOp>())
        sinkBehindWindows(sum, ranges);
    }
    const IntegerRanges ranges(getOperation(), /*strict=*/false);
    for (Operation *sum : all.template operator()<fx::AddOp, fx::SubOp>())
      sinkBehindSum(sum, ranges);
    for (Operation *op : all.template operator()<fx::RequantizeOp>())
      sinkBehindMaximum(cast<fx::RequantizeOp>(op), ranges);
  }
};

} // namespace
} // namespace dyad
