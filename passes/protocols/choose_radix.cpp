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
  if (!comparison)
    return times.seconds(op);
  uint64_t best = 0;
  comparison.setRadix(best);
  double bestSeconds = times.seconds(op);
  for (uint64_t radix = 1; radix <= kMaxRadix; ++radix) {
    comparison.setRadix(radix);
    if (double seconds = times.seconds(op); seconds < bestSeconds) {
      bestSeconds = seconds;
      best = radix;
    }
  }
  comparison.setRadix(best);
  return bestSeconds;
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
      else
        chooseRadix(op, times);
    });
    if (failed(overrides->reportUnused(module, "radix")))
      signalPassFailure();
  }
};

} // namespace
} // namespace dyad
