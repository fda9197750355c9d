// SPDX-License-Identifier: Apache-2.0
// Changes of width that the protocols of runtime/protocols do not have in one piece: truncation
// into a wider or narrower ring, division toward zero, and numbers of any format made ready for
// products.
#pragma once

#include "runtime/functions/resize_cost.h"
#include "runtime/net/task.h"
#include "runtime/ot/session.h"
#include "runtime/protocols/ring.h"

namespace dyad {

// Functionality  shares of n numbers in, fresh shares out. Exact.
// Cost           fCost(...) for each f: bytes, ticks and COTs, exactly; the same radix.
// Security       semi-honest, in the OT-hybrid model. A fact that does not hold makes the result
//                wrong and dependent on the shares.
// Errors         kOutOfRange before a byte is sent.
// Source         Rathee et al., SIRNN (S&P 2021), 3.1 to 3.4; see docs/protocols/functions.md.

/// floor((x + half) / 2^shift) of signed x modulo 2^width, as a number modulo 2^resultBits of any
/// size; 0 <= shift < width. The fact is of x + half and does not matter where resultBits <= width
/// - shift. Where it is known, carry and wrap share their flows.
Task<Ring> truncateExtend(Session &session, Ring share, unsigned width, unsigned shift,
                          unsigned resultBits, SignFact fact, Rounding rounding, Radix radix = {});

/// x / 2^shift of signed x, rounded toward zero, in the same ring; the fact is of
/// x + (x < 0 ? 2^shift - 1 : 0).
Task<Ring> divideTowardZero(Session &session, Ring share, unsigned width, unsigned shift,
                            SignFact fact, Radix radix = {});

/// A number as the integer share0 + share1 - wrap * 2^bits - offset.
struct WrappedNumber {
  Ring share;
  BitVec wrap; ///< XOR shares
  std::uint64_t offset = 0;
};
/// wrapBitCost(n, format).
Task<WrappedNumber> withWrap(Session &session, Ring share, NumberFormat format, Radix radix = {});

/// The number modulo 2^to, to >= format.bits. extendNumberCost.
Task<Ring> extendNumber(Session &session, Ring share, NumberFormat format, unsigned to,
                        Radix radix = {});

} // namespace dyad
