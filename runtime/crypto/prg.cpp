// SPDX-License-Identifier: Apache-2.0
// See prg.h.
#include "runtime/crypto/prg.h"

#include "runtime/crypto/kernels.h"
#include "runtime/net/error.h"

#include <cstring>
#include <sodium.h>

namespace dyad {

Block systemRandomBlock() {
  DYAD_REQUIRE(sodium_init() >= 0, kOutOfRange,
               "the operating system gives no randomness (libsodium could not start)");
  Block block;
  randombytes_buf(&block, sizeof(block));
  return block;
}

Prg::Prg() : Prg(systemRandomBlock()) {}
Prg::Prg(TestSeed seed) : Prg(Block{seed.value, 0}) {}

Prg Prg::fork() { return Prg(block()); }

void Prg::fill(std::span<Block> blocks) {
  kernels().counterMode(key_, counter_, blocks.size(), blocks.data());
  counter_ += blocks.size();
}

Block Prg::block() {
  Block result;
  fill(std::span(&result, 1));
  return result;
}

void Prg::fill(std::span<std::uint8_t> bytes) {
  Block buffer[64];
  while (!bytes.empty()) {
    const std::size_t length = std::min(bytes.size(), sizeof(buffer));
    fill(std::span(buffer).first((length + sizeof(Block) - 1) / sizeof(Block)));
    std::memcpy(bytes.data(), buffer, length);
    bytes = bytes.subspan(length);
  }
}

Ring Prg::ring(std::size_t count, unsigned width) {
  DYAD_REQUIRE(width >= 1 && width <= 64, kOutOfRange, "ring of {} bits; 1 to 64 bits are possible",
               width);
  Ring result(count);
  fill({reinterpret_cast<std::uint8_t *>(result.data()), count * sizeof(std::uint64_t)});
  for (std::uint64_t &value : result)
    value &= ~std::uint64_t{0} >> (64 - width);
  return result;
}

} // namespace dyad
