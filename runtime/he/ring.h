// SPDX-License-Identifier: Apache-2.0
// Polynomials modulo X^degree + 1 and the primes of a parameter set: tables, transforms, encoding
// of messages, and what turns residues into fractions of q.
#pragma once

#include "runtime/he/parameters.h"
#include "runtime/he/ring_kernels.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace dyad::he {

/// Residues modulo each prime in turn: primes x degree words.
using Polynomial = std::vector<std::uint64_t>;

inline std::uint64_t timesModulo(std::uint64_t a, std::uint64_t b, std::uint64_t p) {
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(a) * b % p);
}
std::uint64_t powerModulo(std::uint64_t x, std::uint64_t exponent, std::uint64_t p);
/// Of x that is not 0, modulo a prime.
inline std::uint64_t inverseModulo(std::uint64_t x, std::uint64_t p) {
  return powerModulo(x, p - 2, p);
}
Factor factorFor(std::uint64_t value, std::uint64_t p);
/// The primitive root of order 2 degree that transforms use.
std::uint64_t primitiveRoot(std::size_t degree, std::uint64_t p);
TransformTables makeTables(std::size_t degree, std::uint64_t p, std::uint64_t root);
inline TransformTables makeTables(std::size_t degree, std::uint64_t p) {
  return makeTables(degree, p, primitiveRoot(degree, p));
}
/// Where transforms keep the value at the root's power 2 i + 1: i with `bits` bits reversed.
std::size_t bitReversed(std::size_t i, unsigned bits);

/// A parameter set with its tables. Immutable; one for each set in a process.
class RingContext {
public:
  static const RingContext &of(const ParameterSet &set);

  const ParameterSet &set() const { return set_; }
  std::size_t degree() const { return set_.degree; }
  unsigned primes() const { return set_.primes; }
  std::size_t words() const { return degree() * primes(); }
  /// Primes of q, then special ones.
  unsigned allPrimes() const { return set_.primes + set_.specials; }
  std::uint64_t prime(unsigned i) const {
    return i < set_.primes ? set_.prime[i] : set_.special[i - set_.primes];
  }
  unsigned primeBits(unsigned i) const {
    return i < set_.primes ? set_.primeBits[i] : set_.specialBits[i - set_.primes];
  }
  const TransformTables &tables(unsigned i) const { return tables_[i]; }
  /// Of degree / 2^halvings, from 64 on, and the root to the power 2^halvings.
  const TransformTables &smaller(unsigned i, unsigned halvings) const {
    return halvings == 0 ? tables_[i] : smaller_[i][halvings - 1];
  }

  /// Modulo as many primes as the polynomial has residues of.
  void forward(Polynomial &x) const;
  void inverse(Polynomial &x) const;

  /// Adds floor((q m + r) / 2^bits), exactly, to the coefficients; m and r below 2^bits. That is
  /// q m / 2^bits rounded, and for uniform r without an error in the mean, whatever m is.
  void addMessage(std::span<const std::uint64_t> message, std::span<const std::uint64_t> rounding,
                  unsigned bits, Polynomial &x) const;

  /// Residues of small signed integers modulo the first `primes` primes.
  Polynomial fromSigned(std::span<const std::int64_t> values, unsigned primes) const;
  Polynomial fromSigned(std::span<const std::int64_t> values) const {
    return fromSigned(values, primes());
  }

  /// 2^64 x / q for a coefficient x given by its residues at x[at + i * degree], i below primes,
  /// modulo 2^64; too small by less than 3 units for each prime.
  std::uint64_t fraction(const Polynomial &x, std::size_t at) const;

  /// a b mod (X^degree + 1, 2^bits) for a below 2^bits and b small with transform `other`: by the
  /// first two primes, whose product must be above degree 2^bits.
  std::vector<std::uint64_t> timesSmall(std::span<const std::uint64_t> a, unsigned bits,
                                        const Polynomial &other) const;

private:
  explicit RingContext(const ParameterSet &set);

  ParameterSet set_;
  std::vector<TransformTables> tables_;
  std::array<std::vector<TransformTables>, kMaxPrimes> smaller_;
  std::array<Factor, kMaxPrimes> cofactorInverse_; ///< 1 / (q / p_i) modulo p_i
  std::array<std::uint64_t, kMaxPrimes> scale_{};  ///< floor(2^(63 + bits of p_i) / p_i)
  std::uint64_t modulusLow_ = 0;                   ///< q mod 2^64
  Factor firstInverse_;                            ///< 1 / p_0 modulo p_1
};

/// A sum of products of polynomials modulo one prime, by value or as transforms alike.
class Sum {
public:
  explicit Sum(std::size_t degree) : low_(degree), high_(degree) {}
  Sum &set(const std::uint64_t *x) {
    std::copy_n(x, low_.size(), low_.begin());
    std::fill(high_.begin(), high_.end(), 0);
    return *this;
  }
  Sum &clear() {
    std::fill(low_.begin(), low_.end(), 0);
    std::fill(high_.begin(), high_.end(), 0);
    return *this;
  }
  Sum &add(const std::uint64_t *a, const std::uint64_t *b) {
    ringKernels().accumulate(a, b, low_.data(), high_.data(), low_.size());
    return *this;
  }
  Sum &addScaled(const std::uint64_t *a, std::uint64_t b) {
    ringKernels().accumulateScaled(a, b, low_.data(), high_.data(), low_.size());
    return *this;
  }
  /// Several products, which touches the sum once.
  Sum &addTerms(const std::uint64_t *const *a, const std::uint64_t *const *b, std::size_t terms) {
    ringKernels().accumulateTerms(a, b, terms, low_.data(), high_.data(), low_.size());
    return *this;
  }
  /// The same for `count` coefficients from `first` on, a multiple of 64; a and b begin there.
  Sum &addTerms(const std::uint64_t *const *a, const std::uint64_t *const *b, std::size_t terms,
                std::size_t first, std::size_t count) {
    ringKernels().accumulateTerms(a, b, terms, low_.data() + first, high_.data() + first, count);
    return *this;
  }
  Sum &addScaledTerms(const std::uint64_t *const *a, const std::uint64_t *b, std::size_t terms) {
    ringKernels().accumulateScaledTerms(a, b, terms, low_.data(), high_.data(), low_.size());
    return *this;
  }
  void into(const TransformTables &tables, std::uint64_t *out) const {
    ringKernels().reduce(tables, low_.data(), high_.data(), out);
  }
  /// Makes room for more products.
  void fold(const TransformTables &tables) {
    into(tables, low_.data());
    std::fill(high_.begin(), high_.end(), 0);
  }

private:
  std::vector<std::uint64_t> low_, high_;
};

} // namespace dyad::he
