// SPDX-License-Identifier: Apache-2.0
// Parameters of the RLWE linear layers: which rings and moduli there are, and whether a product of
// declared widths and term counts decrypts exactly under one. No crypto; integers only, so that
// compiler and parties decide the same.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace dyad::he {

inline constexpr unsigned kMaxPrimes = 4;
inline constexpr unsigned kMaxSpecialPrimes = 3;

/// The ring Z_q[X] / (X^degree + 1), q a product of primes that are 1 modulo 2 degree and below
/// 2^50. Each set that a program uses has a key of its own. Sets for packed replies have special
/// primes too: Galois keys are modulo q P, P their product.
struct ParameterSet {
  unsigned id = 0;
  unsigned degree = 0;
  unsigned primes = 0;
  std::array<std::uint64_t, kMaxPrimes> prime{};
  std::array<unsigned, kMaxPrimes> primeBits{}; ///< prime < 2^primeBits, and hardly smaller
  unsigned specials = 0;
  std::array<std::uint64_t, kMaxSpecialPrimes> special{};
  std::array<unsigned, kMaxSpecialPrimes> specialBits{};

  /// q < 2^modulusBits: the size of a coefficient on the wire.
  unsigned modulusBits() const;
  /// P < 2^specialModulusBits; 0 without special primes. Security is judged by both together.
  unsigned specialModulusBits() const;
};

/// All sets, their id being their index.
std::span<const ParameterSet> parameterSets();
/// Error kOutOfRange for an id that does not exist.
const ParameterSet &parameterSet(unsigned id);

/// Largest log2 q with 128 bits of classical security for a ternary secret: 106 for degree 4096,
/// 214 for 8192, 53 for 2048; 0 for any other degree. (eprint 2024/463, below the standard of 2018:
/// 54, 109, 218.)
unsigned secureModulusBits(unsigned degree);

/// A sum of `terms` products of integers modulo 2^bits with numbers |w| <= 2^magnitudeBits. From
/// types and shapes alone, never from the weights themselves.
struct Demand {
  unsigned bits = 0;
  unsigned magnitudeBits = 0;
  std::uint64_t terms = 0;
  unsigned packing = 0; ///< levels of packing that the products go through
};

/// How a product is hidden and sent.
struct Budget {
  unsigned factor = 0;     ///< 16 to 31
  unsigned errorShift = 0; ///< the noise of a product is below B_e = factor 2^errorShift
  unsigned floodShift = 0; ///< four uniform numbers of width B_f = factor 2^floodShift = 2^50 B_e
  unsigned extraBits = 0;  ///< g: replies are modulo 2^(bits + g)
};

/// Bits that used coefficients of c0 keep below the message in a reply.
inline constexpr unsigned kKeptBits = 3;

/// The budget under a set, or nothing if a product would not decrypt exactly (docs/protocols/
/// rlwe.md, "Exactness") or the set is not secure.
std::optional<Budget> budgetFor(const ParameterSet &set, const Demand &demand);

/// The set with the smallest ring, and the smallest modulus of that. Error kOutOfRange, saying what
/// was asked for, if there is none.
const ParameterSet &chooseParameters(const Demand &demand);

} // namespace dyad::he
