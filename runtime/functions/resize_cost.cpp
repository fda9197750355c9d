// SPDX-License-Identifier: Apache-2.0
// See resize_cost.h.
#include "runtime/functions/resize_cost.h"

#include "runtime/protocols/comparison_cost.h"
#include "runtime/protocols/selection_cost.h"

namespace dyad {

Cost truncateExtendCost(std::uint64_t n, unsigned width, unsigned shift, unsigned resultBits,
                        SignFact fact, Radix radix) {
  const unsigned left = width - shift;
  if (resultBits <= left)
    return shift == 0 ? Cost{} : carryCost(n, shift, radix).then(bitToRingCost(n, resultBits));
  if (shift == 0)
    return extendSignedCost(n, width, resultBits, fact, radix);
  if (fact == SignFact::kUnknown)
    return truncateReduceCost(n, width, shift, radix)
        .then(extendSignedCost(n, left, resultBits, fact, radix));
  return carryCost(n, shift, radix)
      .then(bitToRingCost(n, resultBits))
      .beside(productOfBitsCost(n, resultBits - left));
}

Cost divideTowardZeroCost(std::uint64_t n, unsigned width, unsigned shift, SignFact fact,
                          Radix radix) {
  if (shift == 0)
    return {};
  return msbCost(n, width, radix)
      .then(bitToRingCost(n, width))
      .then(truncateCost(n, width, shift, fact, radix));
}

Cost wrapBitCost(std::uint64_t n, NumberFormat format, Radix radix) {
  return format.fact == SignFact::kUnknown ? wrapCost(n, format.bits, radix) : andCost(n);
}

Cost extendNumberCost(std::uint64_t n, NumberFormat format, unsigned to, Radix radix) {
  return extendSignedCost(n, format.bits, to, format.fact, radix);
}

Cost narrowRowProductCost(std::uint64_t rows, std::uint64_t columns, unsigned narrowBits,
                          unsigned width) {
  const MatrixShape shape{rows, 1, 1, columns};
  Cost cost =
      privateMatrixProductCost(shape, {narrowBits, false}, width, Role::kServer)
          .beside(privateMatrixProductCost(shape, {narrowBits, false}, width, Role::kClient));
  if (narrowBits < width)
    cost.beside(multiplexCost(rows * columns, {width - narrowBits}));
  return cost;
}

Cost narrowProductCost(std::uint64_t n, unsigned narrowBits, unsigned width) {
  return narrowRowProductCost(n, 1, narrowBits, width);
}

Cost mixedProductCost(std::uint64_t n, NumberFormat x, NumberFormat y, unsigned width,
                      Radix radix) {
  return rowProductCost(n, 1, x, y, width, radix);
}

Cost mixedProductKnownCost(std::uint64_t n, ChoiceFormat x, NumberFormat y, unsigned width,
                           Role owner, Radix radix) {
  return extendNumberCost(n, y, width, radix).then(privateProductCost(n, x, width, owner));
}

Cost mixedSquareCost(std::uint64_t n, NumberFormat x, unsigned width, Radix radix) {
  Cost cost = wrapBitCost(n, x, radix);
  Cost parts = privateProductCost(n, {x.bits, false}, width - 1, Role::kClient);
  if (width > x.bits)
    parts.beside(bitToRingCost(n, width - x.bits));
  if (width > x.bits + 1)
    parts.beside(multiplexCost(n, {width - 1 - x.bits}));
  return cost.then(parts);
}

Cost rowProductCost(std::uint64_t rows, std::uint64_t columns, NumberFormat factor, NumberFormat y,
                    unsigned width, Radix radix) {
  Cost cost;
  if (y.bits < width)
    cost = extendNumberCost(rows * columns, y, width, radix);
  if (factor.bits < width)
    cost.beside(wrapBitCost(rows, factor, radix));
  return cost.then(narrowRowProductCost(rows, columns, factor.bits, width));
}

} // namespace dyad
