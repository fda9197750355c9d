// SPDX-License-Identifier: Apache-2.0
// Validity, evaluation in the clear and cost of piecewise polynomials. No crypto.
#include "runtime/functions/piecewise_polynomial.h"

#include "runtime/functions/resize_cost.h"
#include "runtime/net/error.h"
#include "runtime/protocols/selection_cost.h"

#include <algorithm>

namespace dyad {
namespace {

constexpr std::int64_t powerOfTwo(unsigned bits) { return std::int64_t{1} << bits; }

std::int64_t signedReading(std::int64_t value, unsigned bits) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << (64 - bits)) >> (64 - bits);
}

std::int64_t roundedShift(std::int64_t value, unsigned shift) {
  return shift == 0 ? value : (value + powerOfTwo(shift - 1)) >> shift;
}

std::int64_t valueOf(const PiecewiseCoefficient &coefficient, unsigned segment) {
  return coefficient.base +
         static_cast<std::int64_t>(coefficient.table.empty() ? 0 : coefficient.table[segment]);
}

void requireCoefficient(const PiecewisePolynomial &p, const PiecewiseCoefficient &c,
                        const char *name) {
  DYAD_REQUIRE(c.shift < p.sumBits, kOutOfRange, "{} coefficient: shift {} in a sum of {} bits",
               name, c.shift, p.sumBits);
  DYAD_REQUIRE(c.bits < p.sumBits - c.shift, kOutOfRange,
               "{} coefficient of {} bits; less than the {} of its product are possible", name,
               c.bits, p.sumBits - c.shift);
  DYAD_REQUIRE(c.table.size() == (c.bits == 0 ? 0 : p.segments()), kShapeMismatch,
               "{} coefficient: {} values for {} segments", name, c.table.size(), p.segments());
  for (const std::uint64_t value : c.table)
    DYAD_REQUIRE(value >> c.bits == 0, kOutOfRange, "{} coefficient {} above {} bits", name, value,
                 c.bits);
}

} // namespace

void requireValid(const PiecewisePolynomial &p) {
  DYAD_REQUIRE(p.inputBits >= 2 && p.inputBits <= 62 && p.domainBits <= p.inputBits, kOutOfRange,
               "domain of {} bits in a ring of {}; at most the ring's, which has 2 to 62",
               p.domainBits, p.inputBits);
  DYAD_REQUIRE(
      p.indexBits >= 1 && p.indexBits <= 8 &&
          p.domainBits >= p.indexBits + (p.isSymmetric() ? 1 : 0) && p.offsetBits() <= 30 &&
          (p.degree == 0 || p.offsetBits() >= 2),
      kOutOfRange,
      "{} segments in a domain of {} bits; offsets have 2 to 30 bits, or none and degree 0",
      p.segments(), p.domainBits);
  DYAD_REQUIRE(p.degree <= 2, kOutOfRange, "degree {}; 0 to 2 are possible", p.degree);
  DYAD_REQUIRE(!p.isSymmetric() || p.isCentred(), kOutOfRange,
               "a symmetric function needs a domain around 0");
  DYAD_REQUIRE(p.outside == Outside::kNever || p.domainBits < p.inputBits, kOutOfRange,
               "nothing lies outside of a domain of all {} bits", p.inputBits);
  DYAD_REQUIRE(p.outside != Outside::kTwo || p.isCentred() || p.domainBits + 1 < p.inputBits,
               kOutOfRange, "two sides of a domain of {} bits need more than {} bits", p.domainBits,
               p.inputBits);
  const bool endsAtZero = p.low == -powerOfTwo(p.domainBits) && p.above == 0 &&
                          (p.outside == Outside::kTwo ||
                           (p.outside == Outside::kOne && p.domainBits + 1 == p.inputBits));
  DYAD_REQUIRE(!p.hasRelu || p.isCentred() || endsAtZero, kOutOfRange,
               "relu needs a domain around 0 or up to 0");
  DYAD_REQUIRE(!p.hasRelu || p.reluShift < p.outputBits, kOutOfRange,
               "relu shifted by {} in a result of {} bits", p.reluShift, p.outputBits);
  DYAD_REQUIRE(p.sumBits >= 2 && p.sumBits <= 62 && p.drop < p.sumBits && p.outputBits >= 1 &&
                   p.outputBits <= 62,
               kOutOfRange, "sum of {} bits less {}, result of {}", p.sumBits, p.drop,
               p.outputBits);
  DYAD_REQUIRE(p.constants.size() == p.segments() && p.constantShift < p.sumBits, kShapeMismatch,
               "{} constants for {} segments", p.constants.size(), p.segments());
  if (p.degree >= 1)
    requireCoefficient(p, p.linear, "linear");
  if (p.degree == 2) {
    requireCoefficient(p, p.quadratic, "quadratic");
    DYAD_REQUIRE(p.squareDrop + 2 <= 2 * p.offsetBits(), kOutOfRange,
                 "square of {} bits rounded by {}", 2 * p.offsetBits() - 2, p.squareDrop);
  }
}

