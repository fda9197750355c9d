// SPDX-License-Identifier: Apache-2.0
// See truncation.h.
#include "runtime/protocols/truncation.h"

#include "runtime/protocols/batches.h"
#include "runtime/protocols/bit_planes.h"
#include "runtime/protocols/comparison.h"
#include "runtime/protocols/selection.h"

#include <algorithm>
#include <utility>

namespace dyad {
namespace {

void requireShift(unsigned width, unsigned shift, unsigned limit) {
  requireWidth(width);
  DYAD_REQUIRE(shift <= limit && limit < width, kOutOfRange,
               "truncation of {} bits in a ring of {} bits; at most {} are possible", shift, width,
               static_cast<int>(limit));
}

Ring withRounding(const Session &session, Ring share, unsigned width, unsigned shift,
                  Rounding rounding) {
  if (shift == 0 || rounding == Rounding::kFloor)
    return share;
  return plusPublic(session, std::move(share), std::uint64_t{1} << (shift - 1), width);
}

/// x >> shift of each share.
Ring shifted(Ring share, unsigned shift) {
  for (std::uint64_t &value : share)
    value >>= shift;
  return share;
}

/// Shares modulo 2^resultWidth of the wrap of a value whose top bit is public: w = m0 or m1 if it
/// is 0, w = m0 and m1 if it is 1, where m is the top bit of a share.
Task<Ring> wrapOfKnownTop(Session &session, const Ring &share, unsigned width, bool top,
                          unsigned resultWidth) {
  BitVec mine(share.size());
  for (std::size_t i = 0; i < share.size(); ++i)
    mine.set(i, (share[i] >> (width - 1) & 1) == (top ? 1U : 0U));
  Ring result = co_await productOfBits(session, std::move(mine), resultWidth);
  if (!top) {
    result = scaled(std::move(result), ~std::uint64_t{0}, resultWidth);
    result = plusPublic(session, std::move(result), 1, resultWidth);
  }
  co_return result;
}

/// Carry out of the low bits, as a ring element.
Task<Ring> carryToRing(Session &session, Ring share, unsigned shift, unsigned resultWidth,
                       Radix radix) {
  BitVec bit = co_await carry(session, std::move(share), shift, radix);
  co_return co_await bitToRing(session, std::move(bit), resultWidth);
}

/// How the bits from `shift` to below `width` of the server's share compare with the complement of
/// the client's: `greater` is their carry out, `equal` whether a carry in goes through.
Task<OrderBits> compareHigh(Session &session, const Ring &share, unsigned width, unsigned shift,
                            Radix radix) {
  const std::uint64_t mask = ringMask(width - shift);
  Ring high(share.size());
  for (std::size_t i = 0; i < high.size(); ++i)
    high[i] = ((session.isServer() ? share[i] : ~share[i]) >> shift) & mask;
  return greaterAndEqual(session, std::move(high), width - shift, radix);
}

/// Carry of the low bits and the wrap of the whole, of which nothing is known.
struct CarryAndWrap {
  Ring carry, wrap;
};
Task<CarryAndWrap> carryAndWrap(Session &session, const Ring &share, unsigned width, unsigned shift,
                                Radix radix) {
  auto [low, order] = co_await whenAll(carry(session, share, shift, radix),
                                       compareHigh(session, share, width, shift, radix));
  BitVec wrapBit = co_await andBits(session, low, std::move(order.equal));
  wrapBit ^= order.greater;
  auto [carryRing, wrapRing] = co_await whenAll(bitToRing(session, std::move(low), width),
                                                bitToRing(session, std::move(wrapBit), shift));
  co_return CarryAndWrap{std::move(carryRing), std::move(wrapRing)};
}

Task<CarryAndWrap> carryAndKnownWrap(Session &session, const Ring &share, unsigned width,
                                     unsigned shift, bool top, Radix radix) {
  auto [carryRing, wrapRing] = co_await whenAll(carryToRing(session, share, shift, width, radix),
                                                wrapOfKnownTop(session, share, width, top, shift));
  co_return CarryAndWrap{std::move(carryRing), std::move(wrapRing)};
}

} // namespace

Task<Ring> truncateReduce(Session &session, Ring share, unsigned width, unsigned shift,
                          Rounding rounding, Radix radix) {
  requireShift(width, shift, width - 1);
  if (shift == 0)
    co_return share;
  if (share.size() > kBatch)
    co_return co_await inBatches(
        std::move(share), [&session, width, shift, rounding, radix](Ring part) {
          return truncateReduce(session, std::move(part), width, shift, rounding, radix);
        });
  share = withRounding(session, std::move(share), width, shift, rounding);
  const Ring carried = co_await carryToRing(session, share, shift, width - shift, radix);
  co_return added(shifted(std::move(share), shift), carried, width - shift);
}

Task<Ring> truncateRelu(Session &session, Ring share, unsigned width, unsigned shift,
                        Rounding rounding, unsigned resultBits, Radix radix) {
  requireShift(width, shift, width - 1);
  requireWidth(resultBits);
  if (share.size() > kBatch)
    co_return co_await inBatches(
        std::move(share), [&session, width, shift, rounding, resultBits, radix](Ring part) {
          return truncateRelu(session, std::move(part), width, shift, rounding, resultBits, radix);
        });
  const unsigned narrow = std::min(width - shift, resultBits);
  share = withRounding(session, std::move(share), width, shift, rounding);
  Ring result;
  if (shift == 0) {
    BitVec positive = co_await nonNegative(session, share, width, radix);
    result =
        co_await multiplex(session, std::move(positive), reduced(std::move(share), narrow), narrow);
  } else {
    // The bit is positive = sign of the tops ^ greater ^ (equal & low) up to a flip, and for its
    // product with the carry low & equal & low = low & equal: both ANDs share an operand.
    auto [low, order] = co_await whenAll(carry(session, share, shift, radix),
                                         compareHigh(session, share, width - 1, shift, radix));
    BitVec positive = notBits(session, bitPlane(share, width - 1) ^ order.greater);
    auto [through, both] =
        co_await andBits(session, std::move(low), std::move(order.equal), positive);
    positive ^= through;
    both ^= through;
    auto [top, carried] =
        co_await whenAll(multiplex(session, std::move(positive),
                                   reduced(shifted(std::move(share), shift), narrow), narrow),
                         bitToRing(session, std::move(both), narrow));
    result = added(std::move(top), carried, narrow);
  }
  co_return co_await extendSigned(session, std::move(result), narrow, resultBits,
                                  SignFact::kNonNegative);
}

Task<Ring> truncate(Session &session, Ring share, unsigned width, unsigned shift, SignFact fact,
                    Rounding rounding, Radix radix) {
  const bool small = fact == SignFact::kSmall;
  DYAD_REQUIRE(!small || width >= 2, kOutOfRange, "a ring of {} bits has no small values", width);
  requireShift(width, shift, small ? width - 2 : width - 1);
  if (shift == 0)
    co_return share;
  if (share.size() > kBatch)
    co_return co_await inBatches(
        std::move(share), [&session, width, shift, fact, rounding, radix](Ring part) {
          return truncate(session, std::move(part), width, shift, fact, rounding, radix);
        });
  share = withRounding(session, std::move(share), width, shift, rounding);
  const std::uint64_t offset = offsetOf(fact, width);
  share = plusPublic(session, std::move(share), offset, width);

  // floor(u / 2^s) = a0 + a1 + c - w 2^(l-s) for the unsigned reading u.
  const bool top = fact == SignFact::kNegative;
  CarryAndWrap found;
  if (fact == SignFact::kUnknown)
    found = co_await carryAndWrap(session, share, width, shift, radix);
  else
    found = co_await carryAndKnownWrap(session, share, width, shift, top, radix);
  Ring result = added(shifted(std::move(share), shift), found.carry, width);
  const std::uint64_t wrapValue = std::uint64_t{1} << (width - shift);
  result = subtracted(std::move(result), scaled(std::move(found.wrap), wrapValue, width), width);
  co_return plusPublic(session, std::move(result), -((offset >> shift) + (top ? wrapValue : 0)),
                       width);
}

namespace {

void requireExtension(unsigned from, unsigned to) {
  requireWidth(from);
  requireWidth(to);
  DYAD_REQUIRE(from <= to, kOutOfRange, "extension from {} to {} bits", from, to);
}

/// x0 + x1 - w 2^from - offset.
Ring withoutWrap(const Session &session, Ring share, Ring wrapRing, unsigned from, unsigned to,
                 std::uint64_t offset) {
  share =
      subtracted(std::move(share), scaled(std::move(wrapRing), std::uint64_t{1} << from, to), to);
  return plusPublic(session, std::move(share), -offset, to);
}

} // namespace

Task<Ring> extendSigned(Session &session, Ring share, unsigned from, unsigned to, SignFact fact,
                        Radix radix) {
  requireExtension(from, to);
  DYAD_REQUIRE(fact != SignFact::kSmall || from >= 2, kOutOfRange,
               "a ring of {} bits has no small values", from);
  if (from == to)
    co_return share;
  if (share.size() > kBatch)
    co_return co_await inBatches(std::move(share), [&session, from, to, fact, radix](Ring part) {
      return extendSigned(session, std::move(part), from, to, fact, radix);
    });
  std::uint64_t offset = offsetOf(fact, from);
  share = plusPublic(session, std::move(share), offset, from);
  Ring wrapRing;
  if (fact == SignFact::kUnknown) {
    BitVec bit = co_await wrap(session, share, from, radix);
    wrapRing = co_await bitToRing(session, std::move(bit), to - from);
  } else {
    const bool top = fact == SignFact::kNegative;
    wrapRing = co_await wrapOfKnownTop(session, share, from, top, to - from);
    if (top)
      offset = std::uint64_t{1} << from;
  }
  co_return withoutWrap(session, std::move(share), std::move(wrapRing), from, to, offset);
}

Task<Ring> extendUnsigned(Session &session, Ring share, unsigned from, unsigned to, Radix radix) {
  requireExtension(from, to);
  if (from == to)
    co_return share;
  if (share.size() > kBatch)
    co_return co_await inBatches(std::move(share), [&session, from, to, radix](Ring part) {
      return extendUnsigned(session, std::move(part), from, to, radix);
    });
  BitVec bit = co_await wrap(session, share, from, radix);
  Ring wrapRing = co_await bitToRing(session, std::move(bit), to - from);
  co_return withoutWrap(session, std::move(share), std::move(wrapRing), from, to, 0);
}

Task<Ring> extendUnsignedWithMsb(Session &session, Ring share, BitVec msbShare, unsigned from,
                                 unsigned to) {
  requireExtension(from, to);
  requireSameSize(share.size(), msbShare.size());
  if (from == to)
    co_return share;
  BitVec bit = co_await wrapFromMsb(session, share, std::move(msbShare), from);
  Ring wrapRing = co_await bitToRing(session, std::move(bit), to - from);
  co_return withoutWrap(session, std::move(share), std::move(wrapRing), from, to, 0);
}

Task<Ring> extendSignedWithMsb(Session &session, Ring share, BitVec msbShare, unsigned from,
                               unsigned to) {
  requireExtension(from, to);
  const std::uint64_t offset = std::uint64_t{1} << (from - 1);
  if (from == to)
    co_return share;
  share = plusPublic(session, std::move(share), offset, from);
  Ring result = co_await extendUnsignedWithMsb(session, std::move(share),
                                               notBits(session, std::move(msbShare)), from, to);
  co_return plusPublic(session, std::move(result), -offset, to);
}

Task<Ring> divide(Session &session, Ring share, unsigned width, std::uint64_t divisor,
                  Rounding rounding, Radix radix) {
  requireWidth(width, 2);
  DYAD_REQUIRE(divisor >= 1 && divisor <= std::uint64_t{1} << (width - 2), kOutOfRange,
               "division by {} in a ring of {} bits; 1 to 2^{} are possible", divisor, width,
               width - 2);
  if (divisor == 1)
    co_return share;
  if (share.size() > kBatch)
    co_return co_await inBatches(
        std::move(share), [&session, width, divisor, rounding, radix](Ring part) {
          return divide(session, std::move(part), width, divisor, rounding, radix);
        });
  const std::size_t n = share.size();
  const std::uint64_t multiple = (std::uint64_t{1} << (width - 2)) / divisor;
  const std::uint64_t half = rounding == Rounding::kNearest ? divisor / 2 : 0;
  share = plusPublic(session, std::move(share), multiple * divisor + half, width);
  const Ring wrapRing = co_await wrapOfKnownTop(session, share, width, false, width);

  // 2^width itself may not fit a word.
  const std::uint64_t quotient = ringMask(width) / divisor;
  const std::uint64_t rest = ringMask(width) % divisor + 1;
  const std::uint64_t ringQuotient = rest == divisor ? quotient + 1 : quotient;
  const std::uint64_t ringRest = rest == divisor ? 0 : rest;

  // T = r0 + r1 - w R, twice: once for T >= 0, once for T >= divisor.
  const unsigned restWidth = remainderWidth(divisor);
  Ring tests(2 * n);
  Ring result(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t t = share[i] % divisor - wrapRing[i] * ringRest;
    tests[i] = t & ringMask(restWidth);
    tests[n + i] = (t - (session.isServer() ? divisor : 0)) & ringMask(restWidth);
    result[i] = (share[i] / divisor - wrapRing[i] * ringQuotient) & ringMask(width);
  }
  BitVec bits = co_await nonNegative(session, std::move(tests), restWidth, radix);
  const Ring steps = co_await bitToRing(session, std::move(bits), width);
  result = added(std::move(result), RingSpan(steps).first(n), width);
  result = added(std::move(result), RingSpan(steps).subspan(n), width);
  co_return plusPublic(session, std::move(result), -(multiple + 1), width);
}

} // namespace dyad
