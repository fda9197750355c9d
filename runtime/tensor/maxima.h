// SPDX-License-Identifier: Apache-2.0
// Maxima over windows and axes, and the position of a maximum, of shared values. Differences of any
// two elements that are compared must fit the ring. The radix is the last argument of the cost too.
#pragma once

#include "runtime/net/task.h"
#include "runtime/tensor/tensor_cost.h"
#include "runtime/tensor/types.h"

#include <cstdint>
#include <vector>

namespace dyad {

/// Largest element of each window of NxCxHxW; padding never wins: only real elements take part, in
/// trees that all advance together. maxPool2dCost(x.shape, window, bits). Errors: kOutOfRange for
/// a window of padding only, kShapeMismatch.
Task<Share> maxPool2d(Session &session, Share x, PoolWindow window, Radix radix = {});

/// Maximum over axes, which stay with size one. reduceMaxCost(x.shape, axes, bits).
Task<Share> reduceMax(Session &session, Share x, std::vector<std::int64_t> axes, Radix radix = {});

/// Index of the largest element along an axis, which stays with size one: the first among equals,
/// or the last. Unsigned, modulo 2^resultBits, which must be indexWidth(x.shape[axis]).
/// argMaxCost(x.shape, axis, bits).
Task<Share> argMax(Session &session, Share x, std::int64_t axis, bool last, unsigned resultBits,
                   Radix radix = {});

} // namespace dyad
