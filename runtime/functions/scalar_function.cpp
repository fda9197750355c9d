// SPDX-License-Identifier: Apache-2.0
// See scalar_function.h.
#include "runtime/functions/scalar_function.h"

#include "runtime/functions/function_numbers.h"
#include "runtime/net/error.h"

#include <algorithm>
#include <utility>

namespace dyad {

using numbers::Reader;
using numbers::requireKnown;
using numbers::walk;
using numbers::Writer;

namespace {

enum class Form : std::uint8_t { kPiecewise, kNormalized, kExponential };

} // namespace

unsigned inputBits(const ScalarFunction &f) {
  return std::visit([](const auto &form) { return form.inputBits; }, f);
}
unsigned outputBits(const ScalarFunction &f) {
  return std::visit([](const auto &form) { return form.outputBits; }, f);
}

std::int64_t evaluate(const ScalarFunction &f, std::int64_t x) {
  return std::visit([x](const auto &form) { return evaluate(form, x); }, f);
}

Cost scalarFunctionCost(std::uint64_t n, const ScalarFunction &f, Radix radix) {
  if (const auto *p = std::get_if<PiecewisePolynomial>(&f))
    return piecewiseCost(n, *p, radix);
  if (const auto *e = std::get_if<ExponentialFunction>(&f))
    return exponentialCost(n, *e, radix);
  return normalizedCost(n, std::get<NormalizedFunction>(f), radix);
}

std::vector<std::int64_t> numbersOf(const ScalarFunction &f) {
  Writer writer;
  if (const auto *p = std::get_if<PiecewisePolynomial>(&f)) {
    writer.field(Form::kPiecewise);
    walk(writer, *p);
  } else if (const auto *e = std::get_if<ExponentialFunction>(&f)) {
    writer.field(Form::kExponential);
    walk(writer, *e);
  } else {
    writer.field(Form::kNormalized);
    walk(writer, std::get<NormalizedFunction>(f));
  }
  return std::move(writer.numbers);
}

ScalarFunction functionFrom(std::span<const std::int64_t> numbers) {
  Reader reader{numbers};
  Form form{};
  reader.field(form);
  DYAD_REQUIRE(form <= Form::kExponential, kOutOfRange, "an unknown form of a function");
  ScalarFunction result;
  if (form == Form::kPiecewise) {
    PiecewisePolynomial p;
    walk(reader, p);
    requireKnown(p);
    requireValid(p);
    result = std::move(p);
  } else if (form == Form::kExponential) {
    ExponentialFunction f;
    walk(reader, f);
    requireKnown(f.lowPart);
    requireValid(f);
    result = std::move(f);
  } else {
    NormalizedFunction f;
    walk(reader, f);
    requireKnown(f.mantissa);
    requireValid(f);
    result = std::move(f);
  }
  DYAD_REQUIRE(reader.numbers.empty(), kOutOfRange, "the numbers of a function go on too long");
  return result;
}

std::pair<std::int64_t, std::int64_t> resultsOf(const ScalarFunction &f, std::int64_t low,
                                                std::int64_t high) {
  constexpr std::int64_t kMost = std::int64_t{1} << 20;
  std::pair<std::int64_t, std::int64_t> result{1, 0};
  if (high - low >= kMost)
    return result;
  for (std::int64_t x = low; x <= high; ++x) {
    const std::int64_t y = evaluate(f, x);
    result = x == low ? std::pair{y, y}
                      : std::pair{std::min(result.first, y), std::max(result.second, y)};
  }
  return result;
}

} // namespace dyad
