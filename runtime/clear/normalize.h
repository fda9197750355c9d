// SPDX-License-Identifier: Apache-2.0
// Mean and variance over axes, and normalisation by them, on floats in the clear.
#pragma once

#include "runtime/clear/shape.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dyad::clear {

/// Elements that differ in the axes only are one group.
struct Moments {
  std::vector<std::size_t> group; ///< of each element
  std::vector<double> means;      ///< of each group; zeros without `center`
  std::vector<double> variances;  ///< mean squares of what differs from the mean
};
/// Axes are in range, each once.
Moments moments(const Tensor<float> &x, const std::vector<std::int64_t> &axes, bool center);

/// (x - mean) / sqrt(variance + epsilon).
Tensor<float> normalize(const Tensor<float> &x, const std::vector<std::int64_t> &axes,
                        double epsilon, bool center);

} // namespace dyad::clear
