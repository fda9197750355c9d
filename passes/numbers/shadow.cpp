// SPDX-License-Identifier: Apache-2.0
#include "passes/numbers/shadow.h"

#include "ir/fx/owner.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

using namespace mlir;

namespace dyad {

int bitsMissing(const FxViolation &violation) {
  return static_cast<int>(violation.bitsNeeded) - static_cast<int>(violation.bitsGiven);
}

FxInterpreter::Observer Shadow::observer() {
  return [this](Value value, const clear::Tensor<std::int64_t> &tensor) {
    if (!isSeenWanted_ || tensor.data.empty() || isa<fx::ConstantOp>(value.getDefiningOp()))
      return;
    const auto [low, high] = std::minmax_element(tensor.data.begin(), tensor.data.end());
    const auto [at, isNew] = seen_.try_emplace(value, SeenRange{*low, *high, 0, 0});
    if (!isNew) {
      at->second.low = std::min(at->second.low, *low);
      at->second.high = std::max(at->second.high, *high);
    }
    Magnitudes &magnitudes = magnitudes_[value];
    for (std::int64_t x : tensor.data)
      magnitudes.add(static_cast<float>(x));
  };
}

SeenRanges Shadow::seen() const {
  constexpr double kHalf = 50;
  constexpr double kMost = 99;
  SeenRanges seen = seen_;
  for (auto &[value, range] : seen) {
    const Magnitudes &magnitudes = magnitudes_.find(value)->second;
    range.median = magnitudes.percentile(kHalf);
    range.most = magnitudes.percentile(kMost);
  }
  return seen;
}

void Shadow::add(const FxRun &run) {
  ++samples_;
  for (const FxViolation &violation : run.violations) {
    auto at = llvm::find_if(departures_, [&](const Departure &known) {
      return known.worst.op == violation.op && known.worst.kind == violation.kind;
    });
    if (at == departures_.end()) {
      departures_.push_back({violation, 0, 0});
      at = departures_.end() - 1;
    }
    if (bitsMissing(violation) > bitsMissing(at->worst))
      at->worst = violation;
    at->elements += violation.count;
    ++at->samples;
  }
}

std::vector<Departure> Shadow::departures() const {
  std::vector<Departure> nodes;
  std::map<std::string, std::size_t> index;
  for (const Departure &one : departures_) {
    StringRef name = nodeName(one.worst.op);
    const auto [at, isNew] = index.try_emplace(
        name.empty() ? fmt::format("{}", fmt::ptr(one.worst.op)) : name.str(), nodes.size());
    if (isNew)
      nodes.push_back(one);
    else if (bitsMissing(nodes[at->second].worst) < bitsMissing(one.worst))
      nodes[at->second] = one;
  }
  llvm::stable_sort(nodes, [](const Departure &a, const Departure &b) {
    return a.worst.op != b.worst.op && a.worst.op->getBlock() == b.worst.op->getBlock() &&
           a.worst.op->isBeforeInBlock(b.worst.op);
  });
  return nodes;
}

std::string Shadow::extent(const Departure &departure) const {
  return fmt::format("{} element{} in {} of {} sample{}", departure.elements,
                     departure.elements == 1 ? "" : "s", departure.samples, samples_,
                     samples_ == 1 ? "" : "s");
}

} // namespace dyad
