// SPDX-License-Identifier: Apache-2.0
// Costs of products by correlated OT (multiplication.h): bytes, ticks and correlated OTs, exactly,
// and the tiles in which a matrix product is sent, which protocol and formula share.
#pragma once

#include "runtime/net/cost.h"
#include "runtime/net/flow_scheduler.h"

#include <cstdint>

namespace dyad {

/// Bytes of a bit stream, padded at its very end only.
constexpr std::uint64_t bitBytes(std::uint64_t bits) { return (bits + 7) / 8; }

/// `groups` independent products of a rows x inner by an inner x columns matrix, row-major.
struct MatrixShape {
  std::uint64_t groups = 1;
  std::uint64_t rows = 0;
  std::uint64_t inner = 0;
  std::uint64_t columns = 0;

  std::uint64_t leftSize() const { return groups * rows * inner; }
  std::uint64_t rightSize() const { return groups * inner * columns; }
  std::uint64_t resultSize() const { return groups * rows * columns; }
  bool operator==(const MatrixShape &) const = default;
};

/// The integers whose bits are the choices: `bits` bits each, two's complement if `isSigned`.
struct ChoiceFormat {
  unsigned bits = 0;
  bool isSigned = false;
};

/// Payload of a tile is at most this long, unless a single choice value has more.
inline constexpr std::uint64_t kMaxTileBytes = std::uint64_t{32} << 20;

/// Bits of payload of one choice value per column: width - i for its bit i, none beyond the ring.
std::uint64_t productPayloadBits(unsigned choiceBits, unsigned width);
/// Choice values per tile.
std::uint64_t choicesPerTile(const MatrixShape &shape, unsigned choiceBits, unsigned width);
/// Bytes of a tile of so many choice values.
std::uint64_t tilePayloadBytes(const MatrixShape &shape, unsigned choiceBits, unsigned width,
                               std::uint64_t choices);

/// privateMatrixProduct: the chooser holds the left matrix, the other party the right one.
Cost privateMatrixProductCost(const MatrixShape &shape, ChoiceFormat format, unsigned width,
                              Role chooser);
Cost privateProductCost(std::uint64_t n, ChoiceFormat format, unsigned width, Role chooser);
Cost productCost(std::uint64_t n, unsigned width);
Cost squareCost(std::uint64_t n, unsigned width);

} // namespace dyad
