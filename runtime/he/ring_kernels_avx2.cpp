// SPDX-License-Identifier: Apache-2.0
// Kernels for AVX2 with fused multiply-add: vectors of four doubles.
#include "runtime/he/ring_kernels_double.h"

#include <immintrin.h>

namespace dyad::he {
namespace {

struct Avx2 {
  using V = __m256d;
  using I = __m256i;
  static constexpr std::size_t kLanes = 4;

  static V all(double x) { return _mm256_set1_pd(x); }
  static I allWords(std::uint64_t x) { return _mm256_set1_epi64x(static_cast<long long>(x)); }
  static V load(const double *x) { return _mm256_loadu_pd(x); }
  static void store(double *x, V v) { _mm256_storeu_pd(x, v); }
  static I loadWords(const std::uint64_t *x) {
    return _mm256_loadu_si256(reinterpret_cast<const I *>(x));
  }
  static void storeWords(std::uint64_t *x, I v) {
    _mm256_storeu_si256(reinterpret_cast<I *>(x), v);
  }

  static V plus(V a, V b) { return _mm256_add_pd(a, b); }
  static V minus(V a, V b) { return _mm256_sub_pd(a, b); }
  static V times(V a, V b) { return _mm256_mul_pd(a, b); }
  static V timesPlus(V a, V b, V c) { return _mm256_fmadd_pd(a, b, c); }
  static V timesMinus(V a, V b, V c) { return _mm256_fmsub_pd(a, b, c); }
  static V minusTimes(V a, V b, V c) { return _mm256_fnmadd_pd(a, b, c); }
  static V plusIfNegative(V a, V b) { return _mm256_blendv_pd(a, plus(a, b), a); }

  static I plusWords(I a, I b) { return _mm256_add_epi64(a, b); }
  static I minusWords(I a, I b) { return _mm256_sub_epi64(a, b); }
  static I andWords(I a, I b) { return _mm256_and_si256(a, b); }
  template <int kBits> static I shiftedRight(I a) { return _mm256_srli_epi64(a, kBits); }
  static I bits(V a) { return _mm256_castpd_si256(a); }
  // Between words below 2^52 and doubles: the mantissa of 2^52 + x is x.
  static V fromWords(I a) {
    const V base = all(0x1p52);
    return minus(_mm256_or_pd(_mm256_castsi256_pd(a), base), base);
  }
  static I toWords(V a) {
    const V base = all(0x1p52);
    return bits(_mm256_xor_pd(plus(a, base), base));
  }

  static void transpose(V (&r)[4]) {
    const V a = _mm256_unpacklo_pd(r[0], r[1]);
    const V b = _mm256_unpackhi_pd(r[0], r[1]);
    const V c = _mm256_unpacklo_pd(r[2], r[3]);
    const V d = _mm256_unpackhi_pd(r[2], r[3]);
    r[0] = _mm256_permute2f128_pd(a, c, 0x20);
    r[1] = _mm256_permute2f128_pd(b, d, 0x20);
    r[2] = _mm256_permute2f128_pd(a, c, 0x31);
    r[3] = _mm256_permute2f128_pd(b, d, 0x31);
  }
};

void gather(const std::uint64_t *from, const std::uint32_t *index, std::uint64_t *out,
            std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    out[i] = from[index[i]];
}

using Transforms = Transform<DoubleField<Avx2>>;
using Products = DoubleProducts<Avx2>;

} // namespace

extern const RingKernels kAvx2RingKernels;
const RingKernels kAvx2RingKernels{
    "avx2",          Transforms::forward,       Transforms::inverse,
    gather,          Products::accumulateTerms, Products::accumulateScaledTerms,
    Products::reduce};

} // namespace dyad::he
