// SPDX-License-Identifier: Apache-2.0
// Pooling, reductions, arg-max and softmax on values in the clear. Sums of integers are exact: a
// result beyond int64 is an error (kOutOfRange). Sums of ring elements (uint64_t) wrap.
#pragma once

#include "runtime/clear/wide.h"

#include <cstdint>
#include <vector>

namespace dyad::clear {

// T is float, int64_t or Wide; the sums are there for uint64_t too, modulo 2^64. Errors:
// kShapeMismatch, kOutOfRange (axes, empty windows or axes, results beyond T).

/// Largest element of each window; padding never wins. Every window has a real element.
template <typename T> Tensor<T> maxPool2d(const Tensor<T> &x, const PoolWindow &window);
/// Sum of each window; padding is zero.
template <typename T> Tensor<T> sumPool2d(const Tensor<T> &x, const PoolWindow &window);
/// Mean of each window. `ceilPads` (bottom, right) extends the window's pads and is never counted
/// in the divisor; `window.pads` is counted where `countIncludePad`.
Tensor<float> averagePool2d(const Tensor<float> &x, const PoolWindow &window,
                            const std::array<std::int64_t, 2> &ceilPads, bool countIncludePad);

// Reduced axes stay, with size one.

template <typename T>
Tensor<T> reduceSum(const Tensor<T> &x, const std::vector<std::int64_t> &axes);
template <typename T>
Tensor<T> reduceMax(const Tensor<T> &x, const std::vector<std::int64_t> &axes);
template <typename T>
Tensor<T> reduceMin(const Tensor<T> &x, const std::vector<std::int64_t> &axes);
/// Sum of absolute values.
template <typename T> Tensor<T> reduceL1(const Tensor<T> &x, const std::vector<std::int64_t> &axes);
Tensor<float> reduceMean(const Tensor<float> &x, const std::vector<std::int64_t> &axes);

/// Index of the largest element along an axis, which stays with size one: the first among equals,
/// or the last.
template <typename T> Tensor<std::int64_t> argMax(const Tensor<T> &x, std::int64_t axis, bool last);

/// exp(x) / sum exp(x) along an axis, or its logarithm.
Tensor<float> softmax(const Tensor<float> &x, std::int64_t axis, bool logarithm);

} // namespace dyad::clear
