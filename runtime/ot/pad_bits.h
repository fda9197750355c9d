// SPDX-License-Identifier: Apache-2.0
// Single bits of many pads, as planes: bit p of the pads of 64 instances makes a word of plane p.
#pragma once

#include "runtime/crypto/block.h"

#include <emmintrin.h>

#include <cstddef>
#include <cstdint>

namespace dyad {

/// Word p of the result is bit p of pads[0], ..., pads[63], from bit 0 on, for p < planes <= 64.
/// `count` pads, at most 64, are read; the upper bits of the words are zero. Sixteen pads at a
/// time: one byte of each makes a vector, whose sign bits are a piece of a plane.
inline void padBits(const Block *pads, std::size_t count, unsigned planes, std::uint64_t *words) {
  alignas(16) Block last[16];
  for (unsigned p = 0; p < planes; ++p)
    words[p] = 0;
  for (std::size_t at = 0; at < count; at += 16) {
    const Block *from = pads + at;
    if (count - at < 16) {
      for (std::size_t i = 0; i < count - at; ++i)
        last[i] = from[i];
      from = last;
    }
    __m128i low[8]; // low halves of pads j and j + 8
    for (int j = 0; j < 8; ++j)
      low[j] = _mm_unpacklo_epi64(_mm_load_si128(reinterpret_cast<const __m128i *>(from + j)),
                                  _mm_load_si128(reinterpret_cast<const __m128i *>(from + j + 8)));
    for (unsigned first = 0; first < planes; first += 8) {
      const __m128i byte = _mm_set1_epi64x(0xff);
      __m128i bytes = _mm_setzero_si128();
      for (int j = 0; j < 8; ++j)
        bytes = _mm_or_si128(
            bytes,
            _mm_slli_epi64(_mm_and_si128(_mm_srli_epi64(low[j], static_cast<int>(first)), byte),
                           8 * j));
      for (unsigned p = first; p < planes && p < first + 8; ++p)
        words[p] |= static_cast<std::uint64_t>(
                        _mm_movemask_epi8(_mm_slli_epi64(bytes, static_cast<int>(7 - (p - first)))))
                    << at;
    }
  }
}

} // namespace dyad
