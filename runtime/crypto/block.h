// SPDX-License-Identifier: Apache-2.0
// 128 bits: an AES block, a PRG seed, an element of GF(2)^128 or a correlated OT string.
#pragma once

#include <cstdint>

namespace dyad {

struct alignas(16) Block {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend constexpr Block operator^(Block a, Block b) { return {a.low ^ b.low, a.high ^ b.high}; }
  friend constexpr Block operator&(Block a, Block b) { return {a.low & b.low, a.high & b.high}; }
  constexpr Block &operator^=(Block other) { return *this = *this ^ other; }
  constexpr bool operator==(const Block &) const = default;
};

/// `bit` ? all ones : zero, without a branch. `bit` is 0 or 1.
constexpr Block maskOf(std::uint64_t bit) { return {~bit + 1, ~bit + 1}; }

} // namespace dyad
