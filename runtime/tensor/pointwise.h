// SPDX-License-Identifier: Apache-2.0
// Elementwise operations on shares that need the other party: changes of width and scale,
// comparisons, selection and activations. Each is a protocol of runtime/protocols on all elements.
#pragma once

#include "runtime/functions/scalar_function.h"
#include "runtime/net/task.h"
#include "runtime/protocols/truncation_cost.h"
#include "runtime/tensor/tensor_cost.h"
#include "runtime/tensor/types.h"

#include <cstdint>

namespace dyad {

// n elements of l = x.bits bits; costs are those of the protocols. Errors: kOutOfRange,
// kShapeMismatch before a byte is sent. A SignFact must hold (runtime/protocols/truncation.h). The
// radix, if any, is the last argument of the cost too.

/// The same integers modulo 2^bits, bits >= l. extendCost(n, l, bits, fact, isUnsigned).
Task<Share> extend(Session &session, Share x, unsigned bits, SignFact fact, bool isUnsigned = false,
                   Radix radix = {});
/// Division by 2^shift into a ring narrower by shift. truncateReduceCost(n, l, shift).
Task<Share> truncateReduce(Session &session, Share x, unsigned shift, Rounding rounding,
                           Radix radix = {});
/// max(x / 2^shift, 0) into a ring of resultBits bits, of any x: truncateReduce, relu and extend
/// fused. truncateReluCost(n, l, shift, resultBits).
Task<Share> truncateRelu(Session &session, Share x, unsigned shift, Rounding rounding,
                         unsigned resultBits, Radix radix = {});
/// Division by 2^shift in the same ring; the fact is of the dividend with its rounding constant.
/// truncateCost(n, l, shift, fact).
Task<Share> truncate(Session &session, Share x, unsigned shift, Rounding rounding, SignFact fact,
                     Radix radix = {});
/// Division by a public integer in the same ring. divideCost(n, l, divisor).
Task<Share> divide(Session &session, Share x, std::uint64_t divisor, Rounding rounding,
                   Radix radix = {});

/// Sign bit. msbCost(n, l).
Task<BitShare> msb(Session &session, Share x, Radix radix = {});
/// The bit (its complement with `whereZero`) as a ring element. bitToRingCost(n, bits).
Task<Share> bitToArith(Session &session, BitShare bit, unsigned bits, bool whereZero = false);
/// x where the bit is one (zero with `whereZero`), else 0. multiplexCost(n, {l}).
Task<Share> mux(Session &session, BitShare bit, Share x, bool whereZero = false);
/// f(x) into a ring of outputBits(f) bits; x is modulo 2^inputBits(f). scalarFunctionCost(n, f).
Task<Share> function(Session &session, Share x, ScalarFunction f, Radix radix = {});
/// max(x, 0). reluCost(n, l).
Task<Share> relu(Session &session, Share x, Radix radix = {});
/// min(max(x, low), high) for low <= high; differences with the bounds fit l bits. clipCost(n, l).
Task<Share> clip(Session &session, Share x, std::int64_t low, std::int64_t high, Radix radix = {});

} // namespace dyad
