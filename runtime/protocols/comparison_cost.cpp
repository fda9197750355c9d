// SPDX-License-Identifier: Apache-2.0
// See comparison_cost.h.
#include "runtime/protocols/comparison_cost.h"

#include <algorithm>

namespace dyad {
namespace {

std::vector<unsigned> splitDigits(unsigned bits, unsigned leafBits) {
  std::vector<unsigned> digits;
  for (unsigned at = 0; at < bits; at += leafBits)
    digits.push_back(std::min(leafBits, bits - at));
  return digits;
}

void addTotals(ComparisonPlan &plan) {
  for (unsigned j = 0; j < plan.digitBits.size(); ++j)
    plan.payloadPlanes += plan.leafPlanes(j);
  for (const ComparisonPlan::Level &level : plan.levels)
    plan.merges += level.pairs;
}

/// Bytes of a bit of each of n elements on the wire.
std::uint64_t planeBytes(std::uint64_t n) { return (n + 7) / 8; }

Cost planCost(std::uint64_t n, const ComparisonPlan &plan) {
  Cost cost;
  if (plan.payloadPlanes != 0)
    cost.then(bitTablesCost(Role::kServer, plan.tables(n)));
  for (const ComparisonPlan::Level &level : plan.levels) {
    const std::uint64_t bytes = level.planes * planeBytes(n);
    cost.then({{{bytes, bytes}}, level.pairs * n, level.pairs * n});
  }
  return cost;
}

} // namespace

unsigned ComparisonPlan::leafPlanes(unsigned j) const {
  const unsigned table = (1U << digitBits[j]) - 1;
  const bool equality = (j != 0 || lowestHasEquality) && digitBits[j] > 1;
  return ((leafHasOrder ? 1 : 0) + (equality ? 1 : 0)) * table;
}

std::vector<BitTable> ComparisonPlan::tables(std::uint64_t n) const {
  std::vector<BitTable> result;
  for (unsigned j = 0; j < digitBits.size(); ++j)
    if (leafPlanes(j) != 0)
      result.push_back({n, digitBits[j], leafPlanes(j) / ((1U << digitBits[j]) - 1)});
  return result;
}

ComparisonPlan ComparisonPlan::order(unsigned bits, bool withEquality, unsigned leafBits) {
  ComparisonPlan plan;
  plan.lowestHasEquality = withEquality;
  plan.digitBits = splitDigits(bits, leafBits);
  for (auto groups = static_cast<unsigned>(plan.digitBits.size()); groups > 1;
       groups = (groups + 1) / 2) {
    // A merge opens the shared operand and two others; the lowest group needs no equality bit.
    const unsigned pairs = groups / 2;
    plan.levels.push_back({groups, pairs, 3 * pairs - (withEquality ? 0 : 1)});
  }
  addTotals(plan);
  return plan;
}

ComparisonPlan ComparisonPlan::equality(unsigned bits, unsigned leafBits) {
  ComparisonPlan plan;
  plan.leafHasOrder = false;
  plan.lowestHasEquality = true;
  plan.digitBits = splitDigits(bits, leafBits);
  for (auto groups = static_cast<unsigned>(plan.digitBits.size()); groups > 1;
       groups = (groups + 1) / 2)
    plan.levels.push_back({groups, groups / 2, 2 * (groups / 2)});
  addTotals(plan);
  return plan;
}

Cost andCost(std::uint64_t n) { return {{{2 * planeBytes(n), 2 * planeBytes(n)}}, n, n}; }

Cost greaterThanCost(std::uint64_t n, unsigned bits) {
  return planCost(n, ComparisonPlan::order(bits, false));
}

Cost greaterAndEqualCost(std::uint64_t n, unsigned bits) {
  return planCost(n, ComparisonPlan::order(bits, true));
}

Cost equalCost(std::uint64_t n, unsigned bits) {
  return planCost(n, ComparisonPlan::equality(bits));
}

Cost wrapCost(std::uint64_t n, unsigned width) { return greaterThanCost(n, width); }
Cost carryCost(std::uint64_t n, unsigned shift) { return greaterThanCost(n, shift); }
Cost msbCost(std::uint64_t n, unsigned width) { return greaterThanCost(n, width - 1); }
Cost nonNegativeCost(std::uint64_t n, unsigned width) { return msbCost(n, width); }
Cost atLeastCost(std::uint64_t n, unsigned width) { return msbCost(n, width); }
Cost isZeroCost(std::uint64_t n, unsigned width) { return equalCost(n, width); }
Cost wrapFromMsbCost(std::uint64_t n) { return bitTablesCost(Role::kServer, {{n, 2, 1}}); }

} // namespace dyad