std::int64_t segmentSum(const PiecewisePolynomial &p, unsigned segment, std::int64_t offset,
                        bool negative) {
  const bool odd = negative && p.symmetry == Symmetry::kOdd;
  const bool even = negative && p.symmetry == Symmetry::kEven;
  std::int64_t sum = p.constants[segment] * powerOfTwo(p.constantShift);
  if (p.degree == 2) {
    const std::int64_t square = roundedShift(offset * offset + offset, p.squareDrop);
    sum += valueOf(p.quadratic, segment) * square * powerOfTwo(p.quadratic.shift);
  }
  if (odd)
    sum = -sum;
  if (p.degree >= 1) {
    const std::int64_t term = valueOf(p.linear, segment) * offset * powerOfTwo(p.linear.shift);
    sum += even ? -term : term;
  }
  return sum;
}

std::int64_t evaluate(const PiecewisePolynomial &p, std::int64_t x) {
  // Not centred, the comparison with the ends is by the sign of x - low in the ring.
  const std::int64_t v = p.isCentred() ? x - p.low : signedReading(x - p.low, p.inputBits);
  const std::int64_t end = powerOfTwo(p.domainBits);
  const bool inside = v >= 0 && v < end;
  std::int64_t sum = 0;
  if (inside) {
    const bool folded = p.isSymmetric() && x < 0;
    const std::int64_t place = !p.isSymmetric() ? v : x < 0 ? -1 - x : x;
    const std::int64_t length = powerOfTwo(p.offsetBits());
    sum = segmentSum(p, static_cast<unsigned>(place / length), (v & (length - 1)) - length / 2,
                     folded);
  } else {
    DYAD_REQUIRE(p.outside != Outside::kNever, kOutOfRange,
                 "input {} outside of a function's domain, {} to {}", x, p.low, p.low + end - 1);
    sum = (p.outside == Outside::kTwo && v < 0 ? p.below : p.above) * powerOfTwo(p.drop);
  }
  const std::int64_t half = p.drop == 0 ? 0 : powerOfTwo(p.drop - 1);
  std::int64_t y = signedReading(sum + p.sumOffset + half, p.sumBits) >> p.drop;
  if (p.hasRelu && x > 0)
    y += x * powerOfTwo(p.reluShift);
  return signedReading(y, p.outputBits);
}

PiecewisePlan::PiecewisePlan(const PiecewisePolynomial &p) {
  requireValid(p);
  centred = p.isCentred();
  outside = p.outside != Outside::kNever;
  ring = outside ? p.inputBits : p.domainBits;
  highBits = ring - p.domainBits;
  const unsigned offset = p.offsetBits();
  needsFold = p.isSymmetric();
  const bool needsSign = p.outside == Outside::kTwo || (p.hasRelu && centred);

  if (offset != 0)
    positions.push_back(offset);
  if (centred ? needsFold || outside || needsSign : outside) {
    const unsigned at = centred ? p.domainBits - 1 : p.domainBits;
    if (positions.empty() || positions.back() != at)
      positions.push_back(at);
    domainAt = static_cast<int>(positions.size()) - 1;
  }
  if (needsSign) {
    if (positions.back() != ring - 1)
      positions.push_back(ring - 1);
    signAt = static_cast<int>(positions.size()) - 1;
  }

  carryBits = offset == 0 ? 0 : p.indexBits;
  table.indexBits = p.indexBits;
  table.fields.push_back({p.sumBits - p.constantShift, LookupField::Kind::kRing});
  const auto addProduct = [&](const PiecewiseCoefficient &c) {
    if (c.bits != 0)
      table.fields.push_back({c.bits, LookupField::Kind::kRingWithWrap});
    return p.sumBits - c.shift;
  };
  if (p.degree >= 1) {
    linearBits = addProduct(p.linear);
    carryBits = std::max(carryBits, linearBits - std::min(linearBits, offset));
  }
  if (p.degree == 2) {
    quadraticBits = addProduct(p.quadratic);
    squareBits = p.squareDrop == 0       ? quadraticBits
                 : p.squareDrop < offset ? 2 * offset - 1
                                         : 2 * offset;
    carryBits = std::max(carryBits, squareBits - std::min(squareBits, offset));
  }
}

