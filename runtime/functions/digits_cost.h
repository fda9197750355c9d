// SPDX-License-Identifier: Apache-2.0
// Costs of carries at several positions, digits and the leading one (digits.h): bytes, ticks and
// correlated OTs, exactly, and the prefix network that protocol and formula share.
#pragma once

#include "runtime/functions/lookup_cost.h"
#include "runtime/net/cost.h"
#include "runtime/protocols/radix.h"

#include <cstdint>
#include <vector>

namespace dyad {

/// A step of the prefix network over blocks of bits: carry (and equality, if `pair`) of block
/// `high` and of all blocks down to `low`'s lowest are merged with those of `low`.
struct PrefixStep {
  unsigned high = 0;
  unsigned low = 0;
  bool pair = false; ///< whether the equality is wanted too: not where block 0 is reached
};
/// Levels of ceil(log2 blocks) steps side by side (Sklansky).
std::vector<std::vector<PrefixStep>> prefixNetwork(unsigned blocks);

/// The part of `carries` after the blocks' own comparisons.
Cost prefixCost(std::uint64_t n, unsigned blocks);
/// positions as in carries.
Cost carryBlocksCost(std::uint64_t n, const std::vector<unsigned> &positions, Radix radix = {});
Cost carriesCost(std::uint64_t n, const std::vector<unsigned> &positions, Radix radix = {});
/// Widths of the digits of `bits` bits: `digitBits` each, the last one the rest.
std::vector<unsigned> digitWidths(unsigned bits, unsigned digitBits);
/// Where the carries into them come from: none into a digit at bit 0.
std::vector<unsigned> digitPositions(unsigned width, unsigned digitBits, unsigned from);
Cost digitsCost(std::uint64_t n, unsigned width, unsigned digitBits, unsigned from = 0,
                Radix radix = {});

/// Digits of the leading one's look-ups.
inline constexpr unsigned kLeadingDigitBits = 4;
Cost leadingOneCost(std::uint64_t n, unsigned width, unsigned from = 0, Radix radix = {});

} // namespace dyad
