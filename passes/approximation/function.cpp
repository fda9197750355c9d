// SPDX-License-Identifier: Apache-2.0
// See function.h.
#include "passes/approximation/function.h"

#include "runtime/functions/real_functions.h"

#include <algorithm>
#include <cmath>

namespace dyad::approximation {
namespace {

using real::geluTanh, real::normalTail, real::sigmoid, real::softplus;

double withoutRelu(double y, double x) { return y - std::max(x, 0.0); }

} // namespace

SmoothFunction elu(double alpha) {
  return {"elu",           [=](double x) { return x < 0 ? alpha * std::expm1(x) : 0; },
          Symmetry::kNone, true,
          -alpha,          0};
}

SmoothFunction selu(double alpha, double gamma) {
  // gamma x for x >= 0: no relu of slope 1 to take off.
  return {"selu",          [=](double x) { return gamma * (x < 0 ? alpha * std::expm1(x) : x); },
          Symmetry::kNone, false,
          -alpha * gamma,  kNoLimit};
}

SmoothFunction hardSigmoid(double alpha, double beta) {
  // Odd around beta = 1/2 only.
  const bool odd = beta == 0.5;
  const double centre = odd ? 0.5 : 0;
  const double step = alpha > 0 ? 1 : 0;
  return {"hard_sigmoid",
          [=](double x) { return std::clamp(alpha * x + beta, 0.0, 1.0) - centre; },
          odd ? Symmetry::kOdd : Symmetry::kNone,
          false,
          1 - step - centre,
          step - centre,
          centre};
}

const std::vector<SmoothFunction> &knownFunctions() {
  static const std::vector<SmoothFunction> functions = {
      {"exp", [](double x) { return std::exp(x); }, Symmetry::kNone, false, 0, kNoLimit},
      {"sigmoid", [](double x) { return std::tanh(x / 2) / 2; }, Symmetry::kOdd, false, -0.5, 0.5,
       0.5},
      {"tanh", [](double x) { return std::tanh(x); }, Symmetry::kOdd, false, -1, 1},
      {"erf", [](double x) { return std::erf(x); }, Symmetry::kOdd, false, -1, 1},
      {"gelu", [](double x) { return -std::abs(x) * normalTail(std::abs(x)); }, Symmetry::kEven,
       true, 0, 0},
      {"gelu_tanh", [](double x) { return geluTanh(-std::abs(x)); }, Symmetry::kEven, true, 0, 0},
      {"silu", [](double x) { return -std::abs(x) * sigmoid(-std::abs(x)); }, Symmetry::kEven, true,
       0, 0},
      {"softplus", [](double x) { return std::log1p(std::exp(-std::abs(x))); }, Symmetry::kEven,
       true, 0, 0},
      {"mish", [](double x) { return withoutRelu(x * std::tanh(softplus(x)), x); }, Symmetry::kNone,
       true, 0, 0},
      {"hard_swish", [](double x) { return withoutRelu(x * std::clamp(x + 3, 0.0, 6.0) / 6, x); },
       Symmetry::kEven, true, 0, 0},
      {"sin", [](double x) { return std::sin(x); }, Symmetry::kOdd},
      {"cos", [](double x) { return std::cos(x); }, Symmetry::kEven},
      hardSigmoid(0.2, 0.5),
      elu(1),
      selu(1.67326319217681884765625, 1.05070102214813232421875),
  };
  return functions;
}

const SmoothFunction *findFunction(const std::string &name) {
  for (const SmoothFunction &function : knownFunctions())
    if (function.name == name)
      return &function;
  return nullptr;
}

} // namespace dyad::approximation
