// SPDX-License-Identifier: Apache-2.0
// The pass check-ranges: the program's own interpreter on samples, with every violation collected
// over all of them and reported once for each value.
#include "passes/numbers/passes.h"

#include "ir/eval/fx_interpreter.h"

#include <fmt/format.h>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_CHECKRANGES
#include "passes/numbers/passes.h.inc"

namespace {

int bitsMissing(const FxViolation &violation) {
  return static_cast<int>(violation.bitsNeeded) - static_cast<int>(violation.bitsGiven);
}

struct CheckRanges : impl::CheckRangesBase<CheckRanges> {
  using CheckRangesBase::CheckRangesBase;
  explicit CheckRanges(std::shared_ptr<const Samples> loaded)
      : loaded_(std::move(loaded)), isLoaded_(true) {}

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!isLoaded_) {
      if (samples.empty()) {
        module.emitError("check-ranges needs samples");
        return signalPassFailure();
      }
      FailureOr<Samples> read =
          loadSamples(module, std::vector<std::string>(samples.begin(), samples.end()));
      if (failed(read))
        return signalPassFailure();
      loaded_ = std::make_shared<const Samples>(std::move(*read));
    }
    if (!loaded_)
      return;
    FailureOr<FxInterpreter> program = FxInterpreter::create(module);
    if (failed(program))
      return signalPassFailure();
    // Program order, one entry for each node: what needs most bits of all samples.
    std::vector<FxViolation> worst;
    std::map<std::string, size_t> index;
    std::map<std::string, clear::Shape> shapes;
    module.walk(
        [&](fx::InputOp input) { shapes[input.getName().str()] = shapeOf(input.getResult()); });
    FxStates states;
    for (size_t sample = 0; sample < loaded_->count; ++sample) {
      FloatTensors inputs;
      for (const auto &[name, shape] : shapes)
        inputs[name] = clear::Tensor<float>{shape, loaded_->at(name, sample)};
      FailureOr<FxRun> run = program->run(inputs, FxMode::kCollect, {}, &states);
      if (failed(run))
        return signalPassFailure();
      for (const FxViolation &violation : run->violations) {
        std::string node = nodeName(violation.op).str();
        if (node.empty())
          node = fmt::format("{}", fmt::ptr(violation.op));
        auto [found, isNew] = index.try_emplace(node, worst.size());
        if (isNew)
          worst.push_back(violation);
        else if (bitsMissing(worst[found->second]) < bitsMissing(violation))
          worst[found->second] = violation;
      }
    }
    for (const FxViolation &violation : worst) {
      std::string advice;
      if (violation.kind == FxViolation::Kind::kInput)
        advice = "declare a wider --input-range or give it more bits";
      else if (violation.bitsNeeded > violation.bitsGiven)
        advice = fmt::format("it needs {} bits instead of {}; use a larger --bitwidth, or a "
                             "smaller --scale or --weight-scale",
                             violation.bitsNeeded, violation.bitsGiven);
      else
        advice = "more --headroom covers it";
      violation.op->emitError(violation.message) << " (on the calibration samples); " << advice;
    }
    if (!worst.empty())
      signalPassFailure();
  }

private:
  std::shared_ptr<const Samples> loaded_;
  bool isLoaded_ = false;
};

} // namespace

std::unique_ptr<Pass> createCheckRanges(std::shared_ptr<const Samples> samples) {
  return std::make_unique<CheckRanges>(std::move(samples));
}

} // namespace dyad
