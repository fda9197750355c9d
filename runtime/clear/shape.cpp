// SPDX-License-Identifier: Apache-2.0
// Shape rules of the operations. Part of the cost library: it depends on nothing but errors.
#include "runtime/clear/shape.h"

#include "runtime/net/error.h"

namespace dyad::clear {

namespace {

template <typename Window>
void requireWindow(const Shape &input, std::int64_t rows, std::int64_t columns,
                   const Window &window) {
  DYAD_REQUIRE(input.size() == 4, kShapeMismatch, "a window needs rank 4, not {}", describe(input));
  DYAD_REQUIRE(rows >= 1 && columns >= 1, kOutOfRange, "kernel of {}x{}", rows, columns);
  for (int i = 0; i < 2; ++i)
    DYAD_REQUIRE(window.strides[i] >= 1 && window.dilations[i] >= 1, kOutOfRange,
                 "stride {}, dilation {}; both must be positive", window.strides[i],
                 window.dilations[i]);
  for (std::int64_t pad : window.pads)
    DYAD_REQUIRE(pad >= 0, kOutOfRange, "negative padding {}", pad);
}

template <typename Window>
Shape windowedShape(const Shape &input, std::int64_t channels, std::int64_t rows,
                    std::int64_t columns, const Window &window) {
  requireWindow(input, rows, columns, window);
  return {input[0], channels,
          windowCount(input[2], rows, window.strides[0], window.pads[0], window.pads[2],
                      window.dilations[0]),
          windowCount(input[3], columns, window.strides[1], window.pads[1], window.pads[3],
                      window.dilations[1])};
}

} // namespace

std::int64_t sizeOf(const Shape &shape) {
  std::int64_t size = 1;
  for (std::int64_t extent : shape)
    size *= extent;
  return size;
}

std::string describe(const Shape &shape) {
  if (shape.empty())
    return "a scalar";
  std::string text;
  for (std::int64_t extent : shape)
    text += (text.empty() ? "" : "x") + std::to_string(extent);
  return text;
}

std::int64_t windowCount(std::int64_t size, std::int64_t kernel, std::int64_t stride,
                         std::int64_t padLow, std::int64_t padHigh, std::int64_t dilation) {
  const std::int64_t room = size + padLow + padHigh - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

Shape convShape(const Shape &input, const Shape &weight, const ConvWindow &window) {
  DYAD_REQUIRE(weight.size() == 4, kShapeMismatch, "a convolution's weight has rank 4, not {}",
               describe(weight));
  Shape shape = windowedShape(input, weight[0], weight[2], weight[3], window);
  DYAD_REQUIRE(window.groups >= 1 && weight[1] * window.groups == input[1] &&
                   weight[0] % window.groups == 0,
               kShapeMismatch, "convolution of {} with {} in {} groups", describe(input),
               describe(weight), window.groups);
  return shape;
}

Shape poolShape(const Shape &input, const PoolWindow &window) {
  return windowedShape(input, input.size() < 2 ? 0 : input[1], window.kernel[0], window.kernel[1],
                       window);
}

Shape matmulShape(const Shape &lhs, const Shape &rhs) {
  const std::size_t l = lhs.size();
  const std::size_t r = rhs.size();
  const bool fits =
      l >= 2 && r >= 2 && lhs[l - 1] == rhs[r - 2] &&
      (l == 2 || r == 2 || Shape(lhs.begin(), lhs.end() - 2) == Shape(rhs.begin(), rhs.end() - 2));
  DYAD_REQUIRE(fits, kShapeMismatch, "matrix product of {} by {}", describe(lhs), describe(rhs));
  Shape shape = l == 2 ? rhs : lhs;
  shape[shape.size() - 2] = lhs[l - 2];
  shape[shape.size() - 1] = rhs[r - 1];
  return shape;
}

Shape reducedShape(const Shape &input, const std::vector<std::int64_t> &axes) {
  Shape shape = input;
  for (std::int64_t axis : axes) {
    DYAD_REQUIRE(axis >= 0 && axis < static_cast<std::int64_t>(input.size()), kOutOfRange,
                 "axis {} of {}", axis, describe(input));
    DYAD_REQUIRE(input[axis] > 0, kOutOfRange, "axis {} of {} is empty", axis, describe(input));
    shape[axis] = 1;
  }
  return shape;
}

} // namespace dyad::clear
