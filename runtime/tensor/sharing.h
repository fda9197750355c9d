// SPDX-License-Identifier: Apache-2.0
// The ways into shares and out of them.
#pragma once

#include "runtime/net/task.h"
#include "runtime/tensor/tensor_cost.h"
#include "runtime/tensor/types.h"

namespace dyad {

/// mpc.share: the owner's share is the value modulo 2^bits, the other's is zero; a public value is
/// held by the server. No traffic. Errors: kOutOfRange for bits outside 1 to 64; kShapeMismatch.
Share share(const Session &session, const Plain &x, unsigned bits);

/// mpc.reveal: `receiver` learns the value, read as signed or unsigned. revealCost: one flow of the
/// other party's shares, both ways for kPublic. The receiver learns the value modulo 2^bits and
/// nothing else, whatever was computed before: it knows its own summand, so that the other summand
/// and the value are one and the same information. Shares need no refreshing for that.
Task<Plain> reveal(Session &session, Share x, Owner receiver, bool isSigned = true);

} // namespace dyad
