// SPDX-License-Identifier: Apache-2.0
// A low-rank weight W1 W2 is two products, with a truncation and an extension between them: fewer
// multiplications, more flows. The cost formulas decide which of the two forms is computed.
#include "passes/graph/constants.h"
#include "passes/graph/passes.h"

#include "passes/cost/linear_seconds.h"

#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;

namespace dyad {

#define GEN_PASS_DEF_MERGEFACTORS
#include "passes/graph/passes.h.inc"

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

bool isCheaperMerged(const LinearSeconds &seconds, int64_t rows, int64_t inner, int64_t rank,
                     int64_t columns) {
  return seconds.matmul({rows, inner}, {inner, columns}, false) <=
         seconds.matmul({rows, inner}, {inner, rank}, false) + seconds.rescale(rows * rank) +
             seconds.matmul({rows, rank}, {rank, columns}, false);
}

std::optional<Constant> matrixOf(Value value, const Weights &weights) {
  std::optional<Constant> matrix = weights.constantOf(value);
  if (!matrix || matrix->shape.size() != 2 || typeOf(value).getRank() != 2)
    return std::nullopt;
  return matrix;
}

Constant product(const Constant &a, const Constant &b) {
  auto rows = static_cast<std::size_t>(a.shape[0]);
  auto inner = static_cast<std::size_t>(a.shape[1]);
  auto columns = static_cast<std::size_t>(b.shape[1]);
  Constant result{{a.shape[0], b.shape[1]},
                  std::vector<double>(rows * columns, 0.0),
                  a.name + "*" + b.name,
                  a.isPublic && b.isPublic};
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t k = 0; k < inner; ++k)
      for (std::size_t j = 0; j < columns; ++j)
        result.values[i * columns + j] += a.values[i * inner + k] * b.values[k * columns + j];
  return result;
}

class MergeFactorsPass : public impl::MergeFactorsBase<MergeFactorsPass> {
public:
  using MergeFactorsBase::MergeFactorsBase;

  void runOnOperation() final {
    Weights weights(getOperation());
    FailureOr<LinearSeconds> seconds =
        LinearSeconds::onLink(getOperation(), network.getValue(), machine.getValue());
    if (failed(seconds))
      return signalPassFailure();
    // Forward, so that three factors in a row become one.
    SmallVector<nn::MatMulOp> products;
    getOperation().walk([&](nn::MatMulOp op) { products.push_back(op); });
    for (nn::MatMulOp op : products) {
      merge(op, *seconds, weights);
      if (weights.failed())
        return signalPassFailure();
    }
  }

private:
  void merge(nn::MatMulOp op, const LinearSeconds &seconds, Weights &weights) {
    auto before = op.getLhs().getDefiningOp<nn::MatMulOp>();
    if (!before || !op.getLhs().hasOneUse())
      return;
    auto left = before.getRhs().getDefiningOp<nn::ConstantOp>();
    auto right = op.getRhs().getDefiningOp<nn::ConstantOp>();
    if (!left || !right)
      return;
    std::optional<Constant> a = matrixOf(left, weights);
    std::optional<Constant> b = matrixOf(right, weights);
    // Public layers cost nothing, and stay public.
    if (!a || !b || a->isPublic || b->isPublic)
      return;
    ArrayRef<int64_t> shape = typeOf(before.getLhs()).getShape();
    int64_t rows = 1;
    for (int64_t size : shape.drop_back())
      rows *= size;
    if (!isCheaperMerged(seconds, rows, a->shape[0], a->shape[1], b->shape[1]))
      return;
    OpBuilder builder(op);
    Location location =
        FusedLoc::get(builder.getContext(), {before.getLoc(), op.getLoc()}, Attribute());
    // Steps of a recurrent network share their weight.
    StringAttr &known = merged_[{left.getWeightAttr(), right.getWeightAttr()}];
    Value matrix;
    if (known) {
      matrix = builder.create<nn::ConstantOp>(
          location, RankedTensorType::get({a->shape[0], b->shape[1]}, builder.getF32Type()),
          FlatSymbolRefAttr::get(known));
    } else {
      matrix = weights.create(builder, location, product(*a, *b));
      if (!matrix)
        return;
      known = matrix.getDefiningOp<nn::ConstantOp>().getWeightAttr().getAttr();
    }
    auto result =
        builder.create<nn::MatMulOp>(location, op.getResult().getType(), before.getLhs(), matrix);
    op.getResult().replaceAllUsesWith(result);
    op->erase();
    before->erase();
  }

  llvm::DenseMap<std::pair<Attribute, Attribute>, StringAttr> merged_;
};

} // namespace

} // namespace dyad
