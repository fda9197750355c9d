// SPDX-License-Identifier: Apache-2.0
// Operations that move elements and never compute (ir/structure.td), on values and on shares alike:
// instantiated for float, int64_t and uint64_t (ring elements).
#pragma once

#include "runtime/clear/wide.h"

#include <cstdint>
#include <vector>

namespace dyad::clear {

// Errors of all: kShapeMismatch where shapes do not fit, kOutOfRange for a position outside.

/// Same elements in row-major order.
template <typename T> Tensor<T> reshape(Tensor<T> x, Shape shape);
/// Axis i of the result is axis permutation[i] of x.
template <typename T>
Tensor<T> transpose(const Tensor<T> &x, const std::vector<std::int64_t> &permutation);
/// Joined along one axis; all agree in the others.
template <typename T>
Tensor<T> concat(const std::vector<const Tensor<T> *> &inputs, std::int64_t axis);
/// Element i along an axis of the result is element starts + i * steps of x; steps may be negative.
template <typename T>
Tensor<T> slice(const Tensor<T> &x, const std::vector<std::int64_t> &starts,
                const std::vector<std::int64_t> &steps, Shape shape);
/// NumPy broadcasting to `shape`, axes aligned at the right.
template <typename T> Tensor<T> broadcast(const Tensor<T> &x, Shape shape);
/// Position i along `axis` of the result is position indices[i] of x.
template <typename T>
Tensor<T> gather(const Tensor<T> &x, std::int64_t axis, const std::vector<std::int64_t> &indices);
/// Element i of the result is element indices[i] of x, both flattened.
template <typename T>
Tensor<T> take(const Tensor<T> &x, const std::vector<std::int64_t> &indices, Shape shape);
/// low and high elements `value` around, interior ones between neighbours; one entry an axis.
template <typename T>
Tensor<T> pad(const Tensor<T> &x, const std::vector<std::int64_t> &low,
              const std::vector<std::int64_t> &high, const std::vector<std::int64_t> &interior,
              T value);

} // namespace dyad::clear
