// SPDX-License-Identifier: Apache-2.0
#include "passes/numbers/magnitudes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace dyad {
namespace {

// Of a float's bits the sign, the exponent and three bits of the mantissa tell the step.
constexpr unsigned kDropped = 20;
constexpr std::uint32_t kFirstNormal = 8;

} // namespace

void Magnitudes::add(float x) {
  const float magnitude = std::abs(x);
  const std::uint32_t step = std::bit_cast<std::uint32_t>(magnitude) >> kDropped;
  ++count_;
  largest_ = std::max(largest_, magnitude);
  if (step < kFirstNormal) {
    ++zeros_;
    return;
  }
  if (counts_.empty())
    first_ = step;
  if (step < first_) {
    counts_.insert(counts_.begin(), first_ - step, 0);
    first_ = step;
  }
  if (step - first_ >= counts_.size())
    counts_.resize(step - first_ + 1);
  ++counts_[step - first_];
}

double Magnitudes::percentile(double percent) const {
  const double wanted = percent / 100 * static_cast<double>(count_);
  std::uint64_t reached = zeros_;
  if (static_cast<double>(reached) >= wanted)
    return 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    reached += counts_[i];
    if (static_cast<double>(reached) >= wanted) {
      const auto end = (first_ + static_cast<std::uint32_t>(i) + 1) << kDropped;
      return std::min(std::bit_cast<float>(end), largest_);
    }
  }
  return largest_;
}

} // namespace dyad
