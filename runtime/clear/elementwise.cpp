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

template <typename T>
Tensor<T> prelu(const Tensor<T> &x, const Tensor<T> &slope, unsigned fraction) {
  DYAD_REQUIRE(fraction <= 62, kOutOfRange, "a slope of {} fraction bits; limit 62", fraction);
  const T one = T{1} << fraction;
  return mapped(x, slope, [=](T v, T s) { return exactProduct(v, v < 0 ? s : one); });
}

template <typename T> Tensor<T> step(const Tensor<T> &x, bool isStrict) {
  return mapped(x, [=](T v) -> T { return v > (isStrict ? 0 : -1) ? 1 : 0; });
}

template <typename T> Tensor<T> truncate(const Tensor<T> &x, unsigned shift, Rounding rounding) {
  DYAD_REQUIRE(shift <= 63, kOutOfRange, "truncation by {} bits; limit 63", shift);
  const bool up = rounding == Rounding::kNearest && shift > 0;
  // The bit below the cut decides: no sum that could overflow.
  return mapped(x, [=](T v) { return (v >> shift) + (up ? v >> (shift - 1) & 1 : 0); });
}

template <typename T> Tensor<T> shiftLeft(const Tensor<T> &x, unsigned shift) {
  DYAD_REQUIRE(shift <= 62, kOutOfRange, "shift by {} bits; limit 62", shift);
  const T factor = T{1} << shift;
  return mapped(x, [=](T v) { return exactProduct(v, factor); });
}

template <typename T>
Tensor<T> divide(const Tensor<T> &x, std::int64_t divisor, Rounding rounding) {
  DYAD_REQUIRE(divisor >= 1, kOutOfRange, "division by {}", divisor);
  const std::int64_t half = rounding == Rounding::kNearest ? divisor / 2 : 0;
  return mapped(x, [=](T v) {
    // floor first: the remainder plus half is below twice the divisor, compared without a sum.
    const T remainder = (v % divisor + (v % divisor < 0 ? divisor : 0));
    const T quotient = v / divisor - (v % divisor < 0 ? 1 : 0);
    return quotient + (remainder >= divisor - half ? 1 : 0);
  });
}

#define DYAD_INSTANTIATE_INTEGERS(T)                                                               \
  DYAD_INSTANTIATE(T)                                                                              \
  template Tensor<T> step(const Tensor<T> &, bool);                                                \
  template Tensor<T> prelu(const Tensor<T> &, const Tensor<T> &, unsigned);                        \
  template Tensor<T> truncate(const Tensor<T> &, unsigned, Rounding);                              \
  template Tensor<T> shiftLeft(const Tensor<T> &, unsigned);                                       \
  template Tensor<T> divide(const Tensor<T> &, std::int64_t, Rounding);
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
DYAD_INSTANTIATE_INTEGERS(std::int64_t)
DYAD_INSTANTIATE_INTEGERS(Wide)
#undef DYAD_INSTANTIATE
#undef DYAD_INSTANTIATE_INTEGERS

} // namespace dyad::clear
