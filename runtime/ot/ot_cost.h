// SPDX-License-Identifier: Apache-2.0
// Costs of the OT primitives (correlated.h, table.h, random_ot.h), exactly, and the shapes that
// both the protocols and the formulas take. No crypto.
#pragma once

#include "runtime/net/cost.h"
#include "runtime/net/flow_scheduler.h"

#include <cstdint>
#include <vector>

namespace dyad {

/// `length` values of `bits` bits (1 to 64) in the payload of one correlated OT.
struct CotField {
  unsigned bits = 0;
  std::uint64_t length = 1;
};

/// `count` correlated OTs of the same payload: its fields one after the other.
struct CotGroup {
  std::uint64_t count = 0;
  std::vector<CotField> fields;

  std::uint64_t payloadBits() const {
    std::uint64_t sum = 0;
    for (const CotField &field : fields)
      sum += field.bits * field.length;
    return sum;
  }
};

/// `count` 1-of-2^choiceBits OTs of `planes` bits, held as bit-planes of `count` bits.
struct BitTable {
  std::uint64_t count = 0;
  unsigned choiceBits = 0; ///< 1 to 8
  unsigned planes = 1;     ///< 1 to 64

  std::uint64_t entries() const { return std::uint64_t{1} << choiceBits; }
};

/// sendCots / receiveCots. Two ticks: choices, one bit each in one stream; payloads in one stream.
Cost cotsCost(Role sender, const std::vector<CotGroup> &groups);
Cost cotsCost(Role sender, std::uint64_t count, unsigned bits);
/// sendOts / receiveOts of `bits`-bit messages: two ticks, count * (1 + 2 bits) bits.
Cost otsCost(Role sender, std::uint64_t count, unsigned bits);
/// sendBitTables / receiveBitTables. Two ticks: choice planes, then (2^choiceBits - 1) * planes
/// planes for each table; each plane starts at a byte.
Cost bitTablesCost(Role sender, const std::vector<BitTable> &tables);
/// sendRingTables / receiveRingTables: two ticks, choice planes (each starts at a byte), then one
/// stream of count * (2^choiceBits - 1) values of `bits` bits.
Cost ringTablesCost(Role sender, std::uint64_t count, unsigned choiceBits, unsigned bits);
/// randomOts: no traffic, `count` COTs.
Cost randomOtsCost(Role sender, std::uint64_t count);
/// andTriples, andPairs: no traffic, `count` COTs of each direction.
Cost andTriplesCost(std::uint64_t count);

} // namespace dyad
