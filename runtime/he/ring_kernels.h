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

/// x from -p / 2 to p / 2, as a double.
inline double centred(std::uint64_t x, std::uint64_t p) {
  return x > p / 2 ? -static_cast<double>(p - x) : static_cast<double>(x);
}

/// Tables of one prime p < 2^50 for transforms of `degree` coefficients, a power of two from 64 on.
/// A transform takes a polynomial modulo X^degree + 1 to its values, at the odd powers of a root in
/// bit-reversed order.
struct TransformTables {
  /// Powers of the root, or of its inverse.
  struct Direction {
    /// In bit-reversed order, and their quotients by 2^64.
    std::vector<std::uint64_t> roots, quotients;
    /// The last layers (of the inverse, the first ones) in the order in which vectors of eight use
    /// them on square blocks: for each block 7 vectors of roots, each followed by 52-bit quotients.
    std::vector<std::uint64_t> tail;
    /// The same for floating point: roots of other layers than those, and the layers of vectors of
    /// four (3 for each block) and eight.
    std::vector<double> centred, centredTail4, centredTail8;
  };
  std::uint64_t p = 0;
  std::size_t degree = 0;
  Direction forward, inverse;
  Factor byDegree;    ///< 1 / degree
  Factor one;         ///< 1
  Factor by49, by98;  ///< 2^49, 2^98
  Factor by52, by104; ///< 2^52, 2^104
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
  /// Adds a[0][i] b[0][i] + ... + a[terms - 1][i] b[terms - 1][i] to the sum that (low[i], high[i])
  /// stand for; a, b below 2^50, at most kMaxProducts terms in all. (x, 0) stands for x; the rest
  /// is the set's own affair. Several terms at once touch the sums once. `count` is a multiple of
  /// 64.
  void (*accumulateTerms)(const std::uint64_t *const *a, const std::uint64_t *const *b,
                          std::size_t terms, std::uint64_t *low, std::uint64_t *high,
                          std::size_t count);
  /// The same with one number b[t] for all of a[t].
  void (*accumulateScaledTerms)(const std::uint64_t *const *a, const std::uint64_t *b,
                                std::size_t terms, std::uint64_t *low, std::uint64_t *high,
                                std::size_t count);
  /// One term.
  void accumulate(const std::uint64_t *a, const std::uint64_t *b, std::uint64_t *low,
                  std::uint64_t *high, std::size_t count) const {
    accumulateTerms(&a, &b, 1, low, high, count);
  }
  void accumulateScaled(const std::uint64_t *a, std::uint64_t b, std::uint64_t *low,
                        std::uint64_t *high, std::size_t count) const {
    accumulateScaledTerms(&a, &b, 1, low, high, count);
  }
  /// out[i] = that sum modulo p. `out` may be `low`.
  void (*reduce)(const TransformTables &tables, const std::uint64_t *low, const std::uint64_t *high,
                 std::uint64_t *out);
};

/// Products that fit the accumulators.
inline constexpr std::size_t kMaxProducts = 2048;

/// The set in use: the best one for this machine, unless useRingKernels said otherwise.
const RingKernels &ringKernels();
/// For tests and benchmarks: makes this set the one in use, nullptr the best. While nothing runs.
void useRingKernels(const RingKernels *set);
/// All sets that this machine can run, the plainest first, so that tests compare them.
std::vector<const RingKernels *> allRingKernels();

} // namespace dyad::he
