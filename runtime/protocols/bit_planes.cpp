// SPDX-License-Identifier: Apache-2.0
// See bit_planes.h.
#include "runtime/protocols/bit_planes.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace dyad {
namespace {

/// Transposes a 64 x 64 bit matrix, row i being rows[i]: exchanges the two off-diagonal quarters of
/// each square, for squares of half the size in each step.
void transpose64(std::array<std::uint64_t, 64> &rows) {
  std::uint64_t lowHalves = 0x00000000ffffffff;
  for (unsigned half = 32; half != 0; half /= 2, lowHalves ^= lowHalves << half)
    for (unsigned square = 0; square < 64; square += 2 * half)
      for (unsigned i = square; i < square + half; ++i) {
        const std::uint64_t change = ((rows[i] >> half) ^ rows[i + half]) & lowHalves;
        rows[i] ^= change << half;
        rows[i + half] ^= change;
      }
}

} // namespace

std::vector<BitVec> bitPlanes(std::span<const std::uint64_t> x, unsigned planes) {
  std::vector<BitVec> result(planes, BitVec(x.size()));
  std::array<std::uint64_t, 64> square;
  for (std::size_t at = 0; at < x.size(); at += 64) {
    const std::span<const std::uint64_t> rows =
        x.subspan(at, std::min<std::size_t>(64, x.size() - at));
    std::fill(std::copy(rows.begin(), rows.end(), square.begin()), square.end(), 0);
    transpose64(square);
    for (unsigned p = 0; p < planes; ++p)
      result[p].words()[at / 64] = square[p];
  }
  return result;
}

BitVec bitPlane(std::span<const std::uint64_t> x, unsigned position) {
  BitVec result(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    result.words()[i / 64] |= (x[i] >> position & 1) << (i % 64);
  return result;
}

} // namespace dyad
