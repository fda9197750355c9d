// SPDX-License-Identifier: Apache-2.0
// The pass insert-truncations: where requantisations stand, and as what they are executed. Rounding
// to nearest is monotone, so a maximum may be taken before or after it: same integers.
#include "passes/numbers/passes.h"

#include "ir/fx/owner.h"
#include "passes/analysis/integer_ranges.h"
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
    if (sink)
      for (fx::RequantizeOp op : all())
        sinkBehindMaximum(op, ranges);
    for (fx::RequantizeOp op : all())
      execute(op);
  }
};

} // namespace
} // namespace dyad
