// SPDX-License-Identifier: Apache-2.0
// The pass choose-radix: how many flows each comparison saves, for how many bits.
#include "passes/protocols/overrides.h"
#include "passes/protocols/passes.h"
#include "passes/protocols/radix_choice.h"

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_CHOOSERADIX
#include "passes/protocols/passes.h.inc"

double chooseRadix(Operation *op, const TimeModel &times) {
  auto comparison = dyn_cast<mpc::ComparisonOpInterface>(op);
  auto costed = dyn_cast<mpc::CostOpInterface>(op);
  if (!comparison || !costed)
    return times.seconds(op);
  // What a radix buys is flows. The COTs that larger digits save are worth less than the bytes that
  // they cost (a tenth of the computing for a third more traffic), so computing has no vote.
  uint64_t best = 0;
  comparison.setRadix(best);
  double bestSeconds = times.network(costed.cost());
  for (uint64_t radix = 1; radix <= kMaxRadix; ++radix) {
    comparison.setRadix(radix);
    if (double seconds = times.network(costed.cost()); seconds < bestSeconds) {
      bestSeconds = seconds;
      best = radix;
    }
  }
  comparison.setRadix(best);
  return times.seconds(op);
}

namespace {

struct ChooseRadix : impl::ChooseRadixBase<ChooseRadix> {
  using ChooseRadixBase::ChooseRadixBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<Overrides> overrides = Overrides::read(module, config);
    if (failed(overrides))
      return signalPassFailure();
    const TimeModel times(mpc::targetOf(module), demandOf(module));
    module.walk([&](mpc::ComparisonOpInterface op) {
      if (std::optional<uint64_t> fixed = overrides->radix(op))
        op.setRadix(*fixed);
      else if (bitsOnly)
        op.setRadix(0);
      else
        chooseRadix(op, times);
    });
    if (failed(overrides->reportUnused(module, "radix")))
      signalPassFailure();
  }
};

} // namespace
} // namespace dyad
