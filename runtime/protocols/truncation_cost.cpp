// SPDX-License-Identifier: Apache-2.0
// See truncation_cost.h.
#include "runtime/protocols/truncation_cost.h"

#include "runtime/protocols/comparison_cost.h"
#include "runtime/protocols/selection_cost.h"

#include <bit>

namespace dyad {

Cost truncateReduceCost(std::uint64_t n, unsigned width, unsigned shift) {
  if (shift == 0)
    return {};
  return carryCost(n, shift).then(bitToRingCost(n, width - shift));
}

Cost truncateCost(std::uint64_t n, unsigned width, unsigned shift, SignFact fact) {
  if (shift == 0)
    return {};
  if (fact != SignFact::kUnknown)
    return carryCost(n, shift).then(bitToRingCost(n, width)).beside(productOfBitsCost(n, shift));
  return carryCost(n, shift)
      .beside(greaterAndEqualCost(n, width - shift))
      .then(andCost(n))
      .then(bitToRingCost(n, width).beside(bitToRingCost(n, shift)));
}

Cost extendSignedCost(std::uint64_t n, unsigned from, unsigned to, SignFact fact) {
  if (from == to)
    return {};
  if (fact != SignFact::kUnknown)
    return productOfBitsCost(n, to - from);
  return extendUnsignedCost(n, from, to);
}

Cost extendUnsignedCost(std::uint64_t n, unsigned from, unsigned to) {
  if (from == to)
    return {};
  return wrapCost(n, from).then(bitToRingCost(n, to - from));
}

Cost extendWithMsbCost(std::uint64_t n, unsigned from, unsigned to) {
  if (from == to)
    return {};
  return wrapFromMsbCost(n).then(bitToRingCost(n, to - from));
}

unsigned remainderWidth(std::uint64_t divisor) {
  return static_cast<unsigned>(std::bit_width(divisor - 1)) + 2;
}

Cost divideCost(std::uint64_t n, unsigned width, std::uint64_t divisor) {
  if (divisor == 1)
    return {};
  return productOfBitsCost(n, width)
      .then(nonNegativeCost(2 * n, remainderWidth(divisor)))
      .then(bitToRingCost(2 * n, width));
}

} // namespace dyad
