// SPDX-License-Identifier: Apache-2.0
// 1-of-N OT, N = 2^m, of a table masked by a random share of the sender's: look-ups of a private
// table at a private place. From m correlated OTs each, with N - 1 messages instead of N.
#pragma once

#include "runtime/net/task.h"
#include "runtime/ot/ot_cost.h"
#include "runtime/ot/session.h"

#include <vector>

namespace dyad {

// Functionality  sender holds f(0), ..., f(N-1), receiver c: XOR (bits) or additive (ring) shares
//                of f(c). The sender's share is uniform.
// Security       semi-honest. The m COTs of an instance are combined in GF(2^128) to one string q
//                with t = q ^ c(X) Delta; the pad of entry v is H(q ^ v(X) Delta). An unknown pad's
//                input differs from t by a non-zero multiple of Delta, so it has Delta's full
//                entropy: H needs to be robust under offsets a * Delta for known a, as in KK13.
//                The sender's share is defined by the pad of entry 0, whose message is then zero
//                and not sent.
// Errors         kShapeMismatch, kOutOfRange before a byte is sent.
// Source         Kolesnikov, Kumaresan (CRYPTO 2013) for 1-of-N; the combination of COTs and the
//                omitted message are our own.

/// values: for each table planes v * planes + p for entry v, plane p, each of table.count bits.
/// Result: table.planes planes of each table. bitTablesCost(sender, tables).
Task<std::vector<BitVec>> sendBitTables(Session &session, std::vector<BitTable> tables,
                                        std::vector<BitVec> values);
/// choices: for each table choiceBits planes, the lowest bit first.
Task<std::vector<BitVec>> receiveBitTables(Session &session, std::vector<BitTable> tables,
                                           std::vector<BitVec> choices);

/// values: n * 2^choiceBits ring elements of `bits` bits, entry v of instance i at i * N + v.
/// Sender's share is -rho, the receiver's f(c) + rho. ringTablesCost(sender, n, choiceBits, bits).
Task<Ring> sendRingTables(Session &session, unsigned choiceBits, unsigned bits, Ring values);
/// choices: choiceBits planes, the lowest bit first.
Task<Ring> receiveRingTables(Session &session, unsigned choiceBits, unsigned bits,
                             std::vector<BitVec> choices);

} // namespace dyad
