// SPDX-License-Identifier: Apache-2.0
// Kernels for AVX-512 with 52-bit multiply-add: residues from 0 on in words.
#include "runtime/he/ring_kernels_avx512.h"
#include "runtime/he/ring_kernels_transform.h"

namespace dyad::he {
namespace {

using Vector = __m512i;

Vector load(const std::uint64_t *from) { return _mm512_loadu_si512(from); }
void store(std::uint64_t *to, Vector v) { _mm512_storeu_si512(to, v); }
Vector all(std::uint64_t x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
// x - bound where that is not negative.
Vector below(Vector x, Vector bound) { return _mm512_min_epu64(x, _mm512_sub_epi64(x, bound)); }

// Residues are below c p; p < 2^50, so 4p fits the 52 bits that products take. Butterflies are
// those of Harvey (J. Symbolic Computation 2014).
struct IfmaField {
  using V = Vector;
  struct Root {
    V value, quotient;
  };
  struct Modulus {
    V p, twice, minus, low52; // minus = -p modulo 2^52
    explicit Modulus(std::uint64_t prime)
        : p(all(prime)), twice(all(2 * prime)), minus(all((std::uint64_t{1} << 52) - prime)),
          low52(all((std::uint64_t{1} << 52) - 1)) {}
  };
  static constexpr std::size_t kLanes = 8;
  static constexpr bool kTight = true;

  static Root factor(Factor factor, std::uint64_t) {
    return {all(factor.value), all(factor.quotient >> 12)};
  }
  static Root root(const TransformTables::Direction &roots, std::size_t i) {
    return {all(roots.roots[i]), all(roots.quotients[i] >> 12)};
  }
  static Root tail(const TransformTables::Direction &roots, std::size_t i) {
    const std::uint64_t *const from = roots.tail.data() + 16 * i;
    return {he::load(from), he::load(from + 8)};
  }
  static V load(const std::uint64_t *x) { return he::load(x); }
  static V fromWords(const std::uint64_t *x) { return he::load(x); }
  static void store(std::uint64_t *x, V v) { he::store(x, v); }
  static void toWords(std::uint64_t *x, V v, const Modulus &m) {
    he::store(x, below(below(v, m.twice), m.p));
  }
  static void productToWords(std::uint64_t *x, V v, const Modulus &m) {
    he::store(x, below(v, m.p));
  }
  static void transpose(V (&r)[8]) { transpose8(r); }

  // to + (x w mod p, below 2p) for x below 2^52 and a result below 2^52.
  static V timesPlus(V to, V x, const Root &w, const Modulus &m) {
    const V quotient = _mm512_madd52hi_epu64(_mm512_setzero_si512(), x, w.quotient);
    const V sum = _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(to, x, w.value), quotient, m.minus);
    return _mm512_and_si512(sum, m.low52);
  }
  static V times(V x, const Root &w, const Modulus &m) {
    return timesPlus(_mm512_setzero_si512(), x, w, m);
  }
  static V settled(V x, const Modulus &) { return x; }

  static double afterButterfly(double c, bool reduced) { return (reduced ? 2 : c) + 2; }
  template <bool kReduce> static void butterfly(V &a, V &b, const Root &w, const Modulus &m) {
    const V u = kReduce ? below(a, m.twice) : a;
    a = timesPlus(u, b, w, m);
    b = _mm512_sub_epi64(_mm512_add_epi64(_mm512_add_epi64(u, m.twice), u), a);
  }
  // Takes and leaves c = 2.
  static void inverseButterfly(V &a, V &b, const Root &w, const Modulus &m) {
    const V difference = _mm512_add_epi64(_mm512_sub_epi64(a, b), m.twice);
    a = below(_mm512_add_epi64(a, b), m.twice);
    b = times(difference, w, m);
  }
};

// Sums low + 2^52 high. `factor(t, i)` is what a[t][i], ... are multiplied with. Four vectors at
// once hide the latency of the sums.
template <typename Factor>
void accumulate(const std::uint64_t *const *a, std::size_t terms, std::uint64_t *low,
                std::uint64_t *high, std::size_t count, Factor &&factor) {
  constexpr std::size_t kAtOnce = 4;
  for (std::size_t i = 0; i < count; i += 8 * kAtOnce) {
    Vector l[kAtOnce], h[kAtOnce];
    for (std::size_t k = 0; k < kAtOnce; ++k) {
      l[k] = load(low + i + 8 * k);
      h[k] = load(high + i + 8 * k);
    }
    for (std::size_t t = 0; t < terms; ++t)
      for (std::size_t k = 0; k < kAtOnce; ++k) {
        const Vector x = load(a[t] + i + 8 * k);
        const Vector y = factor(t, i + 8 * k);
        l[k] = _mm512_madd52lo_epu64(l[k], x, y);
        h[k] = _mm512_madd52hi_epu64(h[k], x, y);
      }
    for (std::size_t k = 0; k < kAtOnce; ++k) {
      store(low + i + 8 * k, l[k]);
      store(high + i + 8 * k, h[k]);
    }
  }
}

void accumulateTerms(const std::uint64_t *const *a, const std::uint64_t *const *b,
                     std::size_t terms, std::uint64_t *low, std::uint64_t *high,
                     std::size_t count) {
  accumulate(a, terms, low, high, count,
             [b](std::size_t t, std::size_t i) { return load(b[t] + i); });
}

void accumulateScaledTerms(const std::uint64_t *const *a, const std::uint64_t *b, std::size_t terms,
                           std::uint64_t *low, std::uint64_t *high, std::size_t count) {
  accumulate(a, terms, low, high, count, [b](std::size_t t, std::size_t) { return all(b[t]); });
}

// low = l0 + 2^52 l1, high + l1 = h0 + 2^52 h1: the sum is l0 + 2^52 h0 + 2^104 h1.
void reduce(const TransformTables &tables, const std::uint64_t *low, const std::uint64_t *high,
            std::uint64_t *out) {
  using Field = IfmaField;
  const Field::Modulus m(tables.p);
  const Vector fourTimes = _mm512_add_epi64(m.twice, m.twice);
  const Field::Root one = Field::factor(tables.one, tables.p);
  const Field::Root by52 = Field::factor(tables.by52, tables.p);
  const Field::Root by104 = Field::factor(tables.by104, tables.p);
  for (std::size_t i = 0; i < tables.degree; i += 8) {
    const Vector l = load(low + i);
    const Vector h = _mm512_add_epi64(load(high + i), _mm512_srli_epi64(l, 52));
    Vector sum = Field::times(l, one, m); // products take the low 52 bits
    sum = _mm512_add_epi64(sum, Field::times(h, by52, m));
    sum = _mm512_add_epi64(sum, Field::times(_mm512_srli_epi64(h, 52), by104, m));
    store(out + i, below(below(below(sum, fourTimes), m.twice), m.p));
  }
}

using Transforms = Transform<IfmaField>;

} // namespace

extern const RingKernels kIfmaRingKernels;
const RingKernels kIfmaRingKernels{"avx512-ifma", Transforms::forward, Transforms::inverse,
                                   gather8,       accumulateTerms,     accumulateScaledTerms,
                                   reduce};

} // namespace dyad::he
