// SPDX-License-Identifier: Apache-2.0
// Batch normalisation disappears: into the convolution or matrix product before or behind it, or
// into one product and one sum for each channel.
#include "passes/graph/affine_patterns.h"
#include "passes/graph/passes.h"

using namespace mlir;

namespace dyad {

#define GEN_PASS_DEF_FOLDBATCHNORM
#include "passes/graph/passes.h.inc"

namespace {

class FoldBatchNormPass : public impl::FoldBatchNormBase<FoldBatchNormPass> {
public:
  void runOnOperation() final {
    Weights weights(getOperation());
    if (failed(weights.requireValues()))
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    addBatchNormRules(patterns, weights);
    addAffineRules(patterns, weights);
    if (failed(applyRules(getOperation(), std::move(patterns), weights)))
      signalPassFailure();
  }
};

} // namespace

} // namespace dyad
