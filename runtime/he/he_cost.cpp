// SPDX-License-Identifier: Apache-2.0
// See he_cost.h.
#include "runtime/he/he_cost.h"

#include "runtime/net/error.h"

#include <bit>
#include <map>

namespace dyad::he {

std::vector<KeyNeed> merged(std::span<const KeyNeed> needs) {
  std::map<unsigned, unsigned> steps;
  for (const KeyNeed &need : needs)
    steps[need.set] |= need.steps;
  std::vector<KeyNeed> result;
  for (const auto &[set, bits] : steps)
    result.push_back({set, bits});
  return result;
}

Cost keyCost(std::span<const KeyNeed> needs) {
  std::uint64_t bytes = 0;
  for (const KeyNeed &need : needs) {
    const ParameterSet &set = parameterSet(need.set);
    const std::uint64_t modulus = set.modulusBits();
    const auto galois = static_cast<unsigned>(std::popcount(need.steps));
    bytes += 16 + set.degree / 8 * (modulus + galois * (modulus + set.specialModulusBits()));
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

double computeSeconds(const LinearSpec &spec, const MachineProfile &machine) {
  const std::optional<LinearPlan> plan = planFor(spec);
  return plan ? 1e-12 * static_cast<double>(plan->picoseconds(spec, machine)) : 0;
}

double encryptSeconds(const LinearSpec &spec, const MachineProfile &machine) {
  MachineProfile inputsOnly;
  for (const MachineField &field : machineFields())
    inputsOnly.*field.member = 0;
  inputsOnly.heInput = machine.heInput;
  return computeSeconds(spec, inputsOnly);
}

double keySeconds(std::span<const KeyNeed> needs, const MachineProfile &machine) {
  std::uint64_t sum = 0;
  for (const KeyNeed &need : merged(needs)) {
    const ParameterSet &set = parameterSet(need.set);
    const auto galois = static_cast<std::uint64_t>(std::popcount(need.steps));
    // A Galois key has a part for each prime.
    sum += set.degree * machine.heKey *
           (set.primes + galois * set.primes * (set.primes + set.specials));
  }
  return 1e-12 * static_cast<double>(sum);
}

} // namespace dyad::he
