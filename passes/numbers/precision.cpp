// SPDX-License-Identifier: Apache-2.0
#include "passes/numbers/precision.h"

#include "ir/eval/fx_interpreter.h"
#include "ir/eval/nn_interpreter.h"
#include "passes/numbers/synthetic_samples.h"

#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"

#include <cmath>
#include <optional>

using namespace mlir;

namespace dyad {
namespace {

using Outputs = std::vector<std::map<std::string, std::vector<float>>>; // by sample

FloatTensors sampleAt(const std::map<std::string, clear::Shape> &shapes, const Samples &samples,
                      size_t index) {
  FloatTensors inputs;
  for (const auto &[name, shape] : shapes)
    inputs[name] = clear::Tensor<float>{shape, samples.at(name, index)};
  return inputs;
}

// Searches one dimension for the smallest value that is good enough, `high` if none is.
template <typename Test> int64_t smallest(int64_t low, int64_t high, Test &&isGood) {
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (isGood(middle))
      high = middle;
    else
      low = middle + 1;
  }
  return high;
}

class Search {
public:
  Search(ModuleOp module, const NnToFxOptions &options, const Samples &samples)
      : module_(module), options_(options), samples_(samples) {
    options_.emitConfig.clear();
    module_.walk(
        [&](nn::InputOp input) { shapes_[input.getName().str()] = shapeOf(input.getResult()); });
  }

  // Float outputs and their spread; false if the network cannot be run. A quantised network is
  // compared with what it was before: without its roundings, since a number that happens to be
  // rounded the other way is no error of ours.
  bool runFloats() {
    OwningOpRef<ModuleOp> copy(module_.clone());
    copy->walk([&](nn::RoundOp round) {
      isQuantised_ = true;
      round.getResult().replaceAllUsesWith(round.getInput());
      round.erase();
    });
    FailureOr<NnInterpreter> program = NnInterpreter::create(*copy);
    if (failed(program))
      return false;
    for (size_t i = 0; i < samples_.count; ++i) {
      FailureOr<NnValues> run = program->run(sampleAt(shapes_, samples_, i));
      if (failed(run))
        return false;
      auto &outputs = expected_.emplace_back();
      for (const auto &[name, value] : *run)
        if (const auto *floats = std::get_if<clear::Tensor<float>>(&value))
          outputs[name] = floats->data;
    }
    return !expected_.empty() && !expected_.front().empty();
  }

  // Largest relative error of an output at a precision; infinite where the conversion fails.
  double error(Precision precision) {
    OwningOpRef<ModuleOp> copy(module_.clone());
    NnToFxOptions options = options_;
    options.activationBits = precision.activationBits;
    options.weightBits = precision.weightBits;
    // What fails here is reported by the real conversion.
    ScopedDiagnosticHandler silent(module_.getContext(), [](Diagnostic &) { return success(); });
    PassManager manager(module_.getContext());
    manager.addPass(createNnToFx(options));
    manager.addNestedPass<func::FuncOp>(createInsertTruncations());
    if (failed(manager.run(*copy)))
      return kFailed;
    FailureOr<FxInterpreter> program = FxInterpreter::create(*copy);
    if (failed(program))
      return kFailed;
    struct Sums {
      double count = 0, value = 0, square = 0, difference = 0;
    };
    std::map<std::string, Sums> sums;
    for (size_t i = 0; i < samples_.count; ++i) {
      FailureOr<FxRun> run = program->run(sampleAt(shapes_, samples_, i), FxMode::kCollect);
      if (failed(run))
        return kFailed;
      for (const auto &[name, floats] : expected_[i]) {
        auto found = run->outputs.find(name);
        if (found == run->outputs.end())
          return kFailed;
        std::vector<float> values = found->second.floats().data;
        Sums &sum = sums[name];
        for (size_t k = 0; k < values.size(); ++k) {
          double x = floats[k];
          sum.count += 1;
          sum.value += x;
          sum.square += x * x;
          sum.difference += (values[k] - x) * (values[k] - x);
        }
      }
    }
    double worst = 0;
    for (const auto &[name, sum] : sums) {
      double mean = sum.value / sum.count;
      double spread = sum.square / sum.count - mean * mean;
      if (spread <= 1e-12 * sum.square / sum.count) // a constant output: its size counts
        spread = sum.square / sum.count;
      if (spread > 0)
        worst = std::max(worst, std::sqrt(sum.difference / sum.count / spread));
    }
    return worst;
  }

