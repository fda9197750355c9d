// SPDX-License-Identifier: Apache-2.0
// Functions of one variable on integers in the clear.
#pragma once

#include "runtime/clear/shape.h"
#include "runtime/functions/scalar_function.h"

#include <cstdint>

namespace dyad::clear {

/// evaluate(f, x) of each element. Error kOutOfRange for an element that has no value.
Tensor<std::int64_t> function(const Tensor<std::int64_t> &x, const ScalarFunction &f);

} // namespace dyad::clear
