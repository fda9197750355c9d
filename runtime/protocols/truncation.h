// SPDX-License-Identifier: Apache-2.0
// Truncation of shared values by a public number of bits, change of ring and division by a public
// integer, all exact. The compiler chooses the variant from what it knows of the sign
// (SignFact); the runtime never guesses. The maths is in docs/protocols/truncation.md.
#pragma once

#include "runtime/net/task.h"
#include "runtime/ot/session.h"
#include "runtime/protocols/ring.h"
#include "runtime/protocols/truncation_cost.h"

namespace dyad {

// Functionality  shares of n values modulo 2^width in, fresh shares of f(x) out.
// Cost           fCost(...) for each f: bytes, ticks and COTs, exactly; the same radix.
// Security       semi-honest, in the OT-hybrid model. A SignFact that does not hold makes the
//                result wrong and dependent on the shares, as the compiler must never do.
// Errors         kOutOfRange before a byte is sent.
// Source         Rathee et al., CrypTFlow2 (CCS 2020), section 4; Rathee et al., SIRNN (S&P 2021),
//                section 3; the wrap of a known sign from one COT is our own, see the docs.

/// floor((x + half) / 2^shift) modulo 2^(width - shift), for x signed or unsigned alike;
/// 0 <= shift < width. The sum x + half wraps in the ring.
Task<Ring> truncateReduce(Session &session, Ring share, unsigned width, unsigned shift,
                          Rounding rounding, Radix radix = {});

/// max(floor((x + half) / 2^shift), 0) modulo 2^resultBits of signed x, fused: one comparison gives
/// the carry of the low bits and the sign. What truncateReduce, relu and extendSigned give one
/// after the other, in fewer flows and a few bits more; 0 <= shift < width, 1 <= resultBits <= 64.
/// truncateReluCost(n, width, shift, resultBits). The sum x + half wraps in the ring.
Task<Ring> truncateRelu(Session &session, Ring share, unsigned width, unsigned shift,
                        Rounding rounding, unsigned resultBits, Radix radix = {});

/// floor((x + half) / 2^shift) of signed x in the same ring; 0 <= shift < width, and
/// shift <= width - 2 for kSmall. The fact is of x + half.
Task<Ring> truncate(Session &session, Ring share, unsigned width, unsigned shift, SignFact fact,
                    Rounding rounding, Radix radix = {});

/// Signed x modulo 2^from to 2^to, from <= to. kSmall needs from >= 2.
Task<Ring> extendSigned(Session &session, Ring share, unsigned from, unsigned to, SignFact fact,
                        Radix radix = {});
/// The same for unsigned x of which nothing is known. (x < 2^(from-1): extendSigned, kNonNegative.)
Task<Ring> extendUnsigned(Session &session, Ring share, unsigned from, unsigned to,
                          Radix radix = {});
/// The same from shares of x's top bit.
Task<Ring> extendSignedWithMsb(Session &session, Ring share, BitVec msbShare, unsigned from,
                               unsigned to);
Task<Ring> extendUnsignedWithMsb(Session &session, Ring share, BitVec msbShare, unsigned from,
                                 unsigned to);

/// floor((x + half) / divisor) of signed x in the same ring, half = floor(divisor / 2) for
/// kNearest, 1 <= divisor <= 2^(width-2). With y = x + half (for kFloor x), needs
/// -offset <= y < 2^(width-1) - offset where offset = divisor * floor(2^(width-2) / divisor);
/// |y| <= 2^(width-2) - divisor always suffices.
Task<Ring> divide(Session &session, Ring share, unsigned width, std::uint64_t divisor,
                  Rounding rounding, Radix radix = {});

} // namespace dyad
