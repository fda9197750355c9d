// SPDX-License-Identifier: Apache-2.0
// Functions of positive numbers of many sizes, as plain integers: the number is shifted until its
// leading one is at a fixed place, a piecewise polynomial does the rest, and what was shifted comes
// back as a factor or a term. Reciprocals, roots, powers and logarithms.
#pragma once

#include "runtime/functions/piecewise_polynomial.h"

#include <cstdint>
#include <vector>

namespace dyad {

/// For x with its leading one at bit K, lowestLead <= K <= highestLead:
///
///   j = floor((highestLead - K) / step)           the group, 0 for the largest numbers
///   r = mantissa(floor(x 2^(step j) / 2^mantissaDrop))
///   y = floor((r factors[j] + termBase + termStep j + 2^(drop-1)) / 2^drop)   modulo 2^outputBits
///
/// without factors where there are none, and without 2^(drop-1) if drop = 0. Zero belongs to no
/// group, so no factor is selected and y = 0; `acceptsZero` says that it may occur.
struct NormalizedFunction {
  unsigned inputBits = 0; ///< ring of x
  unsigned lowestLead = 0;
  unsigned highestLead = 0;  ///< at most inputBits - 1
  unsigned step = 1;         ///< octaves of a group, 1 or 2
  unsigned mantissaDrop = 0; ///< low bits that the mantissa does without
  /// Its domain holds [2^(end - step), 2^end), end = highestLead + 1 - mantissaDrop,
  /// Outside::kNever; outputBits is sumBits.
  PiecewisePolynomial mantissa;
  std::vector<std::uint64_t> factors; ///< of each group, or none
  std::int64_t termBase = 0;
  std::int64_t termStep = 0;
  unsigned sumBits = 0;
  unsigned drop = 0;
  SignFact sumFact = SignFact::kUnknown; ///< of the sum, rounding included
  unsigned outputBits = 0;
  bool acceptsZero = false; ///< needs factors of two groups or more, and no term

  /// Of the shifted number, before low bits are dropped.
  unsigned shiftedBits() const { return mantissa.domainBits + mantissaDrop; }
  unsigned groups() const { return (highestLead - lowestLead) / step + 1; }
  bool operator==(const NormalizedFunction &) const = default;
};

/// Error kOutOfRange, kShapeMismatch unless the numbers fit each other.
void requireValid(const NormalizedFunction &f);

/// y(x), the signed reading of outputBits bits. Error kOutOfRange unless x has its leading one
/// where it must. What `reference` runs.
std::int64_t evaluate(const NormalizedFunction &f, std::int64_t x);

/// normalized of n elements.
Cost normalizedCost(std::uint64_t n, const NormalizedFunction &f, Radix radix = {});

/// Width in which factor `factor` is counted, of a sum's: without its trailing zeros.
unsigned factorWidth(std::uint64_t factor, unsigned sumBits);
/// The lowest bit that any leading one may be at: groups are whole.
unsigned leadingFrom(const NormalizedFunction &f);

} // namespace dyad
