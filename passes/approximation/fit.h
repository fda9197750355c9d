// SPDX-License-Identifier: Apache-2.0
// Coefficients of a piecewise polynomial whose segments and widths are chosen: interpolation at
// Chebyshev nodes, then the best roundings to integers.
#pragma once

#include "passes/approximation/function.h"
#include "runtime/functions/piecewise_polynomial.h"

#include <cstdint>
#include <optional>

namespace dyad::approximation {

/// What a fit starts from. Scales are numbers of fraction bits.
struct Layout {
  unsigned inputBits = 0, inputScale = 0;
  unsigned outputBits = 0, outputScale = 0;
  std::int64_t low = 0; ///< of the domain
  unsigned domainBits = 0;
  Outside outside = Outside::kNever;
  unsigned indexBits = 0;
  unsigned degree = 0;
  unsigned linearScale = 0;    ///< of the linear coefficient
  unsigned squareScale = 0;    ///< of the rounded square
  unsigned quadraticScale = 0; ///< of the quadratic coefficient
  unsigned guardBits = 0;      ///< fraction bits of the constants beyond the output's
};

/// The best polynomials in real numbers, before any rounding; widths do not matter.
struct RealFit {
  double error = 0;     ///< largest, in output units; infinite where the function has no value
  double curvature = 0; ///< largest quadratic coefficient, in absolute numbers
};
RealFit fitReal(const SmoothFunction &function, const Layout &layout);

/// Nothing where numbers do not fit 62 bits or scales do not go together.
std::optional<PiecewisePolynomial> fit(const SmoothFunction &function, const Layout &layout);

} // namespace dyad::approximation
