// SPDX-License-Identifier: Apache-2.0
// Products with the server's matrix of which all but one short message was done before the shares
// were known: the client's share is replaced by a mask, and only their difference is sent.
#pragma once

#include "runtime/net/task.h"
#include "runtime/tensor/tensor_cost.h"
#include "runtime/tensor/types.h"

namespace dyad {

/// mpc.mask: the client's share is uniform, the server's zero. No traffic. Error kOutOfRange for
/// bits outside 1 to 64.
Share mask(Session &session, const Shape &shape, unsigned bits);

/// mpc.matmul_prepared: shares of x W for x of MxK modulo 2^l and the server's W of KxN. `mask` of
/// x's shape is the client's alone, uniform and used for nothing else; `product` holds shares of
/// mask W. The server learns x - mask, which the mask hides, and computes
///     x W = (x - mask) W + mask W.
/// The client's share of the result is that of `product`, as fresh as it was there. Errors:
/// kShapeMismatch; kOutOfRange for a weight that does not fit its format.
/// (Preprocessing of linear layers as in Delphi, Mishra et al., USENIX Security 2020.)
/// matmulPreparedCost(elements of x, bits): one flow of l bits an element to the server.
Task<Share> matmulPrepared(Session &session, Share x, const Share &mask, Share product,
                           const Plain &matrix, Format matrixFormat);

} // namespace dyad
