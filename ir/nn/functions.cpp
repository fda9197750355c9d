// SPDX-License-Identifier: Apache-2.0
// See functions.h.
#include "ir/nn/functions.h"

#include <cmath>

namespace dyad::nn {
namespace {

// log(1 + exp(x)) without overflow.
double softplus(double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); }

double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

double geluTanh(double x) {
  constexpr double kSqrtTwoOverPi = 0.79788456080286535588;
  return 0.5 * x * (1 + std::tanh(kSqrtTwoOverPi * (x + 0.044715 * x * x * x)));
}

bool isWhole(double x) { return std::floor(x) == x; }

} // namespace

double evaluateFunction(FunctionKind kind, double parameter, double x) {
  switch (kind) {
  case FunctionKind::kExp:
    return std::exp(x);
  case FunctionKind::kLog:
    return std::log(x);
  case FunctionKind::kSqrt:
    return std::sqrt(x);
  case FunctionKind::kRsqrt:
    return 1 / std::sqrt(x);
  case FunctionKind::kReciprocal:
    return 1 / x;
  case FunctionKind::kPower:
    return std::pow(x, parameter);
  case FunctionKind::kSigmoid:
    return sigmoid(x);
  case FunctionKind::kTanh:
    return std::tanh(x);
  case FunctionKind::kErf:
    return std::erf(x);
  case FunctionKind::kGelu:
    return 0.5 * x * std::erfc(-x * 0.70710678118654752440);
  case FunctionKind::kGeluTanh:
    return geluTanh(x);
  case FunctionKind::kSilu:
    return x * sigmoid(x);
  case FunctionKind::kSoftplus:
    return softplus(x);
  case FunctionKind::kSoftsign:
    return x / (1 + std::fabs(x));
  case FunctionKind::kMish:
    return x * std::tanh(softplus(x));
  case FunctionKind::kElu:
    return x >= 0 ? x : parameter * std::expm1(x);
  case FunctionKind::kCelu:
    return x >= 0 ? x : parameter * std::expm1(x / parameter);
  case FunctionKind::kSin:
    return std::sin(x);
  case FunctionKind::kCos:
    return std::cos(x);
  }
  return 0;
}

FunctionDomain functionDomain(FunctionKind kind, double parameter) {
  switch (kind) {
  case FunctionKind::kLog:
  case FunctionKind::kRsqrt:
    return {true, true};
  case FunctionKind::kSqrt:
    return {true, false};
  case FunctionKind::kReciprocal:
    return {false, true};
  case FunctionKind::kPower:
    return {!isWhole(parameter), parameter < 0};
  default:
    return {};
  }
}

} // namespace dyad::nn
