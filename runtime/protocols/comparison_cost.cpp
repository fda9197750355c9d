// SPDX-License-Identifier: Apache-2.0
// See comparison_cost.h.
#include "runtime/protocols/comparison_cost.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace dyad {
namespace {

/// Bytes of a bit of each of n elements on the wire.
std::uint64_t planeBytes(std::uint64_t n) { return (n + 7) / 8; }

Cost planCost(std::uint64_t n, const ComparisonPlan &plan) {
  Cost cost;
  if (const std::vector<BitTable> tables = plan.tables(n); !tables.empty())
    cost.then(bitTablesCost(Role::kServer, tables));
  for (const ComparisonPlan::Level &level : plan.levels) {
    const std::uint64_t bytes = level.planes * planeBytes(n);
    cost.then({{{bytes, bytes}}, level.pairs * n, level.pairs * n});
  }
  return cost;
}

/// What is minimised: thousandths of a bit, a correlated OT of the silent extension at its price.
constexpr std::uint64_t kBitWeight = 1000;
constexpr std::uint64_t kCotWeight = 211;

unsigned ceilLog2(unsigned x) { return x <= 1 ? 0 : static_cast<unsigned>(std::bit_width(x - 1)); }

/// Levels of a balanced tree over digits of `digit` bits.
unsigned levelsOf(unsigned bits, unsigned digit) { return ceilLog2((bits + digit - 1) / digit); }

std::uint64_t leafWeight(ComparisonPlan plan, unsigned bits, bool lowest) {
  plan.digitBits = {bits, bits};
  const unsigned planes = plan.leafPlanes(lowest ? 0 : 1);
  return planes == 0 ? 0 : (bits + planes) * kBitWeight + bits * kCotWeight;
}

/// The digits of a plan whose other members are set: the cheapest of all compositions of `bits`
/// into digits that so many levels merge.
std::vector<unsigned> cheapestDigits(const ComparisonPlan &plan, unsigned bits, Radix radix) {
  if (bits == 0)
    return {};
  constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
  const unsigned fewest = levelsOf(bits, kMaxDigitBits);
  const unsigned levels =
      std::max(fewest, levelsOf(bits, 2) - std::min(radix.levelsSaved, levelsOf(bits, 2)));
  const unsigned most = std::min(bits, 1U << levels);

  // Merges open the shared operand and one or two others, both ways; the lowest group needs no
  // equality unless the whole does, once a level.
  const unsigned others = plan.leafHasOrder ? 2 : 1;
  const std::uint64_t merge = 2 * (1 + others) * kBitWeight + 2 * kCotWeight;
  const std::uint64_t saved = plan.lowestHasEquality ? 0 : 2 * kBitWeight;

  // best[q][b]: q upper digits of b bits in all; last[q][b]: the largest of them.
  std::vector<std::vector<std::uint64_t>> best(most, std::vector<std::uint64_t>(bits + 1, kNone));
  std::vector<std::vector<unsigned>> last(most, std::vector<unsigned>(bits + 1));
  best[0][0] = 0;
  for (unsigned q = 1; q < most; ++q)
    for (unsigned b = q; b <= bits; ++b)
      for (unsigned digit = 1; digit <= std::min(b, kMaxDigitBits); ++digit) {
        const std::uint64_t rest = best[q - 1][b - digit];
        if (rest == kNone)
          continue;
        const std::uint64_t weight = rest + leafWeight(plan, digit, false) + merge;
        if (weight < best[q][b]) {
          best[q][b] = weight;
          last[q][b] = digit;
        }
      }

  std::uint64_t least = kNone;
  std::vector<unsigned> digits;
  for (unsigned lowest = 1; lowest <= std::min(bits, kMaxDigitBits); ++lowest)
    for (unsigned q = 0; q < most; ++q) {
      if (best[q][bits - lowest] == kNone)
        continue;
      const std::uint64_t weight =
          best[q][bits - lowest] + leafWeight(plan, lowest, true) - ceilLog2(q + 1) * saved;
      if (weight >= least)
        continue;
      least = weight;
      digits = {lowest};
      for (unsigned at = q, b = bits - lowest; at > 0; b -= last[at][b], --at)
        digits.push_back(last[at][b]);
    }
  return digits;
}

void addLevels(ComparisonPlan &plan) {
  const unsigned planes = plan.leafHasOrder ? 3 : 2;
  const unsigned saved = plan.lowestHasEquality ? 0 : 1;
  for (auto groups = static_cast<unsigned>(plan.digitBits.size()); groups > 1;
       groups = (groups + 1) / 2)
    plan.levels.push_back({groups, groups / 2, planes * (groups / 2) - saved});
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

ComparisonPlan ComparisonPlan::order(unsigned bits, bool withEquality, Radix radix) {
  ComparisonPlan plan;
  plan.lowestHasEquality = withEquality;
  plan.digitBits = cheapestDigits(plan, bits, radix);
  addLevels(plan);
  return plan;
}

ComparisonPlan ComparisonPlan::equality(unsigned bits, Radix radix) {
  ComparisonPlan plan;
  plan.leafHasOrder = false;
  plan.lowestHasEquality = true;
  plan.digitBits = cheapestDigits(plan, bits, radix);
  addLevels(plan);
  return plan;
}

Cost andCost(std::uint64_t n) { return {{{2 * planeBytes(n), 2 * planeBytes(n)}}, n, n}; }
Cost andPairCost(std::uint64_t n) { return {{{3 * planeBytes(n), 3 * planeBytes(n)}}, n, n}; }

Cost greaterThanCost(std::uint64_t n, unsigned bits, Radix radix) {
  return planCost(n, ComparisonPlan::order(bits, false, radix));
}

Cost greaterAndEqualCost(std::uint64_t n, unsigned bits, Radix radix) {
  return planCost(n, ComparisonPlan::order(bits, true, radix));
}

Cost equalCost(std::uint64_t n, unsigned bits, Radix radix) {
  return planCost(n, ComparisonPlan::equality(bits, radix));
}

Cost wrapCost(std::uint64_t n, unsigned width, Radix radix) {
  return greaterThanCost(n, width, radix);
}
Cost carryCost(std::uint64_t n, unsigned shift, Radix radix) {
  return greaterThanCost(n, shift, radix);
}
Cost msbCost(std::uint64_t n, unsigned width, Radix radix) {
  return greaterThanCost(n, width - 1, radix);
}
Cost nonNegativeCost(std::uint64_t n, unsigned width, Radix radix) {
  return msbCost(n, width, radix);
}
Cost atLeastCost(std::uint64_t n, unsigned width, Radix radix) { return msbCost(n, width, radix); }
Cost isZeroCost(std::uint64_t n, unsigned width, Radix radix) { return equalCost(n, width, radix); }
Cost wrapFromMsbCost(std::uint64_t n) { return bitTablesCost(Role::kServer, {{n, 2, 1}}); }

} // namespace dyad
