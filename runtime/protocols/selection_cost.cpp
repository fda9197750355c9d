// SPDX-License-Identifier: Apache-2.0
// See selection_cost.h.
#include "runtime/protocols/selection_cost.h"

#include <algorithm>
#include <bit>

namespace dyad {

Cost bitToRingCost(std::uint64_t n, unsigned width) {
  // The lowest bit of the result is the bit itself.
  return width == 1 ? Cost{} : cotsCost(Role::kServer, n, width - 1);
}

Cost productOfBitsCost(std::uint64_t n, unsigned width) {
  return cotsCost(Role::kServer, n, width);
}

std::vector<CotGroup> selectionGroups(std::uint64_t n, const std::vector<unsigned> &widths) {
  CotGroup group{n, {}};
  for (const unsigned width : widths)
    group.fields.push_back({width, 1});
  return {group};
}

Cost multiplexCost(std::uint64_t n, const std::vector<unsigned> &widths) {
  return cotsCost(Role::kServer, selectionGroups(n, widths))
      .beside(cotsCost(Role::kClient, selectionGroups(n, widths)));
}

Cost multiplexKnownValueCost(std::uint64_t n, const std::vector<unsigned> &widths, Role owner) {
  return cotsCost(owner, selectionGroups(n, widths));
}

Cost multiplexKnownBitCost(std::uint64_t n, const std::vector<unsigned> &widths, Role owner) {
  return cotsCost(otherRole(owner), selectionGroups(n, widths));
}

Cost selectCost(std::uint64_t n, unsigned width) { return multiplexCost(n, {width}); }

Cost reluCost(std::uint64_t n, unsigned width, Radix radix) {
  return nonNegativeCost(n, width, radix).then(multiplexCost(n, {width}));
}

Cost absoluteCost(std::uint64_t n, unsigned width, Radix radix) {
  Cost cost = msbCost(n, width, radix);
  return width == 1 ? cost : cost.then(multiplexCost(n, {width - 1}));
}

Cost clipCost(std::uint64_t n, unsigned width, Radix radix) {
  return nonNegativeCost(2 * n, width, radix).then(multiplexCost(2 * n, {width}));
}

Cost selectBySignCost(std::uint64_t n, unsigned width, unsigned resultWidth, Radix radix) {
  return nonNegativeCost(n, width, radix).then(multiplexCost(n, {resultWidth}));
}

Cost maximumCost(std::uint64_t n, unsigned width, Radix radix) { return reluCost(n, width, radix); }

Cost maximumOverCost(std::uint64_t groups, std::uint64_t size, unsigned width, Radix radix) {
  Cost cost;
  for (; size > 1; size = (size + 1) / 2)
    cost.then(maximumCost(groups * (size / 2), width, radix));
  return cost;
}

unsigned indexWidth(std::uint64_t size) {
  return std::max(1U, static_cast<unsigned>(std::bit_width(std::max<std::uint64_t>(size, 1) - 1)));
}

Cost argmaxOverCost(std::uint64_t groups, std::uint64_t size, unsigned width, Radix radix) {
  Cost cost;
  const unsigned index = indexWidth(size);
  for (; size > 1; size = (size + 1) / 2) {
    const std::uint64_t pairs = groups * (size / 2);
    cost.then(nonNegativeCost(pairs, width, radix));
    // The last round needs no value any more.
    cost.then(multiplexCost(pairs, size == 2 ? std::vector{index} : std::vector{width, index}));
  }
  return cost;
}

} // namespace dyad
