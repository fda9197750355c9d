// SPDX-License-Identifier: Apache-2.0
// Functions of one variable and rounding, from nn to fx: which piecewise polynomial stands for a
// function over the integers that reach it.
#include "passes/numbers/converter.h"

#include "ir/nn/functions.h"
#include "passes/approximation/approximate.h"
#include "passes/approximation/exponential.h"
#include "passes/approximation/normalize.h"
#include "passes/numbers/integer_math.h"
#include "runtime/functions/scalar_function.h"

#include <cmath>
#include <fmt/format.h>

using namespace mlir;

namespace dyad {
namespace {

using approximation::Request;
using approximation::SmoothFunction;

// Units in the last place that an approximation may be off, as long as some polynomial manages;
// beyond kWorst the function is refused.
constexpr double kWanted = 1;
constexpr double kWorst = 64;
constexpr unsigned kMaxBits = 62;

SmoothFunction smooth(nn::FunctionKind kind, double parameter) {
  std::string name = nn::stringifyFunctionKind(kind).str();
  SmoothFunction function;
  if (kind == nn::FunctionKind::kElu)
    function = approximation::elu(parameter);
  else if (const SmoothFunction *known = approximation::findFunction(name))
    return *known;
  else
    function.part = [=](double x) { return nn::evaluateFunction(kind, parameter, x); };
  // Names tell functions apart, also in the cache of what was fitted before.
  function.name = parameter == 0 ? name : fmt::format("{}({})", name, parameter);
  return function;
}

/// The exponent of a function that also has a normalised form.
std::optional<double> exponentOf(nn::FunctionKind kind, double parameter) {
  switch (kind) {
  case nn::FunctionKind::kReciprocal:
    return -1;
  case nn::FunctionKind::kRsqrt:
    return -0.5;
  case nn::FunctionKind::kSqrt:
    return 0.5;
  case nn::FunctionKind::kPower:
    return parameter;
  default:
    return std::nullopt;
  }
}

/// The form that sends fewer bits, or nothing if none is as exact as asked for.
std::optional<ScalarFunction> cheapest(nn::FunctionKind kind, double parameter,
                                       const Request &request) {
  std::optional<ScalarFunction> best;
  if (auto found = approximation::approximate(smooth(kind, parameter), request))
    best = std::move(found->polynomial);
  auto bits = [&](const ScalarFunction &form) {
    constexpr std::uint64_t kElements = 64;
    const Cost cost = scalarFunctionCost(kElements, form);
    return approximation::bitsPerElement(cost) + request.bitsPerFlow * cost.flows();
  };
  if (kind == nn::FunctionKind::kExp)
    if (auto found = approximation::approximateExponential(request)) {
      ScalarFunction other = std::move(found->function);
      if (!best || bits(other) < bits(*best))
        best = std::move(other);
    }
  const std::optional<double> exponent = exponentOf(kind, parameter);
  const bool takesZero = exponent && *exponent > 0;
  if (request.high <= 0 || request.low < 0 || (request.low == 0 && !takesZero))
    return best;
  std::optional<approximation::NormalizedApproximation> normalized;
  if (exponent)
    normalized = approximation::approximatePower(*exponent, request);
  else if (kind == nn::FunctionKind::kLog)
    normalized = approximation::approximateLog(1, request);
  if (!normalized)
    return best;
  ScalarFunction other = std::move(normalized->function);
  return !best || bits(other) < bits(*best) ? other : best;
}

/// The integers that the function takes on [low, high], a little more.
IntegerRange resultRange(const SmoothFunction &f, const IntegerRange &inputs, int64_t inputFraction,
                         int64_t outputFraction) {
  constexpr int kPoints = 4096;
  double unit = std::ldexp(1.0, static_cast<int>(-inputFraction));
  auto low = static_cast<double>(inputs.low);
  auto high = static_cast<double>(inputs.high);
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  for (int i = 0; i <= kPoints; ++i) {
    double y = f((low + (high - low) * i / kPoints) * unit);
    least = std::min(least, y);
    most = std::max(most, y);
  }
  constexpr double kSlack = 1 + 1e-6;
  auto scaled = [&](double y) { return std::ldexp(y * kSlack, static_cast<int>(outputFraction)); };
  constexpr double kFar = 0x1p+80;
  return {static_cast<__int128>(std::floor(std::clamp(scaled(least), -kFar, kFar))) - 2,
          static_cast<__int128>(std::ceil(std::clamp(scaled(most), -kFar, kFar))) + 2};
}

} // namespace

std::optional<Converter::Number> Converter::approximated(Operation *op, nn::FunctionKind kind,
                                                         double parameter, const Number &input,
                                                         int64_t fraction, unsigned width) {
  const SmoothFunction f = smooth(kind, parameter);
  fx::FixedType from = fx::fixedType(input.value);
  Request request;
  request.inputBits = from.getWidth();
  request.inputScale = static_cast<unsigned>(std::max(from.getFraction(), 0));
  request.low = static_cast<int64_t>(input.range.low);
  request.high = static_cast<int64_t>(input.range.high);
  request.outputBits = width;
  request.outputScale = static_cast<unsigned>(std::max<int64_t>(fraction, 0));
  if (choices_.isTrial)
    request.effort = approximation::Effort::kFirst;
  auto elements = cast<RankedTensorType>(input.value.getType()).getNumElements();
  request.bitsPerFlow =
      std::max(request.bitsPerFlow,
               choices_.bitsPerFlow / static_cast<double>(std::max<int64_t>(elements, 1)));
  // Where flows are dear, comparisons save some of theirs (choose-radix).
  constexpr double kDear = 100;
  if (request.bitsPerFlow > kDear)
    request.radix = Radix{.levelsSaved = 2};
  if (from.getFraction() < 0 || fraction < 0 || width > kMaxBits || from.getWidth() > kMaxBits) {
    fail(op, fmt::format("{} of numbers of {} bits, {} of them after the point, to {} bits, {} "
                         "after the point; at most {} bits and no negative scale are possible",
                         f.name, from.getWidth(), from.getFraction(), width, fraction, kMaxBits));
    return std::nullopt;
  }
  const std::string key = fmt::format("{} {} {} {} {} {} {} {} {}", f.name, request.inputBits,
                                      request.inputScale, request.low, request.high, width,
                                      fraction, request.bitsPerFlow, choices_.isTrial);
  auto [known, isNew] = fitted_.scalars.try_emplace(key);
  for (request.maxUlp = kWanted; isNew && !known->second && request.maxUlp <= kWorst;
       request.maxUlp *= 2)
    known->second = cheapest(kind, parameter, request);
  if (!known->second) {
    double unit = std::ldexp(1.0, -from.getFraction());
    fail(op, fmt::format("{} over [{:.6g}, {:.6g}] is too steep or too wide for {} fraction bits; "
                         "narrow its input with --calibrate or --input-range, or use a smaller "
                         "scale",
                         f.name, static_cast<double>(request.low) * unit,
                         static_cast<double>(request.high) * unit, fraction));
    return std::nullopt;
  }
  const ScalarFunction &found = *known->second;
  Value value = builder_.create<fx::FunctionOp>(op->getLoc(),
                                                type(input.value, width, fraction, from.getOwner()),
                                                input.value, f.name, numbersOf(found));
  auto [low, high] = resultsOf(found, request.low, request.high);
  const __int128 end = static_cast<__int128>(1) << (width - 1);
  return Number{value, low <= high ? IntegerRange{low, high} : IntegerRange{-end, end - 1}, true};
}

void Converter::convertFunction(nn::FunctionOp op) {
  Number input = settled(op.getInput());
  fx::FixedType from = fx::fixedType(input.value);
  double parameter = op.getParameter().convertToDouble();
  nn::FunctionDomain domain = nn::functionDomain(op.getKind(), parameter);
  bool touchesZero = input.range.low <= 0 && input.range.high >= 0;
  if ((domain.nonNegative && input.range.low < 0) || (domain.excludesZero && touchesZero)) {
    double unit = std::ldexp(1.0, -from.getFraction());
    return fail(op, fmt::format("{} of a value in [{:.6g}, {:.6g}], which includes numbers that "
                                "it has no value for; add a small constant in the model, or "
                                "declare its range",
                                nn::stringifyFunctionKind(op.getKind()).str(),
                                static_cast<double>(input.range.low) * unit,
                                static_cast<double>(input.range.high) * unit));
  }
  SmoothFunction f = smooth(op.getKind(), parameter);
  int64_t fraction = scales_.fraction(op.getResult());
  IntegerRange proved = resultRange(f, input.range, from.getFraction(), fraction);
  Format chosen = format(op, proved, fraction, Stage::kResult);
  std::optional<Number> result =
      approximated(op, op.getKind(), parameter, input, fraction, chosen.width);
  if (!result)
    return;
  chosen.range = result->range; // what the polynomial gives, its errors included
  finish(op, result->value, chosen, true);
}

// To no fraction bits; what follows shares that scale.
void Converter::convertRound(nn::RoundOp op) {
  Number number = raw(op.getInput());
  fx::FixedType from = fx::fixedType(number.value);
  IntegerRange range = rescaled(number.range, from.getFraction());
  Format chosen = format(op, range, 0, Stage::kResult);
  Value value = builder_.create<fx::RequantizeOp>(
      op.getLoc(), type(op.getResult(), chosen.width, 0, from.getOwner()), number.value);
  finish(op, value, chosen, true);
}

} // namespace dyad
