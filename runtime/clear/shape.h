// SPDX-License-Identifier: Apache-2.0
// Shapes of tensors and of sliding windows, and the shape rules of the operations: what
// interpreters, kernels on values, kernels on shares and cost formulas have in common. Everything
// row-major.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dyad::clear {

using Shape = std::vector<std::int64_t>;

/// Elements of a tensor; 1 for rank 0.
std::int64_t sizeOf(const Shape &shape);
/// For messages: 1x3x32x32.
std::string describe(const Shape &shape);

/// A tensor of values in the clear, row-major.
template <typename T> struct Tensor {
  Shape shape;
  std::vector<T> data;
};

/// A window that slides over the last two axes (rows, columns). `pads` is top, left, bottom, right.
struct PoolWindow {
  std::array<std::int64_t, 2> kernel{1, 1};
  std::array<std::int64_t, 2> strides{1, 1};
  std::array<std::int64_t, 4> pads{};
  std::array<std::int64_t, 2> dilations{1, 1};

  /// From attribute lists (anything indexable) of the right lengths.
  template <typename List>
  static PoolWindow of(const List &kernel, const List &strides, const List &pads,
                       const List &dilations) {
    return {{kernel[0], kernel[1]},
            {strides[0], strides[1]},
            {pads[0], pads[1], pads[2], pads[3]},
            {dilations[0], dilations[1]}};
  }
};

/// Geometry of a convolution, whose kernel size is the weight's.
struct ConvWindow {
  std::array<std::int64_t, 2> strides{1, 1};
  std::array<std::int64_t, 4> pads{};
  std::array<std::int64_t, 2> dilations{1, 1};
  std::int64_t groups = 1;

  template <typename List>
  static ConvWindow of(const List &strides, const List &pads, const List &dilations,
                       std::int64_t groups) {
    return {{strides[0], strides[1]},
            {pads[0], pads[1], pads[2], pads[3]},
            {dilations[0], dilations[1]},
            groups};
  }
};

/// Positions of a window along one axis; 0 where it does not fit once.
std::int64_t windowCount(std::int64_t size, std::int64_t kernel, std::int64_t stride,
                         std::int64_t padLow, std::int64_t padHigh, std::int64_t dilation);

// Result shapes. Errors: kShapeMismatch for operands that do not fit, kOutOfRange for an axis or
// attribute outside its range.

/// input NxCxHxW, weight MxC/groupsxKHxKW -> NxMxOHxOW.
Shape convShape(const Shape &input, const Shape &weight, const ConvWindow &window);
/// input NxCxHxW -> NxCxOHxOW.
Shape poolShape(const Shape &input, const PoolWindow &window);
/// ...xMxK by ...xKxN; batch axes equal, or one operand of rank two, used for all batches.
Shape matmulShape(const Shape &lhs, const Shape &rhs);
/// Reduced axes stay with size one.
Shape reducedShape(const Shape &input, const std::vector<std::int64_t> &axes);

} // namespace dyad::clear
