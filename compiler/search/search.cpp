// SPDX-License-Identifier: Apache-2.0
// See search.h. A candidate is a number for each variable: bits more (or fewer) than at the start,
// where one number of bits serves all values and another all weights.
#include "compiler/search/search.h"

#include "compiler/search/evaluations.h"
#include "ir/eval/program.h"
#include "ir/nn/nn.h"
#include "passes/analysis/float_ranges.h"
#include "passes/cost/program_cost.h"
#include "passes/cost/time_model.h"
#include "passes/numbers/precision.h"
#include "passes/numbers/tie_steps.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/Support/xxhash.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>

using namespace mlir;

namespace dyad::compiler {
namespace {

using Candidate = std::vector<int>;

/// A number of the configuration that several keys may share.
struct Variable {
  std::vector<std::pair<std::string, std::int64_t>> nodes;  ///< key, number at the start
  std::vector<std::pair<std::string, std::int64_t>> inputs; ///< the same
  bool isWeight = false;
};

// Bits more than at the start, at which variables are measured, and those that the one in question
// has less: as many as it takes that its error stands out.
constexpr int kBase = 2;
constexpr int kDrops[] = {4, 8, 12, 16};
constexpr double kStandsOut = 0.02; // share of what is allowed
constexpr int kMost = 8;            // bits more than at the start
constexpr int kBeyond = 2;          // fewer than where a variable was measured
constexpr double kFourfold = 4;

class NumberSearch {
public:
  NumberSearch(ModuleOp module, const Samples &samples, const SearchOptions &options,
               const SearchStages &stages, Progress &progress)
      : module_(module), samples_(samples), options_(options), stages_(stages),
        progress_(progress) {}

  FailureOr<SearchResult> run();

private:
  LogicalResult start();
  void findVariables(const NumbersConfig &chosen, func::FuncOp function, ScaleGroups &groups,
                     const NodeKeys &keys);
  NumbersConfig configOf(const Candidate &candidate) const;
  std::optional<SearchPoint> compile(const Candidate &candidate, std::size_t count,
                                     NumbersConfig *chosen = nullptr);
  std::optional<SearchPoint> evaluate(const Candidate &candidate);
  bool isGood(const std::optional<SearchPoint> &point) const {
    return point && judge_->isMet(point->accuracy);
  }
  void measure();
  Candidate split(double budget) const;
  double predicted(const Candidate &candidate) const;
  void consider(const Candidate &candidate, const std::optional<SearchPoint> &point);
  void descend();
  std::string fingerprint(const NumbersConfig &chosen) const;
  void show();

  ModuleOp module_;
  const Samples &samples_;
  const SearchOptions &options_;
  const SearchStages &stages_;
  Progress &progress_;
  std::optional<AccuracyJudge> judge_;
  FittedFunctions fitted_;
  std::vector<Variable> variables_;
  NumbersConfig first_; ///< that the variables count from
  std::unique_ptr<Evaluations> evaluations_;
  std::size_t few_ = 0; ///< samples of an evaluation
  std::size_t done_ = 0, expected_ = 0;

  // What measuring found, by variable: seconds that a bit takes, and by output the square of the
  // error at kBase.
  std::vector<double> gains_;
  std::vector<int> least_; ///< fewest bits at which it was measured
  std::vector<std::map<std::string, double>> squares_;
  std::map<std::string, double> rest_;

