// SPDX-License-Identifier: Apache-2.0
// Quantised models: a pair of QuantizeLinear and DequantizeLinear is s * clip(round(x / s)), and
// all that is no rounding moves. Scales of integers move on to the next linear operation, scales
// before a rounding back to the linear operation that computes the number, so that between two
// layers there is one rounding of the sum and nothing else. Scales and bounds are public: rules may
// look at their values.
#include "passes/graph/affine_patterns.h"

#include <cmath>

using namespace mlir;

namespace dyad {

namespace {

// x and the public number c of x * c.
struct Scaled {
  Value value;
  Constant factor;
};
std::optional<Scaled> scaledBy(Value product, const Weights &weights) {
  auto mul = product.getDefiningOp<nn::MulOp>();
  if (!mul)
    return std::nullopt;
  for (unsigned i : {0U, 1U}) {
    std::optional<Constant> constant = weights.constantOf(mul->getOperand(i));
    if (constant && constant->isPublic && constant->isScalar() &&
        !weights.isConstant(mul->getOperand(1 - i))) {
      constant->shape.clear();
      return Scaled{mul->getOperand(1 - i), std::move(*constant)};
    }
  }
  return std::nullopt;
}

bool isMoveOfElements(Operation *op) {
  if (auto pad = dyn_cast<nn::PadOp>(op))
    return pad.getValue().isZero();
  return isStructure(op) && op->getNumOperands() == 1;
}

// What the integers of a value can be, if it holds integers only: roundings, bounded or not, and
// what is made of them.
struct Integers {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};
std::optional<Integers> integersOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (isa<nn::RoundOp>(op))
    return Integers{};
  bool isPool = isa<nn::MaxPool2DOp>(op);
  bool isClip = isa<nn::ClipOp>(op);
  if (!isPool && !isClip && !isa<nn::ReluOp>(op) && !isMoveOfElements(op))
    return std::nullopt;
  std::optional<Integers> range = integersOf(op->getOperand(0));
  if (!range || isPool)
    return range;
  if (auto clip = dyn_cast<nn::ClipOp>(op)) {
    for (std::optional<APFloat> bound : {clip.getLow(), clip.getHigh()})
      if (bound && bound->convertToDouble() != std::round(bound->convertToDouble()))
        return std::nullopt;
    if (clip.getLow())
      range->low = std::max(range->low, clip.getLow()->convertToDouble());
    if (clip.getHigh())
      range->high = std::min(range->high, clip.getHigh()->convertToDouble());
  } else if (isa<nn::ReluOp>(op)) {
    range->low = std::max(range->low, 0.0);
  } else if (isa<nn::PadOp>(op)) {
    range->low = std::min(range->low, 0.0);
    range->high = std::max(range->high, 0.0);
  }
  return range;
}

// A factor moves into it for nothing: a linear operation of constant weights, or another factor.
bool takesFactor(Value value, const Weights &weights) {
  Operation *op = value.getDefiningOp();
  if (!op || !value.hasOneUse())
    return false;
  if (auto conv = dyn_cast<nn::Conv2DOp>(op))
    return weights.isConstant(conv.getWeight());
  if (isa<nn::MatMulOp>(op))
    return weights.isConstant(op->getOperand(0)) || weights.isConstant(op->getOperand(1));
  if (isa<nn::MulOp>(op))
    return weights.constantOf(op->getOperand(0)) || weights.constantOf(op->getOperand(1));
  if (isa<nn::AddOp>(op))
    return takesFactor(op->getOperand(0), weights) && takesFactor(op->getOperand(1), weights);
  return false;
}

Value times(PatternRewriter &rewriter, Location location, Value value, const Constant &factor,
            Weights &weights) {
  Value constant =
      weights.create(rewriter, location, factor, cast<RankedTensorType>(value.getType()));
  return constant ? rewriter.create<nn::MulOp>(location, value, constant).getResult() : Value();
}

//===--- what does nothing
//------------------------------------------------------------------------===//

bool allAre(const Constant &constant, double expected) {
  constexpr double kRounding = 0x1p-22; // scales and their inverses are floats
  return constant.isPublic && llvm::all_of(constant.values, [&](double x) {
           return std::abs(x - expected) <= kRounding * expected;
         });
}

// x * 1 and x + 0, where both parties know that: zero points and scales that met their inverses.
template <typename OpType>
LogicalResult removeNeutral(OpType op, PatternRewriter &rewriter, Weights &weights) {
  for (unsigned i : {0U, 1U}) {
    std::optional<Constant> constant = weights.constantOf(op->getOperand(i));
    if (!constant || !allAre(*constant, std::is_same_v<OpType, nn::MulOp> ? 1 : 0))
      continue;
    rewriter.replaceOp(op, op->getOperand(1 - i));
    return success();
  }
  return failure();
}

LogicalResult roundOnce(nn::RoundOp op, PatternRewriter &rewriter, Weights &) {
  if (!integersOf(op.getInput()))
    return failure();
  rewriter.replaceOp(op, op.getInput());
  return success();
}

// ReLU of what is not negative.
LogicalResult reluOnce(nn::ReluOp op, PatternRewriter &rewriter, Weights &) {
  std::optional<Integers> range = integersOf(op.getInput());
  if (!range || range->low < 0)
    return failure();
  rewriter.replaceOp(op, op.getInput());
  return success();
}

// Bounds that the integers do not reach go; a lower bound of zero is a ReLU, which may join the
// rounding's truncation.
LogicalResult tightenClip(nn::ClipOp op, PatternRewriter &rewriter, Weights &) {
  std::optional<Integers> range = integersOf(op.getInput());
  if (!range)
    return failure();
  FloatAttr low = op.getLowAttr();
  FloatAttr high = op.getHighAttr();
  bool clips = low && low.getValueAsDouble() > range->low;
  bool isRelu = clips && low.getValueAsDouble() == 0;
  if (!clips || isRelu)
    low = nullptr;
  if (high && high.getValueAsDouble() >= range->high)
    high = nullptr;
  if (low == op.getLowAttr() && high == op.getHighAttr())
    return failure();
  Value value = op.getInput();
  if (isRelu)
    value = rewriter.create<nn::ReluOp>(op.getLoc(), value);
  if (low || high)
    value = rewriter.create<nn::ClipOp>(op.getLoc(), value.getType(), value, low, high);
  rewriter.replaceOp(op, value);
  return success();
}

// relu(clip(x)) = clip(relu(x)) without the lower bound, where bounds are on either side of zero.
LogicalResult reluBeforeClip(nn::ReluOp op, PatternRewriter &rewriter, Weights &) {
  auto clip = op.getInput().getDefiningOp<nn::ClipOp>();
  if (!clip || !op.getInput().hasOneUse() || !integersOf(clip.getInput()))
    return failure();
  FloatAttr low = clip.getLowAttr();
  FloatAttr high = clip.getHighAttr();
  if ((low && low.getValueAsDouble() > 0) || (high && high.getValueAsDouble() < 0))
    return failure();
  Value value = rewriter.create<nn::ReluOp>(op.getLoc(), clip.getInput());
  if (high)
    value = rewriter.create<nn::ClipOp>(clip.getLoc(), value.getType(), value, FloatAttr(), high);
  rewriter.replaceOp(op, value);
  return success();
}

//===--- scales of integers move on
//---------------------------------------------------------------===//

// Each user gets a product of its own, which it can take in.
LogicalResult splitScale(nn::MulOp op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<Scaled> scaled = scaledBy(op.getResult(), weights);
  if (!scaled || op.getResult().hasOneUse() || op.getResult().use_empty() ||
      !integersOf(scaled->value))
    return failure();
  for (OpOperand &use : llvm::make_early_inc_range(op.getResult().getUses())) {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(use.getOwner());
    Value copy = rewriter.clone(*op.getOperation())->getResult(0);
    rewriter.modifyOpInPlace(use.getOwner(), [&] { use.set(copy); });
  }
  rewriter.eraseOp(op);
  return success();
}

// f(x * c) = f(x) * c for integers x: ReLU and maxima for positive c, means for any.
LogicalResult passScale(Operation *op, PatternRewriter &rewriter, Weights &weights) {
  Value operand = op->getOperand(0);
  std::optional<Scaled> scaled = operand.hasOneUse() ? scaledBy(operand, weights) : std::nullopt;
  if (!scaled || !(scaled->factor.values[0] > 0) || !integersOf(scaled->value))
    return failure();
  Operation *moved = rewriter.clone(*op);
  moved->setOperand(0, scaled->value);
  Value product = times(rewriter, operand.getLoc(), moved->getResult(0), scaled->factor, weights);
  if (!product)
    return failure();
  rewriter.replaceOp(op, product);
  return success();
}

template <typename OpType>
LogicalResult passScaleOf(OpType op, PatternRewriter &rewriter, Weights &weights) {
  if (auto reduce = dyn_cast<nn::ReduceOp>(op.getOperation()))
    if (reduce.getKind() == nn::ReduceKind::kL1)
      return failure();
  return passScale(op, rewriter, weights);
}

// concat(a * c, b * c) = concat(a, b) * c.
LogicalResult passEqualScales(nn::ConcatOp op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<Constant> factor;
  SmallVector<Value> parts;
  for (Value operand : op->getOperands()) {
    std::optional<Scaled> scaled = operand.hasOneUse() ? scaledBy(operand, weights) : std::nullopt;
    if (!scaled || !integersOf(scaled->value) ||
        (factor && factor->values[0] != scaled->factor.values[0]))
      return failure();
    parts.push_back(scaled->value);
    factor = std::move(scaled->factor);
  }
  if (!factor)
    return failure();
  Operation *moved = rewriter.clone(*op.getOperation());
  moved->setOperands(parts);
  Value product = times(rewriter, op.getLoc(), moved->getResult(0), *factor, weights);
  if (!product)
    return failure();
  rewriter.replaceOp(op, product);
  return success();
}

//===--- scales before a rounding move back
//-------------------------------------------------------===//

// round(relu(x)) = relu(round(x)), and round(relu(x) * c) = relu(round(x * c)) for positive c.
LogicalResult roundBeforeRelu(nn::RoundOp op, PatternRewriter &rewriter, Weights &weights) {
  Value input = op.getInput();
  std::optional<Scaled> scaled = input.hasOneUse() ? scaledBy(input, weights) : std::nullopt;
  if (scaled && !(scaled->factor.values[0] > 0))
    return failure();
  auto relu = (scaled ? scaled->value : input).getDefiningOp<nn::ReluOp>();
  if (!relu || !relu.getResult().hasOneUse() || integersOf(relu.getInput()))
    return failure();
  Value value = relu.getInput();
  if (scaled && !(value = times(rewriter, input.getLoc(), value, scaled->factor, weights)))
    return failure();
  Value rounded = rewriter.create<nn::RoundOp>(op.getLoc(), value);
  rewriter.replaceOpWithNewOp<nn::ReluOp>(op, rounded)->setLoc(relu.getLoc());
  return success();
}

// (a + b) * c = a * c + b * c where both sides take the factor in.
LogicalResult distributeOverSum(nn::MulOp op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<Scaled> scaled = scaledBy(op.getResult(), weights);
  auto sum = scaled ? scaled->value.getDefiningOp<nn::AddOp>() : nn::AddOp();
  if (!sum || !takesFactor(sum.getResult(), weights))
    return failure();
  Value left = times(rewriter, op.getLoc(), sum.getLhs(), scaled->factor, weights);
  Value right =
      left ? times(rewriter, op.getLoc(), sum.getRhs(), scaled->factor, weights) : Value();
  if (!right)
    return failure();
  rewriter.replaceOpWithNewOp<nn::AddOp>(op, left, right)->setLoc(sum.getLoc());
  return success();
}

// round(round(a) * c + b) = round(a * c + b), less one rounding error: a number that only joins a
// sum which is rounded again keeps its fraction.
LogicalResult roundSumOnce(nn::RoundOp op, PatternRewriter &rewriter, Weights &weights) {
  auto sum = op.getInput().getDefiningOp<nn::AddOp>();
  if (!sum || !sum.getResult().hasOneUse())
    return failure();
  for (Value operand : sum->getOperands()) {
    std::optional<Scaled> scaled = operand.hasOneUse() ? scaledBy(operand, weights) : std::nullopt;
    Value inner = scaled ? scaled->value : operand;
    auto round = inner.getDefiningOp<nn::RoundOp>();
    if (!round || !inner.hasOneUse() || !takesFactor(round.getInput(), weights))
      continue;
    rewriter.replaceOp(round, round.getInput());
    return success();
  }
  return failure();
}

} // namespace

