// SPDX-License-Identifier: Apache-2.0
// See parameters.h.
#include "runtime/he/parameters.h"

#include "runtime/net/error.h"

#include <cmath>

namespace dyad::he {
namespace {

// The largest primes below the power of two that are 1 modulo 2 degree; tests check them.
constexpr std::array<ParameterSet, 11> kSets{{
    {0, 4096, 2, {17592186028033, 17592185659393}, {44, 44}},
    {1, 4096, 2, {140737488273409, 140737488125953}, {47, 47}},
    {2, 4096, 2, {562949953216513, 281474976694273}, {49, 48}},
    {3, 4096, 2, {1125899906826241, 1125899906629633}, {50, 50}},
    {4, 4096, 3, {34359697409, 17179754497, 17179672577}, {35, 34, 34}},
    {5, 4096, 3, {68719403009, 34359697409, 34359451649}, {36, 35, 35}},
    {6, 8192, 3, {137438822401, 137438773249, 137438691329}, {37, 37, 37}},
    {7, 8192, 3, {1099511480321, 1099510890497, 1099510824961}, {40, 40, 40}},
    {8, 8192, 3, {17592186028033, 17592185438209, 17592184717313}, {44, 44, 44}},
    {9, 8192, 3, {1125899906826241, 1125899906629633, 1125899905744897}, {50, 50, 50}},
    {10,
     8192,
     4,
     {1125899906826241, 1125899906629633, 1125899905744897, 1125899905351681},
     {50, 50, 50, 50}},
}};

// What hides a product: each uniform is wider than its noise by so many bits (PROTOCOLS: the sum of
// four leaves at most 2^-40 over 10^7 coefficients).
constexpr unsigned kFloodMargin = 50;

using Wide = unsigned __int128;

// Fractions of q have 64 bits, the last four of them wrong; what they are rounded to must be far
// above.
constexpr unsigned kMaxReplyBits = 54;

// Smallest B_e of five bits that is at least 8 sigma sqrt(13/12 terms 4^magnitude + 4 degree / 3 +
// 1), where sigma^2 = 10.5 is that of our centered binomial noise: eight standard deviations, and
// 13/12 for the rounding of the encoding.
std::optional<Budget> errorBound(unsigned degree, const Demand &demand) {
  if (demand.magnitudeBits > 32 || demand.terms >> 24 != 0)
    return std::nullopt;
  const Wide square =
      56 * (((Wide{13} * demand.terms) << (2 * demand.magnitudeBits)) + Wide{16} * degree + 12);
  Budget budget;
  budget.factor = 31;
  while ((Wide{31 * 31} << (2 * budget.errorShift)) < square)
    ++budget.errorShift;
  while ((Wide{(budget.factor - 1) * (budget.factor - 1)} << (2 * budget.errorShift)) >= square)
    --budget.factor;
  budget.floodShift = budget.errorShift + kFloodMargin;
  return budget;
}

} // namespace

unsigned ParameterSet::modulusBits() const {
  unsigned sum = 0;
  for (unsigned i = 0; i < primes; ++i)
    sum += primeBits[i];
  return sum;
}

std::span<const ParameterSet> parameterSets() { return kSets; }

const ParameterSet &parameterSet(unsigned id) {
  DYAD_REQUIRE(id < kSets.size(), kOutOfRange, "there is no RLWE parameter set {}", id);
  return kSets[id];
}

unsigned secureModulusBits(unsigned degree) {
  switch (degree) {
  case 2048:
    return 53;
  case 4096:
    return 106;
  case 8192:
    return 214;
  default:
    return 0;
  }
}

std::optional<Budget> budgetFor(const ParameterSet &set, const Demand &demand) {
  const unsigned q = set.modulusBits();
  if (q > secureModulusBits(set.degree) || demand.bits == 0 || demand.bits > 50)
    return std::nullopt;
  std::optional<Budget> budget = errorBound(set.degree, demand);
  if (!budget || budget->floodShift > 115)
    return std::nullopt;
  // In units of a reply modulo 2^(bits + g): flooding and noise, the rounding of c1 times the
  // secret (eight times sqrt(degree / 18)), the bits that c0 drops, and two for rounding c0 and the
  // 64-bit fractions; together less than half a message step of 2^g. 1.001 covers q <
  // 2^modulusBits.
  const double switching = set.degree <= 4096 ? 121 : 171;
  for (unsigned g = 9; g <= 14 && demand.bits + g <= kMaxReplyBits; ++g) {
    const int scale = static_cast<int>(demand.bits + g) - static_cast<int>(q);
    const double noise = 1.001 * budget->factor *
                         (std::ldexp(2.0, static_cast<int>(budget->floodShift) + scale) +
                          std::ldexp(1.0, static_cast<int>(budget->errorShift) + scale));
    const double dropped = std::ldexp(1.0, static_cast<int>(g - kKeptBits) - 1);
    if (noise + switching + dropped + 2 <= std::ldexp(1.0, static_cast<int>(g) - 1)) {
      budget->extraBits = g;
      return budget;
    }
  }
  return std::nullopt;
}

const ParameterSet &chooseParameters(const Demand &demand) {
  for (const ParameterSet &set : kSets)
    if (budgetFor(set, demand))
      return set;
  fail(ErrorCode::kOutOfRange,
       "no RLWE parameters of 128-bit security are exact for {} terms modulo 2^{} with weights of "
       "{} bits",
       demand.terms, demand.bits, demand.magnitudeBits + 1);
}

} // namespace dyad::he