  std::optional<SearchPoint> best_;
  Candidate bestCandidate_;
};

std::string hashed(const std::string &text) {
  return fmt::format("{:016x}", llvm::xxh3_64bits(text));
}

LogicalResult NumberSearch::start() {
  FailureOr<AccuracyJudge> judge = AccuracyJudge::create(module_, options_.goal, samples_);
  if (failed(judge))
    return failure();
  judge_.emplace(std::move(*judge));
  // Precision to start from, and what the samples of an evaluation may take.
  constexpr double kWork = 2e9;
  few_ = std::min(samples_.count,
                  static_cast<std::size_t>(std::clamp(kWork / workOf(module_), 2.0, 256.0)));
  Samples few = fewSamples(module_, &samples_);
  Precision precision = choosePrecision(module_, options_.numbers, few, judge_->tolerance());

  SymbolTable symbols(module_);
  auto function = *module_.getOps<func::FuncOp>().begin();
  NodeKeys keys(function);
  FloatRanges ranges(function, symbols);
  // More bits until the goal is reached.
  constexpr int kAttempts = 8;
  std::optional<SearchPoint> point;
  for (int attempt = 0; attempt < kAttempts && !isGood(point); ++attempt) {
    variables_.clear();
    first_ = options_.given;
    first_.weightWidths = WeightWidths::kValues;
    NumbersConfig chosen;
    OwningOpRef<ModuleOp> copy(module_.clone());
    NnToFxOptions numbers = options_.numbers;
    numbers.activationBits = precision.activationBits + attempt;
    numbers.weightBits = precision.weightBits + attempt;
    PassManager manager(module_.getContext());
    manager.addPass(createNnToFx(
        numbers, nullptr, {.config = &options_.given, .chosen = &chosen, .fitted = &fitted_}));
    if (failed(manager.run(*copy)))
      return failure();
    ScaleRule rule;
    rule.significantBits = numbers.activationBits;
    ScaleGroups groups(function, ranges, options_.given, keys, rule);
    findVariables(chosen, function, groups, keys);
    if (attempt == 0)
      evaluations_ = std::make_unique<Evaluations>(options_.evaluations, fingerprint(chosen));
    point = compile(Candidate(variables_.size(), 0), few_);
  }
  if (!isGood(point))
    return module_.emitError(fmt::format(
        "no scales reach the accuracy that is asked for: the best have an error of {:.3g} % of the "
        "outputs' spread, and {} of {} decisions are not the float model's; `dyad verify` shows "
        "where errors come from",
        point ? 100 * point->accuracy.error : 100.0, point ? point->accuracy.differing : 0,
        point ? point->accuracy.decisions : 0));
  evaluations_->add(Candidate(variables_.size(), 0), point);
  return success();
}

// Everything that numbers follow from: what was chosen at the start and the weights behind it, the
// samples and what is asked for.
std::string NumberSearch::fingerprint(const NumbersConfig &chosen) const {
  std::string text = options_.costs + chosen.toJson();
  for (const auto &[name, values] : samples_.values)
    text.append(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float));
  text += judge_->fingerprint();
  return hashed(text);
}

void NumberSearch::findVariables(const NumbersConfig &chosen, func::FuncOp function,
                                 ScaleGroups &groups, const NodeKeys &keys) {
  auto isGiven = [&](const std::string &name, auto member) {
    auto found = options_.given.nodes.find(name);
    return (found != options_.given.nodes.end() && found->second.*member) ||
           options_.given.defaults.*member;
  };
  const auto kinds = stepKinds(function.getBody().front());
  std::map<std::size_t, std::size_t> byKind; // variable of a kind of step
  for (const ScaleGroup &group : groups.groups(function, keys)) {
    bool isFree = !group.isFixed && !(group.nodes.empty() && group.inputs.empty());
    for (const std::string &node : group.nodes)
      isFree &= !isGiven(node, &NodeNumbers::scale);
    for (const std::string &input : group.inputs)
      isFree &= !options_.given.input(input).scale;
    if (!isFree)
      continue;
    std::size_t at = variables_.size();
    for (Operation *op : group.operations)
      if (auto kind = kinds.find(op); kind != kinds.end())
        at = std::min(at, byKind.try_emplace(kind->second, at).first->second);
    if (at == variables_.size())
      variables_.emplace_back();
    for (const std::string &node : group.nodes)
      variables_[at].nodes.emplace_back(node, group.fraction);
    for (const std::string &input : group.inputs)
      variables_[at].inputs.emplace_back(input, group.fraction);
  }
  for (const auto &[name, numbers] : chosen.inputs)
    if (numbers.channelShifts)
      first_.inputs[name].channelShifts = numbers.channelShifts;
  // Uses of one weight stay one weight.
  SymbolTable symbols(module_);
  std::map<std::string, std::size_t> byWeight;
  function.walk([&](Operation *op) {
    const std::string key = NumbersConfig::nodeKey(nodeName(op), keys.index(op));
    auto found = chosen.nodes.find(key);
    if (!keys.choosesScale(op) || found == chosen.nodes.end())
      return;
    if (found->second.channelShifts)
      first_.nodes[key].channelShifts = found->second.channelShifts;
    if (!found->second.weightScale || isGiven(key, &NodeNumbers::weightScale))
      return;
    std::string weights;
    for (Value operand : op->getOperands())
      if (nn::WeightOp weight = constantWeight(operand, symbols); weight && weights.empty())
        weights = weight.getSymName().str();
    const auto [at, isNew] =
        byWeight.try_emplace(weights.empty() ? "\n" + key : weights, variables_.size());
    if (isNew)
      variables_.emplace_back().isWeight = true;
    variables_[at->second].nodes.emplace_back(key, *found->second.weightScale);
  });
}

NumbersConfig NumberSearch::configOf(const Candidate &candidate) const {
  NumbersConfig config = first_;
  for (std::size_t i = 0; i < variables_.size(); ++i) {
    for (const auto &[key, number] : variables_[i].nodes)
      (variables_[i].isWeight ? config.nodes[key].weightScale : config.nodes[key].scale) =
          number + candidate[i];
    for (const auto &[name, number] : variables_[i].inputs)
      config.inputs[name].scale = number + candidate[i];
  }
  return config;
}

std::optional<SearchPoint> NumberSearch::compile(const Candidate &candidate, std::size_t count,
                                                 NumbersConfig *chosen) {
  // What does not compile is no candidate; the reasons interest nobody.
  ScopedDiagnosticHandler silent(module_.getContext(), [](Diagnostic &) { return success(); });
  const NumbersConfig config = configOf(candidate);
  OwningOpRef<ModuleOp> copy(module_.clone());
  if (failed(stages_.toFx(*copy, {.config = &config, .chosen = chosen, .fitted = &fitted_})))
    return std::nullopt;
  FailureOr<Accuracy> accuracy = judge_->judge(*copy, count);
  if (failed(accuracy) || failed(stages_.toMpc(*copy)))
    return std::nullopt;
  SearchPoint point;
  point.accuracy = std::move(*accuracy);
  for (const NodeStats &phase : costOf(*copy).phases) {
    point.seconds += phase.seconds;
    point.bytes += phase.bytesToServer + phase.bytesToClient;
    point.flows += phase.flows;
  }
  return point;
}

std::optional<SearchPoint> NumberSearch::evaluate(const Candidate &candidate) {
  ++done_;
  show();
  if (const auto *known = evaluations_->find(candidate)) {
    consider(candidate, *known);
    return *known;
  }
  std::optional<SearchPoint> point = compile(candidate, few_);
  evaluations_->add(candidate, point);
  evaluations_->save();
  consider(candidate, point);
  return point;
}

void NumberSearch::show() {
  std::string words = fmt::format("{} of about {} programs", done_, std::max(done_, expected_));
  if (best_)
    words += fmt::format(", best: {:.3g} MB, {:.3g} s", static_cast<double>(best_->bytes) * 1e-6,
                         best_->seconds);
  progress_.at(done_, std::max(done_, expected_), words);
}

void NumberSearch::consider(const Candidate &candidate, const std::optional<SearchPoint> &point) {
  if (isGood(point) && (!best_ || point->seconds < best_->seconds)) {
    best_ = point;
    bestCandidate_ = candidate;
  }
}

void NumberSearch::measure() {
  const Candidate base(variables_.size(), kBase);
  const std::optional<SearchPoint> all = evaluate(base);
  gains_.assign(variables_.size(), 0);
  squares_.assign(variables_.size(), {});
  least_.assign(variables_.size(), kBase);
  if (!all)
    return;
  rest_ = all->accuracy.spent;
  for (std::size_t i = 0; i < variables_.size(); ++i) {
    for (int drop : kDrops) {
      Candidate probe = base;
      probe[i] -= drop;
      const std::optional<SearchPoint> point = evaluate(probe);
      if (!point || point->accuracy.violations != 0)
        break; // fewer bits are not possible here: none are taken
      gains_[i] = std::max(gains_[i], (all->seconds - point->seconds) / drop);
      least_[i] = probe[i];
      const double growth = std::pow(kFourfold, drop) - 1;
      double most = 0;
      for (const auto &[output, spent] : point->accuracy.spent) {
        const double more = std::max(0.0, spent - all->accuracy.spent.at(output));
        squares_[i][output] = more / growth;
        most = std::max(most, more);
      }
      if (most > kStandsOut)
        break;
    }
    for (const auto &[output, square] : squares_[i])
      rest_[output] = std::max(0.0, rest_[output] - square);
  }
}

double NumberSearch::predicted(const Candidate &candidate) const {
  double most = 0;
  for (const auto &[output, rest] : rest_) {
    double sum = rest;
    for (std::size_t i = 0; i < variables_.size(); ++i)
      if (auto found = squares_[i].find(output); found != squares_[i].end())
        sum += found->second * std::pow(kFourfold, kBase - candidate[i]);
    most = std::max(most, sum);
  }
  return most;
}

// Bits are taken one by one, where an error costs the least for the seconds saved.
Candidate NumberSearch::split(double budget) const {
  Candidate candidate(variables_.size(), kBase);
  std::vector<bool> isDone(variables_.size());
  for (std::size_t i = 0; i < variables_.size(); ++i) {
    isDone[i] = gains_[i] <= 0;
    candidate[i] = isDone[i] ? kBase : kMost;
  }
  while (true) {
    std::size_t next = variables_.size();
    double bestRatio = 0;
    for (std::size_t i = 0; i < variables_.size(); ++i) {
      if (isDone[i])
        continue;
      double more = 1e-12;
      for (const auto &[output, square] : squares_[i])
        more = std::max(more, square * (kFourfold - 1) * std::pow(kFourfold, kBase - candidate[i]));
      if (const double ratio = gains_[i] / more; next == variables_.size() || ratio > bestRatio) {
        next = i;
        bestRatio = ratio;
      }
    }
    if (next == variables_.size())
      return candidate;
    --candidate[next];
    // What was not measured is not relied on.
    if (predicted(candidate) > budget || candidate[next] < least_[next] - kBeyond) {
      ++candidate[next];
      isDone[next] = true;
    }
  }
}

// One bit at a time, evaluated in full, where it saved most; until none is left that can be taken.
void NumberSearch::descend() {
  // Values that save nothing one by one, as their neighbours would have to be rescaled, may do so
  // together.
  for (int bits : {8, 4, 2, 1}) {
    Candidate fewer = bestCandidate_;
    for (std::size_t i = 0; i < fewer.size(); ++i)
      fewer[i] -= gains_[i] <= 0 && !variables_[i].isWeight ? bits : 0;
    if (fewer != bestCandidate_)
      evaluate(fewer);
  }
  std::vector<std::size_t> order(variables_.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return gains_[a] != gains_[b] ? gains_[a] > gains_[b] : a < b;
  });
  constexpr int kRounds = 3;
  constexpr int kPatience = 15; // what comes later promises less
  constexpr int kSteps[] = {1, 3, 6};
  std::vector<bool> isDone(variables_.size());
  for (int round = 0; round < kRounds; ++round) {
    expected_ = done_ + static_cast<std::size_t>(std::count(isDone.begin(), isDone.end(), false));
    bool isBetter = false;
    int inVain = 0;
    for (std::size_t i : order) {
      if (isDone[i] || inVain == kPatience)
        continue;
      const double before = best_->seconds;
      // Costs come in steps, errors do not: on as long as the goal is met.
      for (int bits : kSteps) {
        Candidate fewer = bestCandidate_;
        fewer[i] -= bits;
        if (!isGood(evaluate(fewer)) || best_->seconds < before)
          break;
      }
      isDone[i] = best_->seconds >= before;
      inVain = isDone[i] ? inVain + 1 : 0;
      isBetter |= !isDone[i];
    }
    if (!isBetter)
      return;
  }
}

