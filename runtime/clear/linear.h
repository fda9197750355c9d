// SPDX-License-Identifier: Apache-2.0
// Convolution, matrix product and batch normalisation on values in the clear. Floats in any order
// of summation; integers exactly, in the fastest arithmetic that holds the sums (see linear.cpp).
#pragma once

#include "runtime/clear/wide.h"

#include <cstdint>

namespace dyad::clear {

// T is float, int64_t, Wide (wide.h, slow), or uint64_t (ring elements, modulo 2^64). Errors:
// kShapeMismatch; kOutOfRange for a result beyond T (intermediate sums of int64_t may be).

/// input NxCxHxW, weight MxC/groupsxKHxKW, bias of M or null.
template <typename T>
Tensor<T> conv2d(const Tensor<T> &input, const Tensor<T> &weight, const Tensor<T> *bias,
                 const ConvWindow &window);

/// lhs ...xMxK, rhs ...xKxN; batch axes equal, or one operand of rank two, used for all batches.
template <typename T> Tensor<T> matmul(const Tensor<T> &lhs, const Tensor<T> &rhs);

/// (x - mean) / sqrt(variance + epsilon) * scale + bias per channel (axis 1).
Tensor<float> batchNorm(const Tensor<float> &x, const Tensor<float> &scale,
                        const Tensor<float> &bias, const Tensor<float> &mean,
                        const Tensor<float> &variance, double epsilon);

} // namespace dyad::clear
