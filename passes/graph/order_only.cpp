// SPDX-License-Identifier: Apache-2.0
// Functions that only an arg-max or a sign reads, and that keep what these ask for, are left out.
#include "ir/nn/nn.h"
#include "passes/graph/monotone.h"
#include "passes/graph/passes.h"

using namespace mlir;

namespace dyad {

#define GEN_PASS_DEF_ORDERONLY
#include "passes/graph/passes.h.inc"

namespace {

// Whether the elements of the result along any axis are in the order of the operand's.
bool keepsOrder(Operation *op) {
  if (auto function = dyn_cast<nn::FunctionOp>(op))
    return isIncreasing(function.getKind());
  auto leaky = dyn_cast<nn::LeakyReluOp>(op);
  return leaky && leaky.getAlpha().isNonZero() && !leaky.getAlpha().isNegative();
}

// Whether x > 0, x = 0 and x < 0 are those of the result.
bool keepsSign(Operation *op) {
  if (auto function = dyn_cast<nn::FunctionOp>(op))
    return function.getKind() == nn::FunctionKind::kTanh ||
           function.getKind() == nn::FunctionKind::kErf ||
           function.getKind() == nn::FunctionKind::kSoftsign;
  auto leaky = dyn_cast<nn::LeakyReluOp>(op);
  return leaky && leaky.getAlpha().isNonZero() && !leaky.getAlpha().isNegative();
}

bool isNeeded(Operation *function, Operation *user) {
  if (isa<nn::ArgMaxOp>(user))
    return !keepsOrder(function);
  if (auto step = dyn_cast<nn::StepOp>(user))
    return !keepsSign(function) && !(isa<nn::ReluOp>(function) && step.getStrict());
  // An arg-min is the arg-max of the negated numbers.
  if (isa<nn::NegOp>(user))
    return !keepsOrder(function) ||
           llvm::any_of(user->getUsers(), [](Operation *next) { return !isa<nn::ArgMaxOp>(next); });
  return true;
}

struct OrderOnly : impl::OrderOnlyBase<OrderOnly> {
  void runOnOperation() override {
    SmallVector<Operation *> functions;
    getOperation().walk([&](Operation *op) {
      if (isa<nn::FunctionOp, nn::LeakyReluOp, nn::ReluOp>(op))
        functions.push_back(op);
    });
    // From the last one on: what stands before another one is read like that one then.
    for (Operation *op : llvm::reverse(functions)) {
      if (op->use_empty() ||
          llvm::any_of(op->getUsers(), [&](Operation *user) { return isNeeded(op, user); }))
        continue;
      op->getResult(0).replaceAllUsesWith(op->getOperand(0));
      op->erase();
    }
  }
};

} // namespace

} // namespace dyad
