// SPDX-License-Identifier: Apache-2.0
// Factors that reach weights only on a longer way: behind a product of two computed values (the
// scale of attention's scores), and before several products (a normalisation's weight before
// queries, keys and values).
#include "ir/structure.h"
#include "passes/graph/affine_patterns.h"

#include <fmt/format.h>

using namespace mlir;

namespace dyad {

namespace {

//===--- behind products of computed values ---------------------------------------------------===//

// The constants that a scalar factor of a value goes into, `value` and all before it being read
// once; false if it cannot vanish.
bool carriers(Value value, const Constant &factor, const Weights &weights,
              SmallVector<OpOperand *> &constants) {
  Operation *op = value.getDefiningOp();
  if (op == nullptr || !value.hasOneUse())
    return false;
  auto take = [&](OpOperand &operand) {
    std::optional<Constant> constant = weights.constantOf(operand.get());
    if (!constant || !mayTake(*constant, factor))
      return false;
    constants.push_back(&operand);
    return true;
  };
  auto computed = [&](OpOperand &operand) {
    return carriers(operand.get(), factor, weights, constants);
  };
  if (isMove(op) || isa<nn::NegOp>(op))
    return computed(op->getOpOperand(0));
  if (isa<nn::Conv2DOp>(op))
    return take(op->getOpOperand(1)) && (op->getNumOperands() < 3 || take(op->getOpOperand(2)));
  if (!isa<nn::MatMulOp, nn::MulOp, nn::AddOp>(op))
    return false;
  for (unsigned i = 0; i < 2; ++i) {
    OpOperand &operand = op->getOpOperand(i);
    OpOperand &other = op->getOpOperand(1 - i);
    const size_t mark = constants.size();
    const bool isTaken = weights.isConstant(operand.get()) ? take(operand) : computed(operand);
    if (!isa<nn::AddOp>(op) && isTaken)
      return true;
    if (isa<nn::AddOp>(op))
      return isTaken && (weights.isConstant(other.get()) ? take(other) : computed(other));
    constants.resize(mark);
  }
  return false;
}

// (x y) c, with a scalar c and two computed values, of which one is linear in weights: the weights
// take it.
LogicalResult foldBehindProduct(nn::MulOp op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<WithConstant> parts = splitConstant(op, weights);
  if (!parts || !parts->constant.isScalar())
    return failure();
  SmallVector<OpOperand *> constants;
  if (!carriers(parts->other, parts->constant, weights, constants))
    return failure();
  const double factor = parts->constant.values.front();
  SmallVector<Value> scaled;
  for (OpOperand *operand : constants) {
    Constant constant = *weights.constantOf(operand->get());
    for (double &value : constant.values)
      value *= factor;
    constant.recipe =
        fmt::format("{} scaled by {}", weights.symbolOf(operand->get()).str(), parts->symbol.str());
    rewriter.setInsertionPoint(operand->getOwner());
    scaled.push_back(weights.create(rewriter, operand->getOwner()->getLoc(), constant,
                                    cast<RankedTensorType>(operand->get().getType())));
    if (!scaled.back())
      return failure();
  }
  for (auto [operand, value] : llvm::zip(constants, scaled))
    rewriter.modifyOpInPlace(operand->getOwner(), [&] { operand->set(value); });
  rewriter.replaceOp(op, parts->other);
  return success();
}

//===--- before several products
//---------------------------------------------------------------===//

// Whether a product with constant weights takes what `op` does to its operand.
template <typename OpType>
bool takesBefore(OpOperand &use, const WithConstant &parts, ArrayRef<int64_t> shape,
                 const Weights &weights) {
  constexpr bool kIsSum = std::is_same_v<OpType, nn::AddOp>;
  Operation *user = use.getOwner();
  if (auto conv = dyn_cast<nn::Conv2DOp>(user)) {
    std::optional<Constant> weight = weights.constantOf(conv.getWeight());
    const bool isPadded = llvm::any_of(conv.getPads(), [](int64_t pad) { return pad != 0; });
    return use.getOperandNumber() == 0 && weight && !(kIsSum && isPadded) &&
           (kIsSum || mayTake(*weight, parts.constant)) &&
           (!conv.getBias() || weights.isConstant(conv.getBias())) &&
           parts.constant.along(shape, 1);
  }
  if (!isa<nn::MatMulOp>(user) || user->getOperand(0) == user->getOperand(1))
    return false;
  const bool isRight = use.getOperandNumber() == 0; // the weights are
  Value operand = user->getOperand(isRight ? 1 : 0);
  std::optional<Constant> matrix = weights.constantOf(operand);
  const int64_t axis = static_cast<int64_t>(shape.size()) - (isRight ? 1 : 2);
  const bool isWhole =
      matrix &&
      matrix->shape == clear::Shape(cast<RankedTensorType>(operand.getType()).getShape().vec());
  return isWhole && matrix->shape.size() == 2 && (kIsSum || mayTake(*matrix, parts.constant)) &&
         parts.constant.along(shape, axis);
}

// One of its own for each product that reads it, where all take it: the rules for a single reader
// do the rest.
template <typename OpType>
LogicalResult oneForEachReader(OpType op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<WithConstant> parts = splitConstant(op, weights);
  Value result = op.getResult();
  if (!parts || result.use_empty() || result.hasOneUse())
    return failure();
  // A bias costs nothing where it is.
  if (std::is_same_v<OpType, nn::AddOp> &&
      isa_and_nonnull<nn::MatMulOp, nn::Conv2DOp>(parts->other.getDefiningOp()))
    return failure();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(result.getType()).getShape();
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : result.getUses()) {
    if (!takesBefore<OpType>(use, *parts, shape, weights))
      return failure();
    uses.push_back(&use);
  }
  for (OpOperand *use : ArrayRef<OpOperand *>(uses).drop_front()) {
    Operation *copy = rewriter.clone(*op);
    rewriter.modifyOpInPlace(use->getOwner(), [&] { use->set(copy->getResult(0)); });
  }
  return success();
}

} // namespace

void addFactorRules(RewritePatternSet &patterns, Weights &weights) {
  MLIRContext *context = patterns.getContext();
  patterns.add<Rule<nn::MulOp>>(context, weights, foldBehindProduct);
  patterns.add<Rule<nn::MulOp>>(context, weights, oneForEachReader<nn::MulOp>);
  patterns.add<Rule<nn::AddOp>>(context, weights, oneForEachReader<nn::AddOp>);
}

} // namespace dyad
