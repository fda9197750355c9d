// SPDX-License-Identifier: Apache-2.0
// See scalar_function.h. One walk over the fields serves both directions.
#include "runtime/functions/scalar_function.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <utility>

namespace dyad {
namespace {

// More would be no list of ours: 3 tables of 2^8 values.
constexpr std::int64_t kMaxTable = 256;

struct Writer {
  std::vector<std::int64_t> numbers;

  template <typename T> void field(const T &value) {
    numbers.push_back(static_cast<std::int64_t>(value));
  }
  template <typename T> void list(const std::vector<T> &values) {
    field(values.size());
    for (const T &value : values)
      field(value);
  }
};

struct Reader {
  std::span<const std::int64_t> numbers;

  template <typename T> void field(T &value) {
    DYAD_REQUIRE(!numbers.empty(), kOutOfRange, "the numbers of a function end early");
    value = static_cast<T>(numbers.front());
    DYAD_REQUIRE(static_cast<std::int64_t>(value) == numbers.front(), kOutOfRange,
                 "{} is out of range in a function", numbers.front());
    numbers = numbers.subspan(1);
  }
  template <typename T> void list(std::vector<T> &values) {
    std::int64_t size = 0;
    field(size);
    DYAD_REQUIRE(size >= 0 && size <= kMaxTable, kOutOfRange, "a table of {} values in a function",
                 size);
    values.resize(static_cast<std::size_t>(size));
    for (T &value : values)
      field(value);
  }
};

template <typename Walker, typename Coefficient>
void walkCoefficient(Walker &walker, Coefficient &c) {
  walker.field(c.bits);
  walker.field(c.shift);
  walker.field(c.base);
  walker.list(c.table);
}

template <typename Walker, typename Polynomial> void walk(Walker &walker, Polynomial &p) {
  walker.field(p.inputBits);
  walker.field(p.low);
  walker.field(p.domainBits);
  walker.field(p.symmetry);
  walker.field(p.outside);
  walker.field(p.below);
  walker.field(p.above);
  walker.field(p.indexBits);
  walker.field(p.degree);
  walker.field(p.sumBits);
  walker.field(p.drop);
  walker.field(p.sumOffset);
  walker.field(p.sumFact);
  walker.field(p.squareDrop);
  walker.field(p.constantShift);
  walker.list(p.constants);
  walkCoefficient(walker, p.linear);
  walkCoefficient(walker, p.quadratic);
  walker.field(p.hasRelu);
  walker.field(p.reluShift);
  walker.field(p.outputBits);
}

template <typename Walker, typename Function> void walkNormalized(Walker &walker, Function &f) {
  walker.field(f.inputBits);
  walker.field(f.lowestLead);
  walker.field(f.highestLead);
  walker.field(f.step);
  walk(walker, f.mantissa);
  walker.list(f.factors);
  walker.field(f.termBase);
  walker.field(f.termStep);
  walker.field(f.sumBits);
  walker.field(f.drop);
  walker.field(f.sumFact);
  walker.field(f.outputBits);
}

template <typename Walker, typename Function> void walkExponential(Walker &walker, Function &f) {
  walker.field(f.inputBits);
  walker.field(f.outputBits);
  walk(walker, f.lowPart);
  walker.field(f.highBits);
  walker.field(f.low);
  walker.field(f.domainBits);
  walker.field(f.hasOutside);
  walker.field(f.factorBits);
  walker.list(f.factors);
  walker.field(f.sumBits);
  walker.field(f.drop);
  walker.field(f.sumFact);
}

void requireKnown(const PiecewisePolynomial &p) {
  DYAD_REQUIRE(p.symmetry <= Symmetry::kOdd && p.outside <= Outside::kTwo, kOutOfRange,
               "an unknown kind of piecewise polynomial");
}

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
    walkExponential(writer, *e);
  } else {
    writer.field(Form::kNormalized);
    walkNormalized(writer, std::get<NormalizedFunction>(f));
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
    walkExponential(reader, f);
    requireKnown(f.lowPart);
    requireValid(f);
    result = std::move(f);
  } else {
    NormalizedFunction f;
    walkNormalized(reader, f);
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
