// SPDX-License-Identifier: Apache-2.0
// A product or sum with a constant costs a protocol of its own and a truncation on shares; inside
// the weights of a neighbouring linear operation it is free. All arithmetic here is in double.
#include "passes/graph/affine_patterns.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

using namespace mlir;

namespace dyad {

namespace {

using Vector = std::vector<double>;

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

// The linear operation and the constant one behind it, under one location.
Location joined(PatternRewriter &rewriter, Operation *first, Operation *second) {
  return rewriter.getFusedLoc({first->getLoc(), second->getLoc()});
}

//===--- behind a convolution
//-------------------------------------------------------------------===//

// A convolution of constant weights whose only user is the operation that is being folded.
struct ConstantConv {
  nn::Conv2DOp op;
  Constant weight;
  Constant bias; // zeros where there was none
};

std::optional<ConstantConv> constantConv(nn::Conv2DOp conv, const Weights &weights) {
  std::optional<Constant> weight = weights.constantOf(conv.getWeight());
  if (!weight)
    return std::nullopt;
  std::int64_t outputs = weight->shape[0];
  Constant bias{{outputs},
                Vector(static_cast<std::size_t>(outputs), 0.0),
                weight->name + "_bias",
                /*isPublic=*/true};
  if (conv.getBias()) {
    std::optional<Constant> given = weights.constantOf(conv.getBias());
    if (!given)
      return std::nullopt;
    bias = std::move(*given);
  }
  return ConstantConv{conv, std::move(*weight), std::move(bias)};
}

std::optional<ConstantConv> onlyUseOfConv(Value value, const Weights &weights) {
  auto conv = value.getDefiningOp<nn::Conv2DOp>();
  if (!conv || !value.hasOneUse())
    return std::nullopt;
  return constantConv(conv, weights);
}

// Puts a convolution with new constants in the place of `op`.
LogicalResult replaceWithConv(Operation *op, const ConstantConv &conv, Value input,
                              Location location, PatternRewriter &rewriter, Weights &weights) {
  Value weight = weights.create(rewriter, location, conv.weight);
  Value bias = weight ? weights.create(rewriter, location, conv.bias) : Value();
  if (!bias)
    return failure();
  nn::Conv2DOp old = conv.op;
  auto result = rewriter.create<nn::Conv2DOp>(location, old.getResult().getType(), input, weight,
                                              bias, old.getStridesAttr(), old.getPadsAttr(),
                                              old.getDilationsAttr(), old.getGroupsAttr());
  rewriter.replaceOp(op, result.getResult());
  return success();
}

void scaleOutputs(ConstantConv &conv, const Vector &factor) {
  std::size_t each = conv.weight.values.size() / factor.size();
  for (std::size_t i = 0; i < conv.weight.values.size(); ++i)
    conv.weight.values[i] *= factor[i / each];
  for (std::size_t m = 0; m < factor.size(); ++m)
    conv.bias.values[m] *= factor[m];
}

// conv(x) * c and conv(x) + c, with one number of c for each output channel.
template <typename OpType>
LogicalResult foldIntoConv(OpType op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<WithConstant> parts = splitConstant(op, weights);
  if (!parts)
    return failure();
  std::optional<ConstantConv> conv = onlyUseOfConv(parts->other, weights);
  auto channels = parts->constant.along(typeOf(op.getResult()).getShape(), 1);
  constexpr bool kIsProduct = std::is_same_v<OpType, nn::MulOp>;
  if (!conv || !channels || (kIsProduct && !mayTake(conv->weight, parts->constant)))
    return failure();
  conv->bias.isPublic &= parts->constant.isPublic;
  if constexpr (kIsProduct)
    scaleOutputs(*conv, *channels);
  else
    for (std::size_t m = 0; m < channels->size(); ++m)
      conv->bias.values[m] += (*channels)[m];
  return replaceWithConv(op, *conv, conv->op.getInput(), joined(rewriter, conv->op, op), rewriter,
                         weights);
}

//===--- behind a matrix product
//----------------------------------------------------------------===//

// A matrix product with one constant matrix of rank two.
struct ConstantMatMul {
  nn::MatMulOp op;
  bool isRight = true; // which operand is the constant
  Constant matrix;

