// SPDX-License-Identifier: Apache-2.0
// Operations on shares that each party does alone: moving elements (with the kernels of
// runtime/clear) and arithmetic. No traffic.
#pragma once

#include "runtime/tensor/types.h"

#include <cstdint>
#include <vector>

namespace dyad {

// Structure (ir/structure.td). Errors: kShapeMismatch, kOutOfRange.

Share reshape(Share x, Shape shape);
BitShare reshape(BitShare x, Shape shape);
Share transpose(Share x, const std::vector<std::int64_t> &permutation);
Share concat(const std::vector<const Share *> &inputs, std::int64_t axis);
Share slice(Share x, const std::vector<std::int64_t> &starts,
            const std::vector<std::int64_t> &steps, Shape shape);
Share broadcast(Share x, Shape shape);
Share gather(Share x, std::int64_t axis, const std::vector<std::int64_t> &indices);
Share take(Share x, const std::vector<std::int64_t> &indices, Shape shape);
/// `value` is public: the server's share holds it.
Share pad(const Session &session, Share x, const std::vector<std::int64_t> &low,
          const std::vector<std::int64_t> &high, const std::vector<std::int64_t> &interior,
          std::int64_t value = 0);

// Arithmetic modulo 2^bits. Errors: kShapeMismatch for operands of different shapes or widths.

Share add(Share a, const Share &b);
Share sub(Share a, const Share &b);
Share neg(Share x);
/// x * 2^shift modulo 2^bits; x.bits <= bits <= x.bits + shift.
Share shiftLeft(Share x, unsigned shift, unsigned bits);
/// Product with a public tensor of the same shape.
Share mulPublic(Share x, const Plain &factor);
/// Convolution with public weights, without a bias, and matrix product with a public matrix; shapes
/// as clear::conv2d and clear::matmul.
Share conv2dPublic(const Share &x, const Plain &weight, const ConvWindow &window);
Share matmulPublic(Share lhs, const Plain &rhs);
Share matmulPublic(const Plain &lhs, Share rhs);
/// Sum over axes, which stay with size one.
Share reduceSum(Share x, const std::vector<std::int64_t> &axes);
/// Sum of each window; padding is zero.
Share sumPool2d(Share x, const PoolWindow &window);
/// The same integers modulo a smaller power of two, 1 <= bits <= x.bits.
Share narrow(Share x, unsigned bits);

} // namespace dyad
