// SPDX-License-Identifier: Apache-2.0
// Kernels in floating point, written once for any width of vectors: residues modulo p < 2^50 are
// integers in doubles, products are exact pairs by fused multiply-add. Internal: included by the
// files of the instruction sets, whose `Ops` has to be in an unnamed namespace.
#pragma once

#include "runtime/he/ring_kernels.h"

namespace dyad::he {

/// `Ops` has a vector `V` of `kLanes` doubles, a vector `I` of as many words, and their arithmetic.
///
/// Ranges. Numbers are signed; c stands for |x| <= c p. A factor w is centred, |w| <= p / 2. For
/// c <= 4, x w / p is below 2^51, where adding and subtracting 1.5 2^52 rounds to an integer; it is
/// off by at most c / 8 before that, from rounding x w and 1 / p, so x w - q p has c' = 1/2 + c
/// / 8. It is exact: x w = h + l with h the rounded product and l the rest, and h - q p, l and
/// their sum are integers below 2^53.
template <typename Ops> struct DoubleKernels {
  using V = typename Ops::V;
  using I = typename Ops::I;
  static constexpr std::size_t kLanes = Ops::kLanes;
  static constexpr double kRounding = 0x1.8p52;

  struct Modulus {
    V p, inverse, rounding;
    explicit Modulus(std::uint64_t prime)
        : p(Ops::all(static_cast<double>(prime))),
          inverse(Ops::all(1 / static_cast<double>(prime))), rounding(Ops::all(kRounding)) {}
  };

  // x w mod p, of c = 1/2 + c(x) / 8.
  static V times(V x, V w, const Modulus &m) {
    const V high = Ops::times(x, w);
    const V low = Ops::timesMinus(x, w, high);
    const V quotient = Ops::minus(Ops::timesPlus(high, m.inverse, m.rounding), m.rounding);
    return Ops::plus(Ops::minusTimes(quotient, m.p, high), low);
  }
  // x mod p, of c = 1/2 (as good as: p is odd, and x p^-1 hardly off).
  static V reduced(V x, const Modulus &m) {
    const V quotient = Ops::minus(Ops::timesPlus(x, m.inverse, m.rounding), m.rounding);
    return Ops::minusTimes(quotient, m.p, x);
  }
  // x mod p from 0 on, as words.
  static I canonical(V x, const Modulus &m) {
    return Ops::toWords(Ops::plusIfNegative(reduced(x, m), m.p));
  }

  static constexpr double afterTimes(double c) { return 0.5 + c / 8; }
  static constexpr double afterButterfly(double c) { return c + afterTimes(c); }
  static constexpr double kReduced = 0.5 + 0x1p-40;

  template <bool kReduce> static void butterfly(V &a, V &b, V w, const Modulus &m) {
    const V u = kReduce ? reduced(a, m) : a;
    const V v = times(b, w, m);
    a = Ops::plus(u, v);
    b = Ops::minus(u, v);
  }
  static void inverseButterfly(V &a, V &b, V w, const Modulus &m) {
    const V difference = Ops::minus(a, b);
    a = Ops::plus(a, b);
    b = times(difference, w, m);
  }

  // Data between the passes are doubles, in the place of the words.
  static double *doubles(std::uint64_t *x) { return reinterpret_cast<double *>(x); }
  template <bool kWords> static V load(const std::uint64_t *x) {
    return kWords ? Ops::fromWords(Ops::loadWords(x))
                  : Ops::load(reinterpret_cast<const double *>(x));
  }

  // One layer, the first one: `parts` parts of 2 half numbers.
  static void forwardTwo(const double *roots, std::uint64_t *x, std::size_t parts, std::size_t half,
                         const Modulus &m) {
    for (std::size_t i = 0; i < parts; ++i, x += 2 * half) {
      const V w = Ops::all(roots[parts + i]);
      for (std::size_t j = 0; j < half; j += kLanes) {
        V a = load<true>(x + j);
        V b = load<true>(x + half + j);
        butterfly<false>(a, b, w, m);
        Ops::store(doubles(x + j), a);
        Ops::store(doubles(x + half + j), b);
      }
    }
  }

  // Two layers: `parts` parts of 4 quarter numbers, then twice as many of half the size.
  template <bool kWords, bool kReduce>
  static void forwardFour(const double *roots, std::uint64_t *x, std::size_t parts,
                          std::size_t quarter, const Modulus &m) {
    for (std::size_t i = 0; i < parts; ++i, x += 4 * quarter) {
      const V w = Ops::all(roots[parts + i]);
      const V w0 = Ops::all(roots[2 * (parts + i)]);
      const V w1 = Ops::all(roots[2 * (parts + i) + 1]);
      for (std::size_t j = 0; j < quarter; j += kLanes) {
        V r[4];
        for (std::size_t k = 0; k < 4; ++k)
          r[k] = load<kWords>(x + k * quarter + j);
        butterfly<kReduce>(r[0], r[2], w, m);
        butterfly<kReduce>(r[1], r[3], w, m);
        butterfly<false>(r[0], r[1], w0, m);
        butterfly<false>(r[2], r[3], w1, m);
        for (std::size_t k = 0; k < 4; ++k)
          Ops::store(doubles(x + k * quarter + j), r[k]);
      }
    }
  }

  // The last layers, whose butterflies are closer than a vector is wide: on square blocks that are
  // transposed.
  template <bool kReduce>
  static void forwardTail(const double *tail, std::uint64_t *x, std::size_t degree,
                          const Modulus &m) {
    for (std::size_t block = 0; block < degree; block += kLanes * kLanes) {
      V r[kLanes];
      for (std::size_t k = 0; k < kLanes; ++k)
        r[k] = load<false>(x + block + k * kLanes);
      Ops::transpose(r);
      for (std::size_t k = 0; k < kLanes / 2; ++k)
        butterfly<kReduce>(r[k], r[k + kLanes / 2], Ops::load(tail), m);
      tail += kLanes;
      for (std::size_t half = kLanes / 4; half >= 1; half /= 2)
        for (std::size_t first = 0; first < kLanes; first += 2 * half, tail += kLanes)
          for (std::size_t k = first; k < first + half; ++k)
            butterfly<false>(r[k], r[k + half], Ops::load(tail), m);
      Ops::transpose(r);
      for (std::size_t k = 0; k < kLanes; ++k)
        Ops::storeWords(x + block + k * kLanes, canonical(r[k], m));
    }
  }

  static void forward(const TransformTables &tables, std::uint64_t *x, std::size_t nonzero) {
    const Modulus m(tables.p);
    const std::size_t degree = tables.degree;
    for (std::size_t i = nonzero; i < degree; i += kLanes)
      Ops::storeWords(x + i, Ops::loadWords(x + i - nonzero));
    const double *const roots = tables.forward.roots.data();
    std::size_t parts = degree / nonzero;
    std::size_t half = nonzero / 2;
    double c = 1;
    bool words = true;
    unsigned layers = 0;
    for (std::size_t h = half; h >= kLanes; h /= 2)
      ++layers;
    if (layers % 2 != 0) {
      forwardTwo(roots, x, parts, half, m);
      c = afterButterfly(c);
      parts *= 2;
      half /= 2;
      words = false;
    }
    for (; half > kLanes; parts *= 4, half /= 4, words = false) {
      const bool reduce = afterButterfly(afterButterfly(c)) > 4;
      if (words)
        forwardFour<true, false>(roots, x, parts, half / 2, m);
      else if (reduce)
        forwardFour<false, true>(roots, x, parts, half / 2, m);
      else
        forwardFour<false, false>(roots, x, parts, half / 2, m);
      c = afterButterfly(reduce ? kReduced + afterTimes(c) : afterButterfly(c));
    }
    const double *const tail = tables.forward.tail<kLanes>();
    if (afterButterfly(afterButterfly(c)) > 4)
      forwardTail<true>(tail, x, degree, m);
    else
      forwardTail<false>(tail, x, degree, m);
  }

  // Of the inverse every pass takes and leaves c <= 1. Two layers make sums of four, c <= 4, and
  // sums of products, c <= 2 (1/2 + 2/8), both reduced, and products of c <= 1/2 + 4/8.
  static void inverseTwo(const double *roots, std::uint64_t *x, std::size_t parts, std::size_t half,
                         const Modulus &m) {
    for (std::size_t i = 0; i < parts; ++i, x += 2 * half) {
      const V w = Ops::all(roots[parts + i]);
      for (std::size_t j = 0; j < half; j += kLanes) {
        V a = load<false>(x + j);
        V b = load<false>(x + half + j);
        inverseButterfly(a, b, w, m);
        Ops::store(doubles(x + j), reduced(a, m));
        Ops::store(doubles(x + half + j), b);
      }
    }
  }

  template <bool kLast>
  static void inverseFour(const double *roots, std::uint64_t *x, std::size_t parts,
                          std::size_t quarter, V byDegree, const Modulus &m) {
    for (std::size_t i = 0; i < parts; ++i, x += 4 * quarter) {
      const V w = Ops::all(roots[parts + i]);
      const V w0 = Ops::all(roots[2 * (parts + i)]);
      const V w1 = Ops::all(roots[2 * (parts + i) + 1]);
      for (std::size_t j = 0; j < quarter; j += kLanes) {
        V r[4];
        for (std::size_t k = 0; k < 4; ++k)
          r[k] = load<false>(x + k * quarter + j);
        inverseButterfly(r[0], r[1], w0, m);
        inverseButterfly(r[2], r[3], w1, m);
        inverseButterfly(r[0], r[2], w, m);
        inverseButterfly(r[1], r[3], w, m);
        for (std::size_t k = 0; k < 4; ++k)
          if (kLast)
            Ops::storeWords(x + k * quarter + j, canonical(times(r[k], byDegree, m), m));
          else
            Ops::store(doubles(x + k * quarter + j), k < 2 ? reduced(r[k], m) : r[k]);
      }
    }
  }

  static void inverseTail(const double *tail, std::uint64_t *x, std::size_t degree,
                          const Modulus &m) {
    for (std::size_t block = 0; block < degree; block += kLanes * kLanes) {
      V r[kLanes];
      for (std::size_t k = 0; k < kLanes; ++k)
        r[k] = load<true>(x + block + k * kLanes);
      Ops::transpose(r);
      // Roots stand in the order of the forward direction.
      for (std::size_t half = 1; half < kLanes; half *= 2) {
        const double *const w = tail + (kLanes / (2 * half) - 1) * kLanes;
        for (std::size_t first = 0; first < kLanes; first += 2 * half)
          for (std::size_t k = first; k < first + half; ++k) {
            inverseButterfly(r[k], r[k + half], Ops::load(w + first / (2 * half) * kLanes), m);
            // Sums of four, and in the last layer sums of c <= 3.
            if ((half == 2 && k == first) || 2 * half == kLanes)
              r[k] = reduced(r[k], m);
          }
      }
      tail += (kLanes - 1) * kLanes;
      Ops::transpose(r);
      for (std::size_t k = 0; k < kLanes; ++k)
        Ops::store(doubles(x + block + k * kLanes), r[k]);
    }
  }

  static void inverse(const TransformTables &tables, std::uint64_t *x) {
    const Modulus m(tables.p);
    const std::size_t degree = tables.degree;
    const double *const roots = tables.inverse.roots.data();
    const V byDegree = Ops::all(tables.centredByDegree);
    inverseTail(tables.inverse.tail<kLanes>(), x, degree, m);
    std::size_t half = kLanes;
    unsigned layers = 0;
    for (std::size_t h = half; h < degree; h *= 2)
      ++layers;
    if (layers % 2 != 0) {
      inverseTwo(roots, x, degree / (2 * half), half, m);
      half *= 2;
    }
    for (; 4 * half < degree; half *= 4)
      inverseFour<false>(roots, x, degree / (4 * half), half, byDegree, m);
    inverseFour<true>(roots, x, 1, half, byDegree, m);
  }

  // Products as high 2^49 + low with |low| <= 2^48: adding 2^101 rounds a product below 2^100 to a
  // multiple of 2^49. Sums of kMaxProducts stay below 2^62 and, in absolute value, 2^59.
  struct Split {
    V highBase, both;
    I highBits, lowBits;
    Split()
        : highBase(Ops::all(0x1p101)), both(Ops::all(0x1p101 + kRounding)),
          highBits(Ops::bits(highBase)), lowBits(Ops::bits(Ops::all(kRounding))) {}
    void add(V a, V b, I &low, I &high) const {
      const V top = Ops::timesPlus(a, b, highBase);
      const V rest = Ops::timesPlus(a, b, Ops::minus(both, top));
      high = Ops::plusWords(high, Ops::minusWords(Ops::bits(top), highBits));
      low = Ops::plusWords(low, Ops::minusWords(Ops::bits(rest), lowBits));
    }
  };

  static void accumulate(const std::uint64_t *a, const std::uint64_t *b, std::uint64_t *low,
                         std::uint64_t *high, std::size_t count) {
    const Split split;
    for (std::size_t i = 0; i < count; i += kLanes) {
      I l = Ops::loadWords(low + i);
      I h = Ops::loadWords(high + i);
      split.add(load<true>(a + i), load<true>(b + i), l, h);
      Ops::storeWords(low + i, l);
      Ops::storeWords(high + i, h);
    }
  }
  static void accumulateScaled(const std::uint64_t *a, std::uint64_t b, std::uint64_t *low,
                               std::uint64_t *high, std::size_t count) {
    const Split split;
    const V y = Ops::all(static_cast<double>(b));
    for (std::size_t i = 0; i < count; i += kLanes) {
      I l = Ops::loadWords(low + i);
      I h = Ops::loadWords(high + i);
      split.add(load<true>(a + i), y, l, h);
      Ops::storeWords(low + i, l);
      Ops::storeWords(high + i, h);
    }
  }

  // Carries first: l0 + 2^49 h0 + 2^98 h1, all from 0 on and below 2^49.
  static void reduce(const TransformTables &tables, const std::uint64_t *low,
                     const std::uint64_t *high, std::uint64_t *out) {
    const Modulus m(tables.p);
    const V by49 = Ops::all(tables.centredBy49);
    const V by98 = Ops::all(tables.centredBy98);
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
      const V sum = Ops::plus(l0, Ops::plus(times(h0, by49, m), times(h1, by98, m)));
      Ops::storeWords(out + i, canonical(sum, m));
    }
  }
};

} // namespace dyad::he
