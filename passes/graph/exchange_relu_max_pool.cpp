// SPDX-License-Identifier: Apache-2.0
// Monotone functions commute with maxima: max(f(x), f(y)) = f(max(x, y)). Behind a pooling there
// are fewer elements to apply them to.
#include "ir/nn/nn.h"
#include "passes/graph/monotone.h"
#include "passes/graph/passes.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace dyad {

#define GEN_PASS_DEF_EXCHANGERELUMAXPOOL
#include "passes/graph/passes.h.inc"

namespace {

bool isMonotone(Operation *op) {
  if (auto leaky = dyn_cast<nn::LeakyReluOp>(op))
    return !leaky.getAlpha().isNegative();
  if (auto function = dyn_cast<nn::FunctionOp>(op))
    return isIncreasing(function.getKind());
  return isa<nn::ReluOp, nn::ClipOp>(op);
}

// Takes elements of its input as they are, the largest or smallest of each window. Padding never
// wins a window, before the exchange or after.
bool selectsExtremes(Operation *op) {
  if (auto reduce = dyn_cast<nn::ReduceOp>(op))
    return reduce.getKind() == nn::ReduceKind::kMax || reduce.getKind() == nn::ReduceKind::kMin;
  return isa<nn::MaxPool2DOp>(op);
}

int64_t elements(Value value) { return cast<RankedTensorType>(value.getType()).getNumElements(); }

// All users must select, or the function would be needed on its old operand too; and together they
// must leave fewer elements than it has now.
bool isProfitable(Operation *op) {
  if (op->use_empty())
    return false;
  int64_t behind = 0;
  for (Operation *user : op->getUsers()) {
    if (!selectsExtremes(user))
      return false;
    behind += elements(user->getResult(0));
  }
  return behind < elements(op->getResult(0));
}

class ExchangeReluMaxPoolPass : public impl::ExchangeReluMaxPoolBase<ExchangeReluMaxPoolPass> {
public:
  void runOnOperation() final {
    SmallVector<Operation *> candidates;
    getOperation().walk([&](Operation *op) {
      if (isMonotone(op))
        candidates.push_back(op);
    });
    // What moved behind one pooling may move behind the next.
    while (!candidates.empty()) {
      Operation *op = candidates.pop_back_val();
      if (isProfitable(op))
        exchange(op, candidates);
    }
  }

private:
  static void exchange(Operation *op, SmallVectorImpl<Operation *> &candidates) {
    SmallVector<Operation *> users(op->getUsers());
    for (Operation *user : users) {
      Value pooled = user->getResult(0);
      user->setOperand(0, op->getOperand(0));
      OpBuilder builder(user->getContext());
      builder.setInsertionPointAfter(user);
      Operation *moved = builder.clone(*op);
      moved->setOperand(0, pooled);
      moved->getResult(0).setType(pooled.getType());
      pooled.replaceAllUsesExcept(moved->getResult(0), moved);
      candidates.push_back(moved);
    }
    op->erase();
  }
};

} // namespace

} // namespace dyad
