// SPDX-License-Identifier: Apache-2.0
#include "passes/numbers/precision.h"

#include "ir/eval/fx_interpreter.h"
#include "ir/eval/nn_interpreter.h"
#include "ir/fx/owner.h"
#include "ir/nn/functions.h"
#include "passes/numbers/converter.h"
#include "passes/numbers/synthetic_samples.h"
#include "runtime/clear/reduce.h"

#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"

#include <cmath>
#include <functional>
#include <optional>

using namespace mlir;

namespace dyad {
namespace {

using Outputs = std::vector<std::map<std::string, std::vector<float>>>; // by sample

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

// States are judged as outputs are: what they lose, later windows do not get back. No output of a
// model has this in its name.
constexpr const char *kStatePrefix = "\nstate ";

class Search {
public:
  Search(ModuleOp module, const NnToFxOptions &options, const Samples &samples)
      : module_(module), options_(options), samples_(samples) {
    options_.emitConfig.clear();
    takeLastFunctions();
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
    FloatTensors states;
    for (size_t i = 0; i < samples_.count; ++i) {
      FailureOr<NnValues> run = program->run(inputsOf(shapes_, samples_, i), {}, &states);
      if (failed(run))
        return false;
      auto &outputs = expected_.emplace_back();
      auto &indices = indices_.emplace_back();
      for (const auto &[name, value] : *run)
        if (const auto *floats = std::get_if<clear::Tensor<float>>(&value))
          outputs[name] = floats->data;
        else
          indices[name] = std::get<clear::Tensor<std::int64_t>>(value).data;
      for (const auto &[name, state] : states)
        outputs[kStatePrefix + name] = state.data;
    }
    return !expected_.empty() && (!expected_.front().empty() || !indices_.front().empty());
  }

  // What no precision gets right (ties, mostly) is no reason for a higher one, nor are as many
  // again: indices that are wrong at this one.
  void forgive(Precision precision) {
    error(precision);
    forgiven_ = wrong_;
  }

  // Whether the module converts with the functions that stand last.
  bool converts(Precision precision) { return !std::isinf(error(precision, /*isWhole=*/true)); }