void addQuantizedRules(RewritePatternSet &patterns, Weights &weights) {
  MLIRContext *context = patterns.getContext();
  for (Rule<nn::MulOp>::Function rule : {removeNeutral<nn::MulOp>, splitScale, distributeOverSum})
    patterns.add<Rule<nn::MulOp>>(context, weights, rule);
  patterns.add<Rule<nn::AddOp>>(context, weights, removeNeutral<nn::AddOp>);
  for (Rule<nn::RoundOp>::Function rule : {roundOnce, roundBeforeRelu, roundSumOnce})
    patterns.add<Rule<nn::RoundOp>>(context, weights, rule);
  patterns.add<Rule<nn::ReluOp>>(context, weights, reluOnce);
  patterns.add<Rule<nn::ReluOp>>(context, weights, reluBeforeClip);
  patterns.add<Rule<nn::ReluOp>>(context, weights, passScaleOf<nn::ReluOp>);
  patterns.add<Rule<nn::MaxPool2DOp>>(context, weights, passScaleOf<nn::MaxPool2DOp>);
  patterns.add<Rule<nn::AveragePool2DOp>>(context, weights, passScaleOf<nn::AveragePool2DOp>);
  patterns.add<Rule<nn::ReduceOp>>(context, weights, passScaleOf<nn::ReduceOp>);
  patterns.add<Rule<nn::ConcatOp>>(context, weights, passEqualScales);
  patterns.add<Rule<nn::ClipOp>>(context, weights, tightenClip);
}

} // namespace dyad