FailureOr<SearchResult> NumberSearch::run() {
  const auto begin = std::chrono::steady_clock::now();
  if (failed(start()))
    return failure();
  SearchResult result;
  const Candidate zero(variables_.size(), 0);
  result.before = **evaluations_->find(zero);
  consider(zero, result.before);
  constexpr int kCorrections = 6;
  expected_ = 2 * variables_.size() + kCorrections + 1;
  measure();
  // What is spent is found to be more or less than predicted; the next budget is corrected by that.
  double budget = 0.95;
  for (int i = 0; i < kCorrections; ++i) {
    const Candidate candidate = split(budget);
    const std::optional<SearchPoint> point = evaluate(candidate);
    const double spent = point ? point->accuracy.mostSpent() : 4;
    constexpr double kNear = 0.9;
    if (isGood(point) && spent > kNear)
      break;
    double factor = std::clamp(0.96 / std::max(spent, 1e-3), 0.3, 3.0);
    if (spent <= 1 && !isGood(point))
      factor = 0.7; // a decision, or a value out of range
    budget *= factor;
  }
  descend();

  // All samples, more than the search could run.
  constexpr double kWork = 4e10;
  const auto all = std::min(
      samples_.count, static_cast<std::size_t>(std::clamp(kWork / workOf(module_), 4.0, 4096.0)));
  std::optional<SearchPoint> checked = compile(bestCandidate_, all);
  for (int i = 0; i < kCorrections && !isGood(checked); ++i) {
    for (int &bits : bestCandidate_)
      ++bits;
    checked = compile(bestCandidate_, all);
  }
  if (!isGood(checked))
    return module_.emitError("no scales that were found reach the accuracy that is asked for on "
                             "all samples");
  if (!evaluations_->save())
    return module_.emitError("cannot write '") << options_.evaluations << "'";
  result.after = *checked;
  result.config = configOf(bestCandidate_);
  result.evaluations = done_;
  result.restored = evaluations_->restored();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

} // namespace

FailureOr<SearchResult> searchNumbers(ModuleOp module, const Samples &samples,
                                      const SearchOptions &options, const SearchStages &stages,
                                      Progress &progress) {
  return NumberSearch(module, samples, options, stages, progress).run();
}

} // namespace dyad::compiler