  /// Whether the network rounds on its own, so that some error is its own.
  bool isQuantised() const { return isQuantised_; }

private:
  bool isQuantised_ = false;
  static constexpr double kFailed = std::numeric_limits<double>::infinity();

  ModuleOp module_;
  NnToFxOptions options_;
  const Samples &samples_;
  std::map<std::string, clear::Shape> shapes_;
  Outputs expected_;
};

} // namespace

Precision choosePrecision(ModuleOp module, const NnToFxOptions &options, const Samples &samples,
                          double tolerance) {
  // Fewer bits than these save little; more than these do not fit 64 with their products.
  constexpr int64_t kFewestActivationBits = 11, kMostActivationBits = 36;
  constexpr int64_t kFewestWeightBits = 8, kMostWeightBits = 20;
  constexpr int64_t kFewestQuantised = 5; // magnitudes are known: units of the rounded sums
  Precision precision;
  bool choosesActivations = options.activationBits == 0;
  bool choosesWeights = options.weightBits == 0;
  precision.activationBits = choosesActivations ? kMostActivationBits : options.activationBits;
  precision.weightBits = choosesWeights ? kMostWeightBits : options.weightBits;
  Search search(module, options, samples);
  if (!search.runFloats())
    return {};
  // Too wide for some networks: the widest that converts.
  while (choosesActivations && precision.activationBits > kFewestActivationBits &&
         std::isinf(search.error(precision)))
    precision.activationBits -= 4;
  auto isGood = [&](int64_t activationBits, int64_t weightBits, double allowed) {
    return search.error({activationBits, weightBits}) <= allowed;
  };
  // The roundings of a quantised network have their own error, which ours may raise by a quarter.
  constexpr double kShare = 1.25;
  if (search.isQuantised()) {
    double own = search.error(precision);
    tolerance = std::isinf(own) ? tolerance : std::max(tolerance, kShare * own);
  }
  const int64_t fewestWeightBits = search.isQuantised() ? kFewestQuantised : kFewestWeightBits;
  const double weightTolerance = tolerance * std::sqrt(search.isQuantised() ? 1 : 0.5);
  // Weights may use up half of the error (in the mean square sense); activations the rest.
  if (choosesWeights)
    precision.weightBits = smallest(fewestWeightBits, kMostWeightBits, [&](int64_t bits) {
      return isGood(precision.activationBits, bits, weightTolerance);
    });
  if (choosesActivations)
    precision.activationBits =
        smallest(kFewestActivationBits, precision.activationBits,
                 [&](int64_t bits) { return isGood(bits, precision.weightBits, tolerance); });
  return precision;
}

double workOf(ModuleOp module) {
  double work = 1;
  module.walk([&](Operation *op) {
    if (!isa<nn::Conv2DOp, nn::MatMulOp>(op))
      return;
    auto type = [](Value value) { return cast<RankedTensorType>(value.getType()); };
    RankedTensorType weight = type(op->getOperand(1));
    int64_t inner = isa<nn::MatMulOp>(op)
                        ? type(op->getOperand(0)).getShape().back()
                        : weight.getNumElements() / std::max<int64_t>(weight.getDimSize(0), 1);
    work +=
        static_cast<double>(type(op->getResult(0)).getNumElements()) * static_cast<double>(inner);
  });
  return work;
}

Samples drawSamples(ModuleOp module, double magnitude, size_t count, size_t first) {
  Samples drawn;
  drawn.count = count;
  module.walk([&](nn::InputOp input) {
    double low = input.getLow() ? input.getLow()->convertToDouble() : -magnitude;
    double high = input.getHigh() ? input.getHigh()->convertToDouble() : magnitude;
    std::vector<float> &all = drawn.values[input.getName().str()];
    for (size_t i = 0; i < count; ++i) {
      std::vector<float> one = syntheticSample(
          cast<RankedTensorType>(input.getType()).getShape().vec(), low, high, first + i);
      all.insert(all.end(), one.begin(), one.end());
    }
  });
  return drawn;
}

} // namespace dyad
