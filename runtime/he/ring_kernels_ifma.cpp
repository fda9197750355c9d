// SPDX-License-Identifier: Apache-2.0
// Kernels for AVX-512 with 52-bit multiply-add. Vectors of eight; the last three layers of a
// transform, whose butterflies are closer than that, run on 8 x 8 blocks that are transposed.
#include "runtime/he/ring_kernels.h"

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
inline void forwardButterfly(Vector &a, Vector &b, Vector w, Vector quotient, const Modulus &m) {
  const Vector u = below(a, m.twice);
  const Vector v = timesLazy52(b, w, quotient, m);
  a = _mm512_add_epi64(u, v);
  b = _mm512_add_epi64(_mm512_sub_epi64(u, v), m.twice);
}
inline void inverseButterfly(Vector &a, Vector &b, Vector w, Vector quotient, const Modulus &m) {
  const Vector u = a;
  a = below(_mm512_add_epi64(u, b), m.twice);
  b = timesLazy52(_mm512_add_epi64(_mm512_sub_epi64(u, b), m.twice), w, quotient, m);
}

inline void transpose(Vector (&r)[8]) {
  Vector t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
  }
  // t[2k + h]: lane pairs (rows 2k, 2k + 1) of columns h, 2 + h, 4 + h, 6 + h.
  Vector s[8];
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

void forward(const TransformTables &tables, std::uint64_t *x, std::size_t nonzero) {
  const Modulus m(tables.p);
  const std::size_t degree = tables.degree;
  for (std::size_t i = nonzero; i < degree; i += 8)
    store(x + i, load(x + i - nonzero));
  std::size_t half = nonzero;
  for (std::size_t parts = degree / nonzero; parts < degree / 8; parts *= 2) {
    half /= 2;
    for (std::size_t i = 0; i < parts; ++i) {
      const Vector w = all(tables.roots[parts + i]);
      const Vector quotient = all(tables.rootQuotients52[parts + i]);
      std::uint64_t *const from = x + 2 * i * half;
      for (std::size_t j = 0; j < half; j += 8) {
        Vector a = load(from + j);
        Vector b = load(from + half + j);
        forwardButterfly(a, b, w, quotient, m);
        store(from + j, a);
        store(from + half + j, b);
      }
    }
  }
  const std::uint64_t *tail = tables.tailRoots.data();
  for (std::size_t block = 0; block < degree; block += 64, tail += 7 * 16) {
    Vector r[8];
    for (int i = 0; i < 8; ++i)
      r[i] = load(x + block + 8 * i);
    transpose(r);
    for (int i = 0; i < 4; ++i)
      forwardButterfly(r[i], r[i + 4], load(tail), load(tail + 8), m);
    for (int g = 0; g < 2; ++g)
      for (int i = 0; i < 2; ++i)
        forwardButterfly(r[4 * g + i], r[4 * g + i + 2], load(tail + 16 * (1 + g)),
                         load(tail + 16 * (1 + g) + 8), m);
    for (int g = 0; g < 4; ++g)
      forwardButterfly(r[2 * g], r[2 * g + 1], load(tail + 16 * (3 + g)),
                       load(tail + 16 * (3 + g) + 8), m);
    transpose(r);
    for (int i = 0; i < 8; ++i)
      store(x + block + 8 * i, below(below(r[i], m.twice), m.p));
  }
}

void inverse(const TransformTables &tables, std::uint64_t *x) {
  const Modulus m(tables.p);
  const std::size_t degree = tables.degree;
  const std::uint64_t *tail = tables.tailInverses.data();
  for (std::size_t block = 0; block < degree; block += 64, tail += 7 * 16) {
    Vector r[8];
    for (int i = 0; i < 8; ++i)
      r[i] = load(x + block + 8 * i);
    transpose(r);
    for (int g = 0; g < 4; ++g)
      inverseButterfly(r[2 * g], r[2 * g + 1], load(tail + 16 * (3 + g)),
                       load(tail + 16 * (3 + g) + 8), m);
    for (int g = 0; g < 2; ++g)
      for (int i = 0; i < 2; ++i)
        inverseButterfly(r[4 * g + i], r[4 * g + i + 2], load(tail + 16 * (1 + g)),
                         load(tail + 16 * (1 + g) + 8), m);
    for (int i = 0; i < 4; ++i)
      inverseButterfly(r[i], r[i + 4], load(tail), load(tail + 8), m);
    transpose(r);
    for (int i = 0; i < 8; ++i)
      store(x + block + 8 * i, r[i]);
  }
  std::size_t half = 8;
  for (std::size_t parts = degree / 16; parts >= 1; parts /= 2) {
    for (std::size_t i = 0; i < parts; ++i) {
      const Vector w = all(tables.inverses[parts + i]);
      const Vector quotient = all(tables.inverseQuotients52[parts + i]);
      std::uint64_t *const from = x + 2 * i * half;
      for (std::size_t j = 0; j < half; j += 8) {
        Vector a = load(from + j);
        Vector b = load(from + half + j);
        inverseButterfly(a, b, w, quotient, m);
        store(from + j, a);
        store(from + half + j, b);
      }
    }
    half *= 2;
  }
  const Vector w = all(tables.byDegree.value);
  const Vector quotient = all(tables.byDegree.quotient >> 12);
  for (std::size_t i = 0; i < degree; i += 8)
    store(x + i, below(timesLazy52(load(x + i), w, quotient, m), m.p));
}

void gather(const std::uint64_t *from, const std::uint32_t *index, std::uint64_t *out,
            std::size_t count) {
  for (std::size_t i = 0; i < count; i += 8)
    store(out + i, _mm512_i32gather_epi64(
                       _mm256_loadu_si256(reinterpret_cast<const __m256i *>(index + i)), from, 8));
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

extern const RingKernels kIfmaRingKernels;
const RingKernels kIfmaRingKernels{"avx512-ifma", forward,          inverse, gather,
                                   accumulate,    accumulateScaled, reduce};

} // namespace dyad::he
