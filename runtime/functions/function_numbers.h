// SPDX-License-Identifier: Apache-2.0
// Functions as lists of integers: one walk over the fields of each form serves both directions. Of
// scalar_function.cpp and row_operation.cpp only.
#pragma once

#include "runtime/functions/exponential_function.h"
#include "runtime/functions/normalized_function.h"
#include "runtime/functions/piecewise_polynomial.h"
#include "runtime/net/error.h"

#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace dyad::numbers {

// More would be no list of ours: 3 tables of 2^8 values.
inline constexpr std::int64_t kMaxTable = 256;

/// Appends fields.
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

/// Takes fields off the front. Error kOutOfRange where there is none, or it does not fit.
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

/// T is U or const U.
template <typename T, typename U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

template <typename Walker, Is<PiecewiseCoefficient> F> void walk(Walker &walker, F &c) {
  walker.field(c.bits);
  walker.field(c.shift);
  walker.field(c.base);
  walker.list(c.table);
}

template <typename Walker, Is<PiecewisePolynomial> F> void walk(Walker &walker, F &p) {
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
  walk(walker, p.linear);
  walk(walker, p.quadratic);
  walker.field(p.hasRelu);
  walker.field(p.reluShift);
  walker.field(p.outputBits);
}

template <typename Walker, Is<NormalizedFunction> F> void walk(Walker &walker, F &f) {
  walker.field(f.inputBits);
  walker.field(f.lowestLead);
  walker.field(f.highestLead);
  walker.field(f.step);
  walker.field(f.mantissaDrop);
  walk(walker, f.mantissa);
  walker.list(f.factors);
  walker.field(f.termBase);
  walker.field(f.termStep);
  walker.field(f.sumBits);
  walker.field(f.drop);
  walker.field(f.sumFact);
  walker.field(f.outputBits);
  walker.field(f.acceptsZero);
}

template <typename Walker, Is<ExponentialFunction> F> void walk(Walker &walker, F &f) {
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

inline void requireKnown(const PiecewisePolynomial &p) {
  DYAD_REQUIRE(p.symmetry <= Symmetry::kOdd && p.outside <= Outside::kTwo, kOutOfRange,
               "an unknown kind of piecewise polynomial");
}

} // namespace dyad::numbers
