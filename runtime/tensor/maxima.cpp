// SPDX-License-Identifier: Apache-2.0
#include "runtime/tensor/maxima.h"

#include "runtime/clear/structure.h"
#include "runtime/protocols/nonlinear.h"
#include "runtime/tensor/plans.h"
#include "runtime/tensor/ring_tensor.h"

#include <algorithm>
#include <numeric>

namespace dyad {

namespace {

/// Groups of elements, one after the other.
struct Groups {
  Ring values;
  std::vector<std::uint32_t> sizes;
};

/// Maximum of each group: trees that advance together, an odd element waits for the next level.
Task<Ring> maximumOfGroups(Session &session, Groups groups, unsigned bits, Radix radix) {
  while (
      std::any_of(groups.sizes.begin(), groups.sizes.end(), [](auto size) { return size > 1; })) {
    Ring left, right;
    left.reserve(groups.values.size() / 2);
    right.reserve(groups.values.size() / 2);
    std::size_t at = 0;
    for (const std::uint32_t size : groups.sizes) {
      for (std::uint32_t i = 0; i + 1 < size; i += 2) {
        left.push_back(groups.values[at + i]);
        right.push_back(groups.values[at + i + 1]);
      }
      at += size;
    }
    const Ring won = co_await maximum(session, std::move(left), std::move(right), bits, radix);
    Ring next;
    next.reserve(groups.values.size() - won.size());
    at = 0;
    auto winner = won.begin();
    for (std::uint32_t &size : groups.sizes) {
      next.insert(next.end(), winner, winner + size / 2);
      winner += size / 2;
      if (size % 2 != 0)
        next.push_back(groups.values[at + size - 1]);
      at += size;
      size = (size + 1) / 2;
    }
    groups.values = std::move(next);
  }
  co_return std::move(groups.values);
}

/// All windows with all their real elements.
Groups windowsOf(const PoolPlan &plan, const Ring &x) {
  Groups groups;
  for (std::int64_t p = 0; p < plan.planes; ++p)
    for (const AxisWindow &row : plan.rows)
      for (const AxisWindow &column : plan.columns) {
        for (std::int64_t r = 0; r < row.count; ++r) {
          const std::int64_t y = p * plan.inputRows + row.first + r * plan.dilations[0];
          for (std::int64_t c = 0; c < column.count; ++c)
            groups.values.push_back(
                x[y * plan.inputColumns + column.first + c * plan.dilations[1]]);
        }
        groups.sizes.push_back(static_cast<std::uint32_t>(row.count * column.count));
      }
  return groups;
}

/// The windows' rows: for each used row of the input and each column of the result.
Groups windowRowsOf(const PoolPlan &plan, const Ring &x) {
  Groups groups;
  for (std::int64_t p = 0; p < plan.planes; ++p)
    for (const std::int64_t row : plan.usedRows)
      for (const AxisWindow &column : plan.columns) {
        const std::int64_t base = (p * plan.inputRows + row) * plan.inputColumns + column.first;
        for (std::int64_t c = 0; c < column.count; ++c)
          groups.values.push_back(x[base + c * plan.dilations[1]]);
        groups.sizes.push_back(static_cast<std::uint32_t>(column.count));
      }
  return groups;
}

/// The windows, each of the maxima of its rows, in the order of windowRowsOf.
Groups windowsOfRowMaxima(const PoolPlan &plan, const Ring &maxima) {
  std::vector<std::int64_t> position(plan.inputRows, 0);
  for (std::size_t i = 0; i < plan.usedRows.size(); ++i)
    position[plan.usedRows[i]] = static_cast<std::int64_t>(i);
  const auto rows = static_cast<std::int64_t>(plan.usedRows.size());
  const auto columns = static_cast<std::int64_t>(plan.columns.size());
  Groups groups;
  for (std::int64_t p = 0; p < plan.planes; ++p)
    for (const AxisWindow &row : plan.rows)
      for (std::int64_t c = 0; c < columns; ++c) {
        for (std::int64_t r = 0; r < row.count; ++r)
          groups.values.push_back(
              maxima[(p * rows + position[row.first + r * plan.dilations[0]]) * columns + c]);
        groups.sizes.push_back(static_cast<std::uint32_t>(row.count));
      }
  return groups;
}

/// The axes moved to the end, in their order.
RingTensor withLast(RingTensor x, const std::vector<std::int64_t> &axes) {
  std::vector<std::int64_t> permutation;
  const auto isMoved = [&](std::int64_t axis) {
    return std::find(axes.begin(), axes.end(), axis) != axes.end();
  };
  for (const bool moved : {false, true})
    for (std::int64_t axis = 0; axis < static_cast<std::int64_t>(x.shape.size()); ++axis)
      if (isMoved(axis) == moved)
        permutation.push_back(axis);
  return std::is_sorted(permutation.begin(), permutation.end()) ? std::move(x)
                                                                : clear::transpose(x, permutation);
}

} // namespace

Task<Share> maxPool2d(Session &session, Share x, PoolWindow window, Radix radix) {
  requireWidth(x.bits);
  PoolPlan plan = poolPlan(x.shape, window);
  requireSameSize(x.values.size(), static_cast<std::size_t>(clear::sizeOf(x.shape)));
  Ring maxima;
  if (plan.separable) {
    const Ring rows =
        co_await maximumOfGroups(session, windowRowsOf(plan, x.values), x.bits, radix);
    maxima = co_await maximumOfGroups(session, windowsOfRowMaxima(plan, rows), x.bits, radix);
  } else {
    maxima = co_await maximumOfGroups(session, windowsOf(plan, x.values), x.bits, radix);
  }
  co_return Share{std::move(plan.result), x.bits, std::move(maxima)};
}

Task<Share> reduceMax(Session &session, Share x, std::vector<std::int64_t> axes, Radix radix) {
  requireWidth(x.bits);
  const unsigned bits = x.bits;
  Shape result = clear::reducedShape(x.shape, axes);
  std::int64_t size = 1;
  for (std::size_t axis = 0; axis < x.shape.size(); ++axis)
    size *= x.shape[axis] == 0 ? 1 : x.shape[axis] / result[axis];
  RingTensor moved = withLast(tensorOf(std::move(x)), axes);
  Ring maxima = co_await maximumOver(session, std::move(moved.data), static_cast<std::size_t>(size),
                                     bits, radix);
  co_return Share{std::move(result), bits, std::move(maxima)};
}

Task<Share> argMax(Session &session, Share x, std::int64_t axis, bool last, unsigned resultBits,
                   Radix radix) {
  requireWidth(x.bits);
  const unsigned bits = x.bits;
  Shape result = clear::reducedShape(x.shape, {axis});
  const std::int64_t size = x.shape[axis];
  const unsigned width = indexWidth(static_cast<std::uint64_t>(size));
  DYAD_REQUIRE(resultBits == width, kOutOfRange, "an index below {} has {} bits, not {}", size,
               width, resultBits);
  RingTensor tensor = tensorOf(std::move(x));
  if (last) {
    std::vector<std::int64_t> reversed(static_cast<std::size_t>(size));
    std::iota(reversed.rbegin(), reversed.rend(), 0);
    tensor = clear::gather(tensor, axis, reversed);
  }
  tensor = withLast(std::move(tensor), {axis});
  Ring index = co_await argmaxOver(session, std::move(tensor.data), static_cast<std::size_t>(size),
                                   bits, radix);
  if (last)
    index = plusPublic(session, scaled(std::move(index), ~std::uint64_t{0}, width),
                       static_cast<std::uint64_t>(size - 1), width);
  co_return Share{std::move(result), width, std::move(index)};
}

} // namespace dyad
