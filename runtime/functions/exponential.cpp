// SPDX-License-Identifier: Apache-2.0
// See exponential.h.
#include "runtime/functions/exponential.h"

#include "runtime/functions/digits.h"
#include "runtime/functions/lookup.h"
#include "runtime/functions/mixed_product.h"
#include "runtime/functions/piecewise.h"
#include "runtime/functions/resize.h"
#include "runtime/protocols/bit_planes.h"
#include "runtime/protocols/comparison.h"
#include "runtime/protocols/selection.h"

#include <utility>

namespace dyad {
namespace {

struct Factor {
  LookupResult value;
  BitVec inside; ///< empty without an outside
};

Task<LookupResult> factorOf(Session &session, const ExponentialFunction &f, const Ring &v,
                            BitVec carry) {
  const Ring numbers = co_await bitToRing(session, std::move(carry), f.highBits);
  Ring index(v.size());
  for (std::size_t i = 0; i < v.size(); ++i)
    index[i] = ((v[i] >> (f.domainBits - f.highBits)) + numbers[i]) & ringMask(f.highBits);
  co_return co_await lookup(session, {factorShape(f), f.factors}, std::move(index));
}

/// Whether the bits above the domain are zero, from the carry into them.
Task<BitVec> insideOf(Session &session, const ExponentialFunction &f, const Ring &v, BitVec carry,
                      BitVec zeroOrOnes) {
  if (f.inputBits - f.domainBits == 1)
    co_return notBits(session, bitPlane(v, f.domainBits) ^ carry);
  const BitVec zero = zeroOrOnes.slice(0, v.size());
  const BitVec ones = zeroOrOnes.slice(v.size(), v.size());
  co_return zero ^ co_await andBits(session, std::move(carry), zero ^ ones);
}

Task<BitVec> nothing() { co_return BitVec(); }

Task<Factor> factorAndSide(Session &session, const ExponentialFunction &f, const Ring &v,
                           Radix radix) {
  const unsigned above = f.hasOutside ? f.inputBits - f.domainBits : 0;
  auto [carried, equalities] = co_await whenAll(
      carries(session, v, factorPositions(f), radix),
      above > 1 ? sumIsZeroOrOnes(session, v, f.domainBits, f.inputBits, radix) : nothing());
  BitVec out = f.hasOutside ? carried[1] : BitVec();
  auto [value, inside] = co_await whenAll(
      factorOf(session, f, v, std::move(carried[0])),
      f.hasOutside ? insideOf(session, f, v, std::move(out), std::move(equalities)) : nothing());
  co_return Factor{std::move(value), std::move(inside)};
}

} // namespace

Task<Ring> exponential(Session &session, ExponentialFunction f, Ring x, Radix radix) {
  requireValid(f);
  for (const std::uint64_t share : x)
    DYAD_REQUIRE((share & ~ringMask(f.inputBits)) == 0, kOutOfRange, "share above {} bits",
                 f.inputBits);
  if (f.highBits == 0)
    co_return co_await piecewise(session, f.lowPart, std::move(x), radix);
  const unsigned ring = f.hasOutside ? f.inputBits : f.domainBits;
  const Ring v =
      plusPublic(session, reduced(std::move(x), ring), 0 - static_cast<std::uint64_t>(f.low), ring);
  auto [low, factor] =
      co_await whenAll(piecewise(session, f.lowPart, reduced(v, f.domainBits - f.highBits), radix),
                       factorAndSide(session, f, v, radix));
  Ring sum = co_await narrowProduct(session, std::move(factor.value.values[0]),
                                    std::move(factor.value.wraps[0]), f.factorBits, std::move(low),
                                    f.sumBits);
  if (f.hasOutside)
    sum = co_await multiplex(session, std::move(factor.inside), std::move(sum), f.sumBits);
  co_return co_await truncateExtend(session, std::move(sum), f.sumBits, f.drop, f.outputBits,
                                    f.sumFact, Rounding::kNearest, radix);
}

} // namespace dyad
