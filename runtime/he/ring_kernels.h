// SPDX-License-Identifier: Apache-2.0
// The loops over coefficients modulo one prime that exist once for each instruction set, and the
// choice among them by what the processor has. All sets give the same numbers, in the same order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dyad::he {

/// A factor w modulo p with what multiplies by it fast: floor(w 2^64 / p).
struct Factor {
  std::uint64_t value = 0;
  std::uint64_t quotient = 0;
};

/// x * w modulo p, below 2p, for any x.
inline std::uint64_t timesLazy(std::uint64_t x, Factor w, std::uint64_t p) {
  const auto quotient =
      static_cast<std::uint64_t>(static_cast<unsigned __int128>(x) * w.quotient >> 64);
  return x * w.value - quotient * p;
}
/// The same below p. Without branches: operands may be secret.
inline std::uint64_t belowModulus(std::uint64_t x, std::uint64_t p) {
  const std::uint64_t less = x - p;
  return less + (p & -(less >> 63));
}
inline std::uint64_t times(std::uint64_t x, Factor w, std::uint64_t p) {
  return belowModulus(timesLazy(x, w, p), p);
}

/// Tables of one prime p < 2^50 for transforms of `degree` coefficients, a power of two from 64 on.
/// A transform takes a polynomial modulo X^degree + 1 to its values, at the odd powers of a root in
/// bit-reversed order.
struct TransformTables {
  std::uint64_t p = 0;
  std::size_t degree = 0;
  /// Powers of the root (of its inverse) in bit-reversed order, and quotients by 2^64 and 2^52.
  std::vector<std::uint64_t> roots, rootQuotients, rootQuotients52;
  std::vector<std::uint64_t> inverses, inverseQuotients, inverseQuotients52;
  /// The same for the last three layers, in the order in which vectors of eight use them: for each
  /// 64 coefficients 7 vectors of roots and their 52-bit quotients.
  std::vector<std::uint64_t> tailRoots, tailInverses;
  Factor byDegree; ///< 1 / degree
  Factor by52;     ///< 2^52
  Factor by104;    ///< 2^104
  Factor one;      ///< 1
};

struct RingKernels {
  const char *name;
  /// In place; input below p, output below p. Coefficients from `nonzero` on, a power of two from
  /// 64 to the degree, count as zero: layers that would only copy are left out.
  void (*forward)(const TransformTables &tables, std::uint64_t *x, std::size_t nonzero);
  void (*inverse)(const TransformTables &tables, std::uint64_t *x);
  /// out[i] = from[index[i]].
  void (*gather)(const std::uint64_t *from, const std::uint32_t *index, std::uint64_t *out,
                 std::size_t count);
  /// low[i] + 2^52 high[i] += a[i] b[i] for a, b below 2^52: at most kMaxProducts times.
  void (*accumulate)(const std::uint64_t *a, const std::uint64_t *b, std::uint64_t *low,
                     std::uint64_t *high, std::size_t count);
  /// The same with one number for all b.
  void (*accumulateScaled)(const std::uint64_t *a, std::uint64_t b, std::uint64_t *low,
                           std::uint64_t *high, std::size_t count);
  /// out[i] = (low[i] + 2^52 high[i]) mod p, for sums as accumulate makes them.
  void (*reduce)(const TransformTables &tables, const std::uint64_t *low, const std::uint64_t *high,
                 std::uint64_t *out);
};

/// Products that fit the accumulators.
inline constexpr std::size_t kMaxProducts = 2048;

/// The best set for this machine.
const RingKernels &ringKernels();
/// All sets that this machine can run, the plainest first, so that tests compare them.
std::vector<const RingKernels *> allRingKernels();

} // namespace dyad::he
