// SPDX-License-Identifier: Apache-2.0
#include "runtime/tensor/plans.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace dyad {

using clear::Shape;

namespace {

ChoiceFormat choiceFormat(clear::Format format) { return {format.bits, format.isSigned}; }
ChoiceFormat clientChoice(clear::Format format, unsigned bits) {
  return format.bits == 0 ? ChoiceFormat{bits, false} : choiceFormat(format);
}

std::vector<AxisWindow> axisWindows(std::int64_t size, std::int64_t kernel, std::int64_t stride,
                                    std::int64_t pad, std::int64_t dilation, std::int64_t count) {
  std::vector<AxisWindow> windows;
  for (std::int64_t i = 0; i < count; ++i) {
    AxisWindow window;
    for (std::int64_t k = kernel; k-- > 0;) {
      const std::int64_t at = i * stride + k * dilation - pad;
      if (at < 0 || at >= size)
        continue;
      window.first = at;
      ++window.count;
    }
    DYAD_REQUIRE(window.count > 0, kOutOfRange,
                 "a window of a maximum pooling has padding only; {} elements, kernel {}, pad {}",
                 size, kernel, pad);
    windows.push_back(window);
  }
  return windows;
}

std::int64_t elements(const std::vector<AxisWindow> &windows) {
  return std::accumulate(windows.begin(), windows.end(), std::int64_t{0},
                         [](std::int64_t sum, const AxisWindow &w) { return sum + w.count; });
}

} // namespace

LinearPlan convPlan(const Shape &input, const Shape &weight, const clear::ConvWindow &window,
                    unsigned bits, clear::Format weightFormat, LinearProtocol protocol,
                    clear::Format clientFormat) {
  const Shape result = clear::convShape(input, weight, window);
  const MatrixShape shape{static_cast<std::uint64_t>(window.groups),
                          static_cast<std::uint64_t>(weight[0] / window.groups),
                          static_cast<std::uint64_t>(weight[1] * weight[2] * weight[3]),
                          static_cast<std::uint64_t>(result[0] * result[2] * result[3])};
  return linearPlan(shape, true, bits, weightFormat, protocol, clientFormat);
}

MatmulPlan matmulPlan(const Shape &lhs, const Shape &rhs) {
  const Shape result = clear::matmulShape(lhs, rhs);
  const auto batches =
      static_cast<std::uint64_t>(clear::sizeOf(Shape(result.begin(), result.end() - 2)));
  MatmulPlan plan;
  plan.shape = {batches, static_cast<std::uint64_t>(lhs[lhs.size() - 2]),
                static_cast<std::uint64_t>(lhs.back()), static_cast<std::uint64_t>(rhs.back())};
  if (result.size() == 2)
    return plan;
  if (rhs.size() == 2) {
    plan.shape.groups = 1;
    plan.shape.rows *= batches;
  } else if (lhs.size() == 2) {
    plan.shape.groups = 1;
    plan.shape.columns *= batches;
    plan.columnsFolded = true;
  }
  return plan;
}

LinearPlan linearPlan(const MatrixShape &shape, bool serverIsLeft, unsigned bits,
                      clear::Format serverFormat, LinearProtocol protocol,
                      clear::Format clientFormat) {
  const bool serverChooses = protocol == LinearProtocol::kOtServerChooses;
  LinearPlan plan;
  plan.shape = shape;
  if (serverIsLeft != serverChooses)
    std::swap(plan.shape.rows, plan.shape.columns);
  plan.format = serverChooses ? choiceFormat(serverFormat) : clientChoice(clientFormat, bits);
  plan.chooser = serverChooses ? Role::kServer : Role::kClient;
  return plan;
}

PoolPlan poolPlan(const Shape &input, const clear::PoolWindow &window) {
  PoolPlan plan;
  plan.result = clear::poolShape(input, window);
  plan.planes = input[0] * input[1];
  plan.inputRows = input[2];
  plan.inputColumns = input[3];
  plan.dilations = window.dilations;
  plan.rows = axisWindows(input[2], window.kernel[0], window.strides[0], window.pads[0],
                          window.dilations[0], plan.result[2]);
  plan.columns = axisWindows(input[3], window.kernel[1], window.strides[1], window.pads[1],
                             window.dilations[1], plan.result[3]);
  std::set<std::int64_t> used;
  for (const AxisWindow &row : plan.rows)
    for (std::int64_t k = 0; k < row.count; ++k)
      used.insert(row.first + k * window.dilations[0]);
  plan.usedRows.assign(used.begin(), used.end());

  const std::int64_t rows = elements(plan.rows);
  const std::int64_t columns = elements(plan.columns);
  const auto outRows = static_cast<std::int64_t>(plan.rows.size());
  const auto outColumns = static_cast<std::int64_t>(plan.columns.size());
  const std::int64_t direct = rows * columns - outRows * outColumns;
  const std::int64_t separable = static_cast<std::int64_t>(used.size()) * (columns - outColumns) +
                                 outColumns * (rows - outRows);
  plan.separable = separable < direct;
  return plan;
}

Cost maximumOfGroupsCost(std::map<std::int64_t, std::uint64_t> groups, unsigned bits, Radix radix) {
  Cost cost;
  while (!groups.empty() && groups.rbegin()->first > 1) {
    std::uint64_t pairs = 0;
    std::map<std::int64_t, std::uint64_t> next;
    for (const auto &[size, count] : groups) {
      pairs += count * static_cast<std::uint64_t>(size / 2);
      next[(size + 1) / 2] += count;
    }
    cost.then(maximumCost(pairs, bits, radix));
    groups = std::move(next);
  }
  return cost;
}

} // namespace dyad
