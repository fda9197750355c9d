// SPDX-License-Identifier: Apache-2.0
// The functions of nn.function on real numbers: what the float interpreter computes, what constants
// are folded with, and what the approximation in fx is fitted to.
#pragma once

#include "ir/nn/nn.h"

#include <functional>

namespace dyad::nn {

/// The value at x; NaN or infinity where there is none (log of a negative number).
double evaluateFunction(FunctionKind kind, double parameter, double x);

/// The reals on which a function is defined: all, or those from (or above) zero.
struct FunctionDomain {
  bool nonNegative = false; ///< no value below zero
  bool excludesZero = false;
};
FunctionDomain functionDomain(FunctionKind kind, double parameter);

} // namespace dyad::nn
