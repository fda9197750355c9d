// SPDX-License-Identifier: Apache-2.0
// A function of rows of numbers, of whichever kind: what the operations of the compiler's dialects
// hold, as one list of integers, and what programs are given.
#pragma once

#include "runtime/functions/row_function.h"

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

namespace dyad {

using RowFunction =
    std::variant<SoftmaxFunction, LogSoftmaxFunction, NormalizationFunction, QuotientFunction>;

/// Ring of the rows' numbers.
unsigned inputBits(const RowFunction &f);
/// Ring of the divisors, one a row; 0 for functions that have none.
unsigned divisorBits(const RowFunction &f);
unsigned outputBits(const RowFunction &f);

/// Error kShapeMismatch for rows of a length that the function is not for.
void requireColumns(const RowFunction &f, std::uint64_t columns);

/// One row; `divisor` is one number for functions that have one, else empty. Error kOutOfRange
/// where a number does not fit what the function says, kShapeMismatch.
std::vector<std::int64_t> evaluate(const RowFunction &f, std::span<const std::int64_t> row,
                                   std::span<const std::int64_t> divisor = {});

/// The protocol's cost.
Cost rowFunctionCost(std::uint64_t rows, std::uint64_t columns, const RowFunction &f,
                     Radix radix = {});

std::vector<std::int64_t> numbersOf(const RowFunction &f);
/// The inverse. Error kOutOfRange for a list that numbersOf does not make, or numbers that do not
/// fit each other.
RowFunction rowFunctionFrom(std::span<const std::int64_t> numbers);

} // namespace dyad
