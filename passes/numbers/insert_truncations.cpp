// SPDX-License-Identifier: Apache-2.0
// The pass insert-truncations: where requantisations stand, and as what they are executed. Rounding
// to nearest is monotone, so a maximum may be taken before or after it: same integers.
#include "passes/numbers/passes.h"

#include "ir/fx/owner.h"
#include "passes/analysis/integer_ranges.h"
#include "passes/numbers/integer_math.h"
#include "runtime/protocols/selection_cost.h"
#include "runtime/protocols/truncation_cost.h"

#include "mlir/IR/PatternMatch.h"

#include <algorithm>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_INSERTTRUNCATIONS
#include "passes/numbers/passes.h.inc"

namespace {

int64_t elements(Value value) { return cast<RankedTensorType>(value.getType()).getNumElements(); }

// Bytes of a protocol, with what the correlated OTs that it uses up cost to make.
double bytesOf(const Cost &cost) {
  constexpr double kBytesPerCot = 8;
  return static_cast<double>(cost.bytesToServer() + cost.bytesToClient()) +
         kBytesPerCot * static_cast<double>(cost.serverCots + cost.clientCots);
}

int64_t lostBits(fx::RequantizeOp op) {
  return fx::fixedType(op.getInput()).getFraction() - fx::fixedType(op.getResult()).getFraction();
}

// Window size of a maximum over windows or axes.
int64_t windowOf(Operation *op) {
  if (auto pool = dyn_cast<fx::MaxPool2DOp>(op))
    return pool.getKernel()[0] * pool.getKernel()[1];
  return elements(op->getOperand(0)) / std::max<int64_t>(elements(op->getResult(0)), 1);
}

struct InsertTruncations : impl::InsertTruncationsBase<InsertTruncations> {
  using InsertTruncationsBase::InsertTruncationsBase;

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
      if (op == nullptr || !isStructure(op) || op->getNumOperands() != 1 || isa<fx::PadOp>(op))
        return {};
      summand = op->getOperand(0);
    }
    return {};
  }

  // Bytes that one truncation of the sum saves against two of its operands, less what products and
  // truncation take that are as wide as the sum: replies and shares of both sides.
  static double gainBehindSum(fx::RequantizeOp a, fx::RequantizeOp b, Value sum, unsigned width) {
    constexpr double kReplyBytes = 2.0 / 8;
    auto size = static_cast<uint64_t>(elements(sum));
    auto truncation = [](fx::RequantizeOp op) {
      return bytesOf(truncateReduceCost(static_cast<uint64_t>(elements(op.getInput())),
                                        fx::fixedType(op.getInput()).getWidth(),
                                        static_cast<unsigned>(lostBits(op))));
    };
    unsigned lost = static_cast<unsigned>(std::max(lostBits(a), lostBits(b)));
    double wider = 0;
    for (fx::RequantizeOp op : {a, b})
      wider += kReplyBytes * static_cast<double>(elements(op.getInput())) *
               (width - std::min(width, fx::fixedType(op.getInput()).getWidth()));
    return truncation(a) + truncation(b) - bytesOf(truncateReduceCost(size, width, lost)) - wider;
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
    constexpr unsigned kMaxWidth = 62;
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

  void execute(fx::RequantizeOp requantize) {
    OpBuilder builder(requantize);
    int64_t lost = lostBits(requantize);
    Type to = requantize.getResult().getType();
    Value value = requantize.getInput();
    if (std::abs(lost) > 63) {
      requantize.emitError("changes the fraction by ")
          << std::abs(lost) << " bits; 63 is the most. Give the scales in between closer values";
      return signalPassFailure();
    }
    if (lost > 0)
      value = builder.create<fx::TruncateOp>(requantize.getLoc(), to, value,
                                             static_cast<uint64_t>(lost), fx::Rounding::kNearest);
    else if (lost < 0)
      value = builder.create<fx::ShiftLeftOp>(requantize.getLoc(), to, value,
                                              static_cast<uint64_t>(-lost));
    else if (value.getType() != to)
      value = builder.create<fx::ResizeOp>(requantize.getLoc(), to, value);
    requantize.getResult().replaceAllUsesWith(value);
    requantize.erase();
  }

  void runOnOperation() override {
    IntegerRanges ranges(getOperation(), /*strict=*/false);
    auto all = [&] {
      std::vector<fx::RequantizeOp> list;
      getOperation().walk([&](fx::RequantizeOp op) { list.push_back(op); });
      return list;
    };
    if (sink) {
      SmallVector<Operation *> sums;
      getOperation().walk([&](Operation *op) {
        if (isa<fx::AddOp, fx::SubOp>(op))
          sums.push_back(op);
      });
      for (Operation *sum : sums)
        sinkBehindSum(sum, ranges);
      for (fx::RequantizeOp op : all())
        sinkBehindMaximum(op, ranges);
    }
    for (fx::RequantizeOp op : all())
      execute(op);
  }
};

} // namespace
} // namespace dyad
