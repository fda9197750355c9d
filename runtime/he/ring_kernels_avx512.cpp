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
    I words[8];
    for (int i = 0; i < 8; ++i)
      words[i] = bits(r[i]);
    transpose8(words);
    for (int i = 0; i < 8; ++i)
      r[i] = _mm512_castsi512_pd(words[i]);
  }
};

using Transforms = Transform<DoubleField<Avx512>>;
using Products = DoubleProducts<Avx512>;

} // namespace

extern const RingKernels kAvx512RingKernels;
const RingKernels kAvx512RingKernels{
    "avx512",        Transforms::forward,       Transforms::inverse,
    gather8,         Products::accumulateTerms, Products::accumulateScaledTerms,
    Products::reduce};

} // namespace dyad::he
