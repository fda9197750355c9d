// SPDX-License-Identifier: Apache-2.0
// The pass nn-to-fx: reads the command's and the configuration's choices, runs the conversion, and
// replaces the nn function and weights by fx ones.
#include "passes/numbers/passes.h"

#include "passes/cost/time_model.h"
#include "runtime/net/error.h"

#include "passes/numbers/converter.h"
#include "passes/numbers/precision.h"

#include <fstream>
#include <set>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_NNTOFX
#include "passes/numbers/passes.h.inc"

namespace {

struct NnToFx : impl::NnToFxBase<NnToFx> {
  using NnToFxBase::NnToFxBase;
  NnToFx(NnToFxOptions options, std::shared_ptr<const Samples> loaded, const Conversion &conversion)
      : NnToFxBase(std::move(options)), loaded_(std::move(loaded)), isLoaded_(true),
        conversion_(conversion) {}

  // Bits for the scales that are not given, chosen on samples; drawn ones are small, where
  // most networks have their inputs, however large a range they are given, and where few bits show.
  LogicalResult choosePrecisionOnSamples(ScaleRule &rule, NumberChoices &choices) {
    ModuleOp module = getOperation();
    if (failed(loadOnce(module, *samples, loaded_)))
      return failure();
    const Samples few = fewSamples(module, loaded_.get());
    NnToFxOptions options;
    options.scale = scale;
    options.weightScale = weightScale;
    options.bitwidth = "auto"; // the outputs do not tell whether a width is enough
    options.config = config;
    options.activationBits = activationBits;
    options.weightBits = weightBits;
    // Drawn inputs say less about how near to each other outputs can be.
    constexpr double kDrawnShare = 0.1;
    Precision precision =
        choosePrecision(module, options, few, loaded_ ? tolerance : tolerance * kDrawnShare);
    rule.significantBits = precision.activationBits;
    choices.weightBits = precision.weightBits;
    return success();
  }

  // A number, or nothing for "auto".
  std::optional<int64_t> numberOption(StringRef name, StringRef text, int64_t low, int64_t high) {
    int64_t value = 0;
    if (text == "auto" || text.empty())
      return std::nullopt;
    if (text.getAsInteger(10, value) || value < low || value > high) {
      getOperation().emitError("--") << name << " must be auto or a number of " << low << " to "
                                     << high << ", not '" << text << "'";
      ok_ = false;
      return std::nullopt;
    }
    return value;
  }

  void readConfig(NumbersConfig &numbers, func::FuncOp function) {
    if (conversion_.config != nullptr)
      numbers = *conversion_.config;
    if (conversion_.config != nullptr || config.empty())
      return;
    auto report = [&](const std::string &problem) {
      getOperation().emitError("configuration '") << config << "': " << problem;
      ok_ = false;
    };
    if (!readNumbersConfig(config, numbers, report) && !numbers.isGiven())
      return;
    std::set<std::string> nodes;
    std::set<std::string> inputs;
    function.walk([&](Operation *op) {
      if (auto input = dyn_cast<nn::InputOp>(op))
        inputs.insert(input.getName().str());
      else if (auto state = dyn_cast<nn::StateOp>(op))
        inputs.insert(state.getName().str());
      else
        nodes.insert(nodeName(op).str());
    });
    for (const std::string &name :
         numbers.unknownNames([&](StringRef n) { return nodes.count(n.str()) != 0; },
                              [&](StringRef n) { return inputs.count(n.str()) != 0; }))
      report("the model has no " + name);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto functions = module.getOps<func::FuncOp>();
    if (functions.empty())
      return;
    func::FuncOp function = *functions.begin();
    SymbolTable symbols(module);

    NumberChoices choices;
    ScaleRule rule;
    rule.significantBits = activationBits;
    choices.weightBits = weightBits;
    rule.fixed = numberOption("scale", scale, -16, 40);
    choices.weightScale = numberOption("weight-scale", weightScale, -16, 40);
    choices.areChecked = isLoaded_ && loaded_;
    choices.isTrial = isTrial;
    choices.bitwidth = numberOption("bitwidth", bitwidth, 2, 64);
    if (!network.empty()) {
      FailureOr<mpc::Target> target =
          mpc::readTarget(module, network.getValue(), machine.getValue());
      ok_ = succeeded(target);
      if (ok_)
        choices.bitsPerFlow = bitsPerFlow(*target);
    }
    NumbersConfig numbers;
    readConfig(numbers, function);
    if (!ok_)
      return signalPassFailure();
    bool scalesAreGiven = (rule.fixed || numbers.defaults.scale) &&
                          (choices.weightScale || numbers.defaults.weightScale);
    if ((activationBits == 0 || weightBits == 0) && !scalesAreGiven &&
        failed(choosePrecisionOnSamples(rule, choices)))
      return signalPassFailure();

    NodeKeys keys(function);
    FloatRanges ranges(function, symbols);
    ScaleGroups scales(function, ranges, numbers, keys, rule);
    Quantiser quantiser(module, symbols);
    FittedFunctions fitted;
    Converter converter(function, symbols, scales, keys, quantiser, numbers, choices,
                        conversion_.fitted != nullptr ? *conversion_.fitted : fitted);
    bool converted = converter.run();
    if (!scales.ok() || !converted || !converter.reportUnusedEntries())
      return signalPassFailure();

    std::vector<Operation *> old;
    function.walk([&](Operation *op) {
      if (op->getName().getDialectNamespace() == "nn")
        old.push_back(op);
    });
    for (Operation *op : llvm::reverse(old))
      op->erase();
    for (nn::WeightOp weight : llvm::make_early_inc_range(module.getOps<nn::WeightOp>()))
      weight.erase();
    quantiser.insertWeights();

    if (conversion_.chosen != nullptr)
      *conversion_.chosen = converter.chosen();
    if (!emitConfig.empty()) {
      std::ofstream file(emitConfig);
      file << converter.chosen().toJson();
      file.close();
      if (!file) {
        module.emitError("cannot write configuration '") << emitConfig << "'";
        signalPassFailure();
      }
    }
  }

private:
  std::shared_ptr<const Samples> loaded_;
  bool isLoaded_ = false;
  Conversion conversion_;
  bool ok_ = true;
};

} // namespace

std::unique_ptr<Pass> createNnToFx(NnToFxOptions options, std::shared_ptr<const Samples> samples) {
  return createNnToFx(std::move(options), std::move(samples), {});
}

std::unique_ptr<Pass> createNnToFx(NnToFxOptions options, std::shared_ptr<const Samples> samples,
                                   const Conversion &conversion) {
  return std::make_unique<NnToFx>(std::move(options), std::move(samples), conversion);
}

} // namespace dyad
