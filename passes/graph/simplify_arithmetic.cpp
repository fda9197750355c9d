// SPDX-License-Identifier: Apache-2.0
// Arithmetic with constants moves towards the linear operations that absorb it; what does nothing,
// or undoes what came before, disappears; transpositions move together until they cancel.
#include "passes/graph/affine_patterns.h"
#include "passes/graph/passes.h"

using namespace mlir;

namespace dyad {

#define GEN_PASS_DEF_SIMPLIFYARITHMETIC
#include "passes/graph/passes.h.inc"

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

bool allEqual(ArrayRef<int64_t> list, int64_t value) {
  return llvm::all_of(list, [&](int64_t x) { return x == value; });
}

bool isIdentity(ArrayRef<int64_t> permutation) {
  for (auto [axis, source] : llvm::enumerate(permutation))
    if (static_cast<int64_t>(axis) != source)
      return false;
  return true;
}

// Known to the client or the server alone, at no cost: an input, moved around.
bool isMovedInput(Value value) {
  Operation *op = value.getDefiningOp();
  while (op != nullptr && isStructure(op) && op->getNumOperands() == 1)
    op = op->getOperand(0).getDefiningOp();
  return isa_and_nonnull<nn::InputOp>(op);
}

//===--- operations without effect
//--------------------------------------------------------------===//

// Replaces an operation that moves nothing by its operand.
bool movesNothing(Operation *op) {
  if (op->getNumOperands() != 1 || op->getOperand(0).getType() != op->getResult(0).getType())
    return false;
  if (isa<nn::ReshapeOp, nn::BroadcastOp, nn::ConcatOp>(op))
    return true;
  if (auto transpose = dyn_cast<nn::TransposeOp>(op))
    return isIdentity(transpose.getPermutation());
  if (auto slice = dyn_cast<nn::SliceOp>(op))
    return allEqual(slice.getStarts(), 0) && allEqual(slice.getSteps(), 1);
  if (auto gather = dyn_cast<nn::GatherOp>(op))
    return isIdentity(gather.getIndices());
  if (auto take = dyn_cast<nn::TakeOp>(op))
    return isIdentity(take.getIndices());
  return isa<nn::PadOp>(op); // of the same shape, so that nothing is added
}

bool computesNothing(Operation *op) {
  if (op->getNumOperands() != 1 || op->getOperand(0).getType() != op->getResult(0).getType())
    return false;
  Operation *before = op->getOperand(0).getDefiningOp();
  // Applied twice is applied once.
  if (isa<nn::ReluOp, nn::AbsOp>(op))
    return before != nullptr && before->getName() == op->getName();
  if (auto pool = dyn_cast<nn::MaxPool2DOp>(op))
    return allEqual(pool.getKernel(), 1) && allEqual(pool.getStrides(), 1) &&
           allEqual(pool.getPads(), 0);
  if (auto pool = dyn_cast<nn::AveragePool2DOp>(op))
    return allEqual(pool.getKernel(), 1) && allEqual(pool.getStrides(), 1) &&
           allEqual(pool.getPads(), 0) && allEqual(pool.getCeilPads(), 0);
  if (auto reduce = dyn_cast<nn::ReduceOp>(op))
    return reduce.getKind() != nn::ReduceKind::kL1 &&
           reduce.getHalvings() == 0; // of the same shape: axes of size one
  return false;
}

class RemoveIdentity : public RewritePattern {
public:
  explicit RemoveIdentity(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/2, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const final {
    if (op->getName().getDialectNamespace() != "nn" || op->getNumResults() != 1 ||
        !(movesNothing(op) || computesNothing(op)))
      return failure();
    rewriter.replaceOp(op, op->getOperand(0));
    return success();
  }
};

// Zeros that both parties know: exporters keep an unused input alive like that.
LogicalResult dropPublicZeros(nn::AddOp op, PatternRewriter &rewriter, Weights &weights) {
  for (unsigned i : {0U, 1U}) {
    std::optional<Constant> constant = weights.constantOf(op->getOperand(i));
    if (!constant || !constant->isPublic ||
        llvm::any_of(constant->values, [](double value) { return value != 0; }))
      continue;
    rewriter.replaceOp(op, op->getOperand(1 - i));
    return success();
  }
  return failure();
}

LogicalResult doubleNegation(nn::NegOp op, PatternRewriter &rewriter, Weights &) {
  auto before = op.getInput().getDefiningOp<nn::NegOp>();
  if (!before)
    return failure();
  rewriter.replaceOp(op, before.getInput());
  return success();
}

LogicalResult mergeReshapes(nn::ReshapeOp op, PatternRewriter &rewriter, Weights &) {
  auto before = op.getInput().getDefiningOp<nn::ReshapeOp>();
  if (!before)
    return failure();
  rewriter.replaceOpWithNewOp<nn::ReshapeOp>(op, op.getResult().getType(), before.getInput());
  return success();
}

//===--- transpositions
//-------------------------------------------------------------------------===//

LogicalResult mergeTransposes(nn::TransposeOp op, PatternRewriter &rewriter, Weights &) {
  auto before = op.getInput().getDefiningOp<nn::TransposeOp>();
  if (!before)
    return failure();
  SmallVector<int64_t> permutation;
  for (int64_t source : op.getPermutation())
    permutation.push_back(before.getPermutation()[static_cast<std::size_t>(source)]);
  rewriter.replaceOpWithNewOp<nn::TransposeOp>(op, op.getResult().getType(), before.getInput(),
                                               permutation);
  return success();
}

// A transposition that only moves axes of size one keeps the order of the elements.
LogicalResult transposeToReshape(nn::TransposeOp op, PatternRewriter &rewriter, Weights &) {
  auto input = typeOf(op.getInput());
  int64_t last = -1;
  for (int64_t source : op.getPermutation()) {
    if (input.getDimSize(source) == 1)
      continue;
    if (source < last)
      return failure();
    last = source;
  }
  rewriter.replaceOpWithNewOp<nn::ReshapeOp>(op, op.getResult().getType(), op.getInput());
  return success();
}

// f(transpose(x)) = transpose(f(x)) for elementwise f: transpositions gather behind, and cancel.
template <typename OpType>
LogicalResult sinkTransposeUnary(OpType op, PatternRewriter &rewriter, Weights &) {
  auto transpose = op.getInput().template getDefiningOp<nn::TransposeOp>();
  if (!transpose)
    return failure();
  Operation *moved = rewriter.clone(*op.getOperation());
  moved->setOperand(0, transpose.getInput());
  moved->getResult(0).setType(transpose.getInput().getType());
  rewriter.replaceOpWithNewOp<nn::TransposeOp>(op, op.getResult().getType(), moved->getResult(0),
                                               transpose.getPermutation());
  return success();
}

// The constant, laid out for a tensor before `permutation`.
Constant beforePermutation(const Constant &constant, ArrayRef<int64_t> permutation) {
  std::size_t rank = permutation.size();
  clear::Shape shape(rank - constant.shape.size(), 1);
  shape.insert(shape.end(), constant.shape.begin(), constant.shape.end());
  Constant result{clear::Shape(rank), std::vector<double>(constant.values.size()), constant.name,
                  constant.isPublic};
  for (std::size_t i = 0; i < rank; ++i)
    result.shape[static_cast<std::size_t>(permutation[i])] = shape[i];
  for (std::size_t i = 0; i < constant.values.size(); ++i) {
    std::vector<std::size_t> position(rank);
    std::size_t rest = i;
    for (std::size_t axis = rank; axis-- > 0;) {
      auto size = static_cast<std::size_t>(shape[axis]);
      position[static_cast<std::size_t>(permutation[axis])] = rest % size;
      rest /= size;
    }
    std::size_t index = 0;
    for (std::size_t axis = 0; axis < rank; ++axis)
      index = index * static_cast<std::size_t>(result.shape[axis]) + position[axis];
    result.values[index] = constant.values[i];
  }
  return result;
}

SmallVector<int64_t> inverse(ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> result(permutation.size());
  for (auto [axis, source] : llvm::enumerate(permutation))
    result[static_cast<std::size_t>(source)] = static_cast<int64_t>(axis);
  return result;
}

template <typename OpType>
LogicalResult sinkTransposeBinary(OpType op, PatternRewriter &rewriter, Weights &weights) {
  auto lhs = op.getLhs().template getDefiningOp<nn::TransposeOp>();
  auto rhs = op.getRhs().template getDefiningOp<nn::TransposeOp>();
  auto transpose = lhs ? lhs : rhs;
  // Where the input itself is transposed, arithmetic moves behind it instead (hoistTranspose).
  if (!transpose || isMovedInput(transpose.getInput()))
    return failure();
  auto type = typeOf(transpose.getInput());
  Value left, right;
  if (lhs && rhs) {
    if (lhs.getPermutation() != rhs.getPermutation())
      return failure();
    left = lhs.getInput();
    right = rhs.getInput();
  } else {
    std::optional<Constant> constant = weights.constantOf(lhs ? op.getRhs() : op.getLhs());
    if (!constant)
      return failure();
    Value moved = weights.create(rewriter, op.getLoc(),
                                 beforePermutation(*constant, transpose.getPermutation()), type);
    if (!moved)
      return failure();
    left = lhs ? transpose.getInput() : moved;
    right = lhs ? moved : transpose.getInput();
  }
  auto result = rewriter.create<OpType>(op.getLoc(), type, left, right);
  rewriter.replaceOpWithNewOp<nn::TransposeOp>(op, op.getResult().getType(), result,
                                               transpose.getPermutation());
  return success();
}

//===--- towards the next linear operation
//------------------------------------------------------===//

// transpose(x op c) = transpose(x) op transpose(c) where x is an input: normalisation of images
// that come with channels last.
template <typename OpType>
LogicalResult hoistTranspose(nn::TransposeOp op, PatternRewriter &rewriter, Weights &weights) {
  auto producer = op.getInput().getDefiningOp<OpType>();
  if (!producer || !op.getInput().hasOneUse())
    return failure();
  bool isRight = weights.isConstant(producer.getRhs());
  Value other = isRight ? producer.getLhs() : producer.getRhs();
  std::optional<Constant> constant =
      weights.constantOf(isRight ? producer.getRhs() : producer.getLhs());
  if (!constant || !isMovedInput(other))
    return failure();
  auto type = typeOf(op.getResult());
  Value moved = weights.create(rewriter, producer.getLoc(),
                               beforePermutation(*constant, inverse(op.getPermutation())), type);
  if (!moved)
    return failure();
  auto transposed = rewriter.create<nn::TransposeOp>(op.getLoc(), type, other, op.getPermutation());
  rewriter.replaceOpWithNewOp<OpType>(op, type, transposed, moved)->setLoc(producer.getLoc());
  return success();
}

// move(x op c) = move(x) op c for one number c: moving elements does not touch it.
template <typename MoveType, typename OpType>
LogicalResult sinkScalar(MoveType op, PatternRewriter &rewriter, Weights &weights) {
  auto producer = op.getInput().template getDefiningOp<OpType>();
  if (!producer || !op.getInput().hasOneUse())
    return failure();
  bool isRight = weights.isConstant(producer.getRhs());
  Value other = isRight ? producer.getLhs() : producer.getRhs();
  std::optional<Constant> constant =
      weights.constantOf(isRight ? producer.getRhs() : producer.getLhs());
  if (!constant || !constant->isScalar() || weights.isConstant(other))
    return failure();
  if constexpr (std::is_same_v<MoveType, nn::PadOp>)
    if (!op.getValue().isZero())
      return failure(); // zero times c is zero; no other padding commutes
  auto type = typeOf(op.getResult());
  constant->shape.clear();
  Value moved = weights.create(rewriter, producer.getLoc(), *constant, type);
  if (!moved)
    return failure();
  Operation *move = rewriter.clone(*op.getOperation());
  move->setOperand(0, other);
  rewriter.replaceOpWithNewOp<OpType>(op, type, move->getResult(0), moved)
      ->setLoc(producer.getLoc());
  return success();
}

class SimplifyArithmeticPass : public impl::SimplifyArithmeticBase<SimplifyArithmeticPass> {
public:
  void runOnOperation() final {
    Weights weights(getOperation());
    if (failed(weights.requireValues()))
      return signalPassFailure();
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<RemoveIdentity>(context);
    addAffineRules(patterns, weights);
    addFactorRules(patterns, weights);
    addCommonFactorRules(patterns, weights);
    patterns.add<Rule<nn::AddOp>>(context, weights, dropPublicZeros);
    patterns.add<Rule<nn::NegOp>>(context, weights, doubleNegation);
    patterns.add<Rule<nn::ReshapeOp>>(context, weights, mergeReshapes);
    for (Rule<nn::TransposeOp>::Function rule :
         {mergeTransposes, transposeToReshape, hoistTranspose<nn::AddOp>,
          hoistTranspose<nn::MulOp>})
      patterns.add<Rule<nn::TransposeOp>>(context, weights, rule);
    addSinking<nn::ReluOp, nn::LeakyReluOp, nn::ClipOp, nn::NegOp, nn::AbsOp>(patterns, weights);
    patterns.add<Rule<nn::AddOp>>(context, weights, sinkTransposeBinary<nn::AddOp>);
    patterns.add<Rule<nn::SubOp>>(context, weights, sinkTransposeBinary<nn::SubOp>);
    patterns.add<Rule<nn::MulOp>>(context, weights, sinkTransposeBinary<nn::MulOp>);
    patterns.add<Rule<nn::MinOp>>(context, weights, sinkTransposeBinary<nn::MinOp>);
    patterns.add<Rule<nn::MaxOp>>(context, weights, sinkTransposeBinary<nn::MaxOp>);
    addScalarSinking<nn::ReshapeOp>(patterns, weights);
    addScalarSinking<nn::SliceOp>(patterns, weights);
    patterns.add<Rule<nn::PadOp>>(context, weights, sinkScalar<nn::PadOp, nn::MulOp>);
    addQuantizedRules(patterns, weights);
    if (failed(applyRules(getOperation(), std::move(patterns), weights)))
      signalPassFailure();
  }

private:
  template <typename... OpTypes>
  static void addSinking(RewritePatternSet &patterns, Weights &weights) {
    (patterns.add<Rule<OpTypes>>(patterns.getContext(), weights, sinkTransposeUnary<OpTypes>), ...);
  }
  template <typename MoveType>
  static void addScalarSinking(RewritePatternSet &patterns, Weights &weights) {
    patterns.add<Rule<MoveType>>(patterns.getContext(), weights, sinkScalar<MoveType, nn::AddOp>);
    patterns.add<Rule<MoveType>>(patterns.getContext(), weights, sinkScalar<MoveType, nn::MulOp>);
  }
};

} // namespace

} // namespace dyad
