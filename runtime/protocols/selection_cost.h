// SPDX-License-Identifier: Apache-2.0
// Costs of conversions from bits to ring elements, selection by a shared bit and what is built of
// them (selection.h, nonlinear.h): bytes, ticks and correlated OTs, exactly.
#pragma once

#include "runtime/net/cost.h"
#include "runtime/ot/ot_cost.h"
#include "runtime/protocols/comparison_cost.h"

#include <cstdint>
#include <vector>

namespace dyad {

constexpr Role otherRole(Role role) {
  return role == Role::kServer ? Role::kClient : Role::kServer;
}

/// One correlated OT for each of n elements, its payload a value of each width.
std::vector<CotGroup> selectionGroups(std::uint64_t n, const std::vector<unsigned> &widths);

Cost bitToRingCost(std::uint64_t n, unsigned width);
Cost productOfBitsCost(std::uint64_t n, unsigned width);
Cost multiplexCost(std::uint64_t n, const std::vector<unsigned> &widths);
Cost multiplexKnownValueCost(std::uint64_t n, const std::vector<unsigned> &widths, Role owner);
Cost multiplexKnownBitCost(std::uint64_t n, const std::vector<unsigned> &widths, Role owner);
Cost selectCost(std::uint64_t n, unsigned width);

// The digits of the comparison inside are those of the radix.
Cost reluCost(std::uint64_t n, unsigned width, Radix radix = {});
Cost absoluteCost(std::uint64_t n, unsigned width, Radix radix = {});
Cost clipCost(std::uint64_t n, unsigned width, Radix radix = {});
Cost selectBySignCost(std::uint64_t n, unsigned width, unsigned resultWidth, Radix radix = {});
Cost maximumCost(std::uint64_t n, unsigned width, Radix radix = {});
Cost maximumOverCost(std::uint64_t groups, std::uint64_t size, unsigned width, Radix radix = {});
Cost argmaxOverCost(std::uint64_t groups, std::uint64_t size, unsigned width, Radix radix = {});

/// Width of an index below `size`: at least one bit.
unsigned indexWidth(std::uint64_t size);

} // namespace dyad
