// SPDX-License-Identifier: Apache-2.0
// The pass fuse-truncate-relu: which ReLUs take the requantisation in front of them, and the
// extensions behind, into one protocol of fewer flows and more bits.
#include "ir/mpc/operands.h"
#include "passes/protocols/overrides.h"
#include "passes/protocols/passes.h"
#include "passes/protocols/radix_choice.h"

#include "mlir/IR/Builders.h"

#include <algorithm>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_FUSETRUNCATERELU
#include "passes/protocols/passes.h.inc"

namespace {

// A ReLU, what it reads, and the extensions of its result.
struct Chain {
  mpc::TruncateReduceOp truncate;
  mpc::ReluOp relu;
  SmallVector<mpc::ExtendOp> extends;

  unsigned narrow() const { return mpc::ringBits(relu->getResult(0)); }
  unsigned widest() const {
    unsigned bits = narrow();
    for (mpc::ExtendOp extend : extends)
      bits = std::max(bits, mpc::ringBits(extend->getResult(0)));
    return bits;
  }
};

// Where the truncation has other users it has to run anyway, and the ReLU alone is cheaper than the
// fused protocol.
std::optional<Chain> chainOf(mpc::ReluOp relu) {
  Value input = relu.getInput();
  // The value fits the narrower ring, so its sign is the same in both.
  while (auto narrow = input.getDefiningOp<mpc::NarrowOp>()) {
    if (!input.hasOneUse())
      return std::nullopt;
    input = narrow.getInput();
  }
  auto truncate = input.getDefiningOp<mpc::TruncateReduceOp>();
  if (!truncate || !input.hasOneUse() || truncate->getBlock() != relu->getBlock())
    return std::nullopt;
  Chain chain{truncate, relu, {}};
  for (Operation *user : relu->getUsers())
    if (auto extend = dyn_cast<mpc::ExtendOp>(user))
      chain.extends.push_back(extend);
  return chain;
}

struct FuseTruncateRelu : impl::FuseTruncateReluBase<FuseTruncateRelu> {
  using FuseTruncateReluBase::FuseTruncateReluBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<Overrides> overrides = Overrides::read(module, config);
    if (failed(overrides))
      return signalPassFailure();
    const TimeModel times(mpc::targetOf(module), demandOf(module));
    SmallVector<Chain> chains;
    module.walk([&](mpc::ReluOp relu) {
      if (std::optional<Chain> chain = chainOf(relu))
        chains.push_back(*chain);
    });
    for (Chain &chain : chains)
      fuse(chain, times, overrides->fused(chain.relu));
    if (failed(overrides->reportUnused(module, "fused")))
      signalPassFailure();
  }

private:
  static mpc::TruncateReluOp fused(OpBuilder &builder, Chain &chain, unsigned bits) {
    auto shape = cast<RankedTensorType>(chain.relu.getType()).getShape();
    auto type = RankedTensorType::get(shape, mpc::ArithType::get(builder.getContext(), bits));
    return builder.create<mpc::TruncateReluOp>(
        chain.relu.getLoc(), type, chain.truncate->getOperand(0), chain.truncate.getShift(),
        chain.truncate.getRounding());
  }

  static void fuse(Chain &chain, const TimeModel &times, std::optional<bool> fixed) {
    if (fixed && !*fixed)
      return;
    double extending = 0;
    for (mpc::ExtendOp extend : chain.extends)
      extending += chooseRadix(extend, times);
    double apart = chooseRadix(chain.truncate, times) + chooseRadix(chain.relu, times) + extending;

    OpBuilder builder(chain.relu);
    mpc::TruncateReluOp best = fused(builder, chain, chain.narrow());
    double seconds = chooseRadix(best, times) + extending;
    if (chain.widest() > chain.narrow()) {
      mpc::TruncateReluOp wide = fused(builder, chain, chain.widest());
      double wideSeconds = chooseRadix(wide, times);
      if (wideSeconds < seconds)
        std::swap(best, wide), seconds = wideSeconds;
      wide.erase();
    }
    if (seconds < apart || fixed)
      replace(builder, chain, best);
    else
      best.erase();
  }

  // The fused result, narrowed for nothing where fewer bits are wanted.
  static void replace(OpBuilder &builder, Chain &chain, mpc::TruncateReluOp fused) {
    auto inRing = [&](Value like) -> Value {
      if (like.getType() == fused.getType())
        return fused;
      return builder.create<mpc::NarrowOp>(chain.relu.getLoc(), like.getType(), fused);
    };
    if (mpc::ringBits(fused) > chain.narrow())
      for (mpc::ExtendOp extend : chain.extends) {
        extend.getResult().replaceAllUsesWith(inRing(extend.getResult()));
        extend.erase();
      }
    if (!chain.relu->use_empty())
      chain.relu.getResult().replaceAllUsesWith(inRing(chain.relu.getResult()));
    // From the ReLU back to the truncation, each the other's only user.
    for (Operation *dead = chain.relu; dead != chain.truncate;) {
      Operation *before = dead->getOperand(0).getDefiningOp();
      dead->erase();
      dead = before;
    }
    chain.truncate.erase();
  }
};

} // namespace
} // namespace dyad
