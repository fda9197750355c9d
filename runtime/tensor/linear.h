// SPDX-License-Identifier: Apache-2.0
// Convolutions, matrix products and elementwise products of shares with values that one party knows
// or that are shared too. Exact modulo 2^l; results are fresh shares.
#pragma once

#include "runtime/net/task.h"
#include "runtime/tensor/tensor_cost.h"
#include "runtime/tensor/types.h"

namespace dyad {

// The server's operand comes with the format both parties know it to have; its values are absent
// at the client. Errors: kShapeMismatch; kOutOfRange for a value that does not fit its format.
//
// `clientFormat` may be given with kOtClientChooses where the client knows the shared operand in
// the clear (its server share is zero): the integers' own format instead of the ring's l bits, for
// fewer and shorter messages; the server then multiplies no share of its own. By default the
// client's share is l unsigned bits.

/// mpc.conv2d: x NxCxHxW, weight MxC/groupsxKHxKW, bias of M (modulo 2^l at the server) or null.
/// conv2dCost(x.shape, weight.shape, window, bits, weightFormat, protocol, clientFormat).
Task<Share> conv2d(Session &session, Share x, const Plain &weight, const Plain *bias,
                   ConvWindow window, Format weightFormat, LinearProtocol protocol,
                   Format clientFormat = {});

/// mpc.matmul with the server's matrix at the right or at the left; shapes as clear::matmul.
/// matmulCost(lhs shape, rhs shape, serverIsLeft, bits, serverFormat, protocol, clientFormat).
Task<Share> matmul(Session &session, Share lhs, const Plain &rhs, Format serverFormat,
                   LinearProtocol protocol, Format clientFormat = {});
Task<Share> matmul(Session &session, const Plain &lhs, Share rhs, Format serverFormat,
                   LinearProtocol protocol, Format clientFormat = {});

/// mpc.matmul_shared. matmulSharedCost(lhs.shape, rhs.shape, bits).
Task<Share> matmulShared(Session &session, Share lhs, Share rhs);

/// mpc.mul_private: elementwise product with a tensor of the same shape that the server or the
/// client knows. mulPrivateCost(n, bits, factorFormat, factor.owner).
Task<Share> mulPrivate(Session &session, Share x, const Plain &factor, Format factorFormat);

/// mpc.matmul_bit: bits (complements with `whereZero`) of KxN times the server's matrix of NxM,
/// modulo 2^bits. matmulBitCost(bits shape, matrix shape, bits).
Task<Share> matmulBit(Session &session, BitShare x, const Plain &matrix, unsigned bits,
                      bool whereZero = false);

/// mpc.mul_shared: elementwise product. mulSharedCost(n, bits).
Task<Share> mulShared(Session &session, Share a, Share b);

} // namespace dyad
