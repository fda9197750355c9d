// SPDX-License-Identifier: Apache-2.0
#include "runtime/clear/elementwise.h"

#include "runtime/clear/exact.h"
#include "runtime/net/error.h"

#include <algorithm>
#include <cmath>

namespace dyad::clear {

namespace {

template <typename T, typename F> Tensor<T> mapped(const Tensor<T> &x, F f) {
  Tensor<T> result{x.shape, std::vector<T>(x.data.size())};
  std::transform(x.data.begin(), x.data.end(), result.data.begin(), f);
  return result;
}
template <typename T, typename F> Tensor<T> mapped(const Tensor<T> &a, const Tensor<T> &b, F f) {
  DYAD_REQUIRE(a.shape == b.shape, kShapeMismatch, "elementwise operation on {} and {}",
               describe(a.shape), describe(b.shape));
  Tensor<T> result{a.shape, std::vector<T>(a.data.size())};
  std::transform(a.data.begin(), a.data.end(), b.data.begin(), result.data.begin(), f);
  return result;
}

using Integers = Tensor<std::int64_t>;

} // namespace

template <typename T> Tensor<T> add(const Tensor<T> &a, const Tensor<T> &b) {
  return mapped(a, b, [](T x, T y) { return exactSum(x, y); });
}
template <typename T> Tensor<T> sub(const Tensor<T> &a, const Tensor<T> &b) {
  return mapped(a, b, [](T x, T y) { return exactDifference(x, y); });
}
template <typename T> Tensor<T> mul(const Tensor<T> &a, const Tensor<T> &b) {
  return mapped(a, b, [](T x, T y) { return exactProduct(x, y); });
}
template <typename T> Tensor<T> min(const Tensor<T> &a, const Tensor<T> &b) {
  return mapped(a, b, [](T x, T y) { return y < x ? y : x; });
}
template <typename T> Tensor<T> max(const Tensor<T> &a, const Tensor<T> &b) {
  return mapped(a, b, [](T x, T y) { return x < y ? y : x; });
}
template <typename T> Tensor<T> neg(const Tensor<T> &x) {
  return mapped(x, [](T v) { return exactDifference(T{0}, v); });
}
template <typename T> Tensor<T> abs(const Tensor<T> &x) {
  return mapped(x, [](T v) { return v < 0 ? exactDifference(T{0}, v) : v; });
}
template <typename T> Tensor<T> relu(const Tensor<T> &x) {
  return mapped(x, [](T v) { return v < 0 ? T{0} : v; });
}
template <typename T> Tensor<T> clip(const Tensor<T> &x, T low, T high) {
  return mapped(x, [=](T v) {
    const T bounded = v < low ? low : v;
    return high < bounded ? high : bounded;
  });
}

Tensor<float> div(const Tensor<float> &a, const Tensor<float> &b) {
  return mapped(a, b, [](float x, float y) { return x / y; });
}
Tensor<float> leakyRelu(const Tensor<float> &x, float alpha) {
  return mapped(x, [=](float v) { return v < 0 ? alpha * v : v; });
}
Tensor<float> prelu(const Tensor<float> &x, const Tensor<float> &slope) {
  return mapped(x, slope, [](float v, float s) { return v < 0 ? s * v : v; });
}

Integers prelu(const Integers &x, const Integers &slope, unsigned fraction) {
  DYAD_REQUIRE(fraction <= 62, kOutOfRange, "a slope of {} fraction bits; limit 62", fraction);
  const std::int64_t one = std::int64_t{1} << fraction;
  return mapped(x, slope,
                [=](std::int64_t v, std::int64_t s) { return exactProduct(v, v < 0 ? s : one); });
}

Integers step(const Integers &x, bool isStrict) {
  return mapped(x, [=](std::int64_t v) -> std::int64_t { return v > (isStrict ? 0 : -1) ? 1 : 0; });
}

Integers truncate(const Integers &x, unsigned shift, Rounding rounding) {
  DYAD_REQUIRE(shift <= 63, kOutOfRange, "truncation by {} bits; limit 63", shift);
  const bool up = rounding == Rounding::kNearest && shift > 0;
  // The bit below the cut decides: no sum that could overflow.
  return mapped(x, [=](std::int64_t v) { return (v >> shift) + (up ? v >> (shift - 1) & 1 : 0); });
}

Integers shiftLeft(const Integers &x, unsigned shift) {
  DYAD_REQUIRE(shift <= 62, kOutOfRange, "shift by {} bits; limit 62", shift);
  const std::int64_t factor = std::int64_t{1} << shift;
  return mapped(x, [=](std::int64_t v) { return exactProduct(v, factor); });
}

Integers divide(const Integers &x, std::int64_t divisor, Rounding rounding) {
  DYAD_REQUIRE(divisor >= 1, kOutOfRange, "division by {}", divisor);
  const std::int64_t half = rounding == Rounding::kNearest ? divisor / 2 : 0;
  return mapped(x, [=](std::int64_t v) {
    // floor first: the remainder plus half is below twice the divisor, compared without a sum.
    const std::int64_t remainder = (v % divisor + (v % divisor < 0 ? divisor : 0));
    const std::int64_t quotient = v / divisor - (v % divisor < 0 ? 1 : 0);
    return quotient + (remainder >= divisor - half ? 1 : 0);
  });
}

#define DYAD_INSTANTIATE(T)                                                                        \
  template Tensor<T> add(const Tensor<T> &, const Tensor<T> &);                                    \
  template Tensor<T> sub(const Tensor<T> &, const Tensor<T> &);                                    \
  template Tensor<T> mul(const Tensor<T> &, const Tensor<T> &);                                    \
  template Tensor<T> min(const Tensor<T> &, const Tensor<T> &);                                    \
  template Tensor<T> max(const Tensor<T> &, const Tensor<T> &);                                    \
  template Tensor<T> neg(const Tensor<T> &);                                                       \
  template Tensor<T> abs(const Tensor<T> &);                                                       \
  template Tensor<T> relu(const Tensor<T> &);                                                      \
  template Tensor<T> clip(const Tensor<T> &, T, T);
DYAD_INSTANTIATE(float)
DYAD_INSTANTIATE(std::int64_t)
#undef DYAD_INSTANTIATE

} // namespace dyad::clear
