// SPDX-License-Identifier: Apache-2.0
// A function of one fixed-point variable, of whichever form: what the operations of the compiler's
// dialects hold, as one list of integers, and what programs are given.
#pragma once

#include "runtime/functions/exponential_function.h"
#include "runtime/functions/normalized_function.h"
#include "runtime/functions/piecewise_polynomial.h"

#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace dyad {

using ScalarFunction = std::variant<PiecewisePolynomial, NormalizedFunction, ExponentialFunction>;

unsigned inputBits(const ScalarFunction &f);
unsigned outputBits(const ScalarFunction &f);

/// y(x). Error kOutOfRange for an x that has no value.
std::int64_t evaluate(const ScalarFunction &f, std::int64_t x);

/// The protocol's cost on n elements.
Cost scalarFunctionCost(std::uint64_t n, const ScalarFunction &f, Radix radix = {});

std::vector<std::int64_t> numbersOf(const ScalarFunction &f);
/// The inverse. Error kOutOfRange for a list that numbersOf does not make, or numbers that do not
/// fit each other.
ScalarFunction functionFrom(std::span<const std::int64_t> numbers);

/// The smallest and the largest result over the inputs low to high; first > second where that is
/// too many to try (2^20). Error kOutOfRange if one has no value.
std::pair<std::int64_t, std::int64_t> resultsOf(const ScalarFunction &f, std::int64_t low,
                                                std::int64_t high);

} // namespace dyad
