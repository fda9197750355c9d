// SPDX-License-Identifier: Apache-2.0
// See digits_cost.h.
#include "runtime/functions/digits_cost.h"

#include "runtime/protocols/comparison_cost.h"
#include "runtime/protocols/selection_cost.h"

#include <algorithm>

namespace dyad {

std::vector<std::vector<PrefixStep>> prefixNetwork(unsigned blocks) {
  std::vector<std::vector<PrefixStep>> levels;
  for (unsigned half = 1; half < blocks; half *= 2) {
    levels.emplace_back();
    for (unsigned i = 0; i < blocks; ++i)
      if ((i & half) != 0) {
        const unsigned group = i / half * half; // what block i has reached so far
        levels.back().push_back({i, group - 1, group != half});
      }
  }
  return levels;
}

Cost prefixCost(std::uint64_t n, unsigned blocks) {
  Cost cost;
  for (const std::vector<PrefixStep> &level : prefixNetwork(blocks)) {
    std::uint64_t pairs = 0;
    for (const PrefixStep &step : level)
      pairs += step.pair ? 1 : 0;
    Cost both;
    if (pairs != level.size())
      both.beside(andCost(n * (level.size() - pairs)));
    if (pairs != 0)
      both.beside(andPairCost(n * pairs));
    cost.then(both);
  }
  return cost;
}

Cost carryBlocksCost(std::uint64_t n, const std::vector<unsigned> &positions, Radix radix) {
  Cost blocks;
  for (std::size_t b = 0; b < positions.size(); ++b)
    blocks.beside(b == 0 ? greaterThanCost(n, positions[0], radix)
                         : greaterAndEqualCost(n, positions[b] - positions[b - 1], radix));
  return blocks;
}

Cost carriesCost(std::uint64_t n, const std::vector<unsigned> &positions, Radix radix) {
  return carryBlocksCost(n, positions, radix)
      .then(prefixCost(n, static_cast<unsigned>(positions.size())));
}

std::vector<unsigned> digitWidths(unsigned bits, unsigned digitBits) {
  std::vector<unsigned> widths;
  for (unsigned at = 0; at < bits; at += digitBits)
    widths.push_back(std::min(digitBits, bits - at));
  return widths;
}

std::vector<unsigned> digitPositions(unsigned width, unsigned digitBits, unsigned from) {
  std::vector<unsigned> positions;
  for (unsigned at = from; at < width; at += digitBits)
    if (at != 0)
      positions.push_back(at);
  return positions;
}

Cost digitsCost(std::uint64_t n, unsigned width, unsigned digitBits, unsigned from, Radix radix) {
  const std::vector<unsigned> widths = digitWidths(width - from, digitBits);
  const std::vector<unsigned> positions = digitPositions(width, digitBits, from);
  Cost toRing;
  for (std::size_t j = widths.size() - positions.size(); j < widths.size(); ++j)
    toRing.beside(bitToRingCost(n, widths[j]));
  return carriesCost(n, positions, radix).then(toRing);
}

Cost leadingOneCost(std::uint64_t n, unsigned width, unsigned from, Radix radix) {
  const std::vector<unsigned> widths = digitWidths(width - from, kLeadingDigitBits);
  Cost tables;
  for (const unsigned bits : widths)
    tables.beside(lookupCost(n, {bits, {{bits + 1, LookupField::Kind::kBits}}}));
  Cost cost = digitsCost(n, width, kLeadingDigitBits, from, radix).then(tables);
  const auto digits = static_cast<unsigned>(widths.size());
  if (digits == 1)
    return cost;
  // Prefix products of "digit is zero" from the top, then each digit's bits times its product.
  std::uint64_t gated = 0;
  for (unsigned j = 0; j + 1 < digits; ++j)
    gated += widths[j];
  for (const std::vector<PrefixStep> &level : prefixNetwork(digits - 1))
    cost.then(andCost(n * level.size()));
  return cost.then(andCost(n * gated));
}

} // namespace dyad
