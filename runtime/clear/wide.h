// SPDX-License-Identifier: Apache-2.0
// Integers of 128 bits: what the kernels compute in to tell how far a value leaves 64 bits. Only
// checks on samples use them; programs and `reference` never do.
#pragma once

#include "runtime/clear/shape.h"

#include <cstdint>
#include <limits>
#include <type_traits>

namespace dyad::clear {

__extension__ using Wide = __int128;

/// Integers whose arithmetic is exact or an error; float and uint64_t (ring elements) are not.
template <typename T>
inline constexpr bool kIsExact = std::is_same_v<T, std::int64_t> || std::is_same_v<T, Wide>;

inline bool isNarrow(Wide x) {
  return x >= std::numeric_limits<std::int64_t>::min() &&
         x <= std::numeric_limits<std::int64_t>::max();
}

} // namespace dyad::clear
