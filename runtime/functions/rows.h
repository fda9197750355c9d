// SPDX-License-Identifier: Apache-2.0
// Softmax, log-softmax and normalisation of rows of shared numbers (row_function.h). See
// docs/protocols/functions.md.
#pragma once

#include "runtime/functions/row_function.h"
#include "runtime/net/task.h"
#include "runtime/ot/session.h"
#include "runtime/protocols/ring.h"

namespace dyad {

// Functionality  fresh shares of evaluate(f, row) for each row, bit for bit.
// Shapes         x: rows x columns, row by row, shares modulo 2^(the function's input bits).
// Cost           softmaxCost, logSoftmaxCost, normalizeRowsCost: bytes, ticks and COTs, exactly.
// Security       semi-honest, in the OT-hybrid model. Rows that `evaluate` refuses make the result
//                wrong and dependent on the shares.
// Errors         kOutOfRange, kShapeMismatch before a byte is sent.
// Source         the composition is the usual one; the reciprocal and the root once a row, products
//                with the row's common factor: docs/protocols/functions.md.

/// Row r of a (modulo 2^numeratorBits) over b[r] (modulo 2^reciprocal.inputBits); with as many b as
/// a, element by element. quotientCost.
Task<Ring> quotient(Session &session, QuotientFunction f, Ring a, Ring b, Radix radix = {});
Task<Ring> softmax(Session &session, SoftmaxFunction f, Ring x, std::size_t columns,
                   Radix radix = {});
Task<Ring> logSoftmax(Session &session, LogSoftmaxFunction f, Ring x, std::size_t columns,
                      Radix radix = {});
Task<Ring> normalizeRows(Session &session, NormalizationFunction f, Ring x, Radix radix = {});

} // namespace dyad