  Value input() const { return isRight ? op->getOperand(0) : op->getOperand(1); }
  // Axes of the result that the matrix provides, and of the input that it consumes.
  int64_t outputAxis() const { return typeOf(op->getResult(0)).getRank() - (isRight ? 1 : 2); }
  int64_t inputAxis() const { return typeOf(input()).getRank() - (isRight ? 1 : 2); }
};

std::optional<ConstantMatMul> constantMatMul(nn::MatMulOp matmul, const Weights &weights) {
  for (bool isRight : {true, false}) {
    Value candidate = isRight ? matmul.getRhs() : matmul.getLhs();
    Value other = isRight ? matmul.getLhs() : matmul.getRhs();
    if (typeOf(candidate).getRank() != 2 || weights.isConstant(other))
      continue;
    if (std::optional<Constant> matrix = weights.constantOf(candidate))
      if (matrix->shape == clear::Shape(typeOf(candidate).getShape().vec()))
        return ConstantMatMul{matmul, isRight, std::move(*matrix)};
  }
  return std::nullopt;
}

// Multiplies the matrix's rows or columns: axis 0 or 1.
void scaleMatrix(Constant &matrix, const Vector &factor, unsigned axis) {
  auto columns = static_cast<std::size_t>(matrix.shape[1]);
  for (std::size_t i = 0; i < matrix.values.size(); ++i)
    matrix.values[i] *= factor[axis == 0 ? i / columns : i % columns];
}

LogicalResult replaceWithMatMul(Operation *op, const ConstantMatMul &matmul, Value input,
                                Location location, PatternRewriter &rewriter, Weights &weights) {
  Value matrix = weights.create(rewriter, location, matmul.matrix);
  if (!matrix)
    return failure();
  nn::MatMulOp old = matmul.op;
  rewriter
      .replaceOpWithNewOp<nn::MatMulOp>(op, old.getResult().getType(),
                                        matmul.isRight ? input : matrix,
                                        matmul.isRight ? matrix : input)
      ->setLoc(location);
  return success();
}

// (x W) * c, with one number of c for each output.
LogicalResult foldMulIntoMatMul(nn::MulOp op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<WithConstant> parts = splitConstant(op, weights);
  auto producer = parts ? parts->other.getDefiningOp<nn::MatMulOp>() : nn::MatMulOp();
  if (!producer || !parts->other.hasOneUse())
    return failure();
  std::optional<ConstantMatMul> matmul = constantMatMul(producer, weights);
  if (!matmul)
    return failure();
  auto factor = parts->constant.along(typeOf(op.getResult()).getShape(), matmul->outputAxis());
  if (!factor || !mayTake(matmul->matrix, parts->constant))
    return failure();
  scaleMatrix(matmul->matrix, *factor, matmul->isRight ? 1 : 0);
  return replaceWithMatMul(op, *matmul, matmul->input(), joined(rewriter, producer, op), rewriter,
                           weights);
}

//===--- before a linear operation
//--------------------------------------------------------------===//

// conv(x * c) and, where no padding reads zeros instead of c, conv(x + c).
LogicalResult foldBeforeConv(nn::Conv2DOp op, PatternRewriter &rewriter, Weights &weights) {
  Value input = op.getInput();
  Operation *producer = input.getDefiningOp();
  if (!producer || !input.hasOneUse() || !isa<nn::MulOp, nn::AddOp>(producer))
    return failure();
  bool isSum = isa<nn::AddOp>(producer);
  bool isPadded = llvm::any_of(op.getPads(), [](int64_t pad) { return pad != 0; });
  if (isSum && isPadded)
    return failure();
  std::optional<WithConstant> parts = isSum ? splitConstant(cast<nn::AddOp>(producer), weights)
                                            : splitConstant(cast<nn::MulOp>(producer), weights);
  std::optional<ConstantConv> conv = parts ? constantConv(op, weights) : std::nullopt;
  if (!conv)
    return failure();
  auto channels = parts->constant.along(typeOf(input).getShape(), 1);
  if (!channels || (!isSum && !mayTake(conv->weight, parts->constant)))
    return failure();
  if (isSum)
    conv->bias.isPublic &= conv->weight.isPublic && parts->constant.isPublic;
  auto outputs = static_cast<std::size_t>(conv->weight.shape[0]);
  auto inputs = static_cast<std::size_t>(conv->weight.shape[1]);
  std::size_t perGroup = outputs / static_cast<std::size_t>(op.getGroups());
  std::size_t window = conv->weight.values.size() / (outputs * inputs);
  for (std::size_t i = 0; i < conv->weight.values.size(); ++i) {
    std::size_t output = i / (inputs * window);
    std::size_t channel = output / perGroup * inputs + i / window % inputs;
    if (isSum)
      conv->bias.values[output] += conv->weight.values[i] * (*channels)[channel];
    else
      conv->weight.values[i] *= (*channels)[channel];
  }
  return replaceWithConv(op, *conv, parts->other,
                         rewriter.getFusedLoc({op.getLoc(), producer->getLoc()}), rewriter,
                         weights);
}

// (x * c) W, and (x + c) W = x W + c W.
LogicalResult foldBeforeMatMul(nn::MatMulOp op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<ConstantMatMul> matmul = constantMatMul(op, weights);
  if (!matmul)
    return failure();
  Value input = matmul->input();
  Operation *producer = input.getDefiningOp();
  if (!producer || !input.hasOneUse() || !isa<nn::MulOp, nn::AddOp>(producer))
    return failure();
  bool isSum = isa<nn::AddOp>(producer);
  std::optional<WithConstant> parts = isSum ? splitConstant(cast<nn::AddOp>(producer), weights)
                                            : splitConstant(cast<nn::MulOp>(producer), weights);
  // A sum that follows a linear operation is that one's bias, which costs nothing there.
  if (!parts || (isSum && parts->other.getDefiningOp<nn::MatMulOp>()))
    return failure();
  auto factor = parts->constant.along(typeOf(input).getShape(), matmul->inputAxis());
  if (!factor || (!isSum && !mayTake(matmul->matrix, parts->constant)))
    return failure();
  Location location = rewriter.getFusedLoc({op.getLoc(), producer->getLoc()});
  if (!isSum) {
    scaleMatrix(matmul->matrix, *factor, matmul->isRight ? 0 : 1);
    StringRef symbol = weights.symbolOf(matmul->isRight ? op.getRhs() : op.getLhs());
    matmul->matrix.recipe = (symbol + " scaled by " + parts->symbol).str();
    return replaceWithMatMul(op, *matmul, parts->other, location, rewriter, weights);
  }
  auto rows = static_cast<std::size_t>(matmul->matrix.shape[0]);
  auto columns = static_cast<std::size_t>(matmul->matrix.shape[1]);
  std::size_t count = matmul->isRight ? columns : rows;
  Constant bias{{static_cast<int64_t>(count)},
                Vector(count, 0.0),
                matmul->matrix.name + "_bias",
                matmul->matrix.isPublic && parts->constant.isPublic};
  if (!matmul->isRight)
    bias.shape.push_back(1);
  for (std::size_t i = 0; i < matmul->matrix.values.size(); ++i)
    bias.values[matmul->isRight ? i % columns : i / columns] +=
        matmul->matrix.values[i] * (*factor)[matmul->isRight ? i / columns : i % columns];
  auto type = typeOf(op.getResult());
  Value constant = weights.create(rewriter, location, bias, type);
  if (!constant)
    return failure();
  auto product =
      rewriter.create<nn::MatMulOp>(op.getLoc(), type, matmul->isRight ? parts->other : op.getLhs(),
                                    matmul->isRight ? op.getRhs() : parts->other);
  rewriter.replaceOpWithNewOp<nn::AddOp>(op, type, product, constant)->setLoc(location);
  return success();
}

//===--- among themselves
//-----------------------------------------------------------------------===//

// (x + c) + d = x + (c + d) and (x * c) * d = x * (c d).
template <typename OpType>
LogicalResult mergeConstants(OpType op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<WithConstant> outer = splitConstant(op, weights);
  auto producer = outer ? outer->other.template getDefiningOp<OpType>() : OpType();
  if (!producer || !outer->other.hasOneUse())
    return failure();
  std::optional<WithConstant> inner = splitConstant(producer, weights);
  if (!inner)
    return failure();
  constexpr bool kIsProduct = std::is_same_v<OpType, nn::MulOp>;
  Constant both = combine(inner->constant, outer->constant,
                          [](double a, double b) { return kIsProduct ? a * b : a + b; });
  both.recipe = (inner->symbol + (kIsProduct ? " * " : " + ") + outer->symbol).str();
  Location location = joined(rewriter, producer, op);
  Value constant = weights.create(rewriter, location, both, typeOf(op.getResult()));
  if (!constant)
    return failure();
  rewriter.replaceOpWithNewOp<OpType>(op, inner->other, constant)->setLoc(location);
  return success();
}

// (x + c) * d = x * d + c d, where x is a linear operation that takes the factor.
LogicalResult distribute(nn::MulOp op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<WithConstant> outer = splitConstant(op, weights);
  auto sum = outer ? outer->other.getDefiningOp<nn::AddOp>() : nn::AddOp();
  if (!sum || !outer->other.hasOneUse())
    return failure();
  std::optional<WithConstant> inner = splitConstant(sum, weights);
  if (!inner || !inner->other.hasOneUse())
    return failure();
  ArrayRef<int64_t> shape = typeOf(op.getResult()).getShape();
  auto matmul = inner->other.getDefiningOp<nn::MatMulOp>();
  auto linear = matmul ? constantMatMul(matmul, weights) : std::nullopt;
  auto conv = onlyUseOfConv(inner->other, weights);
  bool takesFactor =
      (linear && mayTake(linear->matrix, outer->constant) &&
       outer->constant.along(shape, linear->outputAxis())) ||
      (conv && mayTake(conv->weight, outer->constant) && outer->constant.along(shape, 1));
  if (!takesFactor)
    return failure();
  Constant both =
      combine(inner->constant, outer->constant, [](double a, double b) { return a * b; });
  auto type = typeOf(op.getResult());
  Value factor = weights.create(rewriter, op.getLoc(), outer->constant, type);
  Value offset = factor ? weights.create(rewriter, op.getLoc(), both, type) : Value();
  if (!offset)
    return failure();
  auto product = rewriter.create<nn::MulOp>(op.getLoc(), inner->other, factor);
  rewriter.replaceOpWithNewOp<nn::AddOp>(op, product, offset)->setLoc(joined(rewriter, sum, op));
  return success();
}

// x - c = x + (-c), and c - x = x * (-1) + c where a linear operation takes the sign.
LogicalResult subtractionToSum(nn::SubOp op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<WithConstant> parts = splitConstant(op, weights);
  if (!parts)
    return failure();
  bool isMinuend = parts->other == op.getRhs();
  auto type = typeOf(op.getResult());
  if (!isMinuend) {
    for (double &value : parts->constant.values)
      value = -value;
    parts->constant.recipe = ("-" + parts->symbol).str();
    Value constant = weights.create(rewriter, op.getLoc(), parts->constant, type);
    if (!constant)
      return failure();
    rewriter.replaceOpWithNewOp<nn::AddOp>(op, parts->other, constant);
    return success();
  }
  Value constant = weights.again(rewriter, op.getLoc(), parts->symbol, type);
  auto negated = rewriter.create<nn::NegOp>(op.getLoc(), type, parts->other);
  rewriter.replaceOpWithNewOp<nn::AddOp>(op, negated, constant);
  return success();
}

// -conv(x): the sign moves into the weights.
LogicalResult negateConv(nn::NegOp op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<ConstantConv> conv = onlyUseOfConv(op.getInput(), weights);
  if (!conv)
    return failure();
  scaleOutputs(*conv, Vector(static_cast<std::size_t>(conv->weight.shape[0]), -1.0));
  return replaceWithConv(op, *conv, conv->op.getInput(), joined(rewriter, conv->op, op), rewriter,
                         weights);
}

// x / c = x * (1 / c).
LogicalResult divisionToProduct(nn::DivOp op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<Constant> divisor = weights.constantOf(op.getRhs());
  if (!divisor || weights.isConstant(op.getLhs()))
    return failure();
  for (double &value : divisor->values) {
    if (value == 0.0) {
      weights.fail(op.getLoc(), "division by a constant that is zero");
      return failure();
    }
    value = 1.0 / value;
  }
  Value constant = weights.create(rewriter, op.getLoc(), *divisor, typeOf(op.getResult()));
  if (!constant)
    return failure();
  rewriter.replaceOpWithNewOp<nn::MulOp>(op, op.getLhs(), constant);
  return success();
}

//===--- batch normalisation
//--------------------------------------------------------------------===//

LogicalResult expandBatchNorm(nn::BatchNormOp op, PatternRewriter &rewriter, Weights &weights) {
  std::optional<Constant> parameters[4];
  for (unsigned i = 0; i < 4; ++i) {
    parameters[i] = weights.constantOf(op->getOperand(i + 1));
    if (!parameters[i]) {
      weights.fail(op.getLoc(), "the parameters of a batch normalisation must be constants");
      return failure();
    }
  }
  auto &[scale, bias, mean, variance] = parameters;
  auto type = typeOf(op.getResult());
  auto channels = static_cast<std::size_t>(type.getDimSize(1));
  double epsilon = op.getEpsilon().convertToDouble();
  clear::Shape shape(static_cast<std::size_t>(type.getRank()) - 1, 1);
  shape[0] = static_cast<std::int64_t>(channels);
  Constant factor{shape, Vector(channels), scale->name, scale->isPublic && variance->isPublic};
  Constant offset{shape, Vector(channels), bias->name,
                  factor.isPublic && bias->isPublic && mean->isPublic};
  for (std::size_t c = 0; c < channels; ++c) {
    factor.values[c] = scale->values[c] / std::sqrt(variance->values[c] + epsilon);
    offset.values[c] = bias->values[c] - mean->values[c] * factor.values[c];
  }
  Value factorValue = weights.create(rewriter, op.getLoc(), factor, type);
  Value offsetValue = factorValue ? weights.create(rewriter, op.getLoc(), offset, type) : Value();
  if (!offsetValue)
    return failure();
  auto product = rewriter.create<nn::MulOp>(op.getLoc(), op.getInput(), factorValue);
  rewriter.replaceOpWithNewOp<nn::AddOp>(op, product, offsetValue);
  return success();
}

} // namespace

void addBatchNormRules(RewritePatternSet &patterns, Weights &weights) {
  patterns.add<Rule<nn::BatchNormOp>>(patterns.getContext(), weights, expandBatchNorm);
}

void addAffineRules(RewritePatternSet &patterns, Weights &weights) {
  MLIRContext *context = patterns.getContext();
  patterns.add<Rule<nn::DivOp>>(context, weights, divisionToProduct);
  patterns.add<Rule<nn::SubOp>>(context, weights, subtractionToSum);
  patterns.add<Rule<nn::NegOp>>(context, weights, negateConv);
  for (Rule<nn::MulOp>::Function rule :
       {foldIntoConv<nn::MulOp>, foldMulIntoMatMul, mergeConstants<nn::MulOp>, distribute})
    patterns.add<Rule<nn::MulOp>>(context, weights, rule);
  for (Rule<nn::AddOp>::Function rule : {foldIntoConv<nn::AddOp>, mergeConstants<nn::AddOp>})
    patterns.add<Rule<nn::AddOp>>(context, weights, rule);
  patterns.add<Rule<nn::Conv2DOp>>(context, weights, foldBeforeConv);
  patterns.add<Rule<nn::MatMulOp>>(context, weights, foldBeforeMatMul);
}

LogicalResult applyRules(ModuleOp module, RewritePatternSet patterns, Weights &weights) {
  GreedyRewriteConfig config;
  config.maxIterations = GreedyRewriteConfig::kNoLimit;
  config.useTopDownTraversal = true;
  bool converged = succeeded(applyPatternsAndFoldGreedily(module, std::move(patterns), config));
  return success(converged && !weights.failed());
}

} // namespace dyad
