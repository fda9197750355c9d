// SPDX-License-Identifier: Apache-2.0
// Moves of data that both AVX-512 sets use. Internal: for files that are compiled for AVX-512.
#pragma once

#include <cstddef>
#include <cstdint>
#include <immintrin.h>

namespace dyad::he {
namespace { // a copy for each instruction set

// Row i of the square becomes column i.
inline void transpose8(__m512i (&r)[8]) {
  __m512i t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
  }
  // t[2k + h]: lane pairs (rows 2k, 2k + 1) of columns h, 2 + h, 4 + h, 6 + h.
  __m512i s[8];
  for (int h = 0; h < 2; ++h) {
    s[h] = _mm512_shuffle_i64x2(t[h], t[2 + h], 0x88);         // columns h, 4 + h of rows 0 to 3
    s[2 + h] = _mm512_shuffle_i64x2(t[h], t[2 + h], 0xdd);     // columns 2 + h, 6 + h
    s[4 + h] = _mm512_shuffle_i64x2(t[4 + h], t[6 + h], 0x88); // rows 4 to 7
    s[6 + h] = _mm512_shuffle_i64x2(t[4 + h], t[6 + h], 0xdd);
  }
  for (int h = 0; h < 4; ++h) {
    r[h] = _mm512_shuffle_i64x2(s[h], s[4 + h], 0x88);
    r[4 + h] = _mm512_shuffle_i64x2(s[h], s[4 + h], 0xdd);
  }
}

void gather8(const std::uint64_t *from, const std::uint32_t *index, std::uint64_t *out,
             std::size_t count) {
  for (std::size_t i = 0; i < count; i += 8)
    _mm512_storeu_si512(
        out + i, _mm512_i32gather_epi64(
                     _mm256_loadu_si256(reinterpret_cast<const __m256i *>(index + i)), from, 8));
}

} // namespace
} // namespace dyad::he
