// SPDX-License-Identifier: Apache-2.0
// What comes out of the stock without a message: random OTs, AND triples and pairs of triples that
// share an operand. All local: both parties call the mirror function in the same order.
#pragma once

#include "runtime/ot/ot_cost.h"
#include "runtime/ot/session.h"

namespace dyad {

/// n random 1-of-2 OTs of `bits` bits, 1 to 64. randomOtsCost. Errors: kOutOfRange (empty stock).
struct SentRandomOts {
  Ring zero;
  Ring one;
};
struct ReceivedRandomOts {
  BitVec choice;
  Ring value; ///< choice ? one : zero
};
SentRandomOts sendRandomOts(Session &session, std::uint64_t n, unsigned bits);
ReceivedRandomOts receiveRandomOts(Session &session, std::uint64_t n, unsigned bits);

/// XOR shares of n random a, b and c = a & b. andTriplesCost(n).
struct AndTriples {
  BitVec a, b, c;
};
AndTriples andTriples(Session &session, std::uint64_t n);

/// XOR shares of n random a, b0, b1, c0 = a & b0 and c1 = a & b1. andTriplesCost(n).
struct AndPairs {
  BitVec a, b0, b1, c0, c1;
};
AndPairs andPairs(Session &session, std::uint64_t n);

} // namespace dyad
