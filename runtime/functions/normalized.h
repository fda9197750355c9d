// SPDX-License-Identifier: Apache-2.0
// Secure evaluation of a function of positive numbers of many sizes (normalized_function.h). See
// docs/protocols/functions.md.
#pragma once

#include "runtime/functions/normalized_function.h"
#include "runtime/net/task.h"
#include "runtime/ot/session.h"
#include "runtime/protocols/ring.h"

namespace dyad {

/// Functionality  fresh shares of evaluate(f, x) modulo 2^f.outputBits, bit for bit.
/// Shapes         x: n shares modulo 2^f.inputBits.
/// Cost           normalizedCost(n, f, radix): bytes, ticks and COTs, exactly.
/// Security       semi-honest, in the OT-hybrid model; the leading one stays shared. Inputs without
///                their leading one where f says make the result wrong and dependent on the shares.
/// Errors         kOutOfRange, kShapeMismatch before a byte is sent.
/// Source         normalisation by the leading one: Rathee et al., SIRNN (S&P 2021), 4.3 and 4.4;
///                selection by the one-hot form and splines on the mantissa are our own.
Task<Ring> normalized(Session &session, NormalizedFunction f, Ring x, Radix radix = {});

} // namespace dyad
