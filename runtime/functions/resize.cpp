// SPDX-License-Identifier: Apache-2.0
// See resize.h.
#include "runtime/functions/resize.h"

#include "runtime/protocols/bit_planes.h"
#include "runtime/protocols/comparison.h"
#include "runtime/protocols/selection.h"
#include "runtime/protocols/truncation.h"

#include <utility>

namespace dyad {
namespace {

Task<Ring> carryToRing(Session &session, Ring share, unsigned shift, unsigned resultBits,
                       Radix radix) {
  BitVec bit = co_await carry(session, std::move(share), shift, radix);
  co_return co_await bitToRing(session, std::move(bit), resultBits);
}

/// [a's top bit] = top, a bit of each party's own.
BitVec topBits(const Ring &share, unsigned width, bool top) {
  BitVec bits = bitPlane(share, width - 1);
  return top ? bits : ~bits;
}

} // namespace

Task<Ring> truncateExtend(Session &session, Ring share, unsigned width, unsigned shift,
                          unsigned resultBits, SignFact fact, Rounding rounding, Radix radix) {
  requireWidth(width);
  requireWidth(resultBits);
  DYAD_REQUIRE(shift < width, kOutOfRange, "truncation of {} bits in a ring of {}", shift, width);
  const unsigned left = width - shift;
  DYAD_REQUIRE(fact != SignFact::kSmall || resultBits <= left || shift + 2 <= width, kOutOfRange,
               "truncation of {} bits of small numbers of {}; at most {} are possible", shift,
               width, width - 2);
  if (shift == 0) {
    if (resultBits <= width)
      co_return reduced(std::move(share), resultBits);
    co_return co_await extendSigned(session, std::move(share), width, resultBits, fact, radix);
  }
  if (resultBits > left && fact == SignFact::kUnknown) {
    Ring low = co_await truncateReduce(session, std::move(share), width, shift, rounding, radix);
    co_return co_await extendSigned(session, std::move(low), left, resultBits, fact, radix);
  }
  if (rounding == Rounding::kNearest)
    share = plusPublic(session, std::move(share), std::uint64_t{1} << (shift - 1), width);
  const std::uint64_t offset = resultBits > left ? offsetOf(fact, width) : 0;
  share = plusPublic(session, std::move(share), offset, width);

  Ring high(share.size());
  for (std::size_t i = 0; i < share.size(); ++i)
    high[i] = share[i] >> shift & ringMask(resultBits);
  if (resultBits <= left) {
    const Ring carried = co_await carryToRing(session, std::move(share), shift, resultBits, radix);
    co_return added(std::move(high), carried, resultBits);
  }
  // floor(u / 2^s) = a0 + a1 + c - w 2^(l-s); with the top bit known, w is a product of two private
  // bits: w = m0 m1 if it is 1, 1 - (1 - m0)(1 - m1) if it is 0.
  const bool top = fact == SignFact::kNegative;
  BitVec tops = topBits(share, width, top);
  auto [carried, both] =
      co_await whenAll(carryToRing(session, std::move(share), shift, resultBits, radix),
                       productOfBits(session, std::move(tops), resultBits - left));
  const std::uint64_t wrapValue = std::uint64_t{1} << left;
  Ring result = added(std::move(high), carried, resultBits);
  both = scaled(std::move(both), wrapValue, resultBits);
  result = top ? subtracted(std::move(result), both, resultBits)
               : added(std::move(result), both, resultBits);
  // Negative numbers: the unsigned reading is 2^left too high. Else: the 1 of the wrap.
  co_return plusPublic(session, std::move(result), -((offset >> shift) + wrapValue), resultBits);
}

Task<Ring> divideTowardZero(Session &session, Ring share, unsigned width, unsigned shift,
                            SignFact fact, Radix radix) {
  requireWidth(width);
  if (shift == 0)
    co_return share;
  BitVec negative = co_await msb(session, share, width, radix);
  Ring step = co_await bitToRing(session, std::move(negative), width);
  share = added(std::move(share), scaled(std::move(step), ringMask(shift), width), width);
  co_return co_await truncate(session, std::move(share), width, shift, fact, Rounding::kFloor,
                              radix);
}

Task<WrappedNumber> withWrap(Session &session, Ring share, NumberFormat format, Radix radix) {
  requireWidth(format.bits);
  const SignFact fact = format.fact;
  DYAD_REQUIRE(format.isSigned || fact != SignFact::kSmall, kOutOfRange,
               "an unsigned number is not small: its top bit is known or it is not");
  WrappedNumber number;
  number.offset = format.isSigned ? offsetOf(fact, format.bits) : 0;
  number.share = plusPublic(session, std::move(share), number.offset, format.bits);
  if (fact == SignFact::kUnknown) {
    number.wrap = co_await wrap(session, number.share, format.bits, radix);
    co_return number;
  }
  const bool top = fact == SignFact::kNegative;
  const BitVec mine = topBits(number.share, format.bits, top);
  const BitVec none(mine.size());
  // The product of the server's bit and the client's.
  number.wrap =
      co_await andBits(session, session.isServer() ? mine : none, session.isServer() ? none : mine);
  if (!top)
    number.wrap = notBits(session, std::move(number.wrap));
  if (top && format.isSigned && format.bits < 64)
    number.offset = std::uint64_t{1} << format.bits;
  co_return number;
}

Task<Ring> extendNumber(Session &session, Ring share, NumberFormat format, unsigned to,
                        Radix radix) {
  if (format.isSigned || format.fact == SignFact::kNonNegative)
    co_return co_await extendSigned(session, std::move(share), format.bits, to, format.fact, radix);
  if (format.fact == SignFact::kUnknown)
    co_return co_await extendUnsigned(session, std::move(share), format.bits, to, radix);
  DYAD_REQUIRE(format.fact == SignFact::kNegative, kOutOfRange,
               "an unsigned number is not small: its top bit is known or it is not");
  Ring wide = co_await extendSigned(session, std::move(share), format.bits, to, format.fact, radix);
  // A top bit of 1 counts 2^(bits-1), not its negative.
  const std::uint64_t step = format.bits < to ? std::uint64_t{1} << format.bits : 0;
  co_return plusPublic(session, std::move(wide), step, to);
}

} // namespace dyad
