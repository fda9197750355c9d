// SPDX-License-Identifier: Apache-2.0
// See piecewise.h. Tasks of one stage run side by side; the stages are those of piecewiseCost.
#include "runtime/functions/piecewise.h"

#include "runtime/functions/digits.h"
#include "runtime/functions/lookup.h"
#include "runtime/functions/mixed_product.h"
#include "runtime/functions/resize.h"
#include "runtime/protocols/bit_planes.h"
#include "runtime/protocols/comparison.h"
#include "runtime/protocols/multiplication.h"
#include "runtime/protocols/selection.h"
#include "runtime/protocols/truncation.h"

#include <algorithm>
#include <utility>

namespace dyad {
namespace {

/// What all parts of one evaluation look at. Lives as long as the evaluation.
struct Evaluation {
  Session &session;
  const PiecewisePolynomial &p;
  const PiecewisePlan &plan;
  Radix radix;
  const Ring &x;       ///< modulo 2^inputBits
  const Ring &place;   ///< x, or x - low if not centred, modulo 2^plan.ring
  const Ring &shifted; ///< x - low modulo 2^plan.ring

  std::size_t size() const { return x.size(); }
  BitVec none() const { return BitVec(size()); }
  /// Bit `at` of place, from the carry into it.
  BitVec placeBit(unsigned at, const BitVec &carry) const { return bitPlane(place, at) ^ carry; }
};

Task<BitVec> nothing() { co_return BitVec(); }
Task<OrderBits> noOrder() { co_return OrderBits{}; }
Task<Ring> noRing() { co_return Ring(); }

/// Carry out of the top bit of the domain of x - low, from that into it: a block of one bit.
Task<OrderBits> domainTopBlock(const Evaluation &e) {
  Ring bit(e.size());
  for (std::size_t i = 0; i < e.size(); ++i)
    bit[i] = (e.shifted[i] >> (e.p.domainBits - 1) & 1) ^ (e.session.isServer() ? 0U : 1U);
  return greaterAndEqual(e.session, std::move(bit), 1, e.radix);
}

struct OffsetParts {
  Ring carry;  ///< of the offset, modulo 2^carryBits
  Ring square; ///< X^2 + X modulo 2^squareBits
};

Task<OffsetParts> offsetParts(const Evaluation &e, BitVec carry) {
  Session &session = e.session;
  const unsigned r = e.p.offsetBits();
  const unsigned width = e.plan.squareBits;
  const std::size_t n = e.size();
  // X = X0 + X1 - c R over the integers, X0 from -R/2 to R/2 - 1 at the server.
  Ring own(n);
  const std::uint64_t half = session.isServer() && r != 0 ? std::uint64_t{1} << (r - 1) : 0;
  for (std::size_t i = 0; i < n; ++i)
    own[i] = (e.place[i] & ringMask(r)) - half;

  std::vector<Task<Ring>> parts;
  if (r == 0)
    co_return OffsetParts{Ring(n, 0), {}};
  parts.push_back(bitToRing(session, carry, e.plan.carryBits));
  parts.push_back(width > 1 ? privateProduct(session, reduced(own, width - 1), {r, false},
                                             width - 1, Role::kClient)
                            : noRing());
  parts.push_back(width > r + 1 ? multiplex(session, std::move(carry), reduced(own, width - 1 - r),
                                            width - 1 - r)
                                : noRing());
  std::vector<Ring> found = co_await whenAll(std::move(parts));
  OffsetParts result{std::move(found[0]), {}};
  if (width == 0)
    co_return result;
  // X^2 + X = X0^2 + X0 + X1^2 + X1 + 2 X0 X1 - 2 R c (X0 + X1) + c R^2 - c R.
  result.square.resize(n);
  const std::uint64_t length = std::uint64_t{1} << r;
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t sum = own[i] * own[i] + own[i] + result.carry[i] * (length * length - length);
    if (width > 1)
      sum += 2 * found[1][i];
    if (width > r + 1)
      sum -= 2 * length * found[2][i];
    result.square[i] = sum & ringMask(width);
  }
  co_return result;
}

/// X modulo 2^bits.
Ring centredOffset(const Evaluation &e, const Ring &carry, unsigned bits) {
  const unsigned r = e.p.offsetBits();
  Ring result(e.size());
  const std::uint64_t half = e.session.isServer() ? std::uint64_t{1} << (r - 1) : 0;
  for (std::size_t i = 0; i < e.size(); ++i)
    result[i] = ((e.place[i] & ringMask(r)) - half - (carry[i] << r)) & ringMask(bits);
  return result;
}

LookupTable coefficientTable(const PiecewisePolynomial &p, const PiecewisePlan &plan) {
  LookupTable table{plan.table, {}};
  for (unsigned i = 0; i < p.segments(); ++i) {
    table.values.push_back(static_cast<std::uint64_t>(p.constants[i]) &
                           ringMask(plan.table.fields[0].bits));
    if (p.degree >= 1 && p.linear.bits != 0)
      table.values.push_back(p.linear.table[i]);
    if (p.degree == 2 && p.quadratic.bits != 0)
      table.values.push_back(p.quadratic.table[i]);
  }
  return table;
}

/// The coefficients of each element's segment.
Task<LookupResult> coefficients(const Evaluation &e, const Ring &offsetCarry, BitVec negative) {
  const unsigned k = e.p.indexBits;
  const unsigned r = e.p.offsetBits();
  Ring index(e.size());
  for (std::size_t i = 0; i < index.size(); ++i)
    index[i] = ((e.place[i] >> r) + offsetCarry[i]) & ringMask(k);
  if (e.plan.needsFold) {
    // i - b (1 + 2 i) = b ? -1 - i : i.
    Ring mirrored = plusPublic(e.session, scaled(index, 2, k), 1, k);
    mirrored = co_await multiplex(e.session, std::move(negative), std::move(mirrored), k);
    index = subtracted(std::move(index), mirrored, k);
  } else if (e.plan.centred) {
    index = plusPublic(e.session, std::move(index), std::uint64_t{1} << (k - 1), k);
  }
  co_return co_await lookup(e.session, coefficientTable(e.p, e.plan), std::move(index));
}

/// What depends on the side of the domain that x is on.
struct Sides {
  BitVec inside;         ///< empty where nothing lies outside
  BitVec insideNegative; ///< of a symmetric function with an outside
  Ring outsideValue;     ///< modulo 2^(sumBits - drop); empty: 0
  Ring relu;             ///< modulo 2^(outputBits - reluShift); empty: none
};

struct SideBits {
  OrderBits domainTop;   ///< centred: of the block of one bit
  BitVec equalities;     ///< sumIsZeroOrOnes
  BitVec domainCarry;    ///< into the domain's top bit (centred) or out of the domain
  BitVec domainNegative; ///< centred: the domain's top bit of x
  BitVec signBit;        ///< of x (centred) or x - low
};

/// max(x, 0) modulo 2^bits.
Task<Ring> relu(const Evaluation &e, BitVec positive, unsigned bits) {
  const unsigned width = std::min(bits, e.p.inputBits);
  Ring result = co_await multiplex(e.session, std::move(positive), reduced(e.x, width), width);
  co_return co_await extendSigned(e.session, std::move(result), width, bits,
                                  SignFact::kNonNegative);
}

Task<Sides> sides(const Evaluation &e, SideBits bits) {
  Session &session = e.session;
  const PiecewisePolynomial &p = e.p;
  const std::size_t n = e.size();
  Sides result;
  BitVec below; // outside and below
  if (e.plan.outside) {
    BitVec carry = std::move(bits.domainCarry);
    if (e.plan.centred) {
      carry = co_await andBits(session, std::move(carry), std::move(bits.domainTop.equal));
      carry ^= bits.domainTop.greater;
    }
    if (e.plan.highBits == 1) {
      result.inside = notBits(session, bitPlane(e.shifted, p.domainBits) ^ carry);
    } else {
      const BitVec zero = bits.equalities.slice(0, n);
      result.inside =
          co_await andBits(session, std::move(carry), zero ^ bits.equalities.slice(n, n));
      result.inside ^= zero;
    }
    if (e.plan.centred && (e.plan.needsFold || p.outside == Outside::kTwo))
      result.insideNegative = co_await andBits(session, result.inside, bits.domainNegative);
    if (p.outside == Outside::kTwo)
      below = e.plan.centred ? bits.signBit ^ result.insideNegative : bits.signBit;
  }
  const unsigned valueBits = p.sumBits - p.drop;
  const bool hasAbove = e.plan.outside && p.above != 0;
  const bool hasBelow = p.outside == Outside::kTwo && p.below != p.above;
  BitVec positive; // x >= 0
  if (p.hasRelu) {
    const bool belowToo = !e.plan.centred && p.outside == Outside::kTwo;
    positive = e.plan.centred ? bits.signBit : belowToo ? result.inside ^ below : result.inside;
    positive = notBits(session, std::move(positive));
  }
  std::vector<Task<Ring>> parts;
  parts.push_back(hasAbove ? bitToRing(session, result.inside, valueBits) : noRing());
  parts.push_back(hasBelow ? bitToRing(session, below, valueBits) : noRing());
  const unsigned reluBits = p.outputBits - p.reluShift;
  parts.push_back(p.hasRelu ? relu(e, std::move(positive), reluBits) : noRing());
  std::vector<Ring> found = co_await whenAll(std::move(parts));
  if (hasAbove || hasBelow)
    result.outsideValue.assign(n, 0);
  if (hasAbove) {
    // above * (1 - inside)
    const auto above = static_cast<std::uint64_t>(p.above);
    result.outsideValue = subtracted(std::move(result.outsideValue),
                                     scaled(std::move(found[0]), above, valueBits), valueBits);
    result.outsideValue = plusPublic(session, std::move(result.outsideValue), above, valueBits);
  }
  if (hasBelow)
    result.outsideValue =
        added(std::move(result.outsideValue),
              scaled(std::move(found[1]), static_cast<std::uint64_t>(p.below - p.above), valueBits),
              valueBits);
  result.relu = std::move(found[2]);
  co_return result;
}

/// Q in the ring of its product.
Task<Ring> roundedSquare(const Evaluation &e, Ring square) {
  if (e.p.squareDrop == 0)
    co_return square;
  co_return co_await truncateExtend(e.session, std::move(square), e.plan.squareBits, e.p.squareDrop,
                                    e.plan.quadraticBits, SignFact::kNonNegative,
                                    Rounding::kNearest, e.radix);
}

/// (base + u) * wide * 2^shift modulo 2^sumBits, u from field `field` of the look-up.
Task<Ring> term(const Evaluation &e, const PiecewiseCoefficient &c, const LookupResult &found,
                std::size_t field, Ring wide) {
  const unsigned width = e.p.sumBits - c.shift;
  Ring result = scaled(wide, static_cast<std::uint64_t>(c.base), width);
  if (c.bits != 0) {
    const Ring product = co_await narrowProduct(
        e.session, found.values[field], found.wraps[field - 1], c.bits, std::move(wide), width);
    result = added(std::move(result), product, width);
  }
  co_return scaled(std::move(result), std::uint64_t{1} << c.shift, e.p.sumBits);
}

/// The sum inside the domain: `fixed` has the same sign at both sides of a symmetric function.
Task<Ring> selected(const Evaluation &e, Ring fixed, Ring signedPart, const Sides &side,
                    BitVec negative) {
  const unsigned width = e.p.sumBits;
  Ring result = added(std::move(fixed), signedPart, width);
  std::vector<Task<Ring>> parts;
  parts.push_back(e.plan.outside ? multiplex(e.session, side.inside, result, width) : noRing());
  parts.push_back(e.plan.needsFold
                      ? multiplex(e.session, e.plan.outside ? side.insideNegative : negative,
                                  reduced(std::move(signedPart), width - 1), width - 1)
                      : noRing());
  std::vector<Ring> found = co_await whenAll(std::move(parts));
  if (e.plan.outside)
    result = std::move(found[0]);
  if (e.plan.needsFold)
    result = subtracted(std::move(result), scaled(std::move(found[1]), 2, width), width);
  co_return result;
}

/// S from the parts of the second stage on.
struct Sum {
  Ring value;
  Ring relu;
};
Task<Sum> sumOf(const Evaluation &e, CarryBlocks blocks, OrderBits domainTop, BitVec equalities) {
  Session &session = e.session;
  const PiecewisePolynomial &p = e.p;
  const BitVec offsetCarry = p.offsetBits() == 0 ? e.none() : blocks.carry.front();
  auto [offset, carried] =
      co_await whenAll(offsetParts(e, offsetCarry), prefixCarries(session, std::move(blocks)));
  SideBits bits;
  bits.domainTop = std::move(domainTop);
  bits.equalities = std::move(equalities);
  if (e.plan.domainAt >= 0) {
    bits.domainCarry = carried[static_cast<std::size_t>(e.plan.domainAt)];
    if (e.plan.centred)
      bits.domainNegative = e.placeBit(p.domainBits - 1, bits.domainCarry);
  }
  if (e.plan.signAt >= 0)
    bits.signBit = e.placeBit(e.plan.ring - 1, carried[static_cast<std::size_t>(e.plan.signAt)]);
  const BitVec negative = bits.domainNegative;

  auto [found, side, square] =
      co_await whenAll(coefficients(e, offset.carry, negative), sides(e, std::move(bits)),
                       roundedSquare(e, std::move(offset.square)));
  Ring constant = scaled(found.values.front(), std::uint64_t{1} << p.constantShift, p.sumBits);
  Ring linear(e.size(), 0);
  Ring quadratic(e.size(), 0);
  if (p.degree >= 1) {
    const std::size_t second = p.linear.bits == 0 ? 1 : 2;
    auto [one, two] = co_await whenAll(
        term(e, p.linear, found, 1, centredOffset(e, offset.carry, e.plan.linearBits)),
        p.degree == 2 ? term(e, p.quadratic, found, second, std::move(square)) : noRing());
    linear = std::move(one);
    if (p.degree == 2)
      quadratic = std::move(two);
  }
  constant = added(std::move(constant), quadratic, p.sumBits);
  const bool odd = p.symmetry == Symmetry::kOdd;
  Sum sum;
  sum.value =
      co_await selected(e, odd ? linear : constant, odd ? constant : linear, side, negative);
  if (!side.outsideValue.empty())
    sum.value = added(std::move(sum.value),
                      scaled(std::move(side.outsideValue), std::uint64_t{1} << p.drop, p.sumBits),
                      p.sumBits);
  sum.value =
      plusPublic(session, std::move(sum.value), static_cast<std::uint64_t>(p.sumOffset), p.sumBits);
  sum.relu = std::move(side.relu);
  co_return sum;
}

} // namespace

