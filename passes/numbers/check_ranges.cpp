// SPDX-License-Identifier: Apache-2.0
// The pass check-ranges: the program's own interpreter on samples, going on in up to 126 bits where
// a value leaves its type, with every violation counted over all samples and reported once a node.
#include "passes/numbers/passes.h"

#include "passes/numbers/shadow.h"

#include <fmt/format.h>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_CHECKRANGES
#include "passes/numbers/passes.h.inc"

namespace {

struct CheckRanges : impl::CheckRangesBase<CheckRanges> {
  using CheckRangesBase::CheckRangesBase;
  CheckRanges(std::shared_ptr<const Samples> loaded, std::shared_ptr<SeenRanges> seen)
      : loaded_(std::move(loaded)), isLoaded_(true), seen_(std::move(seen)) {}

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!isLoaded_ && samples.empty()) {
      module.emitError("check-ranges needs samples");
      return signalPassFailure();
    }
    if (failed(loadOnce(module, *samples, loaded_)))
      return signalPassFailure();
    if (!loaded_)
      return;
    FailureOr<FxInterpreter> program = FxInterpreter::create(module);
    if (failed(program))
      return signalPassFailure();
    Shadow shadow(seen_ != nullptr);
    std::map<std::string, clear::Shape> shapes;
    module.walk(
        [&](fx::InputOp input) { shapes[input.getName().str()] = shapeOf(input.getResult()); });
    FxStates states;
    for (size_t sample = 0; sample < loaded_->count; ++sample) {
      FloatTensors inputs;
      for (const auto &[name, shape] : shapes)
        inputs[name] = clear::Tensor<float>{shape, loaded_->at(name, sample)};
      FailureOr<FxRun> run = program->run(inputs, FxMode::kCollect, shadow.observer(), &states);
      if (failed(run))
        return signalPassFailure();
      shadow.add(*run);
    }
    const std::vector<Departure> departures = shadow.departures();
    for (const Departure &departure : departures) {
      const FxViolation &worst = departure.worst;
      std::string advice;
      if (worst.kind == FxViolation::Kind::kInput)
        advice = "declare a wider --input-range or give it more bits";
      else if (worst.bitsNeeded > worst.bitsGiven)
        advice = fmt::format("it needs {} bits instead of {}; use a larger --bitwidth, or a "
                             "smaller --scale or --weight-scale",
                             worst.bitsNeeded, worst.bitsGiven);
      else
        advice = "more --headroom covers it";
      worst.op->emitError(worst.message)
          << " (on the calibration samples: " << shadow.extent(departure) << "); " << advice;
    }
    if (!departures.empty())
      signalPassFailure();
    if (seen_)
      *seen_ = shadow.seen();
  }

private:
  std::shared_ptr<const Samples> loaded_;
  bool isLoaded_ = false;
  std::shared_ptr<SeenRanges> seen_;
};

} // namespace

std::unique_ptr<Pass> createCheckRanges(std::shared_ptr<const Samples> samples,
                                        std::shared_ptr<SeenRanges> seen) {
  return std::make_unique<CheckRanges>(std::move(samples), std::move(seen));
}

} // namespace dyad
