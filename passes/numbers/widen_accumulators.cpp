// SPDX-License-Identifier: Apache-2.0
// The pass widen-accumulators: one backward walk that collects the widths consumers want, one that
// retypes. Only types change, and only to wider ones, so every value fits as before.
#include "passes/numbers/passes.h"

#include "ir/fx/owner.h"

#include <algorithm>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_WIDENACCUMULATORS
#include "passes/numbers/passes.h.inc"

namespace {

constexpr unsigned kMaxWidth = 64;

unsigned widthOf(Value value) { return fx::fixedType(value).getWidth(); }

// Local on shares: the result's ring is the operands'.
bool isLocal(Operation *op) {
  if (isStructure(op))
    return op->getNumOperands() == 1;
  return isa<fx::AddOp, fx::SubOp, fx::NegOp, fx::AssumeOp, fx::ReduceSumOp, fx::SumPool2DOp,
             fx::ShiftLeftOp, fx::ResizeOp>(op);
}

// Can its result be computed in a wider ring at (nearly) no cost?
bool canWiden(Value value) {
  Operation *op = value.getDefiningOp();
  fx::FixedType type = fx::fixedType(value);
  if (op == nullptr || !type || type.getOwner() != fx::Owner::kShared || !type.getIsSigned())
    return false;
  // These have one type for operand and result.
  if (isa<fx::AssumeOp>(op) || isStructure(op))
    return op->getNumOperands() == 1 && canWiden(op->getOperand(0));
  // A resize that narrows is free to narrow less; one that widens is an extension.
  if (auto resize = dyn_cast<fx::ResizeOp>(op))
    return fx::fixedType(resize.getInput()).getIsSigned();
  return isLocal(op) || isa<fx::Conv2DOp, fx::MatMulOp, fx::MulOp, fx::PReluOp, fx::TruncateOp>(op);
}

struct WidenAccumulators : impl::WidenAccumulatorsBase<WidenAccumulators> {
  unsigned wantedWidth(Value value) const {
    auto found = wanted_.find(value);
    return found == wanted_.end() ? widthOf(value) : found->second;
  }

  // The width in which `op` wants its operand, given the one of its own result.
  unsigned demand(Operation *op, Value operand) const {
    unsigned current = widthOf(operand);
    if (op->getNumResults() != 1 || !fx::fixedType(op->getResult(0)))
      return current;
    unsigned result = wantedWidth(op->getResult(0));
    if (isLocal(op))
      return std::max(current, result);
    if (auto truncate = dyn_cast<fx::TruncateOp>(op)) {
      // By what the result was widened, and no more than the quotient needs.
      unsigned raised = result - widthOf(op->getResult(0));
      unsigned enough = result + static_cast<unsigned>(truncate.getShift());
      return std::min({std::max(current, enough), current + raised, kMaxWidth});
    }
    return current;
  }

  void runOnOperation() override {
    wanted_.clear();
    std::vector<Operation *> operations;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op->getName().getDialectNamespace() == "fx")
        operations.push_back(op);
    });
    std::vector<std::pair<OpOperand *, unsigned>> demands;
    for (Operation *op : llvm::reverse(operations))
      for (OpOperand &use : op->getOpOperands())
        if (canWiden(use.get())) {
          unsigned width = demand(op, use.get());
          wanted_[use.get()] = std::max(wantedWidth(use.get()), width);
          demands.emplace_back(&use, width);
        }
    // Consumers that want less get it; done before any type changes.
    llvm::DenseMap<std::pair<Value, unsigned>, Value> narrowed;
    for (auto [use, width] : demands) {
      Value value = use->get();
      if (width == wanted_[value])
        continue;
      Value &narrow = narrowed[{value, width}];
      if (!narrow) {
        OpBuilder builder(value.getContext());
        builder.setInsertionPointAfterValue(value);
        auto shape = cast<RankedTensorType>(value.getType()).getShape();
        auto type = RankedTensorType::get(shape, fx::fixedType(value).withWidth(width));
        narrow = builder.create<fx::ResizeOp>(value.getLoc(), type, value);
      }
      use->set(narrow);
    }
    for (auto [value, width] : wanted_) {
      auto shape = cast<RankedTensorType>(value.getType()).getShape();
      value.setType(RankedTensorType::get(shape, fx::fixedType(value).withWidth(width)));
    }
  }

private:
  llvm::DenseMap<Value, unsigned> wanted_;
};

} // namespace
} // namespace dyad
