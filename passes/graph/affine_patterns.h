// SPDX-License-Identifier: Apache-2.0
// Rewriting rules on multiplications and additions with constants, shared by fold-batch-norm and
// simplify-arithmetic.
#pragma once

#include "passes/graph/constants.h"

#include "mlir/IR/PatternMatch.h"

#include <functional>

namespace dyad {

/// A rewriting rule as a function, for rules that need the module's weights.
template <typename OpType> class Rule : public mlir::OpRewritePattern<OpType> {
public:
  using Function = llvm::LogicalResult (*)(OpType, mlir::PatternRewriter &, Weights &);

  Rule(mlir::MLIRContext *context, Weights &weights, Function function)
      : mlir::OpRewritePattern<OpType>(context), weights_(weights), function_(function) {}
  llvm::LogicalResult matchAndRewrite(OpType op, mlir::PatternRewriter &rewriter) const final {
    return weights_.failed() ? mlir::failure() : function_(op, rewriter, weights_);
  }

private:
  Weights &weights_;
  Function function_;
};

/// Whether a factor may move into a weight: a public weight stays public rather than take a private
/// factor, since its layer costs nothing. So a product is as private as the weight was.
inline bool mayTake(const Constant &weight, const Constant &factor) {
  return factor.isPublic || !weight.isPublic;
}

/// Scales, bounds and roundings of quantised models move and merge until one rounding of each
/// layer's sum is left (quantized_patterns.cpp).
void addQuantizedRules(mlir::RewritePatternSet &patterns, Weights &weights);
/// Batch normalisation with constant parameters becomes a product and a sum.
void addBatchNormRules(mlir::RewritePatternSet &patterns, Weights &weights);
/// Products and sums with constants move into the weights and biases of convolutions and matrix
/// products before or behind them, and consecutive ones become one.
void addAffineRules(mlir::RewritePatternSet &patterns, Weights &weights);

/// A scalar behind a product of computed values goes into the weights that one of them is linear
/// in; factors and offsets before several products go into the weights of each.
void addFactorRules(mlir::RewritePatternSet &patterns, Weights &weights);

/// A private scalar in one of two products that are added moves behind the sum, where the other
/// product can be divided by it at no cost; in a recurrence it vanishes into the weights so.
void addCommonFactorRules(mlir::RewritePatternSet &patterns, Weights &weights);

/// Applies the rules to the whole module until none applies. Fails if a rule reported a problem.
llvm::LogicalResult applyRules(mlir::ModuleOp module, mlir::RewritePatternSet patterns,
                               Weights &weights);

} // namespace dyad
