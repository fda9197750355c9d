// SPDX-License-Identifier: Apache-2.0
// See aes.h. Compiled with AES instructions enabled.
#include "runtime/crypto/aes.h"

#include <immintrin.h>

namespace dyad {
namespace {

template <int RoundConstant> __m128i nextRoundKey(__m128i key) {
  const __m128i assist =
      _mm_shuffle_epi32(_mm_aeskeygenassist_si128(key, RoundConstant), _MM_SHUFFLE(3, 3, 3, 3));
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
  return _mm_xor_si128(key, assist);
}

} // namespace

AesKey expandKey(Block key) {
  __m128i round[11];
  round[0] = _mm_load_si128(reinterpret_cast<const __m128i *>(&key));
  round[1] = nextRoundKey<0x01>(round[0]);
  round[2] = nextRoundKey<0x02>(round[1]);
  round[3] = nextRoundKey<0x04>(round[2]);
  round[4] = nextRoundKey<0x08>(round[3]);
  round[5] = nextRoundKey<0x10>(round[4]);
  round[6] = nextRoundKey<0x20>(round[5]);
  round[7] = nextRoundKey<0x40>(round[6]);
  round[8] = nextRoundKey<0x80>(round[7]);
  round[9] = nextRoundKey<0x1b>(round[8]);
  round[10] = nextRoundKey<0x36>(round[9]);
  AesKey result;
  for (int i = 0; i < 11; ++i)
    _mm_store_si128(reinterpret_cast<__m128i *>(&result.rounds[i]), round[i]);
  return result;
}

} // namespace dyad
