// SPDX-License-Identifier: Apache-2.0
// Arithmetic modulo p < 2^50 in floating point, written once for any width of vectors: residues are
// integers in doubles, products are exact pairs by fused multiply-add. Internal, as
// ring_kernels_transform.h is.
#pragma once

#include "runtime/he/ring_kernels_transform.h"

namespace dyad::he {

inline constexpr double kRoundingBase = 0x1.8p52;

/// `Ops` has a vector `V` of `kLanes` doubles, a vector `I` of as many words, and their arithmetic.
///
/// Ranges. Numbers are signed; c stands for |x| <= c p. A factor w is centred, |w| <= p / 2. For
/// c <= 4, x w / p is below 2^51, where adding and subtracting 1.5 2^52 rounds to an integer; it is
/// off by at most c / 8 before that, from rounding x w and 1 / p, so x w - q p has c' = 1/2 + c
/// / 8. It is exact: x w = h + l with h the rounded product and l the rest, and h - q p, l and
/// their sum are integers below 2^53.
template <typename Ops> struct DoubleField {
  using V = typename Ops::V;
  using I = typename Ops::I;
  using Root = V;
  static constexpr std::size_t kLanes = Ops::kLanes;
  static constexpr bool kTight = false;

  struct Modulus {
    V p, inverse, rounding;
    explicit Modulus(std::uint64_t prime)
        : p(Ops::all(static_cast<double>(prime))),
          inverse(Ops::all(1 / static_cast<double>(prime))), rounding(Ops::all(kRoundingBase)) {}
  };

  static Root root(const TransformTables::Direction &roots, std::size_t i) {
    return Ops::all(roots.centred[i]);
  }
  static Root tail(const TransformTables::Direction &roots, std::size_t i) {
    return Ops::load((kLanes == 4 ? roots.centredTail4 : roots.centredTail8).data() + i * kLanes);
  }
  static Root factor(Factor factor, std::uint64_t p) { return Ops::all(centred(factor.value, p)); }

  static V load(const std::uint64_t *x) { return Ops::load(reinterpret_cast<const double *>(x)); }
  static void store(std::uint64_t *x, V v) { Ops::store(reinterpret_cast<double *>(x), v); }
  static V fromWords(const std::uint64_t *x) { return Ops::fromWords(Ops::loadWords(x)); }
  static void toWords(std::uint64_t *x, V v, const Modulus &m) {
    Ops::storeWords(x, Ops::toWords(Ops::plusIfNegative(settled(v, m), m.p)));
  }
  static void productToWords(std::uint64_t *x, V v, const Modulus &m) { toWords(x, v, m); }
  static void transpose(V (&r)[kLanes]) { Ops::transpose(r); }

  // x w mod p, of c = 1/2 + c(x) / 8.
  static V times(V x, V w, const Modulus &m) {
    const V high = Ops::times(x, w);
    const V low = Ops::timesMinus(x, w, high);
    const V quotient = Ops::minus(Ops::timesPlus(high, m.inverse, m.rounding), m.rounding);
    return Ops::plus(Ops::minusTimes(quotient, m.p, high), low);
  }
  // x mod p for |x| < 2^53, of c = 1/2 and hardly more.
  static V settled(V x, const Modulus &m) {
    const V quotient = Ops::minus(Ops::timesPlus(x, m.inverse, m.rounding), m.rounding);
    return Ops::minusTimes(quotient, m.p, x);
  }

  static double afterButterfly(double c, bool reduced) {
    return (reduced ? 0.5 + 0x1p-40 : c) + 0.5 + c / 8;
  }
  template <bool kReduce> static void butterfly(V &a, V &b, V w, const Modulus &m) {
    const V u = kReduce ? settled(a, m) : a;
    const V v = times(b, w, m);
    a = Ops::plus(u, v);
    b = Ops::minus(u, v);
  }
  // Passes take c <= 1. Two layers make sums of four, c <= 4, sums of products, c <= 2 (1/2 + 2/8),
  // and products of c <= 1/2 + 4/8.
  static void inverseButterfly(V &a, V &b, V w, const Modulus &m) {
    const V difference = Ops::minus(a, b);
    a = Ops::plus(a, b);
    b = times(difference, w, m);
  }
};

/// The products of RingKernels.
template <typename Ops> struct DoubleProducts {
  using Field = DoubleField<Ops>;
  using V = typename Ops::V;
  using I = typename Ops::I;
  static constexpr std::size_t kLanes = Ops::kLanes;

  // Products as high 2^49 + low with |low| <= 2^48: adding 2^101 rounds a product below 2^100 to a
  // multiple of 2^49. Sums of kMaxProducts stay below 2^62 and, in absolute value, 2^59.
  struct Split {
    V highBase, both;
    I highBits, lowBits;
    Split()
        : highBase(Ops::all(0x1p101)), both(Ops::all(0x1p101 + kRoundingBase)),
          highBits(Ops::bits(highBase)), lowBits(Ops::bits(Ops::all(kRoundingBase))) {}
    void add(V a, V b, I &low, I &high) const {
      const V top = Ops::timesPlus(a, b, highBase);
      const V rest = Ops::timesPlus(a, b, Ops::minus(both, top));
      high = Ops::plusWords(high, Ops::minusWords(Ops::bits(top), highBits));
      low = Ops::plusWords(low, Ops::minusWords(Ops::bits(rest), lowBits));
    }
  };

  // `factor(t, i)` is what a[t][i], ... are multiplied with.
  template <typename Factor>
  static void accumulate(const std::uint64_t *const *a, std::size_t terms, std::uint64_t *low,
                         std::uint64_t *high, std::size_t count, Factor &&factor) {
    const Split split;
    constexpr std::size_t kAtOnce = 2;
    for (std::size_t i = 0; i < count; i += kAtOnce * kLanes) {
      I l[kAtOnce], h[kAtOnce];
      for (std::size_t k = 0; k < kAtOnce; ++k) {
        l[k] = Ops::loadWords(low + i + k * kLanes);
        h[k] = Ops::loadWords(high + i + k * kLanes);
      }
      for (std::size_t t = 0; t < terms; ++t)
        for (std::size_t k = 0; k < kAtOnce; ++k) {
          const std::size_t at = i + k * kLanes;
          split.add(Field::fromWords(a[t] + at), factor(t, at), l[k], h[k]);
        }
      for (std::size_t k = 0; k < kAtOnce; ++k) {
        Ops::storeWords(low + i + k * kLanes, l[k]);
        Ops::storeWords(high + i + k * kLanes, h[k]);
      }
    }
  }
  static void accumulateTerms(const std::uint64_t *const *a, const std::uint64_t *const *b,
                              std::size_t terms, std::uint64_t *low, std::uint64_t *high,
                              std::size_t count) {
    accumulate(a, terms, low, high, count,
               [b](std::size_t t, std::size_t i) { return Field::fromWords(b[t] + i); });
  }
  static void accumulateScaledTerms(const std::uint64_t *const *a, const std::uint64_t *b,
                                    std::size_t terms, std::uint64_t *low, std::uint64_t *high,
                                    std::size_t count) {
    accumulate(a, terms, low, high, count,
               [b](std::size_t t, std::size_t) { return Ops::all(static_cast<double>(b[t])); });
  }

  // Carries first: l0 + 2^49 h0 + 2^98 h1, all from 0 on and below 2^49.
  static void reduce(const TransformTables &tables, const std::uint64_t *low,
                     const std::uint64_t *high, std::uint64_t *out) {
    const typename Field::Modulus m(tables.p);
    const V by49 = Field::factor(tables.by49, tables.p);
    const V by98 = Field::factor(tables.by98, tables.p);
    const I bias = Ops::allWords(std::uint64_t{1} << 61);
    const I carried = Ops::allWords(std::uint64_t{1} << 12);
    const I mask = Ops::allWords((std::uint64_t{1} << 49) - 1);
    for (std::size_t i = 0; i < tables.degree; i += kLanes) {
      const I l = Ops::plusWords(Ops::loadWords(low + i), bias);
      const I h = Ops::minusWords(
          Ops::plusWords(Ops::loadWords(high + i), Ops::template shiftedRight<49>(l)), carried);
      const V l0 = Ops::fromWords(Ops::andWords(l, mask));
      const V h0 = Ops::fromWords(Ops::andWords(h, mask));
      const V h1 = Ops::fromWords(Ops::template shiftedRight<49>(h));
      const V sum = Ops::plus(l0, Ops::plus(Field::times(h0, by49, m), Field::times(h1, by98, m)));
      Field::toWords(out + i, sum, m);
    }
  }
};

} // namespace dyad::he
