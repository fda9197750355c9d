// SPDX-License-Identifier: Apache-2.0
// Plain loops straight from the definitions, which the kernels are held to.
#pragma once

#include "runtime/clear/shape.h"

#include <cstdint>
#include <random>
#include <vector>

namespace dyad::test {

using clear::ConvWindow;
using clear::PoolWindow;
using clear::Shape;
using clear::Tensor;
using Integers = Tensor<std::int64_t>;

template <typename T>
Tensor<T> randomTensor(const Shape &shape, std::int64_t low, std::int64_t high,
                       std::mt19937_64 &random) {
  std::uniform_int_distribution<std::int64_t> value(low, high);
  Tensor<T> x{shape, std::vector<T>(clear::sizeOf(shape))};
  for (T &element : x.data)
    element = static_cast<T>(value(random));
  return x;
}

/// The element at a position, zero outside.
template <typename T>
T at(const Tensor<T> &x, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  if (h < 0 || w < 0 || h >= x.shape[2] || w >= x.shape[3])
    return T{0};
  return x.data[((n * x.shape[1] + c) * x.shape[2] + h) * x.shape[3] + w];
}

template <typename T>
Tensor<T> naiveConv(const Tensor<T> &x, const Tensor<T> &w, const Tensor<T> *bias,
                    const ConvWindow &g) {
  Tensor<T> y{clear::convShape(x.shape, w.shape, g), {}};
  const std::int64_t filters = w.shape[0] / g.groups;
  for (std::int64_t n = 0; n < y.shape[0]; ++n)
    for (std::int64_t m = 0; m < y.shape[1]; ++m)
      for (std::int64_t i = 0; i < y.shape[2]; ++i)
        for (std::int64_t j = 0; j < y.shape[3]; ++j) {
          T sum = bias == nullptr ? T{0} : bias->data[m];
          for (std::int64_t c = 0; c < w.shape[1]; ++c)
            for (std::int64_t a = 0; a < w.shape[2]; ++a)
              for (std::int64_t b = 0; b < w.shape[3]; ++b)
                sum += at(w, m, c, a, b) * at(x, n, m / filters * w.shape[1] + c,
                                              i * g.strides[0] + a * g.dilations[0] - g.pads[0],
                                              j * g.strides[1] + b * g.dilations[1] - g.pads[1]);
          y.data.push_back(sum);
        }
  return y;
}

/// Real elements of each window, window by window.
template <typename T> std::vector<std::vector<T>> windows(const Tensor<T> &x, const PoolWindow &g) {
  const Shape shape = clear::poolShape(x.shape, g);
  std::vector<std::vector<T>> all;
  for (std::int64_t n = 0; n < shape[0]; ++n)
    for (std::int64_t c = 0; c < shape[1]; ++c)
      for (std::int64_t i = 0; i < shape[2]; ++i)
        for (std::int64_t j = 0; j < shape[3]; ++j) {
          std::vector<T> &window = all.emplace_back();
          for (std::int64_t a = 0; a < g.kernel[0]; ++a)
            for (std::int64_t b = 0; b < g.kernel[1]; ++b) {
              const std::int64_t h = i * g.strides[0] + a * g.dilations[0] - g.pads[0];
              const std::int64_t w = j * g.strides[1] + b * g.dilations[1] - g.pads[1];
              if (h >= 0 && w >= 0 && h < x.shape[2] && w < x.shape[3])
                window.push_back(at(x, n, c, h, w));
            }
        }
  return all;
}

} // namespace dyad::test
