// SPDX-License-Identifier: Apache-2.0
// Shape and cost of look-ups of public or server-private tables at a shared index (lookup.h):
// bytes, ticks and correlated OTs, exactly. No crypto.
#pragma once

#include "runtime/net/cost.h"
#include "runtime/ot/ot_cost.h"

#include <cstdint>
#include <vector>

namespace dyad {

/// One of the outputs of a look-up.
struct LookupField {
  enum class Kind : std::uint8_t {
    kRing,         ///< additive shares modulo 2^bits
    kRingWithWrap, ///< the same, and XOR shares of the wrap of these shares: one bit more
    kBits,         ///< XOR shares of `bits` bits
  };
  unsigned bits = 0; ///< 1 to 64
  Kind kind = Kind::kRing;

  unsigned wireBits() const { return bits + (kind == Kind::kRingWithWrap ? 1 : 0); }
};

/// 2^indexBits entries of all fields, at most kMaxEntryBits bits an entry.
struct LookupShape {
  unsigned indexBits = 0; ///< 1 to 8
  std::vector<LookupField> fields;

  std::uint64_t entries() const { return std::uint64_t{1} << indexBits; }
  unsigned entryBits() const {
    unsigned sum = 0;
    for (const LookupField &field : fields)
      sum += field.wireBits();
    return sum;
  }
};

/// An entry's pad is one block.
inline constexpr unsigned kMaxEntryBits = 128;

/// lookup of n elements: indexBits + (2^indexBits - 1) * entryBits bits each, two flows.
Cost lookupCost(std::uint64_t n, const LookupShape &shape);

} // namespace dyad
