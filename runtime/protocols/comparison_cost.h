// SPDX-License-Identifier: Apache-2.0
// Costs of the comparison protocols (comparison.h): bytes, ticks and correlated OTs, exactly.
// The plan of a comparison, which digits and which tree, is here too: protocol and formula share
// it.
#pragma once

#include "runtime/net/cost.h"
#include "runtime/ot/ot_cost.h"
#include "runtime/protocols/radix.h"

#include <cstdint>
#include <vector>

namespace dyad {

/// How a comparison of `bits`-bit numbers is split: digits from the least significant one, and the
/// tree that merges neighbours level by level. Of all digits that the radix' number of levels can
/// merge, those which send the fewest bits, correlated OTs included.
struct ComparisonPlan {
  /// One level: `pairs` merges of neighbours; the last group stays alone when the number is odd.
  struct Level {
    unsigned groups = 0; ///< before the level
    unsigned pairs = 0;
    unsigned planes = 0; ///< opened bit-planes, each way
  };
  std::vector<unsigned> digitBits;
  std::vector<Level> levels;
  bool leafHasOrder = true;       ///< whether the order is wanted, or equality only
  bool lowestHasEquality = false; ///< whether the equality of the whole is wanted

  /// Greater-than; with `withEquality` the equality bit of the whole too. 0 <= bits <= 64.
  static ComparisonPlan order(unsigned bits, bool withEquality, Radix radix);
  /// Equality only.
  static ComparisonPlan equality(unsigned bits, Radix radix);

  /// Bit-planes that the look-up of digit j sends; 0: local, as the equality of one-bit digits is.
  unsigned leafPlanes(unsigned j) const;
  /// The look-ups of all leaves, of n elements each.
  std::vector<BitTable> tables(std::uint64_t n) const;
};

/// AND of n pairs of shared bits: 2 bits each way, one tick; one COT in each direction.
Cost andCost(std::uint64_t n);
/// Two ANDs that share an operand: 3 bits each way, one tick; one COT in each direction.
Cost andPairCost(std::uint64_t n);
Cost greaterThanCost(std::uint64_t n, unsigned bits, Radix radix = {});
Cost greaterAndEqualCost(std::uint64_t n, unsigned bits, Radix radix = {});
Cost equalCost(std::uint64_t n, unsigned bits, Radix radix = {});
Cost wrapCost(std::uint64_t n, unsigned width, Radix radix = {});
Cost carryCost(std::uint64_t n, unsigned shift, Radix radix = {});
Cost msbCost(std::uint64_t n, unsigned width, Radix radix = {});
Cost nonNegativeCost(std::uint64_t n, unsigned width, Radix radix = {});
Cost atLeastCost(std::uint64_t n, unsigned width, Radix radix = {});
Cost isZeroCost(std::uint64_t n, unsigned width, Radix radix = {});
Cost wrapFromMsbCost(std::uint64_t n);

} // namespace dyad
