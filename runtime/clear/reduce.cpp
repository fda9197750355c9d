// SPDX-License-Identifier: Apache-2.0
#include "runtime/clear/reduce.h"

#include "runtime/clear/exact.h"
#include "runtime/net/error.h"

#include <algorithm>
#include <cmath>

namespace dyad::clear {

namespace {

/// Calls start(position) and element(position, value) for the real elements of each window.
template <typename T, typename Element>
void forWindows(const Tensor<T> &x, const PoolWindow &w, const Shape &shape, Element element) {
  const std::int64_t rows = x.shape[2];
  const std::int64_t columns = x.shape[3];
  std::int64_t position = 0;
  for (std::int64_t plane = 0; plane < shape[0] * shape[1]; ++plane)
    for (std::int64_t y = 0; y < shape[2]; ++y)
      for (std::int64_t i = 0; i < shape[3]; ++i, ++position)
        for (std::int64_t kr = 0; kr < w.kernel[0]; ++kr) {
          const std::int64_t row = y * w.strides[0] + kr * w.dilations[0] - w.pads[0];
          if (row < 0 || row >= rows)
            continue;
          for (std::int64_t kc = 0; kc < w.kernel[1]; ++kc) {
            const std::int64_t column = i * w.strides[1] + kc * w.dilations[1] - w.pads[1];
            if (column >= 0 && column < columns)
              element(position, x.data[(plane * rows + row) * columns + column]);
          }
        }
}

/// result[axes at 0] = f(result, element) over the reduced axes, from the first element on.
template <typename T, typename First, typename Next>
Tensor<T> reduced(const Tensor<T> &x, const std::vector<std::int64_t> &axes, First first,
                  Next next) {
  Tensor<T> result{reducedShape(x.shape, axes), {}};
  const std::size_t rank = x.shape.size();
  std::vector<std::int64_t> steps(rank, 0);
  std::int64_t step = 1;
  for (std::size_t axis = rank; axis-- > 0;) {
    if (std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(axis)) == axes.end())
      steps[axis] = step;
    step *= result.shape[axis];
  }
  result.data.resize(sizeOf(result.shape));
  std::vector<bool> seen(result.data.size());
  std::vector<std::int64_t> index(rank, 0);
  std::int64_t into = 0;
  for (T value : x.data) {
    result.data[into] = seen[into] ? next(result.data[into], value) : first(value);
    seen[into] = true;
    for (std::size_t axis = rank; axis-- > 0;) {
      into += steps[axis];
      if (++index[axis] < x.shape[axis])
        break;
      into -= steps[axis] * x.shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

/// The axis as the middle one of three: outer x axis x inner.
struct Split {
  Split(const Shape &shape, std::int64_t axis) {
    DYAD_REQUIRE(axis >= 0 && axis < static_cast<std::int64_t>(shape.size()), kOutOfRange,
                 "axis {} of {}", axis, describe(shape));
    DYAD_REQUIRE(shape[axis] > 0, kOutOfRange, "axis {} of {} is empty", axis, describe(shape));
    outer = sizeOf(Shape(shape.begin(), shape.begin() + axis));
    size = shape[axis];
    inner = sizeOf(Shape(shape.begin() + axis + 1, shape.end()));
  }
  std::int64_t outer, size, inner;
};

} // namespace

template <typename T> Tensor<T> maxPool2d(const Tensor<T> &x, const PoolWindow &window) {
  Tensor<T> result{poolShape(x.shape, window), {}};
  result.data.resize(sizeOf(result.shape));
  std::vector<bool> seen(result.data.size());
  forWindows(x, window, result.shape, [&](std::int64_t at, T value) {
    if (!seen[at] || result.data[at] < value)
      result.data[at] = value;
    seen[at] = true;
  });
  DYAD_REQUIRE(std::find(seen.begin(), seen.end(), false) == seen.end(), kOutOfRange,
               "a window of a maximum pooling of {} has padding only", describe(x.shape));
  return result;
}

template <typename T> Tensor<T> sumPool2d(const Tensor<T> &x, const PoolWindow &window) {
  Tensor<T> result{poolShape(x.shape, window), {}};
  result.data.resize(sizeOf(result.shape));
  forWindows(x, window, result.shape,
             [&](std::int64_t at, T value) { result.data[at] = exactSum(result.data[at], value); });
  return result;
}

Tensor<float> averagePool2d(const Tensor<float> &x, const PoolWindow &window,
                            const std::array<std::int64_t, 2> &ceilPads, bool countIncludePad) {
  PoolWindow whole = window;
  whole.pads[2] += ceilPads[0];
  whole.pads[3] += ceilPads[1];
  Tensor<float> result = sumPool2d(x, whole);
  Tensor<float> ones{x.shape, std::vector<float>(x.data.size(), 1.0F)};
  if (countIncludePad) {
    // The padded image is all ones; only what ceil mode adds is not counted.
    ones.shape[2] += window.pads[0] + window.pads[2];
    ones.shape[3] += window.pads[1] + window.pads[3];
    ones.data.assign(sizeOf(ones.shape), 1.0F);
    whole.pads = {0, 0, ceilPads[0], ceilPads[1]};
  }
  const Tensor<float> counts = sumPool2d(ones, whole);
  for (std::size_t i = 0; i < result.data.size(); ++i)
    result.data[i] = counts.data[i] == 0 ? 0 : result.data[i] / counts.data[i];
  return result;
}

template <typename T>
Tensor<T> reduceSum(const Tensor<T> &x, const std::vector<std::int64_t> &axes) {
  return reduced(x, axes, [](T v) { return v; }, [](T sum, T v) { return exactSum(sum, v); });
}
template <typename T>
Tensor<T> reduceMax(const Tensor<T> &x, const std::vector<std::int64_t> &axes) {
  return reduced(x, axes, [](T v) { return v; }, [](T most, T v) { return most < v ? v : most; });
}
template <typename T>
Tensor<T> reduceMin(const Tensor<T> &x, const std::vector<std::int64_t> &axes) {
  return reduced(
      x, axes, [](T v) { return v; }, [](T least, T v) { return v < least ? v : least; });
}
template <typename T>
Tensor<T> reduceL1(const Tensor<T> &x, const std::vector<std::int64_t> &axes) {
  const auto magnitude = [](T v) { return v < 0 ? exactDifference(T{0}, v) : v; };
  return reduced(x, axes, magnitude, [&](T sum, T v) { return exactSum(sum, magnitude(v)); });
}
Tensor<float> reduceMean(const Tensor<float> &x, const std::vector<std::int64_t> &axes) {
  Tensor<float> result = reduceSum(x, axes);
  for (float &value : result.data)
    value *= static_cast<float>(result.data.size()) / static_cast<float>(x.data.size());
  return result;
}

template <typename T>
Tensor<std::int64_t> argMax(const Tensor<T> &x, std::int64_t axis, bool last) {
  const Split split(x.shape, axis);
  Tensor<std::int64_t> result{reducedShape(x.shape, {axis}), {}};
  for (std::int64_t o = 0; o < split.outer; ++o)
    for (std::int64_t i = 0; i < split.inner; ++i) {
      const T *values = x.data.data() + o * split.size * split.inner + i;
      std::int64_t best = 0;
      for (std::int64_t k = 1; k < split.size; ++k) {
        const T most = values[best * split.inner];
        const T value = values[k * split.inner];
        if (most < value || (last && !(value < most)))
          best = k;
      }
      result.data.push_back(best);
    }
  return result;
}

Tensor<float> softmax(const Tensor<float> &x, std::int64_t axis, bool logarithm) {
  const Split split(x.shape, axis);
  Tensor<float> result{x.shape, std::vector<float>(x.data.size())};
  for (std::int64_t o = 0; o < split.outer; ++o)
    for (std::int64_t i = 0; i < split.inner; ++i) {
      const std::int64_t base = o * split.size * split.inner + i;
      float most = x.data[base];
      for (std::int64_t k = 1; k < split.size; ++k)
        most = std::max(most, x.data[base + k * split.inner]);
      double sum = 0;
      for (std::int64_t k = 0; k < split.size; ++k)
        sum += std::exp(static_cast<double>(x.data[base + k * split.inner] - most));
      for (std::int64_t k = 0; k < split.size; ++k) {
        const double exponent = x.data[base + k * split.inner] - most;
        result.data[base + k * split.inner] =
            static_cast<float>(logarithm ? exponent - std::log(sum) : std::exp(exponent) / sum);
      }
    }
  return result;
}

#define DYAD_INSTANTIATE_SUMS(T)                                                                   \
  template Tensor<T> sumPool2d(const Tensor<T> &, const PoolWindow &);                             \
  template Tensor<T> reduceSum(const Tensor<T> &, const std::vector<std::int64_t> &);
#define DYAD_INSTANTIATE(T)                                                                        \
  DYAD_INSTANTIATE_SUMS(T)                                                                         \
  template Tensor<T> maxPool2d(const Tensor<T> &, const PoolWindow &);                             \
  template Tensor<T> reduceMax(const Tensor<T> &, const std::vector<std::int64_t> &);              \
  template Tensor<T> reduceMin(const Tensor<T> &, const std::vector<std::int64_t> &);              \
  template Tensor<T> reduceL1(const Tensor<T> &, const std::vector<std::int64_t> &);               \
  template Tensor<std::int64_t> argMax(const Tensor<T> &, std::int64_t, bool);
DYAD_INSTANTIATE(float)
DYAD_INSTANTIATE(std::int64_t)
DYAD_INSTANTIATE(Wide)
DYAD_INSTANTIATE_SUMS(std::uint64_t)
#undef DYAD_INSTANTIATE
#undef DYAD_INSTANTIATE_SUMS

} // namespace dyad::clear
