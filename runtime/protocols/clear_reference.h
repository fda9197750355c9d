// SPDX-License-Identifier: Apache-2.0
// What each protocol computes, on values in the clear: the executable specification that the tests
// hold the protocols to. Values are ring elements masked to their width, as everywhere.
#pragma once

#include "runtime/protocols/multiplication_cost.h"
#include "runtime/protocols/truncation_cost.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dyad::functionality {

constexpr std::uint64_t mask(unsigned width) { return ~std::uint64_t{0} >> (64 - width); }
/// Two's complement reading of an element of `width` bits.
constexpr std::int64_t toSigned(std::uint64_t x, unsigned width) {
  return static_cast<std::int64_t>(x << (64 - width)) >> (64 - width);
}
constexpr std::uint64_t toRing(std::int64_t x, unsigned width) {
  return static_cast<std::uint64_t>(x) & mask(width);
}

constexpr bool msb(std::uint64_t x, unsigned width) { return (x >> (width - 1) & 1) != 0; }
constexpr bool nonNegative(std::uint64_t x, unsigned width) { return !msb(x, width); }
/// x >= bound by the sign of their difference, which must fit the ring.
constexpr bool atLeast(std::uint64_t x, std::uint64_t bound, unsigned width) {
  return nonNegative((x - bound) & mask(width), width);
}

constexpr std::uint64_t relu(std::uint64_t x, unsigned width) { return msb(x, width) ? 0 : x; }
constexpr std::uint64_t absolute(std::uint64_t x, unsigned width) {
  return msb(x, width) ? -x & mask(width) : x;
}
constexpr std::uint64_t maximum(std::uint64_t a, std::uint64_t b, unsigned width) {
  return atLeast(a, b, width) ? a : b;
}
constexpr std::uint64_t clip(std::uint64_t x, std::uint64_t low, std::uint64_t high,
                             unsigned width) {
  return !atLeast(x, low, width) ? low : atLeast(x, high, width) ? high : x;
}

constexpr std::uint64_t roundingConstant(std::uint64_t divisor, Rounding rounding) {
  return rounding == Rounding::kNearest ? divisor / 2 : 0;
}

/// floor((x + half) / 2^shift) in the same ring; the sum wraps.
constexpr std::uint64_t truncate(std::uint64_t x, unsigned width, unsigned shift,
                                 Rounding rounding) {
  if (shift == 0)
    return x;
  const std::uint64_t sum = x + roundingConstant(std::uint64_t{1} << shift, rounding);
  return toRing(toSigned(sum & mask(width), width) >> shift, width);
}
/// The same, reduced to width - shift bits.
constexpr std::uint64_t truncateReduce(std::uint64_t x, unsigned width, unsigned shift,
                                       Rounding rounding) {
  return truncate(x, width, shift, rounding) & mask(width - shift);
}

/// max(truncation, 0) in a ring of resultBits bits.
constexpr std::uint64_t truncateRelu(std::uint64_t x, unsigned width, unsigned shift,
                                     Rounding rounding, unsigned resultBits) {
  return relu(truncateReduce(x, width, shift, rounding), width - shift) & mask(resultBits);
}

constexpr std::uint64_t extendSigned(std::uint64_t x, unsigned from, unsigned to) {
  return toRing(toSigned(x, from), to);
}

/// Floor of x / divisor, x signed.
constexpr std::uint64_t divide(std::uint64_t x, unsigned width, std::uint64_t divisor,
                               Rounding rounding) {
  const auto d = static_cast<std::int64_t>(divisor);
  const std::int64_t value =
      toSigned(x, width) + static_cast<std::int64_t>(roundingConstant(divisor, rounding));
  const std::int64_t quotient = value / d;
  return toRing(value % d < 0 ? quotient - 1 : quotient, width);
}

/// First position of the maximum, comparing as atLeast does, in the order of a balanced tree.
inline std::size_t argmax(std::span<const std::uint64_t> x, unsigned width) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < x.size(); ++i)
    if (!atLeast(x[best], x[i], width))
      best = i;
  return best;
}

/// left x right mod 2^width; left holds integers of the format, sign-extended or not.
inline std::vector<std::uint64_t> matrixProduct(const MatrixShape &shape,
                                                std::span<const std::uint64_t> left,
                                                std::span<const std::uint64_t> right,
                                                unsigned width) {
  std::vector<std::uint64_t> out(shape.resultSize());
  for (std::uint64_t g = 0; g < shape.groups; ++g)
    for (std::uint64_t r = 0; r < shape.rows; ++r)
      for (std::uint64_t k = 0; k < shape.inner; ++k)
        for (std::uint64_t c = 0; c < shape.columns; ++c) {
          std::uint64_t &sum = out[(g * shape.rows + r) * shape.columns + c];
          sum += left[(g * shape.rows + r) * shape.inner + k] *
                 right[(g * shape.inner + k) * shape.columns + c];
          sum &= mask(width);
        }
  return out;
}

} // namespace dyad::functionality
