// SPDX-License-Identifier: Apache-2.0
// Elementwise kernels on values in the clear. Integers are exact: a result that leaves int64 is an
// error (kOutOfRange), never a wrap. Operands of one shape; broadcasting is an operation of its
// own.
#pragma once

#include "runtime/clear/wide.h"
#include "runtime/protocols/truncation_cost.h" // Rounding

#include <cstdint>

namespace dyad::clear {

// T is float, int64_t or Wide (wide.h). Errors: kShapeMismatch, kOutOfRange (a result beyond T).

template <typename T> Tensor<T> add(const Tensor<T> &a, const Tensor<T> &b);
template <typename T> Tensor<T> sub(const Tensor<T> &a, const Tensor<T> &b);
template <typename T> Tensor<T> mul(const Tensor<T> &a, const Tensor<T> &b);
template <typename T> Tensor<T> min(const Tensor<T> &a, const Tensor<T> &b);
template <typename T> Tensor<T> max(const Tensor<T> &a, const Tensor<T> &b);
template <typename T> Tensor<T> neg(const Tensor<T> &x);
template <typename T> Tensor<T> abs(const Tensor<T> &x);
template <typename T> Tensor<T> relu(const Tensor<T> &x);
/// min(max(x, low), high).
template <typename T> Tensor<T> clip(const Tensor<T> &x, T low, T high);

// Floats only.

Tensor<float> div(const Tensor<float> &a, const Tensor<float> &b);
/// x where x >= 0, else alpha x.
Tensor<float> leakyRelu(const Tensor<float> &x, float alpha);
/// x where x >= 0, else slope x.
Tensor<float> prelu(const Tensor<float> &x, const Tensor<float> &slope);

// Integers only (ir/fx/fx.td): int64_t or Wide.

/// 1 where x >= 0 (x > 0 if strict), else 0.
template <typename T> Tensor<T> step(const Tensor<T> &x, bool isStrict);
/// x * 2^fraction where x >= 0, else x * slope; 0 <= fraction <= 62.
template <typename T>
Tensor<T> prelu(const Tensor<T> &x, const Tensor<T> &slope, unsigned fraction);
/// floor(x / 2^shift), or floor((x + 2^(shift-1)) / 2^shift); 0 <= shift <= 63.
template <typename T> Tensor<T> truncate(const Tensor<T> &x, unsigned shift, Rounding rounding);
/// x * 2^shift; 0 <= shift <= 62.
template <typename T> Tensor<T> shiftLeft(const Tensor<T> &x, unsigned shift);
/// floor(x / divisor), or floor((x + floor(divisor / 2)) / divisor); divisor >= 1.
template <typename T> Tensor<T> divide(const Tensor<T> &x, std::int64_t divisor, Rounding rounding);

} // namespace dyad::clear
