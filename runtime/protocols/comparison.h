// SPDX-License-Identifier: Apache-2.0
// Comparisons: of two private numbers, and of shared ring elements with zero or a constant, with
// the result as XOR shares of a bit. Exact for every input. The maths is in
// docs/protocols/comparison.md.
#pragma once

#include "runtime/net/task.h"
#include "runtime/ot/session.h"
#include "runtime/protocols/comparison_cost.h"
#include "runtime/protocols/ring.h"

#include <utility>

namespace dyad {

// Functionality  server holds x, client holds y (n elements of `bits` bits, unsigned); both leave
//                with shares of one bit per element.
// Cost           greaterThanCost(n, bits), ...: bytes, ticks and COTs, exactly.
// Security       semi-honest, in the OT-hybrid model; n and the widths are public.
// Errors         kOutOfRange for a width beyond 64 or an element above its width, before a byte is
//                sent; kShapeMismatch where operands differ in length.
// Source         Rathee et al., CrypTFlow2 (CCS 2020), section 3.1; the digits and cheaper leaves
// are
//                our own, see the docs.

struct OrderBits {
  BitVec greater;
  BitVec equal;
};

/// [x > y]; no bits: false.
Task<BitVec> greaterThan(Session &session, Ring mine, unsigned bits, Radix radix = {});
/// [x > y] and [x = y] of one tree.
Task<OrderBits> greaterAndEqual(Session &session, Ring mine, unsigned bits, Radix radix = {});
/// [x = y].
Task<BitVec> equal(Session &session, Ring mine, unsigned bits, Radix radix = {});

// The following take shares x0 + x1 = x mod 2^width of n elements, 1 <= width <= 64.

/// [x0 + x1 >= 2^width] over the integers.
Task<BitVec> wrap(Session &session, Ring share, unsigned width, Radix radix = {});
/// [(x0 mod 2^shift) + (x1 mod 2^shift) >= 2^shift], 0 <= shift <= 64; higher bits are ignored.
Task<BitVec> carry(Session &session, Ring share, unsigned shift, Radix radix = {});
/// The sign bit.
Task<BitVec> msb(Session &session, Ring share, unsigned width, Radix radix = {});
/// [x >= 0], x read as signed ("DReLU").
Task<BitVec> nonNegative(Session &session, Ring share, unsigned width, Radix radix = {});
/// [x >= bound] for a public bound, as the sign of x - bound, which must fit `width` signed bits.
Task<BitVec> atLeast(Session &session, Ring share, std::uint64_t bound, unsigned width,
                     Radix radix = {});
/// [x = 0]. With width 1 the result's shares are the inputs' (flipped): no fresh randomness.
Task<BitVec> isZero(Session &session, Ring share, unsigned width, Radix radix = {});
/// As wrap, from shares of the sign bit: one 1-of-4 OT of one bit.
Task<BitVec> wrapFromMsb(Session &session, Ring share, BitVec msbShare, unsigned width);

/// AND of shared bits, element by element (andCost). One tick.
Task<BitVec> andBits(Session &session, BitVec a, BitVec b);
/// a & b0 and a & b1 (andPairCost). One tick.
Task<std::pair<BitVec, BitVec>> andBits(Session &session, BitVec a, BitVec b0, BitVec b1);
/// NOT of a shared bit: local, the server flips its share.
BitVec notBits(const Session &session, BitVec share);

} // namespace dyad
