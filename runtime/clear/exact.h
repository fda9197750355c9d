// SPDX-License-Identifier: Apache-2.0
// Scalar arithmetic of the kernels: int64_t and 128 bits are exact or an error, float and uint64_t
// (ring elements) as in C++.
#pragma once

#include "runtime/clear/wide.h"
#include "runtime/net/error.h"

#include <cstdint>

namespace dyad::clear {

[[noreturn]] inline void failBeyond(const char *what, std::int64_t a, std::int64_t b) {
  fail(ErrorCode::kOutOfRange, "the {} of {} and {} does not fit 64 bits", what, a, b);
}
[[noreturn]] inline void failBeyond(const char *what, Wide, Wide) {
  fail(ErrorCode::kOutOfRange, "the {} of two numbers does not fit 128 bits", what);
}

template <typename T> T exactSum(T a, T b) {
  if constexpr (kIsExact<T>) {
    T result;
    if (__builtin_add_overflow(a, b, &result))
      failBeyond("sum", a, b);
    return result;
  } else {
    return a + b;
  }
}
template <typename T> T exactDifference(T a, T b) {
  if constexpr (kIsExact<T>) {
    T result;
    if (__builtin_sub_overflow(a, b, &result))
      failBeyond("difference", a, b);
    return result;
  } else {
    return a - b;
  }
}
template <typename T> T exactProduct(T a, T b) {
  if constexpr (kIsExact<T>) {
    T result;
    if (__builtin_mul_overflow(a, b, &result))
      failBeyond("product", a, b);
    return result;
  } else {
    return a * b;
  }
}

} // namespace dyad::clear
