// SPDX-License-Identifier: Apache-2.0
// Secure evaluation of exp over many octaves (exponential_function.h). See
// docs/protocols/functions.md.
#pragma once

#include "runtime/functions/exponential_function.h"
#include "runtime/net/task.h"
#include "runtime/ot/session.h"
#include "runtime/protocols/ring.h"

namespace dyad {

/// Functionality  fresh shares of evaluate(f, x) modulo 2^f.outputBits, bit for bit.
/// Shapes         x: n shares modulo 2^f.inputBits.
/// Cost           exponentialCost(n, f, radix): bytes, ticks and COTs, exactly.
/// Security       semi-honest, in the OT-hybrid model. Inputs that `evaluate` refuses make the
/// result
///                wrong and dependent on the shares.
/// Errors         kOutOfRange, kShapeMismatch before a byte is sent.
/// Source         products of look-ups of digits: Rathee et al., SIRNN (S&P 2021), 4.1; a spline
/// for
///                the low part is our own.
Task<Ring> exponential(Session &session, ExponentialFunction f, Ring x, Radix radix = {});

} // namespace dyad
