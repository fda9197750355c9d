// SPDX-License-Identifier: Apache-2.0
// Local arithmetic on vectors of ring elements: what a party does with its own shares, without a
// message. Elements are held masked to their width; results are masked again.
#pragma once

#include "runtime/net/error.h"
#include "runtime/ot/session.h"
#include "runtime/parallel/thread_pool.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace dyad {

using RingSpan = std::span<const std::uint64_t>;

constexpr std::uint64_t ringMask(unsigned width) {
  return width == 0 ? 0 : ~std::uint64_t{0} >> (64 - width);
}

inline void requireWidth(unsigned width, unsigned least = 1) {
  DYAD_REQUIRE(width >= least && width <= 64, kOutOfRange,
               "ring of {} bits; {} to 64 bits are possible", width, least);
}
inline void requireSameSize(std::size_t a, std::size_t b) {
  DYAD_REQUIRE(a == b, kShapeMismatch, "operands of {} and {} elements", a, b);
}

/// f(i) for all i below n, those of a large tensor by all threads. What f captures by value stays
/// in registers.
template <typename F> void eachElement(std::size_t n, F f) {
  constexpr std::size_t kPiece = std::size_t{1} << 15;
  parallelFor(n, kPiece, [&f](std::size_t begin, std::size_t end) {
    const F each = f;
    for (std::size_t i = begin; i < end; ++i)
      each(i);
  });
}

inline Ring reduced(Ring x, unsigned width) {
  const std::uint64_t mask = ringMask(width);
  eachElement(x.size(), [at = x.data(), mask](std::size_t i) { at[i] &= mask; });
  return x;
}
inline Ring added(Ring a, RingSpan b, unsigned width) {
  requireSameSize(a.size(), b.size());
  const std::uint64_t mask = ringMask(width);
  eachElement(a.size(), [at = a.data(), b, mask](std::size_t i) { at[i] = (at[i] + b[i]) & mask; });
  return a;
}
inline Ring subtracted(Ring a, RingSpan b, unsigned width) {
  requireSameSize(a.size(), b.size());
  const std::uint64_t mask = ringMask(width);
  eachElement(a.size(), [at = a.data(), b, mask](std::size_t i) { at[i] = (at[i] - b[i]) & mask; });
  return a;
}
/// a * factor.
inline Ring scaled(Ring a, std::uint64_t factor, unsigned width) {
  const std::uint64_t mask = ringMask(width);
  eachElement(a.size(),
              [at = a.data(), factor, mask](std::size_t i) { at[i] = at[i] * factor & mask; });
  return a;
}
/// Adds a public constant to a shared value: the server adds it to its share.
inline Ring plusPublic(const Session &session, Ring share, std::uint64_t constant, unsigned width) {
  if (!session.isServer())
    return share;
  const std::uint64_t mask = ringMask(width);
  eachElement(share.size(), [at = share.data(), constant, mask](std::size_t i) {
    at[i] = (at[i] + constant) & mask;
  });
  return share;
}

} // namespace dyad
