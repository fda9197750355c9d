// SPDX-License-Identifier: Apache-2.0
// See plan.h.
#include "runtime/he/plan.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace dyad::he {
namespace {

// A product counts as so many bytes: enough to prefer fewer of them among plans of the same size.
constexpr std::uint64_t kBytesPerProduct = 64;
// Seed of a ciphertext's uniform half.
constexpr std::uint64_t kSeedBytes = 16;

std::uint64_t ceilDiv(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

// The sizes that cut `total` into n pieces as evenly as possible, for all n; descending.
std::vector<std::uint64_t> evenSizes(std::uint64_t total, std::uint64_t most) {
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t size = std::min(total, most); size > 0;) {
    size = ceilDiv(total, ceilDiv(total, size));
    sizes.push_back(size);
    --size;
  }
  return sizes;
}

Demand demandFor(const LinearSpec &spec, std::uint64_t filtersAtOnce) {
  return {spec.bits, spec.weightSigned ? std::max(spec.weightBits, 1U) - 1 : spec.weightBits,
          spec.channels * spec.kernel[0] * spec.kernel[1] * filtersAtOnce};
}

std::optional<LinearPlan> search(const LinearSpec &spec) {
  std::optional<LinearPlan> best;
  std::uint64_t bestScore = 0;
  const PhaseAxis rows = phaseAxis(spec.kernel[0], spec.strides[0], spec.dilations[0]);
  const PhaseAxis columns = phaseAxis(spec.kernel[1], spec.strides[1], spec.dilations[1]);
  const std::uint64_t phases = rows.phases.size() * columns.phases.size();
  const std::uint64_t channels = spec.channels * phases;
  for (const ParameterSet &set : parameterSets()) {
    if (!budgetFor(set, demandFor(spec, 1)))
      continue;
    const std::uint64_t degree = set.degree;
    for (const std::uint64_t tileRows : evenSizes(spec.output[0], degree))
      for (const std::uint64_t tileColumns : evenSizes(spec.output[1], degree)) {
        LinearPlan plan;
        plan.set = set.id;
        plan.phases = phases;
        plan.tile = {tileRows, tileColumns};
        plan.window = {tileRows + rows.extent - 1, tileColumns + columns.extent - 1};
        plan.tiles = {ceilDiv(spec.output[0], tileRows), ceilDiv(spec.output[1], tileColumns)};
        if (plan.plane() > degree)
          continue;
        for (const std::uint64_t together : evenSizes(channels, degree / plan.plane())) {
          plan.channelsAtOnce = together;
          plan.inputs = ceilDiv(channels, together);
          std::uint64_t filters = std::min(spec.filters, degree / plan.plane() / together);
          std::optional<Budget> budget;
          for (; filters > 0 && !budget; filters = budget ? filters : filters / 2)
            budget = budgetFor(set, demandFor(spec, filters));
          if (!budget)
            continue;
          plan.outputs = ceilDiv(spec.filters, filters);
          plan.filtersAtOnce = ceilDiv(spec.filters, plan.outputs);
          plan.budget = *budgetFor(set, demandFor(spec, plan.filtersAtOnce));
          const std::uint64_t score = plan.uploadBytes(spec) + plan.replyBytes(spec) +
                                      kBytesPerProduct * plan.products(spec);
          if (best && bestScore <= score)
            continue;
          best = plan;
          bestScore = score;
        }
      }
  }
  return best;
}

} // namespace

PhaseAxis phaseAxis(std::uint64_t kernel, std::uint64_t stride, std::uint64_t dilation) {
  PhaseAxis axis;
  for (std::uint64_t k = 0; k < kernel; ++k) {
    const std::uint64_t phase = k * dilation % stride;
    const auto at = std::find(axis.phases.begin(), axis.phases.end(), phase);
    axis.phaseOf.push_back(static_cast<std::size_t>(at - axis.phases.begin()));
    if (at == axis.phases.end())
      axis.phases.push_back(phase);
    axis.offset.push_back(k * dilation / stride);
    axis.extent = std::max(axis.extent, axis.offset.back() + 1);
  }
  return axis;
}

std::uint64_t LinearPlan::origin(const LinearSpec &) const {
  return plane() * (channelsAtOnce - 1) + window[1] * (window[0] - tile[0]) + window[1] - tile[1];
}

std::uint64_t LinearPlan::uploadBytes(const LinearSpec &spec) const {
  const ParameterSet &parameters = parameterSet(set);
  return kSeedBytes +
         (positions(spec) * inputs * parameters.degree * parameters.modulusBits() + 7) / 8;
}

std::uint64_t LinearPlan::replyBytes(const LinearSpec &spec) const {
  const std::uint64_t used =
      spec.groups * spec.images * spec.filters * spec.output[0] * spec.output[1];
  return (positions(spec) * outputs * parameterSet(set).degree * (spec.bits + budget.extraBits) +
          used * (spec.bits + kKeptBits) + 7) /
         8;
}

std::optional<LinearPlan> planFor(const LinearSpec &spec) {
  if (spec.empty())
    return std::nullopt;
  // Asked for again and again by cost models, and by both a program's set-up and its steps.
  static std::mutex mutex;
  static std::map<LinearSpec, std::optional<LinearPlan>> known;
  {
    const std::lock_guard lock(mutex);
    if (const auto at = known.find(spec); at != known.end())
      return at->second;
  }
  std::optional<LinearPlan> plan = search(spec);
  const std::lock_guard lock(mutex);
  return known.emplace(spec, plan).first->second;
}

} // namespace dyad::he
