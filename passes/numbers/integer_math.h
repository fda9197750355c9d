// SPDX-License-Identifier: Apache-2.0
// Arithmetic on intervals of integers, as far as choosing formats needs it. Bounds beyond 2^100
// count as that: no type holds them anyway.
#pragma once

#include "passes/analysis/integer_ranges.h"

#include <algorithm>

namespace dyad {

inline constexpr __int128 kFarInteger = static_cast<__int128>(1) << 100;

inline __int128 clampedInteger(__int128 x) { return std::clamp(x, -kFarInteger, kFarInteger); }

inline __int128 clampedProduct(__int128 a, __int128 b) {
  __int128 result = 0;
  if (__builtin_mul_overflow(a, b, &result))
    return (a < 0) == (b < 0) ? kFarInteger : -kFarInteger;
  return clampedInteger(result);
}

inline IntegerRange sumOf(const IntegerRange &a, const IntegerRange &b) {
  return {clampedInteger(a.low + b.low), clampedInteger(a.high + b.high)};
}
inline IntegerRange negated(const IntegerRange &a) { return {-a.high, -a.low}; }
inline IntegerRange productOf(const IntegerRange &a, const IntegerRange &b) {
  auto [low, high] = std::minmax({clampedProduct(a.low, b.low), clampedProduct(a.low, b.high),
                                  clampedProduct(a.high, b.low), clampedProduct(a.high, b.high)});
  return {low, high};
}
inline IntegerRange scaledBy(const IntegerRange &a, __int128 factor) {
  return productOf(a, {factor, factor});
}
inline IntegerRange withZero(const IntegerRange &a) { return hull(a, {0, 0}); }
/// The common part; `a` where there is none.
inline IntegerRange cut(const IntegerRange &a, const IntegerRange &b) {
  IntegerRange both{std::max(a.low, b.low), std::min(a.high, b.high)};
  return both.low <= both.high ? both : a;
}
inline bool contains(const IntegerRange &a, const IntegerRange &b) {
  return a.low <= b.low && b.high <= a.high;
}

inline __int128 floorQuotient(__int128 x, __int128 divisor) {
  __int128 quotient = x / divisor;
  return x % divisor < 0 ? quotient - 1 : quotient;
}
/// Division by a positive integer, rounded to nearest as fx.divide and fx.truncate do.
inline IntegerRange roundedQuotient(const IntegerRange &a, __int128 divisor) {
  return {floorQuotient(a.low + divisor / 2, divisor),
          floorQuotient(a.high + divisor / 2, divisor)};
}
/// The same numbers with `by` fraction bits less (more where negative).
inline IntegerRange rescaled(const IntegerRange &a, int64_t by) {
  if (by >= 0)
    return roundedQuotient(a, static_cast<__int128>(1) << std::min<int64_t>(by, 99));
  return scaledBy(a, static_cast<__int128>(1) << std::min<int64_t>(-by, 99));
}
/// All numbers that `rescaled` by so much brings into the range.
inline IntegerRange beforeRescaling(const IntegerRange &a, int64_t by) {
  if (by <= 0) {
    __int128 factor = static_cast<__int128>(1) << std::min<int64_t>(-by, 99);
    return {-floorQuotient(-a.low, factor), floorQuotient(a.high, factor)};
  }
  __int128 factor = static_cast<__int128>(1) << std::min<int64_t>(by, 99);
  return {clampedInteger(clampedProduct(a.low, factor) - factor / 2),
          clampedInteger(clampedProduct(a.high, factor) + factor - factor / 2 - 1)};
}

} // namespace dyad
