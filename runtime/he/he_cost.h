// SPDX-License-Identifier: Apache-2.0
// Costs of the RLWE linear layers and of the keys they need: bytes and ticks, exactly. No crypto.
#pragma once

#include "runtime/he/plan.h"
#include "runtime/net/cost.h"

#include <span>
#include <vector>

namespace dyad::he {

/// What `needs` ask for together: one entry for each parameter set, ascending.
std::vector<KeyNeed> merged(std::span<const KeyNeed> needs);

/// The client's public keys and Galois keys, all in one message to the server.
Cost keyCost(std::span<const KeyNeed> needs);

/// A layer: ciphertexts to the server, replies to the client. Nothing for an empty one. Error
/// kOutOfRange where planFor finds no plan.
Cost linearCost(const LinearSpec &spec);

/// Rough seconds of one core at both parties together, for choosing between protocols.
double computeSeconds(const LinearSpec &spec);

} // namespace dyad::he
