// SPDX-License-Identifier: Apache-2.0
// See parameters.h.
#include "runtime/he/parameters.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <cmath>

namespace dyad::he {
namespace {

// The largest primes below the power of two that are 1 modulo 2 degree; tests check them.
constexpr std::array<ParameterSet, 39> kSets{{
    {0, 4096, 2, {17592186028033, 17592185659393}, {44, 44}},
    {1, 4096, 2, {35184371884033, 35184371703809}, {45, 45}},
    {2, 4096, 2, {70368743669761, 70368743587841}, {46, 46}},
    {3, 4096, 2, {140737488273409, 140737488125953}, {47, 47}},
    {4, 4096, 2, {281474976694273, 140737488273409}, {48, 47}},
    {5, 4096, 2, {281474976694273, 281474976636929}, {48, 48}},
    {6, 4096, 2, {562949953216513, 281474976694273}, {49, 48}},
    {7, 4096, 2, {562949953216513, 562949952987137}, {49, 49}},
    {8, 4096, 2, {1125899906826241, 562949953216513}, {50, 49}},
    {9, 4096, 2, {1125899906826241, 1125899906629633}, {50, 50}},
    {10, 4096, 3, {17179754497, 17179672577, 8589852673}, {34, 34, 33}},
    {11, 4096, 3, {17179754497, 17179672577, 17179648001}, {34, 34, 34}},
    {12, 4096, 3, {34359697409, 17179754497, 17179672577}, {35, 34, 34}},
    {13, 4096, 3, {34359697409, 34359451649, 17179754497}, {35, 35, 34}},
    {14, 4096, 3, {34359697409, 34359451649, 34359410689}, {35, 35, 35}},
    {15, 4096, 3, {68719403009, 34359697409, 34359451649}, {36, 35, 35}},
    {16, 8192, 3, {68719230977, 68718428161, 34359410689}, {36, 36, 35}},
    {17, 8192, 3, {68719230977, 68718428161, 68718346241}, {36, 36, 36}},
    {18, 8192, 3, {137438822401, 68719230977, 68718428161}, {37, 36, 36}},
    {19, 8192, 3, {137438822401, 137438773249, 68719230977}, {37, 37, 36}},
    {20, 8192, 3, {137438822401, 137438773249, 137438691329}, {37, 37, 37}},
    {21, 8192, 3, {274877562881, 274877202433, 137438822401}, {38, 38, 37}},
    {22, 8192, 3, {549755731969, 274877562881, 274877202433}, {39, 38, 38}},
    {23, 8192, 3, {549755731969, 549755486209, 549754617857}, {39, 39, 39}},
    {24, 8192, 3, {1099511480321, 1099510890497, 1099510824961}, {40, 40, 40}},
    {25, 8192, 3, {2199023190017, 2199022927873, 2199022354433}, {41, 41, 41}},
    {26, 8192, 3, {4398046150657, 4398045708289, 4398045511681}, {42, 42, 42}},
    {27, 8192, 3, {17592186028033, 17592185438209, 17592184717313}, {44, 44, 44}},
    {28, 8192, 3, {70368743669761, 70368743587841, 70368743489537}, {46, 46, 46}},
    {29, 8192, 3, {281474976694273, 281474976546817, 281474976317441}, {48, 48, 48}},
    {30, 8192, 3, {1125899906826241, 1125899906629633, 1125899905744897}, {50, 50, 50}},
    {31,
     8192,
     4,
     {1125899906826241, 1125899906629633, 1125899905744897, 1125899905351681},
     {50, 50, 50, 50}},
    {32,
     8192,
     2,
     {1125899906826241, 1125899906629633},
     {50, 50},
     2,
     {1125899905744897, 1125899905351681},
     {50, 50}},
    {33,
     8192,
     3,
     {68719230977, 34359410689, 34359361537},
     {36, 35, 35},
     2,
     {1125899906826241, 1125899906629633},
     {50, 50}},
    {34,
     8192,
     3,
     {68719230977, 68718428161, 68718346241},
     {36, 36, 36},
     3,
     {34359410689, 34359361537, 34359214081},
     {35, 35, 35}},
    // For the narrow rings of quantised models.
    {35,
     8192,
     2,
     {17592186028033, 17592185438209},
     {44, 44},
     2,
     {17592184717313, 17592184225793},
     {44, 44}},
    {36,
     8192,
     2,
     {281474976694273, 281474976546817},
     {48, 48},
     2,
     {281474976317441, 281474975662081},
     {48, 48}},
    {37, 4096, 2, {4398046486529, 4398046240769}, {42, 42}},
    {38, 4096, 2, {8796092858369, 8796092833793}, {43, 43}},
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
// 13/12 for the rounding of the encoding. Packing adds (4^packing - 1) / 3 times what a key switch
// does: N (sigma^2 q^2 / 4 P^2 + 1/6) (docs/protocols/rlwe.md, "Packed replies").
std::optional<Budget> errorBound(const ParameterSet &set, const Demand &demand) {
  if (demand.magnitudeBits > 32 || demand.terms >> 24 != 0)
    return std::nullopt;
  const unsigned degree = set.degree;
  Wide square =
      56 * (((Wide{13} * demand.terms) << (2 * demand.magnitudeBits)) + Wide{16} * degree + 12);
  if (demand.packing != 0) {
    const unsigned above =
        std::max(set.modulusBits(), set.specialModulusBits()) - set.specialModulusBits();
    if (set.specials == 0 || demand.packing > 12 || above > 16)
      return std::nullopt;
    // 57 instead of 56 covers P < 2^specialModulusBits.
    square += ((Wide{1} << (2 * demand.packing)) - 1) * degree * ((Wide{57} << (2 * above)) + 4);
  }
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

unsigned ParameterSet::specialModulusBits() const {
  unsigned sum = 0;
  for (unsigned i = 0; i < specials; ++i)
    sum += specialBits[i];
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
  if (q + set.specialModulusBits() > secureModulusBits(set.degree) || demand.bits == 0 ||
      demand.bits > 50)
    return std::nullopt;
  std::optional<Budget> budget = errorBound(set, demand);
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