  // Largest relative error of an output at a precision; infinite where the conversion fails. One
  // where more indices are wrong than are forgiven.
  double error(Precision precision, bool isWhole = false) {
    OwningOpRef<ModuleOp> copy(isWhole ? module_.clone() : core_->clone());
    NnToFxOptions options = options_;
    options.isTrial = true;
    options.activationBits = precision.activationBits;
    options.weightBits = precision.weightBits;
    // What fails here is reported by the real conversion.
    ScopedDiagnosticHandler silent(module_.getContext(), [](Diagnostic &) { return success(); });
    PassManager manager(module_.getContext());
    manager.addPass(createNnToFx(options, nullptr, {.fitted = &fitted_}));
    manager.addNestedPass<func::FuncOp>(createInsertTruncations());
    if (failed(manager.run(*copy)))
      return kFailed;
    FailureOr<FxInterpreter> program = FxInterpreter::create(*copy);
    if (failed(program))
      return kFailed;
    struct Sums {
      double count = 0, value = 0, square = 0, difference = 0;
    };
    wrong_ = 0;
    std::map<std::string, Sums> sums;
    std::map<std::string, int> fractions;
    copy->walk([&](fx::StateOp state) {
      fractions[state.getName().str()] = fx::fixedType(state.getResult()).getFraction();
    });
    FxStates states;
    for (size_t i = 0; i < samples_.count; ++i) {
      FailureOr<FxRun> run =
          program->run(inputsOf(shapes_, samples_, i), FxMode::kCollect, {}, &states);
      if (failed(run))
        return kFailed;
      for (const auto &[name, integers] : states)
        run->outputs[kStatePrefix + name] = {integers, fractions[name]};
      for (const auto &[name, floats] : expected_[i]) {
        auto found = run->outputs.find(name);
        if (found == run->outputs.end())
          return kFailed;
        clear::Tensor<float> result = found->second.floats();
        auto last = last_.find(name);
        std::vector<float> values =
            isWhole || last == last_.end() ? std::move(result.data) : last->second(result);
        Sums &sum = sums[name];
        for (size_t k = 0; k < values.size(); ++k) {
          double x = floats[k];
          sum.count += 1;
          sum.value += x;
          sum.square += x * x;
          sum.difference += (values[k] - x) * (values[k] - x);
        }
      }
      for (const auto &[name, indices] : indices_[i]) {
        auto found = run->outputs.find(name);
        if (found == run->outputs.end())
          return kFailed;
        const std::vector<int64_t> &got = found->second.integers.data;
        for (size_t k = 0; k < got.size(); ++k)
          wrong_ += got[k] == indices[k] ? 0 : 1;
      }
    }
    // Which index drawn inputs should give says little, unless there is nothing else to go by.
    bool countsIndices = !samples_.isDrawn || expected_.front().empty();
    double worst = countsIndices && wrong_ > 2 * forgiven_ ? 1 : 0;
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

  // A softmax or function that stands last costs a unit or so, whatever stands before it, and is
  // dear to fit: the search runs what stands before and applies it to floats.
  void takeLastFunctions() {
    core_ = module_.clone();
    std::vector<Operation *> last;
    core_->walk([&](Operation *op) {
      bool leaves = isa<nn::SoftmaxOp, nn::FunctionOp>(op) && !op->use_empty();
      for (Operation *user : op->getUsers())
        leaves &= isa<nn::OutputOp>(user) || (isa<nn::SoftmaxOp>(op) && isa<nn::ArgMaxOp>(user));
      if (leaves)
        last.push_back(op);
    });
    for (Operation *op : last) {
      std::function<std::vector<float>(const clear::Tensor<float> &)> apply;
      if (auto softmax = dyn_cast<nn::SoftmaxOp>(op))
        apply = [axis = static_cast<int64_t>(softmax.getAxis()), isLog = softmax.getLog()](
                    const clear::Tensor<float> &x) { return clear::softmax(x, axis, isLog).data; };
      else
        apply = [kind = cast<nn::FunctionOp>(op).getKind(),
                 parameter = cast<nn::FunctionOp>(op).getParameter().convertToDouble()](
                    const clear::Tensor<float> &x) {
          std::vector<float> values;
          for (float value : x.data)
            values.push_back(static_cast<float>(nn::evaluateFunction(kind, parameter, value)));
          return values;
        };
      for (Operation *user : op->getUsers())
        if (auto output = dyn_cast<nn::OutputOp>(user))
          last_[output.getName().str()] = apply;
      op->getResult(0).replaceAllUsesWith(op->getOperand(0));
      op->erase();
    }
  }

  ModuleOp module_;
  NnToFxOptions options_;
  FittedFunctions fitted_;
  const Samples &samples_;
  std::map<std::string, clear::Shape> shapes_;
  Outputs expected_;
  std::vector<std::map<std::string, std::vector<int64_t>>> indices_; ///< by sample
  OwningOpRef<ModuleOp> core_; ///< without the functions that stand last
  std::map<std::string, std::function<std::vector<float>(const clear::Tensor<float> &)>> last_;
  size_t wrong_ = 0; ///< indices of the last conversion that was run
  size_t forgiven_ = 0;
};

} // namespace

Precision choosePrecision(ModuleOp module, const NnToFxOptions &options, const Samples &samples,
                          double tolerance) {
  // Fewer bits than these save little; more than these do not fit 64 with their products.
  constexpr int64_t kFewestActivationBits = 11, kMostActivationBits = 36;
  constexpr int64_t kFewestWeightBits = 8, kMostWeightBits = 24;
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
  search.forgive(precision);
  auto isGood = [&](int64_t activationBits, int64_t weightBits, double allowed) {
    return search.error({activationBits, weightBits}) <= allowed;
  };
  // The roundings of a quantised network have their own error; ours may be as large, which makes
  // the two together (in the mean square sense) so many times larger.
  constexpr double kShare = 1.41421;
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
  // Where the most bits are not enough, fewer that are hardly worse are as good.
  constexpr double kHardlyWorse = 1.1;
  if (double reached = choosesActivations ? search.error(precision) : 0; reached < 1)
    tolerance = std::max(tolerance, kHardlyWorse * reached);
  if (choosesActivations)
    precision.activationBits =
        smallest(kFewestActivationBits, precision.activationBits,
                 [&](int64_t bits) { return isGood(bits, precision.weightBits, tolerance); });
  while (choosesActivations && precision.activationBits > kFewestActivationBits &&
         !search.converts(precision))
    --precision.activationBits;
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

Samples fewSamples(ModuleOp module, const Samples *loaded) {
  constexpr double kWork = 1e9;
  // Samples of a program with states are windows of one recording: the longer, the better.
  // Indices are right or wrong: many tell how often.
  bool isLong = module
                    .walk([](Operation *op) {
                      return isa<nn::StateOp, nn::ArgMaxOp>(op) ? WalkResult::interrupt()
                                                                : WalkResult::advance();
                    })
                    .wasInterrupted();
  auto count = static_cast<size_t>(
      std::clamp(kWork / workOf(module), 2.0, isLong && loaded != nullptr ? 256.0 : 16.0));
  if (loaded == nullptr) {
    constexpr double kMagnitude = 0.5;
    constexpr size_t kFirst = 5; // fields and blobs before noise, constants last
    return drawSamples(module, kMagnitude, count, kFirst);
  }
  Samples few;
  few.count = std::min(count, loaded->count);
  for (const auto &[name, values] : loaded->values)
    few.values[name].assign(
        values.begin(),
        values.begin() + static_cast<std::ptrdiff_t>(values.size() / loaded->count * few.count));
  return few;
}

Samples drawSamples(ModuleOp module, double magnitude, size_t count, size_t first) {
  Samples drawn;
  drawn.count = count;
  drawn.isDrawn = true;
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
