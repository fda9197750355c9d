// SPDX-License-Identifier: Apache-2.0
// Softmax at the end of a classifier: removed where only the order of its results matters, or where
// the user agrees to get its operands, the logits.
#include "ir/nn/nn.h"
#include "passes/graph/passes.h"

using namespace mlir;

namespace dyad {

#define GEN_PASS_DEF_SOFTMAXTOLOGITS
#include "passes/graph/passes.h.inc"

namespace {

enum class Use {
  kOrder,  ///< arg-max along the same axis
  kOutput, ///< a graph output, perhaps in another shape
  kInner,  ///< anything else
};

Use classify(nn::SoftmaxOp softmax, Operation *user) {
  if (auto argMax = dyn_cast<nn::ArgMaxOp>(user))
    return argMax.getInput() == softmax.getResult() && argMax.getAxis() == softmax.getAxis()
               ? Use::kOrder
               : Use::kInner;
  if (isa<nn::OutputOp>(user))
    return Use::kOutput;
  if (isStructure(user) && llvm::all_of(user->getUsers(), [&](Operation *next) {
        return classify(softmax, next) == Use::kOutput;
      }))
    return Use::kOutput;
  return Use::kInner;
}

class SoftmaxToLogitsPass : public impl::SoftmaxToLogitsBase<SoftmaxToLogitsPass> {
public:
  using SoftmaxToLogitsBase::SoftmaxToLogitsBase;

  void runOnOperation() final {
    SmallVector<nn::SoftmaxOp> softmaxes;
    getOperation().walk([&](nn::SoftmaxOp op) { softmaxes.push_back(op); });
    for (nn::SoftmaxOp softmax : softmaxes) {
      Use worst = Use::kOrder;
      for (Operation *user : softmax->getUsers())
        worst = std::max(worst, classify(softmax, user));
      if (worst == Use::kInner || (worst == Use::kOutput && !logits))
        continue;
      softmax.getResult().replaceAllUsesWith(softmax.getInput());
      softmax.erase();
    }
  }
};

} // namespace

} // namespace dyad
