// SPDX-License-Identifier: Apache-2.0
// Convolutions and matrix products of the client's vector with the server's weights by RLWE. Exact.
#pragma once

#include "runtime/he/he_cost.h"
#include "runtime/he/plan.h"
#include "runtime/net/task.h"
#include "runtime/ot/session.h"

#include <cstdint>
#include <span>

namespace dyad::he {

/// Shares modulo 2^bits of the convolution of the client's `values` (images x all channels x rows x
/// columns, each below 2^bits) with the server's `weights` (all filters x channels of a group x
/// kernel): images x all filters x output rows x columns. Each party gives its own operand, the
/// other is empty; `weights` stay alive until the task is done.
///
/// Cost      linearCost(spec), after setup() for the plan's parameter set.
/// Security  semi-honest, RLWE with a ternary secret: the server sees encryptions, the client
///           replies that are flooded and masked (docs/protocols/rlwe.md).
/// Errors    kOutOfRange without a plan or without keys; kShapeMismatch.
/// Source    Huang et al., Cheetah (USENIX Security 2022), 3.1; exact replies are our own.
Task<Ring> linear(Session &session, LinearSpec spec, Ring values,
                  std::span<const std::int64_t> weights);

} // namespace dyad::he
