// SPDX-License-Identifier: Apache-2.0
// Costs of the RLWE linear layers and of the keys they need: bytes and ticks, exactly. No crypto.
#pragma once

#include "runtime/he/plan.h"
#include "runtime/net/cost.h"

#include <span>

namespace dyad::he {

/// The client's public keys, one for each parameter set of the list: one message to the server.
Cost keyCost(std::span<const unsigned> sets);

/// A layer: ciphertexts to the server, replies to the client. Nothing for an empty one. Error
/// kOutOfRange where planFor finds no plan.
Cost linearCost(const LinearSpec &spec);

/// Rough seconds of one core at both parties together, for choosing between protocols.
double computeSeconds(const LinearSpec &spec);

} // namespace dyad::he