Task<Ring> piecewise(Session &session, PiecewisePolynomial p, Ring x, Radix radix) {
  const PiecewisePlan plan(p);
  for (const std::uint64_t share : x)
    DYAD_REQUIRE((share & ~ringMask(p.inputBits)) == 0, kOutOfRange, "share above {} bits",
                 p.inputBits);
  const Ring shifted =
      plusPublic(session, reduced(x, plan.ring), 0 - static_cast<std::uint64_t>(p.low), plan.ring);
  const Ring place = plan.centred ? reduced(x, plan.ring) : shifted;
  const Evaluation e{session, p, plan, radix, x, place, shifted};

  auto [blocks, equalities, domainTop] =
      co_await whenAll(carryBlocks(session, place, plan.positions, radix),
                       plan.outside && plan.highBits > 1
                           ? sumIsZeroOrOnes(session, shifted, p.domainBits, plan.ring, radix)
                           : nothing(),
                       plan.outside && plan.centred ? domainTopBlock(e) : noOrder());
  Sum sum = co_await sumOf(e, std::move(blocks), std::move(domainTop), std::move(equalities));
  Ring result = co_await truncateExtend(session, std::move(sum.value), p.sumBits, p.drop,
                                        p.outputBits, p.sumFact, Rounding::kNearest, radix);
  if (p.hasRelu)
    result = added(std::move(result),
                   scaled(std::move(sum.relu), std::uint64_t{1} << p.reluShift, p.outputBits),
                   p.outputBits);
  co_return result;
}

} // namespace dyad
