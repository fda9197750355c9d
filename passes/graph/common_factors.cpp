// SPDX-License-Identifier: Apache-2.0
// The private scalars of gated recurrences: s (u + t) c + z h is s ((u + t/s) c + z (h/s)), and
// where the state before was s g too, only g is ever computed. The scalar ends in the next weights.
#include "passes/graph/affine_patterns.h"

using namespace mlir;

namespace dyad {

namespace {

constexpr unsigned kDepth = 6; // of an expression that is searched for the scalar

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

// One number that is a weight, and the symbol that tells it from others of the same value.
struct Scalar {
  double value = 0;
  StringRef symbol;
  bool isPublic = false;
};

std::optional<Scalar> scalarOf(Value value, const Weights &weights) {
  std::optional<Constant> constant = weights.constantOf(value);
  if (!constant || !constant->isScalar())
    return std::nullopt;
  return Scalar{constant->values.front(), weights.symbolOf(value), constant->isPublic};
}

// The scalar of a product, and what it multiplies.
std::pair<std::optional<Scalar>, Value> splitScalar(nn::MulOp op, const Weights &weights) {
  for (bool isRight : {true, false}) {
    Value candidate = isRight ? op.getRhs() : op.getLhs();
    Value other = isRight ? op.getLhs() : op.getRhs();
    if (weights.isConstant(other))
      continue;
    if (std::optional<Scalar> scalar = scalarOf(candidate, weights))
      return {scalar, other};
  }
  return {std::nullopt, Value()};
}

// A scalar by which some factor of the value is multiplied.
std::optional<Scalar> innerScalar(Value value, const Weights &weights, unsigned depth = kDepth) {
  Operation *op = value.getDefiningOp();
  if (op == nullptr || depth == 0)
    return std::nullopt;
  if (auto product = dyn_cast<nn::MulOp>(op))
    if (auto [scalar, other] = splitScalar(product, weights); scalar)
      return scalar;
  if (!isa<nn::MulOp, nn::AddOp>(op))
    return std::nullopt;
  for (Value operand : op->getOperands())
    if (std::optional<Scalar> scalar = innerScalar(operand, weights, depth - 1))
      return scalar;
  return std::nullopt;
}

// Division of expressions by one scalar, where it costs no operation.
class Division {
public:
  Division(PatternRewriter &rewriter, Weights &weights, Scalar by)
      : rewriter_(rewriter), weights_(weights), by_(by) {}

  bool isFree(Value value, unsigned depth = kDepth) const {
    if (depth == 0)
      return false;
    if (weights_.isConstant(value))
      return weights_.constantOf(value).has_value();
    Operation *op = value.getDefiningOp();
    if (auto product = dyn_cast_or_null<nn::MulOp>(op)) {
      auto [scalar, other] = splitScalar(product, weights_);
      // Another scalar stays one; a public one must not become private.
      if (scalar)
        return scalar->symbol == by_.symbol || !scalar->isPublic || by_.isPublic;
      return isFree(product.getLhs(), depth - 1) || isFree(product.getRhs(), depth - 1);
    }
    if (auto sum = dyn_cast_or_null<nn::AddOp>(op))
      return value.hasOneUse() && isFree(sum.getLhs(), depth - 1) &&
             isFree(sum.getRhs(), depth - 1);
    return false;
  }

  /// Null if a diagnostic was emitted.
  Value apply(Value value, unsigned depth = kDepth) {
    if (weights_.isConstant(value))
      return quotient(value);
    Operation *op = value.getDefiningOp();
    Location location = op->getLoc();
    if (auto sum = dyn_cast<nn::AddOp>(op)) {
      Value lhs = apply(sum.getLhs(), depth - 1);
      Value rhs = lhs ? apply(sum.getRhs(), depth - 1) : Value();
      return rhs ? rewriter_.create<nn::AddOp>(location, value.getType(), lhs, rhs) : Value();
    }
    auto product = cast<nn::MulOp>(op);
    auto [scalar, other] = splitScalar(product, weights_);
    if (scalar && scalar->symbol == by_.symbol && other.getType() == value.getType())
      return other;
    bool isLeft = scalar ? product.getRhs() == other : isFree(product.getLhs(), depth - 1);
    Value divided = apply(isLeft ? product.getLhs() : product.getRhs(), depth - 1);
    Value rest = isLeft ? product.getRhs() : product.getLhs();
    return divided ? rewriter_.create<nn::MulOp>(location, value.getType(), divided, rest)
                   : Value();
  }

private:
  Value quotient(Value value) {
    Constant constant = *weights_.constantOf(value);
    for (double &entry : constant.values)
      entry /= by_.value;
    constant.isPublic &= by_.isPublic;
    constant.recipe = (weights_.symbolOf(value) + " / " + by_.symbol).str();
    return weights_.create(rewriter_, value.getLoc(), constant, typeOf(value));
  }

  PatternRewriter &rewriter_;
  Weights &weights_;
  Scalar by_;
};

bool isProductOfValues(Value value, const Weights &weights) {
  auto product = value.getDefiningOp<nn::MulOp>();
  return product && !splitScalar(product, weights).first;
}

// s x y + z, where z can be divided by s: s (x y + z/s).
LogicalResult takeOutScalar(nn::AddOp op, PatternRewriter &rewriter, Weights &weights) {
  if (!isProductOfValues(op.getLhs(), weights) || !isProductOfValues(op.getRhs(), weights) ||
      op.getLhs() == op.getRhs())
    return failure();
  std::optional<Scalar> scalar = innerScalar(op.getLhs(), weights);
  if (!scalar)
    scalar = innerScalar(op.getRhs(), weights);
  // A public scalar costs nothing where it is. One that is zero has no inverse.
  if (!scalar || scalar->isPublic || scalar->value == 0)
    return failure();
  Division division(rewriter, weights, *scalar);
  if (!division.isFree(op.getLhs()) || !division.isFree(op.getRhs()))
    return failure();
  Value lhs = division.apply(op.getLhs());
  Value rhs = lhs ? division.apply(op.getRhs()) : Value();
  if (!rhs)
    return failure();
  Value sum = rewriter.create<nn::AddOp>(op.getLoc(), op.getResult().getType(), lhs, rhs);
  Value constant = weights.again(rewriter, op.getLoc(), scalar->symbol, typeOf(op.getResult()));
  rewriter.replaceOpWithNewOp<nn::MulOp>(op, sum, constant);
  return success();
}

} // namespace

void addCommonFactorRules(RewritePatternSet &patterns, Weights &weights) {
  patterns.add<Rule<nn::AddOp>>(patterns.getContext(), weights, takeOutScalar);
}

} // namespace dyad
