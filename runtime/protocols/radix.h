// SPDX-License-Identifier: Apache-2.0
// How comparisons trade bits for flows: the one parameter of everything that compares.
#pragma once

namespace dyad {

/// Levels of a comparison's AND tree, each of them one flow, that larger digits save against the
/// tree over digits of two bits. 0 sends the fewest bits. Every level saved costs bits: 78 for the
/// first one at 31 bits, 6 at 19, 7 at 12. No digit has more than kMaxDigitBits bits, so that the
/// number of levels has a floor, and a level that cannot be saved is not.
struct Radix {
  unsigned levelsSaved = 0;
  bool operator==(const Radix &) const = default;
};

inline constexpr unsigned kMaxDigitBits = 5;

} // namespace dyad
