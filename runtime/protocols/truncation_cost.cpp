// SPDX-License-Identifier: Apache-2.0
// See truncation_cost.h.
#include "runtime/protocols/truncation_cost.h"

#include "runtime/protocols/comparison_cost.h"
#include "runtime/protocols/selection_cost.h"

#include <algorithm>
#include <bit>

namespace dyad {

Cost truncateReduceCost(std::uint64_t n, unsigned width, unsigned shift, Radix radix) {
  if (shift == 0)
    return {};
  return carryCost(n, shift, radix).then(bitToRingCost(n, width - shift));
}

Cost truncateReluCost(std::uint64_t n, unsigned width, unsigned shift, unsigned resultBits,
                      Radix radix) {
  const unsigned narrow = std::min(width - shift, resultBits);
  Cost cost;
  if (shift == 0)
    cost = nonNegativeCost(n, width, radix).then(multiplexCost(n, {narrow}));
  else
    cost = carryCost(n, shift, radix)
               .beside(greaterAndEqualCost(n, width - 1 - shift, radix))
               .then(andPairCost(n))
               .then(multiplexCost(n, {narrow}).beside(bitToRingCost(n, narrow)));
  return cost.then(extendSignedCost(n, narrow, resultBits, SignFact::kNonNegative));
}

Cost truncateCost(std::uint64_t n, unsigned width, unsigned shift, SignFact fact, Radix radix) {
  if (shift == 0)
    return {};
  if (fact != SignFact::kUnknown)
    return carryCost(n, shift, radix)
        .then(bitToRingCost(n, width))
        .beside(productOfBitsCost(n, shift));
  return carryCost(n, shift, radix)
      .beside(greaterAndEqualCost(n, width - shift, radix))
      .then(andCost(n))
      .then(bitToRingCost(n, width).beside(bitToRingCost(n, shift)));
}

Cost extendSignedCost(std::uint64_t n, unsigned from, unsigned to, SignFact fact, Radix radix) {
  if (from == to)
    return {};
  if (fact != SignFact::kUnknown)
    return productOfBitsCost(n, to - from);
  return extendUnsignedCost(n, from, to, radix);
}

Cost extendUnsignedCost(std::uint64_t n, unsigned from, unsigned to, Radix radix) {
  if (from == to)
    return {};
  return wrapCost(n, from, radix).then(bitToRingCost(n, to - from));
}

Cost extendWithMsbCost(std::uint64_t n, unsigned from, unsigned to) {
  if (from == to)
    return {};
  return wrapFromMsbCost(n).then(bitToRingCost(n, to - from));
}

unsigned remainderWidth(std::uint64_t divisor) {
  return static_cast<unsigned>(std::bit_width(divisor - 1)) + 2;
}

Cost divideCost(std::uint64_t n, unsigned width, std::uint64_t divisor, Radix radix) {
  if (divisor == 1)
    return {};
  return productOfBitsCost(n, width)
      .then(nonNegativeCost(2 * n, remainderWidth(divisor), radix))
      .then(bitToRingCost(2 * n, width));
}

} // namespace dyad
