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

/// Seconds of one core at both parties together: they wait for each other. The product of the
/// server's own share is part of it.
double computeSeconds(const LinearSpec &spec, const MachineProfile &machine);
/// The part of it that the client spends on its ciphertexts, before the server can begin.
double encryptSeconds(const LinearSpec &spec, const MachineProfile &machine);
/// Making and receiving of the keys.
double keySeconds(std::span<const KeyNeed> needs, const MachineProfile &machine);

} // namespace dyad::he
