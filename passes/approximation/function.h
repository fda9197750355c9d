// SPDX-License-Identifier: Apache-2.0
// Smooth functions of one variable, as the compiler knows them: how to compute them in floating
// point, and what of their shape an approximation may use. A new activation is one line in
// function.cpp.
#pragma once

#include "runtime/functions/piecewise_polynomial.h"

#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace dyad::approximation {

inline constexpr double kNoLimit = std::numeric_limits<double>::quiet_NaN();

/// f(x) = part(x) + centre + (hasRelu ? max(x, 0) : 0). Symmetry and limits are the part's.
struct SmoothFunction {
  std::string name;
  std::function<double(double)> part;
  Symmetry symmetry = Symmetry::kNone;
  bool hasRelu = false;
  double limitBelow = kNoLimit; ///< of the part for x to minus infinity; none: kNoLimit
  double limitAbove = kNoLimit;
  double centre = 0;

  double operator()(double x) const { return part(x) + centre + (hasRelu && x > 0 ? x : 0); }
};

/// exp, sigmoid, tanh, erf, gelu, gelu_tanh, silu, softplus, mish, hard_sigmoid, hard_swish, sin,
/// cos, elu and selu with the ONNX defaults.
const std::vector<SmoothFunction> &knownFunctions();
/// Null if there is none of this name.
const SmoothFunction *findFunction(const std::string &name);

/// Functions with parameters.
SmoothFunction elu(double alpha);
SmoothFunction selu(double alpha, double gamma);
SmoothFunction hardSigmoid(double alpha, double beta);

} // namespace dyad::approximation
