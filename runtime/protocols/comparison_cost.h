// SPDX-License-Identifier: Apache-2.0
// Costs of the comparison protocols (comparison.h): bytes, ticks and correlated OTs, exactly.
// The plan of a comparison, which digits and which tree, is here too: protocol and formula share
// it.
#pragma once

#include "runtime/net/cost.h"
#include "runtime/ot/ot_cost.h"

#include <cstdint>
#include <vector>

namespace dyad {

/// Bits per leaf of a comparison. Two is the cheapest with 1-of-4 OT
/// (docs/protocols/comparison.md).
inline constexpr unsigned kLeafBits = 2;

/// How a comparison of `bits`-bit numbers is split: digits from the least significant one, and the
/// tree that merges neighbours level by level.
struct ComparisonPlan {
  /// One level: `pairs` merges of neighbours; the last group stays alone when the number is odd.
  struct Level {
    unsigned groups = 0; ///< before the level
    unsigned pairs = 0;
    unsigned planes = 0; ///< opened bit-planes, each way
  };
  std::vector<unsigned> digitBits;
  std::vector<Level> levels;
  unsigned payloadPlanes = 0; ///< of all leaf OTs
  unsigned merges = 0;
  bool leafHasOrder = true;       ///< whether the order is wanted, or equality only
  bool lowestHasEquality = false; ///< whether the equality of the whole is wanted

  /// Greater-than; with `withEquality` the equality bit of the whole too. 0 <= bits <= 64.
  static ComparisonPlan order(unsigned bits, bool withEquality, unsigned leafBits = kLeafBits);
  /// Equality only.
  static ComparisonPlan equality(unsigned bits, unsigned leafBits = kLeafBits);

  /// Bit-planes that the look-up of digit j sends; 0: local, as the equality of one-bit digits is.
  unsigned leafPlanes(unsigned j) const;
  /// The look-ups of all leaves, of n elements each.
  std::vector<BitTable> tables(std::uint64_t n) const;
};

/// AND of n pairs of shared bits: 2 bits each way, one tick; one COT in each direction.
Cost andCost(std::uint64_t n);
Cost greaterThanCost(std::uint64_t n, unsigned bits);
Cost greaterAndEqualCost(std::uint64_t n, unsigned bits);
Cost equalCost(std::uint64_t n, unsigned bits);
Cost wrapCost(std::uint64_t n, unsigned width);
Cost carryCost(std::uint64_t n, unsigned shift);
Cost msbCost(std::uint64_t n, unsigned width);
Cost nonNegativeCost(std::uint64_t n, unsigned width);
Cost atLeastCost(std::uint64_t n, unsigned width);
Cost isZeroCost(std::uint64_t n, unsigned width);
Cost wrapFromMsbCost(std::uint64_t n);

} // namespace dyad