namespace {

/// Offset's carry as a number, and the centred square.
Cost offsetCost(std::uint64_t n, const PiecewisePolynomial &p, const PiecewisePlan &plan) {
  const unsigned offset = p.offsetBits();
  Cost cost = plan.carryBits == 0 ? Cost{} : bitToRingCost(n, plan.carryBits);
  if (plan.squareBits > 1)
    cost.beside(privateProductCost(n, {offset, false}, plan.squareBits - 1, Role::kClient));
  if (plan.squareBits > offset + 1)
    cost.beside(multiplexCost(n, {plan.squareBits - 1 - offset}));
  return cost;
}

Cost segmentCost(std::uint64_t n, const PiecewisePolynomial &p, const PiecewisePlan &plan) {
  Cost cost;
  if (plan.needsFold)
    cost = multiplexCost(n, {p.indexBits});
  return cost.then(lookupCost(n, plan.table));
}

Cost sidesCost(std::uint64_t n, const PiecewisePolynomial &p, const PiecewisePlan &plan) {
  Cost cost;
  if (plan.outside) {
    if (plan.centred)
      cost.then(andCost(n));
    if (plan.highBits > 1)
      cost.then(andCost(n));
    if (plan.centred && (plan.needsFold || p.outside == Outside::kTwo))
      cost.then(andCost(n));
  }
  Cost values;
  if (plan.outside && p.above != 0)
    values.beside(bitToRingCost(n, p.sumBits - p.drop));
  if (p.outside == Outside::kTwo && p.below != p.above)
    values.beside(bitToRingCost(n, p.sumBits - p.drop));
  if (p.hasRelu) {
    const unsigned reluBits = p.outputBits - p.reluShift;
    Cost relu = multiplexCost(n, {std::min(reluBits, p.inputBits)});
    if (reluBits > p.inputBits)
      relu.then(extendSignedCost(n, p.inputBits, reluBits, SignFact::kNonNegative));
    values.beside(relu);
  }
  return cost.then(values);
}

Cost productsCost(std::uint64_t n, const PiecewisePolynomial &p, const PiecewisePlan &plan) {
  Cost cost;
  if (plan.linearBits != 0 && p.linear.bits != 0)
    cost.beside(narrowProductCost(n, p.linear.bits, plan.linearBits));
  if (plan.quadraticBits != 0 && p.quadratic.bits != 0)
    cost.beside(narrowProductCost(n, p.quadratic.bits, plan.quadraticBits));
  return cost;
}

Cost selectionCost(std::uint64_t n, const PiecewisePolynomial &p, const PiecewisePlan &plan) {
  Cost cost;
  if (plan.outside)
    cost.beside(multiplexCost(n, {p.sumBits}));
  if (plan.needsFold)
    cost.beside(multiplexCost(n, {p.sumBits - 1}));
  return cost;
}

} // namespace

Cost piecewiseCost(std::uint64_t n, const PiecewisePolynomial &p, Radix radix) {
  const PiecewisePlan plan(p);
  Cost cost = carryBlocksCost(n, plan.positions, radix);
  if (plan.outside && plan.highBits > 1)
    cost.beside(equalCost(2 * n, plan.highBits, radix));
  if (plan.outside && plan.centred)
    cost.beside(greaterAndEqualCost(n, 1, radix));
  cost.then(
      offsetCost(n, p, plan).beside(prefixCost(n, static_cast<unsigned>(plan.positions.size()))));
  Cost middle = segmentCost(n, p, plan).beside(sidesCost(n, p, plan));
  if (p.degree == 2 && p.squareDrop != 0)
    middle.beside(truncateExtendCost(n, plan.squareBits, p.squareDrop, plan.quadraticBits,
                                     SignFact::kNonNegative, radix));
  cost.then(middle).then(productsCost(n, p, plan)).then(selectionCost(n, p, plan));
  return cost.then(truncateExtendCost(n, p.sumBits, p.drop, p.outputBits, p.sumFact, radix));
}

} // namespace dyad
