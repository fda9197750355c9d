// SPDX-License-Identifier: Apache-2.0
// Kernels for AVX-512 (F, DQ): vectors of eight doubles.
#include "runtime/he/ring_kernels_avx512.h"

#include "runtime/he/ring_kernels_double.h"

#include <immintrin.h>

namespace dyad::he {
namespace {

struct Avx512 {
  using V = __m512d;
  using I = __m512i;
  static constexpr std::size_t kLanes = 8;

  static V all(double x) { return _mm512_set1_pd(x); }
  static I allWords(std::uint64_t x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
  static V load(const double *x) { return _mm512_loadu_pd(x); }
  static void store(double *x, V v) { _mm512_storeu_pd(x, v); }
  static I loadWords(const std::uint64_t *x) { return _mm512_loadu_si512(x); }
  static void storeWords(std::uint64_t *x, I v) { _mm512_storeu_si512(x, v); }

  static V plus(V a, V b) { return _mm512_add_pd(a, b); }
  static V minus(V a, V b) { return _mm512_sub_pd(a, b); }
  static V times(V a, V b) { return _mm512_mul_pd(a, b); }
  static V timesPlus(V a, V b, V c) { return _mm512_fmadd_pd(a, b, c); }
  static V timesMinus(V a, V b, V c) { return _mm512_fmsub_pd(a, b, c); }
  static V minusTimes(V a, V b, V c) { return _mm512_fnmadd_pd(a, b, c); }
  static V plusIfNegative(V a, V b) {
    return _mm512_mask_add_pd(a, _mm512_movepi64_mask(bits(a)), a, b);
  }

  static I plusWords(I a, I b) { return _mm512_add_epi64(a, b); }
  static I minusWords(I a, I b) { return _mm512_sub_epi64(a, b); }
  static I andWords(I a, I b) { return _mm512_and_si512(a, b); }
  template <int kBits> static I shiftedRight(I a) { return _mm512_srli_epi64(a, kBits); }
  static I bits(V a) { return _mm512_castpd_si512(a); }
  static V fromWords(I a) { return _mm512_cvtepu64_pd(a); }
  static I toWords(V a) { return _mm512_cvtpd_epu64(a); }

  static void transpose(V (&r)[8]) {
    V t[8];
    for (int i = 0; i < 8; i += 2) {
      t[i] = _mm512_unpacklo_pd(r[i], r[i + 1]);
      t[i + 1] = _mm512_unpackhi_pd(r[i], r[i + 1]);
    }
    // t[2k + h]: lane pairs (rows 2k, 2k + 1) of columns h, 2 + h, 4 + h, 6 + h.
    V s[8];
    for (int h = 0; h < 2; ++h) {
      s[h] = _mm512_shuffle_f64x2(t[h], t[2 + h], 0x88);         // columns h, 4 + h of rows 0 to 3
      s[2 + h] = _mm512_shuffle_f64x2(t[h], t[2 + h], 0xdd);     // columns 2 + h, 6 + h
      s[4 + h] = _mm512_shuffle_f64x2(t[4 + h], t[6 + h], 0x88); // rows 4 to 7
      s[6 + h] = _mm512_shuffle_f64x2(t[4 + h], t[6 + h], 0xdd);
    }
    for (int h = 0; h < 4; ++h) {
      r[h] = _mm512_shuffle_f64x2(s[h], s[4 + h], 0x88);
      r[4 + h] = _mm512_shuffle_f64x2(s[h], s[4 + h], 0xdd);
    }
  }
};

using Sets = DoubleKernels<Avx512>;

} // namespace

void forward512(const TransformTables &tables, std::uint64_t *x, std::size_t nonzero) {
  Sets::forward(tables, x, nonzero);
}
void inverse512(const TransformTables &tables, std::uint64_t *x) { Sets::inverse(tables, x); }
void gather512(const std::uint64_t *from, const std::uint32_t *index, std::uint64_t *out,
               std::size_t count) {
  for (std::size_t i = 0; i < count; i += 8)
    Avx512::storeWords(
        out + i, _mm512_i32gather_epi64(
                     _mm256_loadu_si256(reinterpret_cast<const __m256i *>(index + i)), from, 8));
}

extern const RingKernels kAvx512RingKernels;
const RingKernels kAvx512RingKernels{"avx512",    forward512,       inverse512,
                                     gather512,   Sets::accumulate, Sets::accumulateScaled,
                                     Sets::reduce};

} // namespace dyad::he
