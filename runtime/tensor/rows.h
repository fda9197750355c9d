// SPDX-License-Identifier: Apache-2.0
// Functions of whole rows of shares: softmax, its logarithm, normalisation and quotients
// (runtime/functions/rows.h) on tensors.
#pragma once

#include "runtime/functions/row_operation.h"
#include "runtime/net/task.h"
#include "runtime/tensor/types.h"

namespace dyad {

/// f of each row of x, rows x columns modulo 2^inputBits(f), into a ring of outputBits(f) bits.
/// rowFunctionCost(rows, columns, f). Errors: kOutOfRange, kShapeMismatch before a byte is sent.
Task<Share> rowFunction(Session &session, Share x, RowFunction f, Radix radix = {});
/// The same for functions with a divisor, rows x 1 modulo 2^divisorBits(f).
Task<Share> rowFunction(Session &session, Share x, Share divisor, RowFunction f, Radix radix = {});

} // namespace dyad
