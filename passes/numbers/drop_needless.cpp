// SPDX-License-Identifier: Apache-2.0
// The pass drop-needless: comparisons whose outcome the ranges tell. Only ranges that the program
// shows anyway count (types, assumptions), never a weight's values, so that nothing new is public.
#include "passes/numbers/passes.h"

#include "ir/fx/owner.h"
#include "passes/analysis/integer_ranges.h"

#include "mlir/IR/Builders.h"

#include <algorithm>
#include <limits>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_DROPNEEDLESS
#include "passes/numbers/passes.h.inc"

namespace {

// Replaces `op` by `value`, which has the same fraction and integers that fit the result's type.
void replace(Operation *op, Value value) {
  Type to = op->getResult(0).getType();
  if (value.getType() != to) {
    OpBuilder builder(op);
    value = builder.create<fx::ResizeOp>(op->getLoc(), to, value);
  }
  op->getResult(0).replaceAllUsesWith(value);
  op->erase();
}

// Zero with the owner of `value`: a difference that is local on shares, and said to be zero.
Value zeroLike(OpBuilder &builder, Value value) {
  Location location = value.getLoc();
  Value zero = builder.create<fx::SubOp>(location, value.getType(), value, value);
  return builder.create<fx::AssumeOp>(location, value.getType(), zero, 0, 0,
                                      fx::RangeKind::kProved);
}

struct DropNeedless : impl::DropNeedlessBase<DropNeedless> {
  using DropNeedlessBase::DropNeedlessBase;

  void runOnOperation() override {
    const IntegerRanges ranges(getOperation(), strict);
    SmallVector<Operation *> operations;
    getOperation().walk([&](Operation *op) {
      // In the clear a comparison costs nothing.
      if (op->getNumResults() == 1 && fx::fixedType(op->getResult(0)) &&
          fx::fixedType(op->getResult(0)).getOwner() == fx::Owner::kShared)
        operations.push_back(op);
    });
    for (Operation *op : operations)
      simplify(op, ranges);
  }

private:
  static void simplify(Operation *op, const IntegerRanges &ranges) {
    auto of = [&](unsigned operand) { return ranges.at(op->getOperand(operand)); };
    if (auto relu = dyn_cast<fx::ReluOp>(op))
      simplifyRelu(relu, of(0));
    else if (auto abs = dyn_cast<fx::AbsOp>(op))
      simplifyAbs(abs, of(0));
    else if (auto clip = dyn_cast<fx::ClipOp>(op))
      simplifyClip(clip, of(0));
    else if (isa<fx::MaxOp, fx::MinOp>(op))
      simplifyExtremum(op, of(0), of(1));
  }

  static void simplifyRelu(fx::ReluOp op, const IntegerRange &x) {
    OpBuilder builder(op);
    if (x.nonNegative())
      replace(op, op.getInput());
    else if (x.high <= 0)
      replace(op, zeroLike(builder, op.getInput()));
  }

  static void simplifyAbs(fx::AbsOp op, const IntegerRange &x) {
    OpBuilder builder(op);
    if (x.nonNegative())
      replace(op, op.getInput());
    else if (x.high <= 0)
      replace(op, builder.create<fx::NegOp>(op.getLoc(), op.getType(), op.getInput()));
  }

  // A clip is two comparisons; one whose upper bound is out of reach and whose lower one is zero is
  // a ReLU.
  static void simplifyClip(fx::ClipOp op, const IntegerRange &x) {
    OpBuilder builder(op);
    const __int128 low = static_cast<int64_t>(op.getLow());
    const __int128 high = static_cast<int64_t>(op.getHigh());
    if (x.high > high)
      return;
    if (x.low >= low)
      replace(op, op.getInput());
    else if (low == 0)
      replace(op, builder.create<fx::ReluOp>(op.getLoc(), op.getInput().getType(), op.getInput()));
  }

  // max(a, b) is a where b is nowhere larger.
  static void simplifyExtremum(Operation *op, const IntegerRange &a, const IntegerRange &b) {
    const bool isMax = isa<fx::MaxOp>(op);
    for (unsigned winner : {0U, 1U}) {
      const IntegerRange &own = winner == 0 ? a : b;
      const IntegerRange &other = winner == 0 ? b : a;
      Value value = op->getOperand(winner);
      if ((isMax ? own.low >= other.high : own.high <= other.low) &&
          fx::fixedType(value).getOwner() == fx::Owner::kShared)
        return replace(op, value);
    }
  }
};

} // namespace
} // namespace dyad
