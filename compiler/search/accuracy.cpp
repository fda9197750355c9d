// SPDX-License-Identifier: Apache-2.0
// See accuracy.h.
#include "compiler/search/accuracy.h"

#include "ir/eval/fx_interpreter.h"
#include "ir/eval/nn_interpreter.h"
#include "ir/fx/owner.h"
#include "ir/nn/nn.h"

#include "llvm/ADT/DenseMap.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <fmt/format.h>
#include <mutex>
#include <thread>

using namespace mlir;

namespace dyad::compiler {
namespace {

// No output of a model has these in its name.
constexpr const char *kStatePrefix = "\nstate ";
constexpr const char *kScoresPrefix = "\nscores ";
// Scores whose error is larger than this share of their spread are of no use, whatever they decide.
constexpr double kMostError = 0.1;
// The samples that a search sees are not those that count.
constexpr double kShareOfAllowed = 0.25;

template <typename Op> std::map<std::string, clear::Shape> shapesOf(ModuleOp module) {
  std::map<std::string, clear::Shape> shapes;
  module.walk([&](Op input) { shapes[input.getName().str()] = shapeOf(input.getResult()); });
  return shapes;
}

// Elements that differ along `axis` only, next to each other.
template <typename T>
std::vector<T> rowsAlong(const std::vector<T> &values, const clear::Shape &shape,
                         std::int64_t axis) {
  std::int64_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < shape.size(); ++i)
    inner *= shape[i];
  const std::int64_t length = shape[static_cast<std::size_t>(axis)];
  std::vector<T> rows;
  rows.reserve(values.size());
  const auto outer = static_cast<std::int64_t>(values.size()) / std::max<std::int64_t>(length, 1) /
                     std::max<std::int64_t>(inner, 1);
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t i = 0; i < inner; ++i)
      for (std::int64_t k = 0; k < length; ++k)
        rows.push_back(values[static_cast<std::size_t>((o * length + k) * inner + i)]);
  return rows;
}

/// Operands of arg-max operations, by a name for each: k-th of nn is k-th of fx.
template <typename Op>
llvm::DenseMap<Value, std::vector<std::pair<std::string, Op>>> scoresOf(ModuleOp module) {
  llvm::DenseMap<Value, std::vector<std::pair<std::string, Op>>> scores;
  std::size_t count = 0;
  module.walk([&](Op op) {
    scores[op.getInput()].push_back({fmt::format("{}{}", kScoresPrefix, count++), op});
  });
  return scores;
}

std::int64_t largestOf(const float *row, std::int64_t length) {
  return std::max_element(row, row + length) - row;
}

double tail(double x) { return 0.5 * std::erfc(x / std::sqrt(2.0)); }

} // namespace

double Accuracy::mostSpent() const {
  double most = 0;
  for (const auto &[name, value] : spent)
    most = std::max(most, value);
  return most;
}

FailureOr<AccuracyJudge> AccuracyJudge::create(ModuleOp module, AccuracyGoal goal,
                                               const Samples &samples) {
  AccuracyJudge judge(std::move(goal), samples);
  if (failed(judge.runFloats(module)))
    return failure();
  if (judge.allowedShare() && judge.rows_.empty() && judge.indices_.front().empty())
    return module.emitError("nothing in the model decides: it has no output of several scores and "
                            "no arg-max; give --max-error instead of --min-agreement or "
                            "--max-accuracy-loss");
  if (!judge.goal_.labels.empty() && judge.goal_.labels.size() != samples.count)
    return module.emitError(fmt::format("--labels has {} labels for {} samples",
                                        judge.goal_.labels.size(), samples.count));
  judge.setTolerances();
  return judge;
}

LogicalResult AccuracyJudge::runFloats(ModuleOp module) {
  inputs_ = shapesOf<nn::InputOp>(module);
  FailureOr<NnInterpreter> program = NnInterpreter::create(module);
  if (failed(program))
    return failure();
  const auto scores = scoresOf<nn::ArgMaxOp>(module);
  FloatTensors states;
  for (std::size_t i = 0; i < samples_.count; ++i) {
    Floats &floats = floats_.emplace_back();
    auto &indices = indices_.emplace_back();
    auto observe = [&](Value value, const clear::Tensor<float> &tensor) {
      if (auto found = scores.find(value); found != scores.end())
        for (const auto &[name, op] : found->second) {
          const auto axis = static_cast<std::int64_t>(const_cast<nn::ArgMaxOp &>(op).getAxis());
          floats[name] = rowsAlong(tensor.data, tensor.shape, axis);
          rows_[name] = tensor.shape[static_cast<std::size_t>(axis)];
        }
    };
    FailureOr<NnValues> run = program->run(inputsOf(inputs_, samples_, i), observe, &states);
    if (failed(run))
      return failure();
    for (const auto &[name, value] : *run)
      if (const auto *tensor = std::get_if<clear::Tensor<float>>(&value)) {
        floats[name] = tensor->data;
        std::int64_t length = 1;
        for (std::int64_t size : tensor->shape)
          length = size > 1 ? size : length;
        if (length > 1 && scores.empty())
          rows_[name] = length;
      } else {
        indices[name] = std::get<clear::Tensor<std::int64_t>>(value).data;
      }
    for (const auto &[name, state] : states)
      floats[kStatePrefix + name] = state.data;
  }
  return success();
}

