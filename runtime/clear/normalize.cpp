// SPDX-License-Identifier: Apache-2.0
#include "runtime/clear/normalize.h"

#include <cmath>

namespace dyad::clear {

Moments moments(const Tensor<float> &x, const std::vector<std::int64_t> &axes, bool center) {
  // Strides of the groups' numbers: none along the axes.
  std::vector<bool> isReduced(x.shape.size(), false);
  for (const std::int64_t axis : axes)
    isReduced[static_cast<std::size_t>(axis)] = true;
  std::vector<std::size_t> strides(x.shape.size(), 0);
  std::size_t groups = 1;
  for (std::size_t axis = x.shape.size(); axis-- > 0;)
    if (!isReduced[axis]) {
      strides[axis] = groups;
      groups *= static_cast<std::size_t>(x.shape[axis]);
    }
  Moments result;
  result.group.resize(x.data.size());
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    std::size_t rest = i;
    for (std::size_t axis = x.shape.size(); axis-- > 0;) {
      const auto size = static_cast<std::size_t>(x.shape[axis]);
      result.group[i] += rest % size * strides[axis];
      rest /= size;
    }
  }
  const double size = static_cast<double>(x.data.size()) / static_cast<double>(groups);
  result.means.assign(groups, 0);
  result.variances.assign(groups, 0);
  if (center)
    for (std::size_t i = 0; i < x.data.size(); ++i)
      result.means[result.group[i]] += static_cast<double>(x.data[i]) / size;
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    const double rest = static_cast<double>(x.data[i]) - result.means[result.group[i]];
    result.variances[result.group[i]] += rest * rest / size;
  }
  return result;
}

Tensor<float> normalize(const Tensor<float> &x, const std::vector<std::int64_t> &axes,
                        double epsilon, bool center) {
  const Moments found = moments(x, axes, center);
  Tensor<float> result = x;
  for (std::size_t i = 0; i < x.data.size(); ++i)
    result.data[i] =
        static_cast<float>((static_cast<double>(x.data[i]) - found.means[found.group[i]]) /
                           std::sqrt(found.variances[found.group[i]] + epsilon));
  return result;
}

} // namespace dyad::clear
