// SPDX-License-Identifier: Apache-2.0
// Scalar arithmetic of the kernels: int64_t is exact or an error, float and uint64_t (ring
// elements) as in C++.
#pragma once

#include "runtime/net/error.h"

#include <cstdint>
#include <type_traits>

namespace dyad::clear {

[[noreturn]] inline void failBeyond64(const char *what, std::int64_t a, std::int64_t b) {
  fail(ErrorCode::kOutOfRange, "the {} of {} and {} does not fit 64 bits", what, a, b);
}

template <typename T> T exactSum(T a, T b) {
  if constexpr (std::is_same_v<T, std::int64_t>) {
    T result;
    if (__builtin_add_overflow(a, b, &result))
      failBeyond64("sum", a, b);
    return result;
  } else {
    return a + b;
  }
}
template <typename T> T exactDifference(T a, T b) {
  if constexpr (std::is_same_v<T, std::int64_t>) {
    T result;
    if (__builtin_sub_overflow(a, b, &result))
      failBeyond64("difference", a, b);
    return result;
  } else {
    return a - b;
  }
}
template <typename T> T exactProduct(T a, T b) {
  if constexpr (std::is_same_v<T, std::int64_t>) {
    T result;
    if (__builtin_mul_overflow(a, b, &result))
      failBeyond64("product", a, b);
    return result;
  } else {
    return a * b;
  }
}

} // namespace dyad::clear
