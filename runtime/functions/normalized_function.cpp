// SPDX-License-Identifier: Apache-2.0
// See normalized_function.h. No crypto.
#include "runtime/functions/normalized_function.h"

#include "runtime/functions/digits_cost.h"
#include "runtime/functions/resize_cost.h"
#include "runtime/net/error.h"
#include "runtime/protocols/selection_cost.h"

#include <bit>

namespace dyad {
namespace {

std::int64_t signedReading(std::uint64_t value, unsigned bits) {
  return static_cast<std::int64_t>(value << (64 - bits)) >> (64 - bits);
}

} // namespace

unsigned factorWidth(std::uint64_t factor, unsigned sumBits) {
  const auto zeros = static_cast<unsigned>(std::countr_zero(factor));
  return factor == 0 || zeros >= sumBits ? 0 : sumBits - zeros;
}

unsigned leadingFrom(const NormalizedFunction &f) {
  const unsigned span = f.groups() * f.step;
  return f.highestLead + 1 - (span < f.highestLead + 1 ? span : f.highestLead + 1);
}

void requireValid(const NormalizedFunction &f) {
  requireValid(f.mantissa);
  DYAD_REQUIRE(f.inputBits <= 62 && f.highestLead < f.inputBits && f.lowestLead <= f.highestLead,
               kOutOfRange, "leading ones from {} to {} in {} bits", f.lowestLead, f.highestLead,
               f.inputBits);
  DYAD_REQUIRE(f.step == 1 || f.step == 2, kOutOfRange, "groups of {} octaves; 1 or 2", f.step);
  DYAD_REQUIRE(f.mantissaDrop + f.step <= f.highestLead, kOutOfRange,
               "a mantissa of {} bits without {}", f.highestLead + 1, f.mantissaDrop);
  const std::int64_t end = std::int64_t{1} << (f.highestLead + 1 - f.mantissaDrop);
  DYAD_REQUIRE(f.mantissa.outside == Outside::kNever && f.mantissa.low <= end >> f.step &&
                   f.mantissa.low + (std::int64_t{1} << f.mantissa.domainBits) >= end &&
                   f.shiftedBits() <= f.inputBits,
               kOutOfRange, "the mantissa's domain does not hold numbers below {}", end);
  DYAD_REQUIRE(f.factors.empty() || f.factors.size() == f.groups(), kShapeMismatch,
               "{} factors for {} groups", f.factors.size(), f.groups());
  DYAD_REQUIRE(f.sumBits >= 2 && f.sumBits <= 62 && f.drop < f.sumBits &&
                   f.mantissa.outputBits == f.sumBits && f.outputBits >= 1 && f.outputBits <= 62,
               kOutOfRange, "sum of {} bits from a mantissa of {}, less {}; result of {}",
               f.sumBits, f.mantissa.outputBits, f.drop, f.outputBits);
  DYAD_REQUIRE(!f.acceptsZero || (f.factors.size() > 1 && f.termBase == 0 && f.termStep == 0),
               kOutOfRange, "zero has no value without factors, or with a term");
}

std::int64_t evaluate(const NormalizedFunction &f, std::int64_t x) {
  if (x == 0 && f.acceptsZero)
    return 0;
  const auto lead = static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(x))) - 1;
  DYAD_REQUIRE(x > 0 && lead >= f.lowestLead && lead <= f.highestLead, kOutOfRange,
               "input {} outside of a function's range, {} to {}", x,
               std::int64_t{1} << f.lowestLead, (std::int64_t{1} << (f.highestLead + 1)) - 1);
  const unsigned group = (f.highestLead - lead) / f.step;
  const std::int64_t mantissa = evaluate(f.mantissa, (x << (f.step * group)) >> f.mantissaDrop);
  auto sum = static_cast<std::uint64_t>(mantissa);
  if (!f.factors.empty())
    sum *= f.factors[group];
  sum += static_cast<std::uint64_t>(f.termBase + f.termStep * group);
  if (f.drop != 0)
    sum += std::uint64_t{1} << (f.drop - 1);
  return signedReading(static_cast<std::uint64_t>(signedReading(sum, f.sumBits) >> f.drop),
                       f.outputBits);
}

Cost normalizedCost(std::uint64_t n, const NormalizedFunction &f, Radix radix) {
  requireValid(f);
  Cost cost;
  const unsigned width = f.shiftedBits();
  Cost shift, scale;
  for (unsigned j = 0; j < f.groups(); ++j) {
    if (f.step * j < width)
      shift.beside(multiplexCost(n, {width - f.step * j}));
    if (!f.factors.empty() && factorWidth(f.factors[j], f.sumBits) != 0)
      scale.beside(multiplexCost(n, {factorWidth(f.factors[j], f.sumBits)}));
  }
  if (f.groups() > 1) {
    cost = leadingOneCost(n, f.highestLead + 1, leadingFrom(f), radix);
    cost.then(shift);
  }
  Cost term;
  if (f.termStep != 0)
    for (unsigned b = 0; (f.groups() - 1) >> b != 0; ++b)
      term.beside(bitToRingCost(n, f.sumBits - b));
  cost.then(truncateReduceCost(n, width, f.mantissaDrop, radix)
                .then(piecewiseCost(n, f.mantissa, radix))
                .beside(term));
  if (f.groups() > 1)
    cost.then(scale);
  return cost.then(truncateExtendCost(n, f.sumBits, f.drop, f.outputBits, f.sumFact, radix));
}

} // namespace dyad
