// SPDX-License-Identifier: Apache-2.0
// The pass drop-saturation: bounds of quantised values that only say what their integer type holds.
// A number here is as wide as its range asks for, so that such a bound is a comparison for nothing,
// or worse: one that changes what the network computes where it does not saturate.
#include "passes/numbers/passes.h"

#include "ir/eval/nn_interpreter.h"
#include "passes/analysis/float_ranges.h"

#include <algorithm>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_DROPSATURATION
#include "passes/numbers/passes.h.inc"

namespace {

// Bounds of a quantiser: behind a rounding, perhaps with the lower one as a ReLU, or where a
// maximum or a move of elements was put between.
bool isSaturation(nn::ClipOp clip) {
  Operation *op = clip.getInput().getDefiningOp();
  while (op != nullptr &&
         (isa<nn::ReluOp, nn::MaxPool2DOp>(op) || (isStructure(op) && op->getNumOperands() == 1)))
    op = op->getOperand(0).getDefiningOp();
  return isa_and_nonnull<nn::RoundOp>(op);
}

struct DropSaturation : impl::DropSaturationBase<DropSaturation> {
  using DropSaturationBase::DropSaturationBase;
  explicit DropSaturation(std::shared_ptr<const Samples> loaded) : loaded_(std::move(loaded)) {}

  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::DenseMap<Value, FloatRange> seen; // of what is bounded
    std::vector<nn::ClipOp> clips;
    module.walk([&](nn::ClipOp clip) {
      if (!isSaturation(clip))
        return;
      clips.push_back(clip);
      seen.try_emplace(clip.getInput(), FloatRange{0, 0});
    });
    if (failed(loadOnce(module, *samples, loaded_)))
      return signalPassFailure();
    if (clips.empty() || !loaded_)
      return;
    if (failed(measure(seen)))
      return signalPassFailure();
    for (nn::ClipOp clip : clips)
      loosen(clip, seen[clip.getInput()]);
  }

private:
  LogicalResult measure(llvm::DenseMap<Value, FloatRange> &seen) {
    FailureOr<NnInterpreter> program = NnInterpreter::create(getOperation());
    if (failed(program))
      return failure();
    auto observe = [&](Value value, const clear::Tensor<float> &tensor) {
      auto found = seen.find(value);
      if (found != seen.end())
        for (float x : tensor.data)
          found->second = hull(found->second, {x, x});
    };
    for (size_t sample = 0; sample < loaded_->count; ++sample) {
      FloatTensors tensors;
      getOperation().walk([&](nn::InputOp input) {
        std::string name = input.getName().str();
        tensors[name] = clear::Tensor<float>{shapeOf(input.getResult()), loaded_->at(name, sample)};
      });
      if (failed(program->run(tensors, observe)))
        return failure();
    }
    return success();
  }

  // Tools put the bounds where their samples end; weights that were rounded move that a little.
  static void loosen(nn::ClipOp clip, const FloatRange &seen) {
    constexpr double kBeyond = 1.125;
    FloatAttr low = clip.getLowAttr();
    FloatAttr high = clip.getHighAttr();
    if (low && low.getValueAsDouble() < 0 && seen.low >= low.getValueAsDouble() * kBeyond)
      low = nullptr;
    if (high && high.getValueAsDouble() > 0 && seen.high <= high.getValueAsDouble() * kBeyond)
      high = nullptr;
    if (low == clip.getLowAttr() && high == clip.getHighAttr())
      return;
    Value value = clip.getInput();
    if (low || high) {
      OpBuilder builder(clip);
      value = builder.create<nn::ClipOp>(clip.getLoc(), value.getType(), value, low, high);
    }
    clip.getResult().replaceAllUsesWith(value);
    clip.erase();
  }

  std::shared_ptr<const Samples> loaded_;
};

} // namespace

std::unique_ptr<Pass> createDropSaturation(std::shared_ptr<const Samples> samples) {
  return std::make_unique<DropSaturation>(std::move(samples));
}

} // namespace dyad
