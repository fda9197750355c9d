// SPDX-License-Identifier: Apache-2.0
// Functions of one variable, and of rows, on integers in the clear.
#pragma once

#include "runtime/clear/shape.h"
#include "runtime/functions/row_operation.h"
#include "runtime/functions/scalar_function.h"

#include <cstdint>

namespace dyad::clear {

/// evaluate(f, x) of each element. Error kOutOfRange for an element that has no value.
Tensor<std::int64_t> function(const Tensor<std::int64_t> &x, const ScalarFunction &f);

/// evaluate(f, row) of each row of the matrix x; `divisor` holds one number a row where the
/// function has one, else it is null. Errors kOutOfRange, kShapeMismatch.
Tensor<std::int64_t> rows(const Tensor<std::int64_t> &x, const Tensor<std::int64_t> *divisor,
                          const RowFunction &f);

} // namespace dyad::clear
