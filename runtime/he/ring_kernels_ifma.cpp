// SPDX-License-Identifier: Apache-2.0
// Kernels for AVX-512 with 52-bit multiply-add: sums low + 2^52 high of products take two
// instructions. Transforms are those of plain AVX-512.
#include "runtime/he/ring_kernels_avx512.h"

#include <immintrin.h>

namespace dyad::he {
namespace {

using Vector = __m512i;

inline Vector load(const std::uint64_t *from) { return _mm512_loadu_si512(from); }
inline void store(std::uint64_t *to, Vector v) { _mm512_storeu_si512(to, v); }
inline Vector all(std::uint64_t x) { return _mm512_set1_epi64(static_cast<long long>(x)); }

struct Modulus {
  Vector p, twice, low52;
  explicit Modulus(std::uint64_t prime)
      : p(all(prime)), twice(all(2 * prime)), low52(all((std::uint64_t{1} << 52) - 1)) {}
};

// x w mod p, below 2p, for x below 2^52.
inline Vector timesLazy52(Vector x, Vector w, Vector quotient, const Modulus &m) {
  const Vector zero = _mm512_setzero_si512();
  const Vector q = _mm512_madd52hi_epu64(zero, x, quotient);
  const Vector difference =
      _mm512_sub_epi64(_mm512_madd52lo_epu64(zero, x, w), _mm512_madd52lo_epu64(zero, q, m.p));
  return _mm512_and_si512(difference, m.low52);
}
// x - bound where that is not negative.
inline Vector below(Vector x, Vector bound) {
  return _mm512_min_epu64(x, _mm512_sub_epi64(x, bound));
}
void accumulate(const std::uint64_t *a, const std::uint64_t *b, std::uint64_t *low,
                std::uint64_t *high, std::size_t count) {
  for (std::size_t i = 0; i < count; i += 8) {
    const Vector x = load(a + i);
    const Vector y = load(b + i);
    store(low + i, _mm512_madd52lo_epu64(load(low + i), x, y));
    store(high + i, _mm512_madd52hi_epu64(load(high + i), x, y));
  }
}

void accumulateScaled(const std::uint64_t *a, std::uint64_t b, std::uint64_t *low,
                      std::uint64_t *high, std::size_t count) {
  const Vector y = all(b);
  for (std::size_t i = 0; i < count; i += 8) {
    const Vector x = load(a + i);
    store(low + i, _mm512_madd52lo_epu64(load(low + i), x, y));
    store(high + i, _mm512_madd52hi_epu64(load(high + i), x, y));
  }
}

// low = l0 + 2^52 l1, high + l1 = h0 + 2^52 h1: the sum is l0 + 2^52 h0 + 2^104 h1.
void reduce(const TransformTables &tables, const std::uint64_t *low, const std::uint64_t *high,
            std::uint64_t *out) {
  const Modulus m(tables.p);
  const Vector fourTimes = _mm512_add_epi64(m.twice, m.twice);
  const auto factor = [](Factor f) { return std::pair(all(f.value), all(f.quotient >> 12)); };
  const auto [one, oneQuotient] = factor(tables.one);
  const auto [by52, by52Quotient] = factor(tables.by52);
  const auto [by104, by104Quotient] = factor(tables.by104);
  for (std::size_t i = 0; i < tables.degree; i += 8) {
    const Vector l = load(low + i);
    const Vector h = _mm512_add_epi64(load(high + i), _mm512_srli_epi64(l, 52));
    Vector sum = timesLazy52(_mm512_and_si512(l, m.low52), one, oneQuotient, m);
    sum = _mm512_add_epi64(sum, timesLazy52(_mm512_and_si512(h, m.low52), by52, by52Quotient, m));
    sum = _mm512_add_epi64(sum, timesLazy52(_mm512_srli_epi64(h, 52), by104, by104Quotient, m));
    store(out + i, below(below(below(sum, fourTimes), m.twice), m.p));
  }
}

} // namespace

extern const RingKernels kIfmaRingKernels{"avx512-ifma", forward512,       inverse512, gather512,
                                          accumulate,    accumulateScaled, reduce};

} // namespace dyad::he
