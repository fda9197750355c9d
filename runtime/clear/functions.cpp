// SPDX-License-Identifier: Apache-2.0
#include "runtime/clear/functions.h"

#include "runtime/net/error.h"

#include <span>

namespace dyad::clear {

Tensor<std::int64_t> function(const Tensor<std::int64_t> &x, const ScalarFunction &f) {
  Tensor<std::int64_t> result{x.shape, {}};
  result.data.reserve(x.data.size());
  for (const std::int64_t value : x.data)
    result.data.push_back(evaluate(f, value));
  return result;
}

Tensor<std::int64_t> rows(const Tensor<std::int64_t> &x, const Tensor<std::int64_t> *divisor,
                          const RowFunction &f) {
  DYAD_REQUIRE(
      x.shape.size() == 2 &&
          (divisor == nullptr || divisor->data.size() == static_cast<std::size_t>(x.shape[0])),
      kShapeMismatch, "rows of {}", describe(x.shape));
  const auto columns = static_cast<std::size_t>(x.shape[1]);
  requireColumns(f, columns);
  Tensor<std::int64_t> result{x.shape, {}};
  result.data.reserve(x.data.size());
  for (std::size_t row = 0; row < static_cast<std::size_t>(x.shape[0]); ++row) {
    std::span<const std::int64_t> divisors;
    if (divisor != nullptr)
      divisors = std::span(divisor->data).subspan(row, 1);
    const std::vector<std::int64_t> found =
        evaluate(f, std::span(x.data).subspan(row * columns, columns), divisors);
    result.data.insert(result.data.end(), found.begin(), found.end());
  }
  return result;
}

} // namespace dyad::clear
