// SPDX-License-Identifier: Apache-2.0
#include "passes/numbers/check_outputs.h"

#include "ir/eval/fx_interpreter.h"
#include "ir/eval/nn_interpreter.h"
#include "ir/fx/owner.h"
#include "ir/nn/nn.h"
#include "passes/numbers/precision.h"

#include <cmath>
#include <fmt/format.h>

using namespace mlir;

namespace dyad {
namespace {

// What inputs are drawn from without a declared range, within what calibrate-ranges guesses.
constexpr double kDefaultRange = 255;

/// Sums of an output over samples, or of one node's result.
struct Difference {
  double count = 0, value = 0, square = 0, error = 0;
  size_t wrong = 0, decided = 0; ///< indices

  void add(double wanted, double got) {
    count += 1;
    value += wanted;
    square += wanted * wanted;
    error += (got - wanted) * (got - wanted);
  }
  /// The error as a part of the size; 0 where there is none.
  double ofSize() const { return error == 0 ? 0 : std::sqrt(error / square); }
  /// The same of the spread. What floats make of a constant is no spread.
  double ofSpread() const {
    constexpr double kConstant = 1e-12;
    const double spread = square - value * value / count;
    return error == 0 || spread <= kConstant * square ? ofSize() : std::sqrt(error / spread);
  }
};

class Comparison {
public:
  Comparison(ModuleOp floats, ModuleOp fixed, const Samples &samples)
      : floats_(floats), fixed_(fixed), samples_(samples) {
    fixed.walk(
        [&](fx::InputOp input) { shapes_[input.getName().str()] = shapeOf(input.getResult()); });
  }

  LogicalResult run() {
    FailureOr<NnInterpreter> model = NnInterpreter::create(floats_);
    FailureOr<FxInterpreter> program = FxInterpreter::create(fixed_);
    if (failed(model) || failed(program))
      return failure();
    FloatTensors floatStates;
    FxStates fixedStates;
    for (size_t sample = 0; sample < samples_.count; ++sample) {
      const FloatTensors inputs = inputsOf(shapes_, samples_, sample);
      FailureOr<NnValues> wanted = model->run(inputs, {}, &floatStates);
      FailureOr<FxRun> got = program->run(inputs, FxMode::kCollect, {}, &fixedStates);
      if (failed(wanted) || failed(got))
        return failure();
      if (got->violations.empty())
        add(*wanted, *got);
    }
    return judge(*model, *program);
  }

private:
  void add(const NnValues &wanted, const FxRun &got) {
    for (const auto &[name, output] : got.outputs) {
      const auto found = wanted.find(name);
      if (found == wanted.end())
        continue;
      Difference &sum = outputs_[name];
      if (const auto *floats = std::get_if<clear::Tensor<float>>(&found->second)) {
        for (size_t i = 0; i < floats->data.size(); ++i)
          sum.add(floats->data[i],
                  std::ldexp(static_cast<double>(output.integers.data[i]), -output.fraction));
      } else {
        const auto &indices = std::get<clear::Tensor<std::int64_t>>(found->second).data;
        for (size_t i = 0; i < indices.size(); ++i)
          sum.wrong += output.integers.data[i] == indices[i] ? 0 : 1;
        sum.decided += indices.size();
      }
    }
  }

  LogicalResult judge(const NnInterpreter &model, const FxInterpreter &program) {
    constexpr double kRefused = 0.5, kRefusedOfDrawn = 0.9, kWarned = 0.05;
    const double most = samples_.isDrawn ? kRefusedOfDrawn : kRefused;
    LogicalResult result = success();
    for (const auto &[name, sum] : outputs_) {
      const bool isWrong = 2 * sum.wrong > sum.decided;
      std::string found;
      if (sum.decided != 0)
        found =
            fmt::format("{} of {} indices of output '{}' are wrong", sum.wrong, sum.decided, name);
      else
        found = fmt::format("output '{}' differs from the float model's by {:.3g} % of its size",
                            name, 100 * sum.ofSize());
      found += samples_.isDrawn ? " on drawn inputs" : " on the calibration samples";
      if (sum.ofSize() >= most || (isWrong && !samples_.isDrawn)) {
        const auto [op, part] = culprit(model, program);
        op->emitError(fmt::format(
            "{}the numbers are too coarse for what it computes: {}; give it more fraction bits "
            "(a larger --scale or --weight-scale, or auto), or bring the magnitudes of weights and "
            "inputs nearer to 1",
            part.empty() ? "" : part + ", ", found));
        result = failure();
      } else if (sum.ofSpread() >= kRefused || sum.ofSize() >= kWarned || isWrong) {
        fixed_.emitWarning(
            fmt::format("{}, {:.3g} % of how much it varies; more fraction bits make "
                        "it smaller (dyad verify names the nodes)",
                        found, 100 * sum.ofSpread()));
      }
    }
    return result;
  }

  // The first operation of fx whose result is wrong by half of its size or more, on the first
  // sample that shows one; the first output where none is.
  std::pair<Operation *, std::string> culprit(const NnInterpreter &model,
                                              const FxInterpreter &program) {
    constexpr double kDeparted = 0.5;
    std::pair<Operation *, std::string> first;
    for (size_t sample = 0; sample < samples_.count && first.first == nullptr; ++sample) {
      std::map<std::pair<std::string, clear::Shape>, std::vector<float>> wanted;
      auto keep = [&](Value value, const clear::Tensor<float> &tensor) {
        wanted[{nodeName(value.getDefiningOp()).str(), tensor.shape}] = tensor.data;
      };
      // Of several results under a name the last one counts, in both programs.
      llvm::MapVector<Operation *, double> errors;
      std::map<std::pair<std::string, clear::Shape>, Operation *> last;
      auto compare = [&](Value value, const clear::Tensor<std::int64_t> &tensor) {
        Operation *op = value.getDefiningOp();
        const std::pair key(nodeName(op).str(), tensor.shape);
        const auto found = wanted.find(key);
        if (isa<fx::ConstantOp>(op) || found == wanted.end())
          return;
        Difference sum;
        for (size_t i = 0; i < found->second.size(); ++i)
          sum.add(found->second[i], std::ldexp(static_cast<double>(tensor.data[i]),
                                               -fx::fixedType(value).getFraction()));
        errors[op] = sum.ofSize();
        if (auto [at, isNew] = last.try_emplace(key, op); !isNew) {
          errors.erase(at->second);
          at->second = op;
        }
      };
      if (failed(model.run(inputsOf(shapes_, samples_, sample), keep)) ||
          failed(program.run(inputsOf(shapes_, samples_, sample), FxMode::kCollect, compare)))
        break;
      for (const auto &[op, error] : errors)
        if (first.first == nullptr && error >= kDeparted)
          first = {op, fmt::format("its result is wrong by {:.3g} %", 100 * error)};
    }
    if (first.first == nullptr)
      fixed_.walk([&](fx::OutputOp output) {
        if (first.first == nullptr)
          first.first = output;
      });
    return first;
  }

  ModuleOp floats_;
  ModuleOp fixed_;
  const Samples &samples_;
  std::map<std::string, clear::Shape> shapes_;
  std::map<std::string, Difference> outputs_;
};

} // namespace

Samples outputSamples(ModuleOp floats, const Samples *loaded) {
  Samples few = fewSamples(floats, loaded);
  return loaded != nullptr ? few : drawSamples(floats, kDefaultRange, few.count);
}

LogicalResult checkOutputs(ModuleOp floats, ModuleOp fixed, const Samples &samples) {
  return Comparison(floats, fixed, samples).run();
}

} // namespace dyad
