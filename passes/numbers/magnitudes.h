// SPDX-License-Identifier: Apache-2.0
// How large most of a tensor's elements are, over all samples: magnitudes counted in steps of an
// eighth of their power of two, so that a percentile takes no memory for the elements themselves.
#pragma once

#include <cstdint>
#include <vector>

namespace dyad {

class Magnitudes {
public:
  /// Finite; what is below 2^-126 counts as zero.
  void add(float x);
  std::uint64_t count() const { return count_; }

  /// A magnitude that at least `percent` (0 to 100) of what was added do not exceed: the smallest
  /// one or up to 1/8 more, and never more than the largest. 0 of nothing.
  double percentile(double percent) const;

private:
  std::uint64_t count_ = 0;
  std::uint64_t zeros_ = 0;
  std::uint32_t first_ = 0; ///< step of counts_[0]
  std::vector<std::uint64_t> counts_;
  float largest_ = 0;
};

} // namespace dyad
