// SPDX-License-Identifier: Apache-2.0
// The pass insert-truncations: as what requantisations are executed.
#include "passes/numbers/passes.h"

#include "passes/numbers/requantize.h"

#include "mlir/IR/Builders.h"

#include <cstdlib>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_INSERTTRUNCATIONS
#include "passes/numbers/passes.h.inc"

namespace {

struct InsertTruncations : impl::InsertTruncationsBase<InsertTruncations> {
  void execute(fx::RequantizeOp requantize) {
    OpBuilder builder(requantize);
    int64_t lost = lostBits(requantize);
    Type to = requantize.getResult().getType();
    Value value = requantize.getInput();
    if (std::abs(lost) > 63) {
      requantize.emitError("changes the fraction by ")
          << std::abs(lost) << " bits; 63 is the most. Give the scales in between closer values";
      return signalPassFailure();
    }
    if (lost > 0)
      value = builder.create<fx::TruncateOp>(requantize.getLoc(), to, value,
                                             static_cast<uint64_t>(lost), fx::Rounding::kNearest);
    else if (lost < 0)
      value = builder.create<fx::ShiftLeftOp>(requantize.getLoc(), to, value,
                                              static_cast<uint64_t>(-lost));
    else if (value.getType() != to)
      value = builder.create<fx::ResizeOp>(requantize.getLoc(), to, value);
    requantize.getResult().replaceAllUsesWith(value);
    requantize.erase();
  }

  void runOnOperation() override {
    SmallVector<fx::RequantizeOp> all;
    getOperation().walk([&](fx::RequantizeOp op) { all.push_back(op); });
    for (fx::RequantizeOp op : all)
      execute(op);
  }
};

} // namespace
} // namespace dyad
