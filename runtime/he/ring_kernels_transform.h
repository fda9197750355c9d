// SPDX-License-Identifier: Apache-2.0
// Transforms written once for any vectors and any arithmetic modulo p: the order of butterflies,
// two layers in a pass over the data, and where sums have to be reduced. Internal: included by the
// files of the instruction sets, whose `Field` has to be in an unnamed namespace or made from what
// is in one.
#pragma once

#include "runtime/he/ring_kernels.h"

namespace dyad::he {

/// `Field` has vectors `V` of `kLanes` residues, factors `Root` of one number or of a vector, and
/// numbers c, in units of p, that bound residues: butterflies take c <= 4.
template <typename Field> struct Transform {
  using V = typename Field::V;
  using Root = typename Field::Root;
  using Modulus = typename Field::Modulus;
  static constexpr std::size_t kLanes = Field::kLanes;
  /// Whether sums are reduced before every layer that does not have room for certain.
  static constexpr bool kTight = Field::kTight;

  // Data between the passes have the field's form, in the place of the words.
  template <bool kWords> static V load(const std::uint64_t *x) {
    return kWords ? Field::fromWords(x) : Field::load(x);
  }

  // One layer, the first one: `parts` parts of 2 half numbers.
  static void forwardTwo(const TransformTables::Direction &roots, std::uint64_t *x,
                         std::size_t parts, std::size_t half, const Modulus &m) {
    for (std::size_t i = 0; i < parts; ++i, x += 2 * half) {
      const Root w = Field::root(roots, parts + i);
      for (std::size_t j = 0; j < half; j += kLanes) {
        V a = load<true>(x + j);
        V b = load<true>(x + half + j);
        Field::template butterfly<false>(a, b, w, m);
        Field::store(x + j, a);
        Field::store(x + half + j, b);
      }
    }
  }

  // Two layers: `parts` parts of 4 quarter numbers, then twice as many of half the size.
  template <bool kWords, bool kReduce>
  static void forwardFour(const TransformTables::Direction &roots, std::uint64_t *x,
                          std::size_t parts, std::size_t quarter, const Modulus &m) {
    for (std::size_t i = 0; i < parts; ++i, x += 4 * quarter) {
      const Root w = Field::root(roots, parts + i);
      const Root w0 = Field::root(roots, 2 * (parts + i));
      const Root w1 = Field::root(roots, 2 * (parts + i) + 1);
      for (std::size_t j = 0; j < quarter; j += kLanes) {
        V r[4];
        for (std::size_t k = 0; k < 4; ++k)
          r[k] = load<kWords>(x + k * quarter + j);
        Field::template butterfly<kReduce>(r[0], r[2], w, m);
        Field::template butterfly<kReduce>(r[1], r[3], w, m);
        Field::template butterfly<kTight>(r[0], r[1], w0, m);
        Field::template butterfly<kTight>(r[2], r[3], w1, m);
        for (std::size_t k = 0; k < 4; ++k)
          Field::store(x + k * quarter + j, r[k]);
      }
    }
  }

  // The last layers, whose butterflies are closer than a vector is wide: on square blocks that are
  // transposed. (Loops are unrolled for the blocks to stay in registers.)
  template <bool kReduce>
  static void forwardTail(const TransformTables::Direction &roots, std::uint64_t *x,
                          std::size_t degree, const Modulus &m) {
    std::size_t next = 0;
    for (std::size_t block = 0; block < degree; block += kLanes * kLanes) {
      V r[kLanes];
#pragma GCC unroll 8
      for (std::size_t k = 0; k < kLanes; ++k)
        r[k] = load<false>(x + block + k * kLanes);
      Field::transpose(r);
      const Root w = Field::tail(roots, next++);
#pragma GCC unroll 8
      for (std::size_t k = 0; k < kLanes / 2; ++k)
        Field::template butterfly<kReduce>(r[k], r[k + kLanes / 2], w, m);
#pragma GCC unroll 8
      for (std::size_t half = kLanes / 4; half >= 1; half /= 2)
#pragma GCC unroll 8
        for (std::size_t first = 0; first < kLanes; first += 2 * half) {
          const Root v = Field::tail(roots, next++);
#pragma GCC unroll 8
          for (std::size_t k = first; k < first + half; ++k)
            Field::template butterfly<kTight>(r[k], r[k + half], v, m);
        }
      Field::transpose(r);
#pragma GCC unroll 8
      for (std::size_t k = 0; k < kLanes; ++k)
        Field::toWords(x + block + k * kLanes, r[k], m);
    }
  }

  // Whether two layers of sums that are not reduced before the first are too large.
  static bool overflows(double c) {
    const double first = Field::afterButterfly(c, false);
    return first > 4 || Field::afterButterfly(first, kTight) > 4;
  }

  static void forward(const TransformTables &tables, std::uint64_t *x, std::size_t nonzero) {
    const Modulus m(tables.p);
    const std::size_t degree = tables.degree;
    const TransformTables::Direction &roots = tables.forward;
    for (std::size_t i = nonzero; i < degree; ++i)
      x[i] = x[i - nonzero];
    std::size_t parts = degree / nonzero;
    std::size_t half = nonzero / 2;
    double c = 1;
    bool words = true;
    unsigned layers = 0;
    for (std::size_t h = half; h >= kLanes; h /= 2)
      ++layers;
    if (layers % 2 != 0) {
      forwardTwo(roots, x, parts, half, m);
      c = Field::afterButterfly(c, false);
      parts *= 2;
      half /= 2;
      words = false;
    }
    for (; half > kLanes; parts *= 4, half /= 4, words = false) {
      const bool reduce = overflows(c); // not for words
      if (words)
        forwardFour<true, false>(roots, x, parts, half / 2, m);
      else if (reduce)
        forwardFour<false, true>(roots, x, parts, half / 2, m);
      else
        forwardFour<false, false>(roots, x, parts, half / 2, m);
      c = Field::afterButterfly(Field::afterButterfly(c, reduce), kTight);
    }
    if (overflows(c))
      forwardTail<true>(roots, x, degree, m);
    else
      forwardTail<false>(roots, x, degree, m);
  }

  // Of the inverse every pass takes and leaves what Field::settled makes, and products; a field may
  // leave sums of four as they are until then.
  static void inverseTwo(const TransformTables::Direction &roots, std::uint64_t *x,
                         std::size_t parts, std::size_t half, const Modulus &m) {
    for (std::size_t i = 0; i < parts; ++i, x += 2 * half) {
      const Root w = Field::root(roots, parts + i);
      for (std::size_t j = 0; j < half; j += kLanes) {
        V a = load<false>(x + j);
        V b = load<false>(x + half + j);
        Field::inverseButterfly(a, b, w, m);
        Field::store(x + j, Field::settled(a, m));
        Field::store(x + half + j, b);
      }
    }
  }

  template <bool kLast>
  static void inverseFour(const TransformTables::Direction &roots, std::uint64_t *x,
                          std::size_t parts, std::size_t quarter, Root byDegree, const Modulus &m) {
    for (std::size_t i = 0; i < parts; ++i, x += 4 * quarter) {
      const Root w = Field::root(roots, parts + i);
      const Root w0 = Field::root(roots, 2 * (parts + i));
      const Root w1 = Field::root(roots, 2 * (parts + i) + 1);
      for (std::size_t j = 0; j < quarter; j += kLanes) {
        V r[4];
        for (std::size_t k = 0; k < 4; ++k)
          r[k] = load<false>(x + k * quarter + j);
        Field::inverseButterfly(r[0], r[1], w0, m);
        Field::inverseButterfly(r[2], r[3], w1, m);
        Field::inverseButterfly(r[0], r[2], w, m);
        Field::inverseButterfly(r[1], r[3], w, m);
        for (std::size_t k = 0; k < 4; ++k)
          if (kLast)
            Field::productToWords(x + k * quarter + j, Field::times(r[k], byDegree, m), m);
          else
            Field::store(x + k * quarter + j, k < 2 ? Field::settled(r[k], m) : r[k]);
      }
    }
  }

  static void inverseTail(const TransformTables::Direction &roots, std::uint64_t *x,
                          std::size_t degree, const Modulus &m) {
    std::size_t next = 0;
    for (std::size_t block = 0; block < degree; block += kLanes * kLanes) {
      V r[kLanes];
#pragma GCC unroll 8
      for (std::size_t k = 0; k < kLanes; ++k)
        r[k] = load<true>(x + block + k * kLanes);
      Field::transpose(r);
      // Roots stand in the order of the forward direction.
#pragma GCC unroll 8
      for (std::size_t half = 1; half < kLanes; half *= 2)
#pragma GCC unroll 8
        for (std::size_t first = 0; first < kLanes; first += 2 * half) {
          const Root w = Field::tail(roots, next + (kLanes + first) / (2 * half) - 1);
#pragma GCC unroll 8
          for (std::size_t k = first; k < first + half; ++k) {
            Field::inverseButterfly(r[k], r[k + half], w, m);
            // Sums of four, and those of the last layer.
            if ((half == 2 && k == first) || 2 * half == kLanes)
              r[k] = Field::settled(r[k], m);
          }
        }
      next += kLanes - 1;
      Field::transpose(r);
#pragma GCC unroll 8
      for (std::size_t k = 0; k < kLanes; ++k)
        Field::store(x + block + k * kLanes, r[k]);
    }
  }

  static void inverse(const TransformTables &tables, std::uint64_t *x) {
    const Modulus m(tables.p);
    const std::size_t degree = tables.degree;
    const Root byDegree = Field::factor(tables.byDegree, tables.p);
    inverseTail(tables.inverse, x, degree, m);
    std::size_t half = kLanes;
    unsigned layers = 0;
    for (std::size_t h = half; h < degree; h *= 2)
      ++layers;
    if (layers % 2 != 0) {
      inverseTwo(tables.inverse, x, degree / (2 * half), half, m);
      half *= 2;
    }
    for (; 4 * half < degree; half *= 4)
      inverseFour<false>(tables.inverse, x, degree / (4 * half), half, byDegree, m);
    inverseFour<true>(tables.inverse, x, 1, half, byDegree, m);
  }
};

} // namespace dyad::he
