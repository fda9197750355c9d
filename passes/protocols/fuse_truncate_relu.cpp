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

// A ReLU, the truncation whose result it reads, perhaps in a sum, and the extensions of its result.
struct Chain {
  mpc::TruncateReduceOp truncate;
  Operation *sum = nullptr; ///< of the truncated value and another one, or their difference
  unsigned other = 0;       ///< which operand of the sum the other one is
  mpc::ReluOp relu;
  SmallVector<Operation *> between; ///< from the ReLU back to the truncation, both left out
  SmallVector<mpc::ExtendOp> extends;

  unsigned narrow() const { return mpc::ringBits(relu->getResult(0)); }
  unsigned shift() { return static_cast<unsigned>(truncate.getShift()); }
  unsigned widest() const {
    unsigned bits = narrow();
    for (mpc::ExtendOp extend : extends)
      bits = std::max(bits, mpc::ringBits(extend->getResult(0)));
    return bits;
  }
};

// The truncation is the one summand of a sum (or what a difference is taken from) that nothing else
// reads.
bool findTruncation(Chain &chain, Value input) {
  while (input.hasOneUse()) {
    Operation *op = input.getDefiningOp();
    if (op == nullptr || op->getBlock() != chain.relu->getBlock())
      return false;
    if ((chain.truncate = dyn_cast<mpc::TruncateReduceOp>(op)))
      return true;
    // The value fits the narrower ring, so its sign is the same in both.
    const bool isSum = isa<mpc::AddOp, mpc::SubOp>(op);
    if (!isa<mpc::NarrowOp>(op) && (!isSum || chain.sum != nullptr))
      return false;
    chain.between.push_back(op);
    if (isSum) {
      chain.sum = op;
      const Chain before = chain;
      chain.other = 1;
      if (findTruncation(chain, op->getOperand(0)))
        return true;
      chain = before;
      chain.other = 0;
      return isa<mpc::AddOp>(op) && findTruncation(chain, op->getOperand(1));
    }
    input = op->getOperand(0);
  }
  return false;
}

// Where the truncation has other users it has to run anyway, and the ReLU alone is cheaper than the
// fused protocol.
std::optional<Chain> chainOf(mpc::ReluOp relu) {
  Chain chain{{}, nullptr, 0, relu, {}, {}};
  if (!findTruncation(chain, relu.getInput()))
    return std::nullopt;
  for (Operation *user : relu->getUsers())
    if (auto extend = dyn_cast<mpc::ExtendOp>(user))
      chain.extends.push_back(extend);
  return chain;
}

Type inRing(Value like, unsigned bits) {
  auto shape = cast<RankedTensorType>(like.getType()).getShape();
  return RankedTensorType::get(shape, mpc::ArithType::get(like.getContext(), bits));
}

// What the fused protocol reads, in front of the ReLU; `made` gets the operations that it takes.
// The sum is of the addend with zeros behind: rounding(a) + y = rounding(a + y 2^shift), modulo the
// ring, whatever a and y are. No more bits are needed than the sum had above the shift.
Value sourceOf(Chain &chain, OpBuilder &builder, SmallVectorImpl<Operation *> &made) {
  Value source = chain.truncate->getOperand(0);
  if (chain.sum == nullptr)
    return source;
  Value addend = chain.sum->getOperand(chain.other);
  const unsigned width = mpc::ringBits(addend) + chain.shift();
  auto local = [&](Operation *op) {
    made.push_back(op);
    return op->getResult(0);
  };
  if (width < mpc::ringBits(source))
    source =
        local(builder.create<mpc::NarrowOp>(chain.sum->getLoc(), inRing(source, width), source));
  addend = local(builder.create<mpc::ShiftLeftOp>(
      chain.sum->getLoc(), inRing(source, width), addend,
      builder.getI64IntegerAttr(static_cast<int64_t>(chain.shift()))));
  OperationState state(chain.sum->getLoc(), chain.sum->getName().getStringRef(), {source, addend},
                       {source.getType()});
  return local(builder.create(state));
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
  static mpc::TruncateReluOp fused(OpBuilder &builder, Chain &chain, Value source, unsigned bits) {
    return builder.create<mpc::TruncateReluOp>(chain.relu.getLoc(), inRing(source, bits), source,
                                               chain.truncate.getShift(),
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
    SmallVector<Operation *> made;
    Value source = sourceOf(chain, builder, made);
    mpc::TruncateReluOp best = fused(builder, chain, source, chain.narrow());
    double seconds = chooseRadix(best, times) + extending;
    if (chain.widest() > chain.narrow()) {
      mpc::TruncateReluOp wide = fused(builder, chain, source, chain.widest());
      double wideSeconds = chooseRadix(wide, times);
      if (wideSeconds < seconds)
        std::swap(best, wide), seconds = wideSeconds;
      wide.erase();
    }
    if (seconds < apart || fixed)
      return replace(builder, chain, best);
    best.erase();
    for (Operation *op : llvm::reverse(made))
      op->erase();
  }

  // The fused result, narrowed for nothing where fewer bits are wanted.
  static void replace(OpBuilder &builder, Chain &chain, mpc::TruncateReluOp fused) {
    auto asWide = [&](Value like) -> Value {
      if (like.getType() == fused.getType())
        return fused;
      return builder.create<mpc::NarrowOp>(chain.relu.getLoc(), like.getType(), fused);
    };
    if (mpc::ringBits(fused) > chain.narrow())
      for (mpc::ExtendOp extend : chain.extends) {
        extend.getResult().replaceAllUsesWith(asWide(extend.getResult()));
        extend.erase();
      }
    if (!chain.relu->use_empty())
      chain.relu.getResult().replaceAllUsesWith(asWide(chain.relu.getResult()));
    chain.relu.erase();
    for (Operation *op : chain.between)
      op->erase();
    chain.truncate.erase();
  }
};

} // namespace
} // namespace dyad
