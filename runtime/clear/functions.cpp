// SPDX-License-Identifier: Apache-2.0
#include "runtime/clear/functions.h"

namespace dyad::clear {

Tensor<std::int64_t> function(const Tensor<std::int64_t> &x, const ScalarFunction &f) {
  Tensor<std::int64_t> result{x.shape, {}};
  result.data.reserve(x.data.size());
  for (const std::int64_t value : x.data)
    result.data.push_back(evaluate(f, value));
  return result;
}

} // namespace dyad::clear
