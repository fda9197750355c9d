// SPDX-License-Identifier: Apache-2.0
// A mean that only linear operations read needs no division: its sum is the mean times the number
// of terms, of which a power of two moves the binary point, and the rest goes into the weights.
#include "passes/graph/constants.h"
#include "passes/graph/passes.h"

#include "ir/structure.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <fmt/format.h>

using namespace mlir;

namespace dyad {

#define GEN_PASS_DEF_MEANSINTOWEIGHTS
#include "passes/graph/passes.h.inc"

namespace {

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

bool allEqual(ArrayRef<int64_t> list, int64_t value) {
  return llvm::all_of(list, [value](int64_t x) { return x == value; });
}

// The axes that a mean is over; empty for other operations. A pool counts if it has one window that
// is all there is.
SmallVector<int64_t> axesOfMean(Operation *op) {
  if (auto reduce = dyn_cast<nn::ReduceOp>(op))
    return reduce.getKind() == nn::ReduceKind::kMean ? SmallVector<int64_t>(reduce.getAxes())
                                                     : SmallVector<int64_t>();
  auto pool = dyn_cast<nn::AveragePool2DOp>(op);
  if (!pool || !allEqual(pool.getPads(), 0) || !allEqual(pool.getCeilPads(), 0) ||
      !allEqual(pool.getDilations(), 1) ||
      pool.getKernel() != shapeOf(pool.getInput()).take_back(2) ||
      !allEqual(shapeOf(pool.getResult()).take_back(2), 1))
    return {};
  return {2, 3};
}

// The products with constants that read a value, perhaps behind moves of its elements; false if
// something else reads it.
bool linearReaders(Value value, const Weights &weights, SmallVector<OpOperand *> &constants) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (isStructure(user) && user->getNumOperands() == 1) {
      if (!linearReaders(user->getResult(0), weights, constants))
        return false;
      continue;
    }
    if (!isa<nn::MatMulOp, nn::Conv2DOp>(user) || use.getOperandNumber() > 1)
      return false;
    OpOperand &other = user->getOpOperand(1 - use.getOperandNumber());
    if (!weights.constantOf(other.get()))
      return false;
    constants.push_back(&other);
  }
  return !value.use_empty();
}

struct MeansIntoWeights : impl::MeansIntoWeightsBase<MeansIntoWeights> {
  void runOnOperation() final {
    Weights weights(getOperation());
    SmallVector<Operation *> means;
    getOperation().walk([&](Operation *op) {
      if (!axesOfMean(op).empty())
        means.push_back(op);
    });
    for (Operation *op : means) {
      SmallVector<OpOperand *> constants;
      if (linearReaders(op->getResult(0), weights, constants) && !merge(op, constants, weights))
        return signalPassFailure();
    }
  }

private:
  // Whether the program is still whole.
  static bool merge(Operation *op, ArrayRef<OpOperand *> constants, Weights &weights) {
    const SmallVector<int64_t> axes = axesOfMean(op);
    int64_t terms = 1;
    for (int64_t axis : axes)
      terms *= shapeOf(op->getOperand(0))[static_cast<size_t>(axis)];
    if (terms < 2)
      return true;
    // Weights get larger, by less than a bit, and so are rounded no worse.
    const unsigned halvings = llvm::Log2_64_Ceil(static_cast<uint64_t>(terms));
    const double rest = std::ldexp(1.0 / static_cast<double>(terms), static_cast<int>(halvings));
    OpBuilder builder(op);
    for (OpOperand *operand : rest == 1 ? ArrayRef<OpOperand *>() : constants) {
      Constant constant = *weights.constantOf(operand->get());
      for (double &value : constant.values)
        value *= rest;
      constant.name = fmt::format("{}/{}", constant.name, terms);
      constant.recipe = fmt::format("{}/mean of {}", weights.symbolOf(operand->get()).str(), terms);
      builder.setInsertionPoint(operand->getOwner());
      Value scaled = weights.create(builder, operand->getOwner()->getLoc(), constant,
                                    cast<RankedTensorType>(operand->get().getType()));
      if (!scaled)
        return false;
      operand->set(scaled);
    }
    builder.setInsertionPoint(op);
    auto sum = builder.create<nn::ReduceOp>(
        op->getLoc(), op->getResult(0).getType(), op->getOperand(0),
        nn::ReduceKindAttr::get(op->getContext(), nn::ReduceKind::kSum),
        builder.getDenseI64ArrayAttr(axes), builder.getI64IntegerAttr(halvings));
    op->getResult(0).replaceAllUsesWith(sum.getResult());
    op->erase();
    return true;
  }
};

} // namespace
} // namespace dyad
