// SPDX-License-Identifier: Apache-2.0
// Bits of n elements, sliced: plane p holds bit p of every element. Comparisons work on planes, so
// that their logic is word by word and a plane goes to the wire as it is.
#pragma once

#include "runtime/ot/bit_vec.h"

#include <cstdint>
#include <span>
#include <vector>

namespace dyad {

/// Bits 0 to planes - 1 of each element of x, a plane each.
std::vector<BitVec> bitPlanes(std::span<const std::uint64_t> x, unsigned planes);
/// Bit `position` of each element.
BitVec bitPlane(std::span<const std::uint64_t> x, unsigned position);

} // namespace dyad
