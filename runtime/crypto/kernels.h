// SPDX-License-Identifier: Apache-2.0
// The inner loops that exist once for each instruction set, and the choice among them by what the
// processor has. Everything else in the runtime is compiled for plain x86-64.
#pragma once

#include "runtime/crypto/aes.h"
#include "runtime/crypto/block.h"

#include <cstddef>
#include <cstdint>

namespace dyad {

/// Blocks of one column that the OT extension makes at a time.
inline constexpr std::size_t kLeafBlocks = 8;

/// Terms of each sum of addSparseSums.
inline constexpr std::size_t kSparseTerms = 10;

struct Kernels {
  const char *name;

  /// out[i] = AES_key(first + i), the number in the low half of the block.
  void (*counterMode)(const AesKey &key, std::uint64_t first, std::size_t count, Block *out);

  /// out[c * blocks + j] = E(E(x[c] ^ offset) ^ (j, first + c)) ^ E(x[c] ^ offset), see hash.h.
  void (*hash)(const AesKey &key, std::uint64_t first, const Block *x, Block offset,
               std::size_t count, std::size_t blocks, Block *out);

  /// Expands `leaves` = 2^levels seeds to kLeafBlocks blocks each, r[x] = AES_keys[x](first, ...),
  /// and adds them up (XOR): the sum of all goes to buffer[0, kLeafBlocks), and for each bit b
  /// below `levels` the sum of those with bit b of x set goes to columns[b * kLeafBlocks, ...).
  /// Seeds below `begin` (0 or 1) count as zero. `buffer` has room for all leaves.
  void (*sumLeaves)(const AesKey *keys, unsigned levels, std::size_t begin, std::uint64_t first,
                    Block *buffer, Block *columns);

  /// Bit matrix of 128 columns: column c is columns[c * stride], ..., `blocks` blocks long. Row r
  /// goes to rows[r]; 128 * blocks rows.
  void (*transpose)(const Block *columns, std::size_t stride, std::size_t blocks, Block *rows);

  /// One level of a correlated tree, in place: node x at i < width becomes its left child H(x) at i
  /// and its right child H(x) ^ x at i + width, where H(x) = E(s) ^ s, s(low, high) = (high, low ^
  /// high). Returns the sum (XOR) of the left children.
  Block (*growTree)(const AesKey &key, std::size_t width, Block *nodes);

  /// out[i] = in[i] without its lowest bit ^ the sum of kSparseTerms blocks of `secret`, whose
  /// indices for i are fields of AES_key(2 (first + i)) and AES_key(2 (first + i) + 1): from the
  /// lowest bit of each of the four words, three of 21 bits, masked by `mask` < 2^21.
  void (*addSparseSums)(const AesKey &key, std::uint64_t first, const Block *secret,
                        std::uint64_t mask, const Block *in, std::size_t count, Block *out);
};

/// The best set for this machine. Error kOutOfRange when the processor has no AES instructions.
const Kernels &kernels();
/// All sets that this machine can run, so that tests compare them.
const Kernels *const *allKernels(std::size_t &count);

} // namespace dyad