std::optional<double> AccuracyJudge::allowedShare() const {
  if (!goal_.minAgreement && !goal_.maxAccuracyLoss)
    return std::nullopt;
  const double byAgreement = goal_.minAgreement ? 1 - *goal_.minAgreement : 1;
  return std::min(byAgreement, goal_.maxAccuracyLoss.value_or(1));
}

bool AccuracyJudge::counts(std::size_t sample, std::int64_t decision) const {
  // What the float model gets wrong cannot get worse.
  return goal_.labels.empty() || goal_.minAgreement || goal_.labels[sample] == decision;
}

double AccuracyJudge::flipsAt(const std::string &name, double deviation) const {
  const std::int64_t length = rows_.at(name);
  double sum = 0;
  double count = 0;
  for (std::size_t i = 0; i < floats_.size(); ++i) {
    const std::vector<float> &values = floats_[i].at(name);
    for (std::size_t at = 0; at + static_cast<std::size_t>(length) <= values.size();
         at += static_cast<std::size_t>(length)) {
      const float *row = values.data() + at;
      const std::int64_t best = largestOf(row, length);
      count += 1;
      if (!counts(i, best))
        continue;
      double flips = 0;
      for (std::int64_t k = 0; k < length; ++k)
        if (k != best)
          flips += tail((row[best] - row[k]) / (std::sqrt(2.0) * deviation));
      sum += std::min(flips, 1.0);
    }
  }
  return count == 0 ? 0 : sum / count;
}

void AccuracyJudge::setTolerances() {
  constexpr double kDefault = 0.0075; // as nn-to-fx has it
  std::map<std::string, std::array<double, 3>> sums;
  for (const Floats &floats : floats_)
    for (const auto &[name, values] : floats)
      for (float value : values) {
        auto &[count, sum, square] = sums[name];
        count += 1;
        sum += value;
        square += static_cast<double>(value) * value;
      }
  const std::optional<double> allowed = allowedShare();
  for (const auto &[name, moments] : sums) {
    const auto &[count, sum, square] = moments;
    const double mean = sum / count;
    double variance = square / count - mean * mean;
    if (variance <= 1e-12 * square / count) // a constant: its size counts
      variance = square / count;
    spreads_[name] = std::sqrt(variance);
    const bool isScore = name.starts_with(kScoresPrefix);
    double tolerance = goal_.maxError.value_or(kDefault);
    if (allowed && rows_.contains(name)) {
      // Bisection: the share that flips grows with the deviation.
      double low = 0;
      double high = kMostError * spreads_[name];
      if (flipsAt(name, high) <= kShareOfAllowed * *allowed)
        low = high;
      for (int step = 0; step < 50 && low < high; ++step) {
        const double middle = (low + high) / 2;
        (flipsAt(name, middle) <= kShareOfAllowed * *allowed ? low : high) = middle;
      }
      const double byDecisions = spreads_[name] > 0 ? low / spreads_[name] : kMostError;
      tolerance = goal_.maxError && !isScore ? std::min(tolerance, byDecisions) : byDecisions;
    } else if (isScore) {
      continue; // outputs are judged, not what they come from
    }
    tolerances_[name] = std::max(tolerance, 1e-9);
  }
}

double AccuracyJudge::tolerance() const {
  double least = kMostError;
  for (const auto &[name, tolerance] : tolerances_)
    least = std::min(least, tolerance);
  return least;
}

std::string AccuracyJudge::fingerprint() const {
  std::string text;
  for (const Floats &floats : floats_)
    for (const auto &[name, values] : floats)
      text.append(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float));
  for (const auto &[name, tolerance] : tolerances_)
    text += fmt::format("{} {}\n", name, tolerance);
  return text;
}

