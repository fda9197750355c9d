// SPDX-License-Identifier: Apache-2.0
// See exponential.h. The domain ends at the largest input; below it, results are 0 to within the
// error.
#include "passes/approximation/exponential.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace dyad::approximation {
namespace {

constexpr unsigned kMostHighBits = 6;
constexpr unsigned kMostGuardBits = 4;

unsigned ceilLog2(std::int64_t x) {
  return x <= 1 ? 0 : static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(x - 1)));
}

/// With so many bits in the table and guard bits between; nothing if numbers do not fit.
std::optional<ExponentialFunction> factored(const Request &request, unsigned highBits,
                                            unsigned guard) {
  const double unit = std::ldexp(1.0, -static_cast<int>(request.inputScale));
  const double last = static_cast<double>(request.high) * unit;
  const double zero =
      std::log(0.9 * request.maxUlp) - static_cast<double>(request.outputScale) * std::log(2.0);
  const std::int64_t first = std::max(
      request.low, std::min(request.high, static_cast<std::int64_t>(std::floor(zero / unit))));

  ExponentialFunction f;
  f.inputBits = request.inputBits;
  f.outputBits = request.outputBits;
  f.highBits = highBits;
  f.domainBits = ceilLog2(request.high - first + 1);
  f.low = request.high + 1 - (std::int64_t{1} << f.domainBits);
  f.hasOutside = request.low < f.low;
  if (f.domainBits < highBits + 4 || f.domainBits + (f.hasOutside ? 1 : 0) > f.inputBits)
    return std::nullopt;

  const unsigned lowBits = f.domainBits - highBits;
  const double length = std::ldexp(unit, static_cast<int>(lowBits));
  const int factorScale = static_cast<int>(request.outputScale + guard);
  const int lowScale = factorScale + std::max(0, static_cast<int>(std::ceil(last / std::log(2.0))));
  f.drop = static_cast<unsigned>(lowScale + factorScale) - request.outputScale;
  const double most = std::exp(last) * std::ldexp(1.02, lowScale + factorScale);
  if (!(most < 0x1p60))
    return std::nullopt;
  f.sumBits =
      static_cast<unsigned>(std::ilogb(most + std::ldexp(1.0, static_cast<int>(f.drop)))) + 2;
  f.sumFact = SignFact::kNonNegative;
  if (f.sumBits >= f.outputBits + f.drop) {
    f.sumBits = f.outputBits + f.drop;
    f.sumFact = SignFact::kUnknown;
  }
  // The low part runs up to 1, so that errors of it count no more than those of the factor.
  for (std::int64_t i = 0; i < std::int64_t{1} << highBits; ++i) {
    const double at =
        static_cast<double>(f.low) * unit + length * static_cast<double>(i + 1) - unit;
    f.factors.push_back(
        static_cast<std::uint64_t>(std::llround(std::ldexp(std::exp(at), factorScale))));
    f.factorBits = std::max(f.factorBits, static_cast<unsigned>(std::bit_width(f.factors.back())));
  }
  Request inner = request;
  inner.inputBits = lowBits + 1;
  inner.low = 0;
  inner.high = (std::int64_t{1} << lowBits) - 1;
  inner.outputBits = f.sumBits;
  inner.outputScale = static_cast<unsigned>(lowScale);
  inner.maxUlp = std::ldexp(request.maxUlp - 0.5, static_cast<int>(guard)) - 0.5;
  if (inner.maxUlp <= 0.5)
    return std::nullopt;
  const auto low =
      approximate({"low part", [=](double t) { return std::exp(t - length + unit); }}, inner);
  if (!low || low->polynomial.low != 0 || low->polynomial.domainBits != lowBits ||
      low->polynomial.outside != Outside::kNever)
    return std::nullopt;
  f.lowPart = low->polynomial;
  return f;
}

} // namespace

std::optional<ExponentialApproximation> approximateExponential(const Request &request) {
  std::optional<ExponentialApproximation> best;
  double least = std::numeric_limits<double>::infinity();
  const auto weightOf = [&](const ExponentialFunction &f) {
    const Cost cost = exponentialCost(64, f, request.radix);
    return bitsPerElement(cost) + request.bitsPerFlow * cost.flows();
  };
  if (const auto whole = approximate(*findFunction("exp"), request)) {
    ExponentialFunction f;
    f.inputBits = request.inputBits;
    f.outputBits = request.outputBits;
    f.lowPart = whole->polynomial;
    least = weightOf(f);
    best = ExponentialApproximation{f, whole->error};
  }
  if (best && request.effort == Effort::kFirst)
    return best;
  for (unsigned highBits = 2; highBits <= kMostHighBits; ++highBits)
    for (unsigned guard = 1; guard <= kMostGuardBits; ++guard) {
      const auto f = factored(request, highBits, guard);
      if (!f || weightOf(*f) >= least)
        continue;
      const ErrorBounds error = measureError(
          [](double x) { return std::exp(x); }, [&](std::int64_t x) { return evaluate(*f, x); },
          request, f->low, f->low + (std::int64_t{1} << f->domainBits) - 1);
      if (error.maxUlp > request.maxUlp)
        continue;
      least = weightOf(*f);
      best = ExponentialApproximation{*f, error};
      break; // more guard bits only cost more
    }
  return best;
}

} // namespace dyad::approximation
