// SPDX-License-Identifier: Apache-2.0
// Costs of the operations on shared tensors (sharing.h, pointwise.h, maxima.h, linear.h): bytes,
// ticks and correlated OTs, exactly, from shapes and widths alone. Also the plans that protocols
// and formulas share. Elementwise operations cost what their protocol costs on n elements.
#pragma once

#include "runtime/clear/checked.h"
#include "runtime/clear/shape.h"
#include "runtime/he/plan.h"
#include "runtime/net/cost.h"
#include "runtime/protocols/comparison_cost.h"
#include "runtime/protocols/multiplication_cost.h"
#include "runtime/protocols/selection_cost.h"
#include "runtime/protocols/truncation_cost.h"
#include "runtime/tensor/owner.h"

#include <cstdint>
#include <map>
#include <vector>

namespace dyad {

/// How a product with the server's operand is computed. Values as in the mpc dialect.
enum class LinearProtocol : std::uint8_t {
  kOtServerChooses, ///< correlated OTs; choices are the bits of the server's operand
  kOtClientChooses, ///< the same; choices are the bits of the client's share or value
  kHe,              ///< RLWE (runtime/he): the server's operand times the client's encrypted share
  kHePacked,        ///< the same with Galois keys, by which replies are packed
};
constexpr bool isHe(LinearProtocol protocol) {
  return protocol == LinearProtocol::kHe || protocol == LinearProtocol::kHePacked;
}

// n elements of `bits` bits. Operations that are not here have their protocol's formula:
// truncateReduceCost, truncateReluCost, truncateCost, divideCost, msbCost, multiplexCost (mux),
// reluCost, clipCost.

Cost revealCost(std::uint64_t n, unsigned bits, Owner receiver);
Cost extendCost(std::uint64_t n, unsigned from, unsigned to, SignFact fact, bool isUnsigned,
                Radix radix = {});

Cost maxPool2dCost(const clear::Shape &input, const clear::PoolWindow &window, unsigned bits,
                   Radix radix = {});
Cost reduceMaxCost(const clear::Shape &input, const std::vector<std::int64_t> &axes, unsigned bits,
                   Radix radix = {});
Cost argMaxCost(const clear::Shape &input, std::int64_t axis, unsigned bits, Radix radix = {});

/// `clientFormat` of 0 bits: the client's share, of `bits` unsigned bits. Error kOutOfRange for
/// RLWE with widths that no RLWE parameters are exact for (he::planFor of the specs below).
Cost conv2dCost(const clear::Shape &input, const clear::Shape &weight,
                const clear::ConvWindow &window, unsigned bits, clear::Format weightFormat,
                LinearProtocol protocol, clear::Format clientFormat = {});
Cost matmulCost(const clear::Shape &lhs, const clear::Shape &rhs, bool serverIsLeft, unsigned bits,
                clear::Format serverFormat, LinearProtocol protocol,
                clear::Format clientFormat = {});
/// The same layers as RLWE sees them: what runs, for its plan and its compute time.
he::LinearSpec heConvSpec(const clear::Shape &input, const clear::Shape &weight,
                          const clear::ConvWindow &window, unsigned bits,
                          clear::Format weightFormat, bool packed);
he::LinearSpec heMatmulSpec(const clear::Shape &lhs, const clear::Shape &rhs, bool serverIsLeft,
                            unsigned bits, clear::Format serverFormat, bool packed);
/// The difference to a mask, to the server; what was prepared is a product of its own.
Cost matmulPreparedCost(std::uint64_t n, unsigned bits);
Cost matmulSharedCost(const clear::Shape &lhs, const clear::Shape &rhs, unsigned bits);
Cost mulPrivateCost(std::uint64_t n, unsigned bits, clear::Format factorFormat, Owner owner);
Cost matmulBitCost(const clear::Shape &bits, const clear::Shape &matrix, unsigned width);
/// The correlated OTs of `n` bits times rows of `columns` values.
std::vector<CotGroup> bitMatrixGroups(std::uint64_t n, std::uint64_t columns, unsigned width);
Cost mulSharedCost(std::uint64_t n, unsigned bits);

} // namespace dyad
