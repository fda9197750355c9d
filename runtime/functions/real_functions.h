// SPDX-License-Identifier: Apache-2.0
// Activations on real numbers that the C++ library lacks: what float models mean and what
// approximations are fitted to.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dyad::real {

inline double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}
/// log(1 + e^x) without overflow.
inline double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
/// Probability that a standard normal number is above a.
inline double normalTail(double a) { return std::erfc(a / std::numbers::sqrt2) / 2; }
/// The form of GELU with a hyperbolic tangent.
inline double geluTanh(double x) {
  return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

} // namespace dyad::real
