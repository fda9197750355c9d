// SPDX-License-Identifier: Apache-2.0
// The tweakable correlation-robust hash that turns correlated OT strings into pads. Which
// construction, which keys and why it is safe is decided here.
#pragma once

#include "runtime/crypto/aes.h"
#include "runtime/crypto/block.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace dyad {

/// H(i, j, x) = E(E(x) ^ (j, i)) ^ E(x), "TMMO" of Guo, Katz, Wang, Yu (S&P 2020), section 7.4,
/// with E = AES under a key of its own for every 1024 consecutive COTs i: AES_S(i / 1024), where S
/// comes from both parties' nonces, drawn after the base OTs. One random COT has one number i, is
/// used by one primitive only, and block j of its output has tweak (j, i), so no tweak repeats
/// under a key. A fixed key would lose log2(number of hashes) bits against an attacker who
/// precomputes or who attacks all instances at once; with fresh keys at most 1024 instances share a
/// permutation. A key per instance (MITCCRH) would cost about five times the work of a one-block
/// hash.
class CotHash {
public:
  CotHash() = default;
  explicit CotHash(Block sessionKey) : session_(expandKey(sessionKey)) {}

  static constexpr std::uint64_t kCotsPerKey = 1024;

  /// `blocks` blocks of output for each of COTs first, first + 1, ...: out[c * blocks + j].
  void expand(std::uint64_t first, std::span<const Block> x, std::size_t blocks, Block *out) const;
  /// The same of x ^ offset.
  void expandOffset(std::uint64_t first, std::span<const Block> x, Block offset, std::size_t blocks,
                    Block *out) const;

private:
  AesKey session_;
};

} // namespace dyad
