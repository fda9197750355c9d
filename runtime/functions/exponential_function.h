// SPDX-License-Identifier: Apache-2.0
// exp over many octaves as plain integers: a look-up for the high bits of the argument times a
// piecewise polynomial of the low ones, or a piecewise polynomial alone where that is cheaper.
#pragma once

#include "runtime/functions/piecewise_polynomial.h"

#include <cstdint>
#include <vector>

namespace dyad {

/// With v = x - low, D = 2^(domainBits - highBits):
///
///   y = floor((factors[floor(v / D)] lowPart(v mod D) + 2^(drop-1)) / 2^drop)   modulo
///   2^outputBits
///
/// and 0 for v outside [0, 2^domainBits). With highBits = 0 it is lowPart(x), and nothing else
/// counts but inputBits and outputBits.
struct ExponentialFunction {
  unsigned inputBits = 0;
  unsigned outputBits = 0;
  PiecewisePolynomial lowPart; ///< not negative; of [0, D), Outside::kNever, to sumBits
  unsigned highBits = 0;       ///< up to 8
  std::int64_t low = 0;
  unsigned domainBits = 0;
  bool hasOutside = false;
  unsigned factorBits = 0;
  std::vector<std::uint64_t> factors;
  unsigned sumBits = 0;
  unsigned drop = 0;
  SignFact sumFact = SignFact::kUnknown; ///< of the sum, rounding included
  bool operator==(const ExponentialFunction &) const = default;
};

void requireValid(const ExponentialFunction &f);
/// y(x), the signed reading of outputBits bits. What `reference` runs.
std::int64_t evaluate(const ExponentialFunction &f, std::int64_t x);
/// exponential of n elements.
Cost exponentialCost(std::uint64_t n, const ExponentialFunction &f, Radix radix = {});

/// The look-up of the factor.
LookupShape factorShape(const ExponentialFunction &f);
/// Carries into the factor's index and, with an outside, out of the domain.
std::vector<unsigned> factorPositions(const ExponentialFunction &f);

} // namespace dyad
