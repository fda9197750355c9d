// SPDX-License-Identifier: Apache-2.0
// See multiplication_cost.h.
#include "runtime/protocols/multiplication_cost.h"

#include <algorithm>

namespace dyad {

std::uint64_t productPayloadBits(unsigned choiceBits, unsigned width) {
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < std::min(choiceBits, width); ++i)
    sum += width - i;
  return sum;
}

std::uint64_t choicesPerTile(const MatrixShape &shape, unsigned choiceBits, unsigned width) {
  const std::uint64_t bits = shape.columns * productPayloadBits(choiceBits, width);
  return std::max<std::uint64_t>(1, kMaxTileBytes * 8 / std::max<std::uint64_t>(bits, 1));
}

std::uint64_t tilePayloadBytes(const MatrixShape &shape, unsigned choiceBits, unsigned width,
                               std::uint64_t choices) {
  return bitBytes(choices * shape.columns * productPayloadBits(choiceBits, width));
}

Cost privateMatrixProductCost(const MatrixShape &shape, ChoiceFormat format, unsigned width,
                              Role chooser) {
  const unsigned bits = std::min(format.bits, width);
  const std::uint64_t choices = shape.resultSize() == 0 ? 0 : shape.leftSize();
  const std::uint64_t perTile = choicesPerTile(shape, bits, width);
  // Written for the client as the chooser.
  Cost cost;
  cost.serverCots = choices * bits;
  cost.ticks.push_back({bitBytes(choices * bits), 0});
  for (std::uint64_t at = 0; at < choices; at += perTile)
    cost.ticks.push_back(
        {0, tilePayloadBytes(shape, bits, width, std::min(perTile, choices - at))});
  return chooser == Role::kClient ? cost : mirrored(cost);
}

Cost privateProductCost(std::uint64_t n, ChoiceFormat format, unsigned width, Role chooser) {
  return privateMatrixProductCost({n, 1, 1, 1}, format, width, chooser);
}

Cost productCost(std::uint64_t n, unsigned width) {
  return privateProductCost(n, {width, false}, width, Role::kClient)
      .beside(privateProductCost(n, {width, false}, width, Role::kServer));
}

Cost squareCost(std::uint64_t n, unsigned width) {
  if (width == 1)
    return {};
  return privateProductCost(n, {width - 1, false}, width - 1, Role::kClient);
}

} // namespace dyad
