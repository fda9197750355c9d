// SPDX-License-Identifier: Apache-2.0
// Pseudorandom generator AES-128-CTR, seeded by the operating system. A generator cannot be copied:
// two copies would repeat each other's output; fork() derives an independent one.
#pragma once

#include "runtime/crypto/aes.h"
#include "runtime/crypto/block.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dyad {

/// Vector of ring elements, each masked to its width (1 to 64 bits).
using Ring = std::vector<std::uint64_t>;

/// 16 bytes from the operating system.
Block systemRandomBlock();

/// Marks the only way to a generator with a known seed. For tests; parties never make one.
struct TestSeed {
  std::uint64_t value = 0;
};

class Prg {
public:
  /// Seeded by the operating system.
  Prg();
  explicit Prg(TestSeed seed);
  /// With a secret seed that both parties of a protocol derived, or that fork() drew.
  explicit Prg(Block seed) : key_(expandKey(seed)) {}
  Prg(const Prg &) = delete;
  Prg &operator=(const Prg &) = delete;
  Prg(Prg &&) = default;
  Prg &operator=(Prg &&) = default;

  /// An independent generator, seeded with 16 bytes of this one.
  Prg fork();

  void fill(std::span<std::uint8_t> bytes);
  void fill(std::span<Block> blocks);
  Block block();
  /// `count` uniform elements modulo 2^width, 1 <= width <= 64. Eight bytes of output each.
  Ring ring(std::size_t count, unsigned width);

private:
  AesKey key_;
  std::uint64_t counter_ = 0;
};

} // namespace dyad
