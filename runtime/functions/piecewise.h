// SPDX-License-Identifier: Apache-2.0
// Secure evaluation of a piecewise polynomial (piecewise_polynomial.h) at shared numbers: the
// protocol behind every smooth function of one variable. See docs/protocols/functions.md.
#pragma once

#include "runtime/functions/piecewise_polynomial.h"
#include "runtime/net/task.h"
#include "runtime/ot/session.h"
#include "runtime/protocols/ring.h"

namespace dyad {

/// Functionality  fresh shares of evaluate(p, x) modulo 2^p.outputBits, bit for bit.
/// Shapes         x: n shares modulo 2^p.inputBits.
/// Cost           piecewiseCost(n, p, radix): bytes, ticks and COTs, exactly.
/// Security       semi-honest, in the OT-hybrid model; n and all of p but the tables are public at
///                the client, which may be given a p whose tables are zero. Inputs outside the
///                domain with Outside::kNever, or a sumFact that does not hold, make the result
///                wrong and dependent on the shares.
/// Errors         kOutOfRange, kShapeMismatch before a byte is sent.
/// Source         the idea of splines with look-ups of coefficients: Rathee et al., SIRNN (S&P
/// 2021);
///                Fan et al., NFGen (CCS 2022). Fold, centred squares and one tree of carries are
///                our own.
Task<Ring> piecewise(Session &session, PiecewisePolynomial p, Ring x, Radix radix = {});

} // namespace dyad
