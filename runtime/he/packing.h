// SPDX-License-Identifier: Apache-2.0
// Packing of sparse ciphertexts into a dense one by automorphisms, at the full modulus. The maths
// and the noise are in docs/protocols/rlwe.md, "Packed replies".
#pragma once

#include "runtime/he/galois_key.h"
#include "runtime/he/ring.h"
#include "runtime/he/scheme.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace dyad::he {

/// Residues modulo some primes brought to others: from r p_i / m modulo p_i, m the product of the
/// primes, to c r with the representative of r nearest to zero.
class BaseConversion {
public:
  /// Primes from `firstFrom` and `firstTo` on, by their places in the ring; `scale[k]` is c modulo
  /// the k-th of the others.
  BaseConversion(const RingContext &ring, unsigned firstFrom, unsigned from, unsigned firstTo,
                 std::span<const std::uint64_t> scale);

  /// Coefficients by value, not transforms: from x[i * degree + j] to out[k * degree + j].
  /// `multiple` is memory for `degree` words.
  void operator()(const std::uint64_t *x, std::uint64_t *out, Sum &sum,
                  std::vector<std::uint64_t> &multiple) const;

private:
  const RingContext &ring_;
  unsigned firstFrom_, from_, firstTo_;
  std::vector<std::vector<std::uint64_t>> factors_; ///< of each target: of each source, and of m
};

/// The packing of one layer. Ciphertexts that go through it are in a form of their own: c1 times
/// p_i / q modulo p_i, and c0 with residues modulo the special primes behind it, once there are
/// any.
class Packer {
public:
  Packer(const RingContext &ring, const GaloisKeys &keys);

  /// Memory of one thread.
  struct Scratch {
    explicit Scratch(const RingContext &ring);
    Sum sum;
    Polynomial image, digit, coefficients, special;
  };

  /// Brings an input of a product of `levels` levels into that form, with coefficient `origin` at
  /// the beginning.
  void prepare(Ciphertext &input, unsigned levels, std::uint64_t origin) const;

  /// One node: `a` and 2^step places after it `b` in one, doubled. Coefficients that are odd
  /// multiples of 2^step vanish from both; without `b` nothing does.
  void merge(Ciphertext &a, const Ciphertext *b, unsigned step, Scratch &scratch) const;

  /// Back into the usual form, c0 and c1 as transforms of residues modulo the primes of q.
  void finish(Ciphertext &packed, Scratch &scratch) const;

private:
  const RingContext &ring_;
  const GaloisKeys &keys_;
  std::vector<std::uint64_t> cofactor_; ///< q / p_i modulo p_i
  BaseConversion raise_, lower0_, lower1_;
};

} // namespace dyad::he
