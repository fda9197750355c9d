// SPDX-License-Identifier: Apache-2.0
// Costs of truncation, extension and division (truncation.h, extension.h, division.h): bytes,
// ticks and correlated OTs, exactly. What is known of a value's sign decides how its wrap is found.
#pragma once

#include "runtime/net/cost.h"
#include "runtime/protocols/radix.h"

#include <cstdint>

namespace dyad {

/// What both parties know of a signed value x of l bits before a protocol runs. It must hold: where
/// it does not, the result depends on the shares.
enum class SignFact : std::uint8_t {
  kUnknown,     ///< nothing: -2^(l-1) <= x < 2^(l-1)
  kNonNegative, ///< 0 <= x < 2^(l-1)
  kNegative,    ///< -2^(l-1) <= x < 0
  kSmall,       ///< -2^(l-2) <= x < 2^(l-2)
};

enum class Rounding : std::uint8_t {
  kFloor,   ///< towards minus infinity
  kNearest, ///< floor((x + half) / divisor): halves go up
};

Cost truncateReduceCost(std::uint64_t n, unsigned width, unsigned shift, Radix radix = {});
/// The result has resultBits bits.
Cost truncateReluCost(std::uint64_t n, unsigned width, unsigned shift, unsigned resultBits,
                      Radix radix = {});
/// Added first, and taken off after: what makes the unsigned reading of a signed number below
/// 2^(l-1), or at least nonnegative.
inline std::uint64_t offsetOf(SignFact fact, unsigned width) {
  switch (fact) {
  case SignFact::kUnknown:
    return std::uint64_t{1} << (width - 1);
  case SignFact::kSmall:
    return std::uint64_t{1} << (width - 2);
  default:
    return 0;
  }
}

Cost truncateCost(std::uint64_t n, unsigned width, unsigned shift, SignFact fact, Radix radix = {});
Cost extendSignedCost(std::uint64_t n, unsigned from, unsigned to, SignFact fact, Radix radix = {});
Cost extendUnsignedCost(std::uint64_t n, unsigned from, unsigned to, Radix radix = {});
Cost extendWithMsbCost(std::uint64_t n, unsigned from, unsigned to);
Cost divideCost(std::uint64_t n, unsigned width, std::uint64_t divisor, Radix radix = {});

/// Width of the remainders' sum in a division: ceil(log2 divisor) + 2.
unsigned remainderWidth(std::uint64_t divisor);

} // namespace dyad
