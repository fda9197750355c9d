// SPDX-License-Identifier: Apache-2.0
#include "compiler/driver/pipeline.h"

#include "compiler/driver/inputs.h"
#include "compiler/driver/public_bases.h"
#include "frontends/onnx/import.h"
#include "ir/fx/fx.h"
#include "ir/mpc/mpc.h"
#include "ir/nn/nn.h"
#include "ir/weights.h"
#include "passes/graph/passes.h"
#include "passes/numbers/check_outputs.h"
#include "passes/numbers/passes.h"
#include "passes/numbers/precision.h"
#include "passes/numbers/synthetic_samples.h"
#include "passes/placement/passes.h"
#include "passes/protocols/passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/ToolOutputFile.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <iterator>

using namespace mlir;

namespace dyad::compiler {

namespace {

std::string numberOrAuto(const std::optional<int> &value) {
  return value ? std::to_string(*value) : "auto";
}

// Empty for a file that is not there: who needs it says so.
std::string textOfFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// What an estimate's ranges are measured on. Normalisations have nothing to divide by where inputs
// are smooth: noise for them.
Samples samplesForEstimate(ModuleOp module, const Samples *loaded) {
  const bool normalises =
      module.walk([](nn::NormalizeOp) { return WalkResult::interrupt(); }).wasInterrupted();
  constexpr double kMagnitude = 0.5;
  return loaded == nullptr && normalises ? drawSamples(module, kMagnitude, 1, kSyntheticKinds - 1)
                                         : fewSamples(module, loaded);
}

// Pass names in pipelines are looked up in MLIR's registry, which is filled once a process.
void registerPasses() {
  static const bool kRegistered = [] {
    registerGraphPasses();
    registerPlacementPasses();
    registerNumbersPasses();
    registerProtocolPasses();
    registerCSEPass();
    return true;
  }();
  (void)kRegistered;
}

} // namespace

LogicalResult Compilation::run(ModuleOp module, StringRef pipeline) {
  registerPasses();
  PassManager manager(&context_);
  manager.enableVerifier(true);
  std::string errors;
  llvm::raw_string_ostream stream(errors);
  if (failed(parsePassPipeline(pipeline, manager, stream)))
    return module.emitError("pass pipeline '") << pipeline << "': " << errors;
  return manager.run(module);
}

bool Compilation::isEnabled(StringRef pass) const {
  return options_.disabled.count(pass.str()) == 0;
}

std::string Compilation::enabled(const std::vector<std::string> &passes) const {
  std::string pipeline;
  for (const std::string &pass : passes) {
    StringRef name(pass);
    if (name.consume_front("func.func("))
      name.consume_back(")");
    if (!pass.empty() && isEnabled(name.split('{').first))
      pipeline += (pipeline.empty() ? "" : ",") + pass;
  }
  return pipeline;
}

LogicalResult Compilation::readModel(onnx::ImportOptions &import) {
  nn_ = onnx::importOnnx(context_, options_.model, import);
  if (!nn_ || options_.mergeHeads < 2)
    return success(static_cast<bool>(nn_));
  if (failed(mergeHeadsIn(*nn_, options_.mergeHeads, import)))
    return failure();
  nn_ = onnx::importOnnx(context_, options_.model, import);
  return success(static_cast<bool>(nn_));
}

LogicalResult Compilation::emitOnnx(const std::string &output) {
  progress_.step("reading " + options_.model);
  onnx::ImportOptions import;
  if (failed(importOptions(context_, options_, import)) || failed(readModel(import)))
    return failure();
  progress_.step("writing " + output);
  return onnx::writeMergedHeads(context_, options_.model, import.headGroups, output);
}

LogicalResult Compilation::toNn() {
  progress_.step("reading " + options_.model);
  onnx::ImportOptions import;
  if (failed(importOptions(context_, options_, import)))
    return failure();
  if (failed(readModel(import)))
    return failure();
  const PublicBases bases = importPublicBases(context_, options_, import, progress_);
  progress_.step("simplifying the graph");
  // Bases go the same way, so that what was folded alike is compared alike.
  for (const std::string &part :
       {enabled({"func.func(cse)", "fold-constants", "recognize-normalizations",
                 fmt::format("softmax-to-logits{{logits={}}}", options_.logits), "order-only"}),
        enabled({"fold-batch-norm", "simplify-arithmetic", "fold-constants", "split-states",
                 "exchange-relu-max-pool"})}) {
    if (failed(run(*nn_, part)))
      return failure();
    for (const std::shared_ptr<PublicBase> &base : bases)
      if (failed(run(*base->module, part)))
        return failure();
    PassManager match(&context_);
    match.addPass(createMatchPublicWeights(bases));
    if (failed(match.run(*nn_)))
      return failure();
  }
  if (failed(requireMatches(*nn_, bases)))
    return failure();
  if (!bases.empty() && isEnabled("split-updates")) {
    progress_.step("splitting updates of public weights");
    PassManager split(&context_);
    SplitUpdatesOptions target;
    target.network = options_.network.name;
    target.machine = options_.machine;
    target.always = options_.splitUpdates == "always";
    split.addPass(createSplitUpdates(target, bases));
    if (failed(split.run(*nn_)))
      return failure();
  }
  // Sums in place of means are larger, and one width for all values would be the largest one's.
  const std::string means = options_.bitwidth ? "" : "means-into-weights";
  return run(*nn_,
             enabled({fmt::format("merge-factors{{network={} {}}}", options_.network.name,
                                  options_.machine.empty() ? "" : "machine=" + options_.machine),
                      means, "batch-products", "func.func(cse)", "eliminate-dead-code"}));
}

LogicalResult Compilation::toFx() {
  fx_ = nn_->clone();
  std::shared_ptr<const Samples> samples;
  if (!options_.calibrate.empty()) {
    progress_.step("loading calibration samples");
    FailureOr<Samples> loaded = loadSamples(*fx_, options_.calibrate);
    if (failed(loaded))
      return failure();
    samples = std::make_shared<const Samples>(std::move(*loaded));
  }

  const bool isCalibrated = samples != nullptr;
  if (options_.assumeNumbers)
    samples = std::make_shared<const Samples>(samplesForEstimate(*fx_, samples.get()));

  // A bound that is left out may stand between scales that merge then. Protocols that use proved
  // facts only need all bounds.
  if (!options_.strictRanges && isCalibrated && isEnabled("drop-saturation")) {
    PassManager drop(&context_);
    drop.addPass(createDropSaturation(samples));
    if (failed(drop.run(*fx_)) || failed(run(*fx_, enabled({"simplify-arithmetic", "func.func(cse)",
                                                            "eliminate-dead-code"}))))
      return failure();
  }

  if (isEnabled("factors-behind-relu")) {
    FactorsBehindReluOptions factors;
    if (options_.headroom)
      factors.headroom = *options_.headroom;
    PassManager move(&context_);
    move.addPass(createFactorsBehindRelu(factors, samples));
    if (failed(move.run(*fx_)))
      return failure();
  }
  if (!options_.scale && !options_.weightScaleGiven && !options_.assumeNumbers) {
    progress_.step("scaling channels");
    PassManager scale(&context_);
    if (isEnabled("scale-inputs"))
      scale.addPass(createScaleInputs({{}, options_.config}, samples));
    if (isEnabled("scale-channels"))
      scale.addPass(createScaleChannels({{}, options_.config}, samples));
    if (failed(scale.run(*fx_)))
      return failure();
  }

  progress_.step("measuring ranges");
  CalibrateRangesOptions ranges;
  if (options_.headroom) {
    ranges.headroom = *options_.headroom;
    ranges.syntheticHeadroom = *options_.headroom;
  }
  ranges.percentile = options_.rangePercentile;
  PassManager calibrate(&context_);
  calibrate.addPass(createCalibrateRanges(ranges, samples));
  if (failed(calibrate.run(*fx_)))
    return failure();

  for (const std::string &node : options_.revealEarly)
    fx_->emitWarning("--reveal-early: the client learns the values at '")
        << node
        << "', not only the outputs. With enough inputs they may tell the private weights "
           "before it";
  floats_ = fx_->clone();
  progress_.step("choosing scales and widths");
  NnToFxOptions numbers;
  numbers.scale = numberOrAuto(options_.scale);
  numbers.weightScale =
      numberOrAuto(options_.weightScaleGiven ? options_.weightScale : options_.scale);
  numbers.bitwidth = numberOrAuto(options_.bitwidth);
  numbers.config = options_.config;
  numbers.emitConfig = options_.emitConfig;
  if (isEnabled("function-tables"))
    numbers.network = options_.network.name;
  if (options_.assumeNumbers) {
    numbers.activationBits = Precision{}.activationBits;
    numbers.weightBits = Precision{}.weightBits;
    numbers.isTrial = true;
  }
  numbers.machine = options_.machine;
  Conversion conversion;
  if (!options_.goal.isGiven() && (!options_.labels.empty() || !options_.searchFile.empty()))
    return fx_->emitError("--labels and --search-file are for a search: give --max-accuracy-loss, "
                          "--min-agreement or --max-error");
  if (options_.goal.isGiven()) {
    if (failed(search(numbers, samples)))
      return failure();
    conversion.config = &search_->config;
    numbers.emitConfig.clear();
  }
  if (failed(convertNumbers(*fx_, numbers, samples, conversion)))
    return failure();

  if (options_.assumeNumbers)
    return success();
  progress_.step("checking widths on samples");
  PassManager check(&context_);
  check.addPass(createCheckRanges(samples, options_.report.empty() ? nullptr : seen_));
  if (failed(check.run(*fx_)))
    return failure();
  progress_.step("comparing outputs on samples");
  const LogicalResult isClose =
      checkOutputs(*floats_, *fx_, outputSamples(*floats_, samples.get()));
  return options_.keepCoarse ? success() : isClose;
}

LogicalResult Compilation::convertNumbers(ModuleOp module, const NnToFxOptions &numbers,
                                          const std::shared_ptr<const Samples> &samples,
                                          const Conversion &conversion) {
  PassManager convert(&context_);
  convert.addPass(createNnToFx(numbers, samples, conversion));
  if (!options_.revealEarly.empty())
    convert.addNestedPass<func::FuncOp>(createRevealEarly({options_.revealEarly}));
  if (failed(convert.run(module)))
    return failure();
  // Where one width for all values is asked for, none is made wider for the sake of a truncation.
  const std::string delay =
      options_.bitwidth
          ? ""
          : fmt::format("func.func(delay-truncations{{network={} {}}})", options_.network.name,
                        options_.machine.empty() ? "" : "machine=" + options_.machine);
  return run(module,
             enabled({"infer-ownership",
                      fmt::format("func.func(drop-needless{{strict={}}})", options_.strictRanges),
                      delay, "func.func(sink-truncations)", "func.func(insert-truncations)",
                      "func.func(widen-accumulators)", "func.func(cse)", "eliminate-dead-code",
                      "verify-ranges"}));
}

LogicalResult Compilation::search(const NnToFxOptions &numbers,
                                  const std::shared_ptr<const Samples> &samples) {
  if (options_.calibrate.empty())
    return fx_->emitError("a search for scales needs samples to compare with the model on: give "
                          "--calibrate FILE.npy");
  if (options_.scale || options_.weightScaleGiven || options_.bitwidth)
    return fx_->emitError("--max-error, --min-agreement and --max-accuracy-loss search for scales "
                          "and widths: leave out --scale, --weight-scale and --bitwidth; --config "
                          "fixes single ones");
  progress_.step("searching for scales");
  SearchOptions search;
  search.goal = options_.goal;
  if (!options_.labels.empty() && failed(loadLabels(context_, options_.labels, search.goal.labels)))
    return failure();
  search.numbers = numbers;
  search.numbers.emitConfig.clear();
  search.costs =
      fmt::format("{} linear={} ot={} strict={} disabled={} revealed={} machine={} config={}",
                  describe(options_.network), options_.linear, options_.ot, options_.strictRanges,
                  fmt::join(options_.disabled, ","), fmt::join(options_.revealEarly, ","),
                  textOfFile(options_.machine), textOfFile(options_.config));
  search.evaluations = options_.searchFile;
  auto report = [&](const std::string &problem) {
    fx_->emitError("configuration '") << options_.config << "': " << problem;
  };
  if (!readNumbersConfig(options_.config, search.given, report))
    return failure();
  SearchStages stages;
  stages.toFx = [&](ModuleOp module, const Conversion &conversion) {
    NnToFxOptions candidate = search.numbers;
    candidate.activationBits = candidate.weightBits = 1; // all scales are given
    return convertNumbers(module, candidate, samples, conversion);
  };
  stages.toMpc = [&](ModuleOp module) { return chooseProtocols(module); };
  FailureOr<SearchResult> found = searchNumbers(*fx_, *samples, search, stages, progress_);
  if (failed(found))
    return failure();
  search_ = std::move(*found);
  progress_.note(describe(*search_));
  return options_.emitConfig.empty() ? success() : writeConfig(*fx_, options_.emitConfig, *search_);
}

LogicalResult Compilation::toMpc() {
  progress_.step("choosing protocols");
  mpc_ = fx_->clone();
  return chooseProtocols(*mpc_);
}

LogicalResult Compilation::chooseProtocols(ModuleOp module) {
  PassManager manager(&context_);
  LowerToMpcOptions lowering;
  lowering.strictRanges = options_.strictRanges;
  lowering.linear = options_.linear;
  lowering.ot = options_.ot;
  lowering.network = options_.network.name;
  lowering.machine = options_.machine;
  lowering.config = options_.config;
  manager.addPass(createLowerToMpc(lowering));
  const auto add = [&](StringRef name, std::unique_ptr<Pass> pass) {
    if (isEnabled(name))
      manager.addPass(std::move(pass));
  };
  add("fuse-truncate-relu", createFuseTruncateRelu({options_.config}));
  if (isEnabled("cse"))
    manager.addNestedPass<func::FuncOp>(createCSEPass());
  add("prepare-products", createPrepareProducts({options_.linear, options_.config}));
  add("merge-linear", createMergeLinear());
  add("pack-replies", createPackReplies({options_.config}));
  manager.addPass(createChooseRadix({options_.config, !isEnabled("choose-radix")}));
  add("share-flows", createShareFlows());
  manager.addPass(createEliminateDeadCode());
  return manager.run(module);
}

LogicalResult Compilation::to(Stage stage) {
  if (failed(toNn()))
    return failure();
  if (stage == Stage::kNn)
    return success();
  if (failed(toFx()))
    return failure();
  if (stage == Stage::kFx)
    return success();
  return toMpc();
}

ModuleOp Compilation::module(Stage stage) const {
  switch (stage) {
  case Stage::kNn:
    return nn();
  case Stage::kFx:
    return fx();
  case Stage::kMpc:
  case Stage::kCpp:
    break;
  }
  return mpc();
}

void printModule(ModuleOp module, llvm::raw_ostream &stream) {
  OpPrintingFlags flags;
  flags.enableDebugInfo(true, /*prettyForm=*/false);
  flags.assumeVerified();
  module.print(stream, flags);
}

LogicalResult writeModule(ModuleOp module, const std::string &path,
                          const std::string &weightsPath) {
  std::error_code error;
  llvm::ToolOutputFile file(path, error, llvm::sys::fs::OF_Text);
  if (error)
    return module.emitError("cannot write '") << path << "': " << error.message();
  printModule(module, file.os());
  file.keep();
  return writeWeights(module, weightsPath);
}

} // namespace dyad::compiler
