// SPDX-License-Identifier: Apache-2.0
// See he_cost.h.
#include "runtime/he/he_cost.h"

#include "runtime/net/error.h"

namespace dyad::he {

Cost keyCost(std::span<const unsigned> sets) {
  std::uint64_t bytes = 0;
  for (const unsigned id : sets) {
    const ParameterSet &set = parameterSet(id);
    bytes += 16 + (std::uint64_t{set.degree} * set.modulusBits() + 7) / 8;
  }
  Cost cost;
  if (bytes != 0)
    cost.ticks.push_back({bytes, 0});
  return cost;
}

Cost linearCost(const LinearSpec &spec) {
  if (spec.empty())
    return {};
  const std::optional<LinearPlan> plan = planFor(spec);
  DYAD_REQUIRE(plan.has_value(), kOutOfRange,
               "no RLWE parameters of 128-bit security are exact for {} terms modulo 2^{} with "
               "weights of {} bits",
               spec.channels * spec.kernel[0] * spec.kernel[1], spec.bits, spec.weightBits);
  Cost cost;
  cost.ticks.push_back({plan->uploadBytes(spec), 0});
  cost.ticks.push_back({0, plan->replyBytes(spec)});
  return cost;
}

double computeSeconds(const LinearSpec &spec) {
  const std::optional<LinearPlan> plan = planFor(spec);
  if (!plan)
    return 0;
  const ParameterSet &set = parameterSet(plan->set);
  const double size = static_cast<double>(set.degree) * set.primes;
  const auto positions = static_cast<double>(plan->positions(spec));
  // Of a coefficient modulo a prime: products accumulate, weights are transformed once for all
  // tiles of a group, and ciphertexts are made and answered.
  constexpr double kProduct = 0.4e-9;
  constexpr double kTransform = 1.5e-9;
  constexpr double kCiphertext = 40e-9;
  const double weights = static_cast<double>(spec.groups * plan->inputs * plan->outputs);
  return size * (kProduct * static_cast<double>(plan->products(spec)) + kTransform * weights +
                 kCiphertext * positions * static_cast<double>(plan->inputs + plan->outputs));
}

} // namespace dyad::he
