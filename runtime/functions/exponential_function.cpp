// SPDX-License-Identifier: Apache-2.0
// See exponential_function.h. No crypto.
#include "runtime/functions/exponential_function.h"

#include "runtime/functions/resize_cost.h"
#include "runtime/net/error.h"
#include "runtime/protocols/comparison_cost.h"
#include "runtime/protocols/selection_cost.h"

namespace dyad {
namespace {

std::int64_t signedReading(std::uint64_t value, unsigned bits) {
  return static_cast<std::int64_t>(value << (64 - bits)) >> (64 - bits);
}

unsigned lowBits(const ExponentialFunction &f) { return f.domainBits - f.highBits; }

} // namespace

LookupShape factorShape(const ExponentialFunction &f) {
  return {f.highBits, {{f.factorBits, LookupField::Kind::kRingWithWrap}}};
}

std::vector<unsigned> factorPositions(const ExponentialFunction &f) {
  std::vector<unsigned> positions{lowBits(f)};
  if (f.hasOutside)
    positions.push_back(f.domainBits);
  return positions;
}

void requireValid(const ExponentialFunction &f) {
  requireValid(f.lowPart);
  if (f.highBits == 0) {
    DYAD_REQUIRE(f.lowPart.inputBits == f.inputBits && f.lowPart.outputBits == f.outputBits,
                 kOutOfRange, "function of {} to {} bits, its part of {} to {}", f.inputBits,
                 f.outputBits, f.lowPart.inputBits, f.lowPart.outputBits);
    return;
  }
  DYAD_REQUIRE(f.inputBits <= 62 && f.highBits <= 8 && f.domainBits > f.highBits &&
                   (f.hasOutside ? f.domainBits < f.inputBits : f.domainBits <= f.inputBits),
               kOutOfRange, "domain of {} bits in {}, {} of them in a table", f.domainBits,
               f.inputBits, f.highBits);
  DYAD_REQUIRE(f.lowPart.low == 0 && f.lowPart.domainBits == lowBits(f) &&
                   f.lowPart.outside == Outside::kNever && f.lowPart.inputBits <= 62 &&
                   f.lowPart.outputBits == f.sumBits,
               kOutOfRange, "the low part's domain is not the {} low bits", lowBits(f));
  DYAD_REQUIRE(f.factors.size() == std::size_t{1} << f.highBits, kShapeMismatch,
               "{} factors for {} bits of index", f.factors.size(), f.highBits);
  for (const std::uint64_t factor : f.factors)
    DYAD_REQUIRE(factor >> f.factorBits == 0, kOutOfRange, "factor {} above {} bits", factor,
                 f.factorBits);
  DYAD_REQUIRE(f.factorBits >= 1 && f.factorBits < f.sumBits && f.sumBits <= 62 &&
                   f.drop < f.sumBits && f.outputBits >= 1 && f.outputBits <= 62,
               kOutOfRange, "factors of {} bits, sums of {} less {}, results of {}", f.factorBits,
               f.sumBits, f.drop, f.outputBits);
}

std::int64_t evaluate(const ExponentialFunction &f, std::int64_t x) {
  if (f.highBits == 0)
    return evaluate(f.lowPart, x);
  const std::int64_t v = x - f.low;
  std::uint64_t sum = f.drop == 0 ? 0 : std::uint64_t{1} << (f.drop - 1);
  if (v >= 0 && v < std::int64_t{1} << f.domainBits) {
    const std::int64_t length = std::int64_t{1} << lowBits(f);
    sum += f.factors[static_cast<std::size_t>(v / length)] *
           static_cast<std::uint64_t>(evaluate(f.lowPart, v % length));
  } else {
    DYAD_REQUIRE(f.hasOutside, kOutOfRange, "input {} outside of a function's domain, {} to {}", x,
                 f.low, f.low + (std::int64_t{1} << f.domainBits) - 1);
  }
  return signedReading(static_cast<std::uint64_t>(signedReading(sum, f.sumBits) >> f.drop),
                       f.outputBits);
}

Cost exponentialCost(std::uint64_t n, const ExponentialFunction &f, Radix radix) {
  requireValid(f);
  if (f.highBits == 0)
    return piecewiseCost(n, f.lowPart, radix);
  const unsigned above = f.hasOutside ? f.inputBits - f.domainBits : 0;
  Cost factor = carriesCost(n, factorPositions(f), radix);
  if (above > 1)
    factor.beside(equalCost(2 * n, above, radix));
  Cost inside;
  if (above > 1)
    inside = andCost(n);
  factor.then(bitToRingCost(n, f.highBits).then(lookupCost(n, factorShape(f))).beside(inside));
  Cost cost = piecewiseCost(n, f.lowPart, radix).beside(factor);
  cost.then(narrowProductCost(n, f.factorBits, f.sumBits));
  if (f.hasOutside)
    cost.then(multiplexCost(n, {f.sumBits}));
  return cost.then(truncateExtendCost(n, f.sumBits, f.drop, f.outputBits, f.sumFact, radix));
}

} // namespace dyad