FailureOr<Accuracy> AccuracyJudge::judge(ModuleOp fxModule, std::size_t count) const {
  FailureOr<FxInterpreter> program = FxInterpreter::create(fxModule);
  if (failed(program))
    return failure();
  const auto scores = scoresOf<fx::ArgMaxOp>(fxModule);
  std::map<std::string, int> fractions;
  fxModule.walk([&](fx::StateOp state) {
    fractions[state.getName().str()] = fx::fixedType(state.getResult()).getFraction();
  });
  Accuracy accuracy;
  std::map<std::string, std::pair<double, double>> sums; // squares of errors, elements
  std::mutex mutex;
  bool isExecuted = true;

  auto runSample = [&](std::size_t i, FxStates *states) {
    Floats found;
    auto observe = [&](Value value, const clear::Tensor<std::int64_t> &tensor) {
      auto at = scores.find(value);
      if (at == scores.end())
        return;
      const double unit = std::ldexp(1.0, -fx::fixedType(value).getFraction());
      for (const auto &[name, op] : at->second) {
        std::vector<float> &floats = found[name];
        for (std::int64_t x :
             rowsAlong(tensor.data, tensor.shape,
                       static_cast<std::int64_t>(const_cast<fx::ArgMaxOp &>(op).getAxis())))
          floats.push_back(static_cast<float>(static_cast<double>(x) * unit));
      }
    };
    FailureOr<FxRun> run =
        program->run(inputsOf(inputs_, samples_, i), FxMode::kCollect, observe, states);
    const std::lock_guard<std::mutex> lock(mutex);
    if (failed(run)) {
      isExecuted = false;
      return;
    }
    accuracy.violations += run->violations.size();
    for (const auto &[name, output] : run->outputs)
      found[name] = output.floats().data;
    if (states != nullptr)
      for (const auto &[name, integers] : *states)
        found[kStatePrefix + name] = FxOutput{integers, fractions.at(name)}.floats().data;
    for (const auto &[name, values] : floats_[i]) {
      auto at = found.find(name);
      if (at == found.end() || at->second.size() != values.size()) {
        isExecuted = isExecuted && name.starts_with(kScoresPrefix);
        continue;
      }
      auto &[square, elements] = sums[name];
      for (std::size_t k = 0; k < values.size(); ++k) {
        const double error = static_cast<double>(at->second[k]) - values[k];
        square += error * error;
      }
      elements += static_cast<double>(values.size());
      auto decides = rows_.find(name);
      if (decides == rows_.end())
        continue;
      const std::int64_t length = decides->second;
      for (std::size_t k = 0; k + static_cast<std::size_t>(length) <= values.size();
           k += static_cast<std::size_t>(length)) {
        const std::int64_t expected = largestOf(values.data() + k, length);
        ++accuracy.decisions;
        accuracy.differing +=
            counts(i, expected) && largestOf(at->second.data() + k, length) != expected;
      }
    }
    for (const auto &[name, indices] : indices_[i]) {
      auto at = run->outputs.find(name);
      if (at == run->outputs.end() || at->second.integers.data.size() != indices.size()) {
        isExecuted = false;
        continue;
      }
      for (std::size_t k = 0; k < indices.size(); ++k) {
        ++accuracy.decisions;
        accuracy.differing +=
            counts(i, indices[k]) && at->second.integers.data[k] != indices[k] ? 1 : 0;
      }
    }
  };

  count = std::min(count, samples_.count);
  if (fractions.empty()) {
    std::atomic<std::size_t> next = 0;
    auto work = [&] {
      for (std::size_t i = next++; i < count; i = next++)
        runSample(i, nullptr);
    };
    std::vector<std::jthread> threads;
    for (unsigned t = 1; t < std::min<std::size_t>(std::thread::hardware_concurrency(), count); ++t)
      threads.emplace_back(work);
    work();
  } else { // windows of one recording, one after the other
    FxStates states;
    for (std::size_t i = 0; i < count; ++i)
      runSample(i, &states);
  }
  if (!isExecuted)
    return failure();
  for (const auto &[name, tolerance] : tolerances_) {
    const auto found = sums.find(name);
    if (found == sums.end())
      continue;
    const double spread = std::max(spreads_.at(name), 1e-30);
    const double error = std::sqrt(found->second.first / found->second.second) / spread;
    accuracy.spent[name] = (error / tolerance) * (error / tolerance);
    accuracy.error = std::max(accuracy.error, error);
  }
  return accuracy;
}

bool AccuracyJudge::isMet(const Accuracy &accuracy) const {
  if (accuracy.mostSpent() > 1 || accuracy.violations != 0)
    return false;
  const std::optional<double> allowed = allowedShare();
  return !allowed || static_cast<double>(accuracy.differing) <=
                         *allowed * static_cast<double>(accuracy.decisions);
}

} // namespace dyad::compiler
