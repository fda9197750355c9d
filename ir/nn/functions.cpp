// SPDX-License-Identifier: Apache-2.0
// See functions.h.
#include "ir/nn/functions.h"

#include "runtime/functions/real_functions.h"

#include <cmath>

namespace dyad::nn {
namespace {

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
    return real::sigmoid(x);
  case FunctionKind::kTanh:
    return std::tanh(x);
  case FunctionKind::kErf:
    return std::erf(x);
  case FunctionKind::kGelu:
    return x * real::normalTail(-x);
  case FunctionKind::kGeluTanh:
    return real::geluTanh(x);
  case FunctionKind::kSilu:
    return x * real::sigmoid(x);
  case FunctionKind::kSoftplus:
    return real::softplus(x);
  case FunctionKind::kSoftsign:
    return x / (1 + std::fabs(x));
  case FunctionKind::kMish:
    return x * std::tanh(real::softplus(x));
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
