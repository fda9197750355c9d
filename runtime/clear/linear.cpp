// SPDX-License-Identifier: Apache-2.0
// Convolution as a matrix product whose right operand (the windows' elements) is built block by
// block. Integers: as doubles where every partial sum is below 2^53, else modulo 2^64 where sums
// are below 2^63, else in 128 bits; the bound is of the operands' actual magnitudes.
#include "runtime/clear/linear.h"

#include "runtime/clear/exact.h"
#include "runtime/clear/gemm.h"
#include "runtime/net/error.h"
#include "runtime/parallel/thread_pool.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dyad::clear {

namespace {

using Integers = Tensor<std::int64_t>;
__extension__ using UnsignedWide = unsigned __int128;

/// Geometry of one group of a convolution.
struct Lowered {
  Lowered(const Shape &input, const Shape &weight, const Shape &result, const ConvWindow &w)
      : window(w), channels(weight[1]), rows(input[2]), columns(input[3]), kernelRows(weight[2]),
        kernelColumns(weight[3]), filters(weight[0] / w.groups), outRows(result[2]),
        outColumns(result[3]) {}

  ConvWindow window;
  std::int64_t channels, rows, columns, kernelRows, kernelColumns, filters, outRows, outColumns;

  std::int64_t inner() const { return channels * kernelRows * kernelColumns; }
  std::int64_t positions() const { return outRows * outColumns; }

  /// Output columns [first, last) whose window has a real element at kernel column `kernel`.
  std::pair<std::int64_t, std::int64_t> valid(std::int64_t kernel) const {
    const std::int64_t offset = kernel * window.dilations[1] - window.pads[1];
    const std::int64_t stride = window.strides[1];
    const std::int64_t first = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
    const std::int64_t room = columns - 1 - offset;
    const std::int64_t last = room < 0 ? 0 : room / stride + 1;
    return {std::min(first, outColumns), std::clamp(last, std::min(first, outColumns), outColumns)};
  }
};

/// Rows of the block: one for each weight of a filter; columns: positions [begin, begin + count).
template <typename T>
void fillBlock(const Lowered &g, const T *image, std::int64_t begin, std::int64_t count, T *block,
               std::int64_t blockStride) {
  const std::int64_t offsetRow = -g.window.pads[0];
  const std::int64_t stride = g.window.strides[1];
  std::fill_n(block, g.inner() * blockStride, T{0});
  for (std::int64_t c = 0; c < g.channels; ++c)
    for (std::int64_t kr = 0; kr < g.kernelRows; ++kr)
      for (std::int64_t kc = 0; kc < g.kernelColumns; ++kc, block += blockStride) {
        const auto [first, last] = g.valid(kc);
        const std::int64_t shift = kc * g.window.dilations[1] - g.window.pads[1];
        for (std::int64_t at = begin; at < begin + count;) {
          const std::int64_t y = at / g.outColumns;
          const std::int64_t x = at % g.outColumns;
          const std::int64_t end = std::min(g.outColumns, x + begin + count - at);
          const std::int64_t row = y * g.window.strides[0] + kr * g.window.dilations[0] + offsetRow;
          if (row >= 0 && row < g.rows) {
            const std::int64_t from = (c * g.rows + row) * g.columns + shift;
            const std::int64_t into = at - begin - x;
            for (std::int64_t i = std::max(first, x); i < std::min(last, end); ++i)
              block[into + i] = image[from + i * stride];
          }
          at += end - x;
        }
      }
}

/// One channel in, `filters` channels out: too thin for a matrix product.
template <typename T>
void convolveChannel(const Lowered &g, const T *image, const T *weight, T *into) {
  std::fill_n(into, g.filters * g.positions(), T{0});
  for (std::int64_t f = 0; f < g.filters; ++f)
    for (std::int64_t kr = 0; kr < g.kernelRows; ++kr)
      for (std::int64_t kc = 0; kc < g.kernelColumns; ++kc) {
        const T factor = weight[(f * g.kernelRows + kr) * g.kernelColumns + kc];
        const auto [first, last] = g.valid(kc);
        const std::int64_t shift = kc * g.window.dilations[1] - g.window.pads[1];
        const std::int64_t stride = g.window.strides[1];
        for (std::int64_t y = 0; y < g.outRows; ++y) {
          const std::int64_t row =
              y * g.window.strides[0] + kr * g.window.dilations[0] - g.window.pads[0];
          if (row < 0 || row >= g.rows)
            continue;
          const std::int64_t from = row * g.columns + shift;
          T *sums = into + (f * g.outRows + y) * g.outColumns;
          if (stride == 1)
            for (std::int64_t i = first; i < last; ++i)
              sums[i] += factor * image[from + i];
          else
            for (std::int64_t i = first; i < last; ++i)
              sums[i] += factor * image[from + i * stride];
        }
      }
}

/// Without bias, in the arithmetic of T (float, double, or uint64_t).
template <typename T>
std::vector<T> convolve(const Shape &inputShape, const T *input, const Shape &weightShape,
                        const T *weight, const Shape &shape, const ConvWindow &window) {
  const Lowered g(inputShape, weightShape, shape, window);
  std::vector<T> result(sizeOf(shape));
  if (result.empty())
    return result;
  const std::int64_t imageSize = g.channels * g.rows * g.columns;
  const std::int64_t step = static_cast<std::int64_t>(blockColumns<T>(
      static_cast<std::size_t>(g.inner()), static_cast<std::size_t>(g.positions())));
  const bool thin = g.channels == 1 && g.filters <= 4;
  const auto filters = [&](std::int64_t group) { return weight + group * g.filters * g.inner(); };
  std::vector<PackedLeft<T>> left(thin ? 0 : static_cast<std::size_t>(window.groups));
  parallelFor(left.size(), 1, [&](std::size_t group, std::size_t) {
    left[group] =
        packLeft(filters(static_cast<std::int64_t>(group)), static_cast<std::size_t>(g.filters),
                 static_cast<std::size_t>(g.inner()));
  });
  // A piece is a block of an image's positions in one group.
  const std::int64_t blocks = thin ? 1 : (g.positions() + step - 1) / step;
  const std::int64_t pieces = inputShape[0] * window.groups * blocks;
  parallelFor(static_cast<std::size_t>(pieces), 1, [&](std::size_t piece, std::size_t) {
    const std::int64_t plane = static_cast<std::int64_t>(piece) / blocks;
    const std::int64_t group = plane % window.groups;
    const T *image = input + plane * imageSize;
    T *into = result.data() + plane * g.filters * g.positions();
    if (thin)
      return convolveChannel(g, image, filters(group), into);
    const std::int64_t begin = static_cast<std::int64_t>(piece) % blocks * step;
    const std::int64_t count = std::min(step, g.positions() - begin);
    std::vector<T> block(g.inner() * step);
    fillBlock(g, image, begin, count, block.data(), step);
    multiplyBlock(left[static_cast<std::size_t>(group)], block.data(),
                  static_cast<std::size_t>(step), static_cast<std::size_t>(count), into + begin,
                  static_cast<std::size_t>(g.positions()));
  });
  return result;
}

/// rows x inner by inner x columns.
template <typename T>
void multiply(std::int64_t rows, std::int64_t inner, std::int64_t columns, const T *lhs,
              const T *rhs, T *into) {
  const PackedLeft<T> left = packLeft(lhs, rows, inner);
  const std::int64_t step = static_cast<std::int64_t>(blockColumns<T>(inner, columns));
  const std::int64_t blocks = (columns + step - 1) / step;
  parallelFor(static_cast<std::size_t>(blocks), 1, [&](std::size_t piece, std::size_t) {
    const std::int64_t begin = static_cast<std::int64_t>(piece) * step;
    const std::int64_t count = std::min(step, columns - begin);
    std::vector<T> block(inner * step);
    for (std::int64_t k = 0; k < inner; ++k) {
      std::copy_n(rhs + k * columns + begin, count, block.data() + k * step);
      std::fill_n(block.data() + k * step + count, step - count, T{0});
    }
    multiplyBlock(left, block.data(), step, count, into + begin, columns);
  });
}

/// Batches of a matrix product.
struct Batches {
  Batches(const Shape &lhs, const Shape &rhs, const Shape &result)
      : rows(lhs[lhs.size() - 2]), inner(lhs.back()), columns(rhs.back()),
        leftStep(lhs.size() == 2 ? 0 : rows * inner),
        rightStep(rhs.size() == 2 ? 0 : inner * columns) {
    count = sizeOf(Shape(result.begin(), result.end() - 2));
    // One matrix at the right for all batches: the batches are rows of one product.
    if (rightStep == 0 && leftStep != 0) {
      rows *= count;
      count = 1;
    }
  }
  std::int64_t rows, inner, columns, leftStep, rightStep, count;
};

template <typename T>
std::vector<T> product(const Shape &lhsShape, const T *lhs, const Shape &rhsShape, const T *rhs,
                       const Shape &shape) {
  const Batches b(lhsShape, rhsShape, shape);
  std::vector<T> result(sizeOf(shape));
  for (std::int64_t i = 0; i < b.count && !result.empty(); ++i)
    multiply(b.rows, b.inner, b.columns, lhs + i * b.leftStep, rhs + i * b.rightStep,
             result.data() + i * b.rows * b.columns);
  return result;
}

// --- integers ---------------------------------------------------------------------------------

std::uint64_t magnitude(const std::vector<std::int64_t> &x) {
  std::uint64_t most = 0;
  for (std::int64_t value : x)
    most = std::max(most, value < 0 ? -static_cast<std::uint64_t>(value)
                                    : static_cast<std::uint64_t>(value));
  return most;
}

enum class Arithmetic { kDouble, kRing, kWide };

Arithmetic arithmeticFor(const Integers &a, const Integers &b, std::int64_t terms) {
  // Below 2^128: a sum of so many terms that it does not fit cannot be stored.
  const UnsignedWide most = static_cast<UnsignedWide>(magnitude(a.data)) * magnitude(b.data);
  const UnsignedWide limit = static_cast<UnsignedWide>(std::max<std::int64_t>(terms, 1));
  if (most <= (UnsignedWide{1} << 53) / limit)
    return Arithmetic::kDouble;
  return most <= ((UnsignedWide{1} << 63) - 1) / limit ? Arithmetic::kRing : Arithmetic::kWide;
}

template <typename To, typename From> std::vector<To> converted(const std::vector<From> &from) {
  return std::vector<To>(from.begin(), from.end());
}

std::vector<std::int64_t> narrowed(const std::vector<Wide> &sums) {
  for (Wide sum : sums)
    DYAD_REQUIRE(isNarrow(sum), kOutOfRange,
                 "a sum of products of magnitude 2^{} does not fit 64 bits",
                 static_cast<int>(std::log2(std::abs(static_cast<double>(sum)))));
  return converted<std::int64_t>(sums);
}

/// In 128 bits; T is int64_t or Wide.
template <typename T>
std::vector<Wide> convolveWide(const Tensor<T> &input, const Tensor<T> &weight, const Shape &shape,
                               const ConvWindow &window, const std::vector<T> &bias) {
  const Lowered g(input.shape, weight.shape, shape, window);
  std::vector<Wide> result(sizeOf(shape));
  parallelFor(
      static_cast<std::size_t>(shape[0] * shape[1]), 1, [&](std::size_t plane, std::size_t) {
        const std::int64_t n = static_cast<std::int64_t>(plane) / shape[1];
        const std::int64_t m = static_cast<std::int64_t>(plane) % shape[1];
        Wide *into = result.data() + static_cast<std::int64_t>(plane) * g.positions();
        for (std::int64_t y = 0; y < g.outRows; ++y)
          for (std::int64_t x = 0; x < g.outColumns; ++x) {
            Wide sum = bias.empty() ? 0 : bias[m];
            for (std::int64_t c = 0; c < g.channels; ++c)
              for (std::int64_t kr = 0; kr < g.kernelRows; ++kr)
                for (std::int64_t kc = 0; kc < g.kernelColumns; ++kc) {
                  const std::int64_t row =
                      y * window.strides[0] + kr * window.dilations[0] - window.pads[0];
                  const std::int64_t column =
                      x * window.strides[1] + kc * window.dilations[1] - window.pads[1];
                  if (row < 0 || row >= g.rows || column < 0 || column >= g.columns)
                    continue;
                  const std::int64_t channel = m / g.filters * g.channels + c;
                  sum = exactSum<Wide>(
                      sum,
                      exactProduct<Wide>(
                          input.data[((n * input.shape[1] + channel) * g.rows + row) * g.columns +
                                     column],
                          weight.data[((m * g.channels + c) * g.kernelRows + kr) * g.kernelColumns +
                                      kc]));
                }
            *into++ = sum;
          }
      });
  return result;
}

template <typename T>
std::vector<Wide> productWide(const Tensor<T> &lhs, const Tensor<T> &rhs, const Shape &shape) {
  const Batches b(lhs.shape, rhs.shape, shape);
  std::vector<Wide> result;
  result.reserve(sizeOf(shape));
  for (std::int64_t i = 0; i < b.count; ++i)
    for (std::int64_t r = 0; r < b.rows; ++r)
      for (std::int64_t c = 0; c < b.columns; ++c) {
        Wide sum = 0;
        for (std::int64_t k = 0; k < b.inner; ++k)
          sum = exactSum<Wide>(sum,
                               exactProduct<Wide>(lhs.data[i * b.leftStep + r * b.inner + k],
                                                  rhs.data[i * b.rightStep + k * b.columns + c]));
        result.push_back(sum);
      }
  return result;
}

template <typename T> void addBias(Tensor<T> &x, const std::vector<T> &bias) {
  const std::int64_t positions = x.shape[2] * x.shape[3];
  for (std::size_t i = 0; i < x.data.size(); ++i)
    x.data[i] = exactSum(x.data[i], bias[i / positions % bias.size()]);
}

template <typename T> void requireBias(const Tensor<T> *bias, const Shape &weight) {
  DYAD_REQUIRE(bias == nullptr || (bias->shape.size() == 1 && bias->shape[0] == weight[0]),
               kShapeMismatch, "bias of {} for a weight of {}", describe(bias->shape),
               describe(weight));
}

} // namespace

template <typename T>
Tensor<T> conv2d(const Tensor<T> &input, const Tensor<T> &weight, const Tensor<T> *bias,
                 const ConvWindow &window) {
  Tensor<T> result{convShape(input.shape, weight.shape, window), {}};
  requireBias(bias, weight.shape);
  result.data = convolve(input.shape, input.data.data(), weight.shape, weight.data.data(),
                         result.shape, window);
  if (bias != nullptr)
    addBias(result, bias->data);
  return result;
}

template <>
Integers conv2d(const Integers &input, const Integers &weight, const Integers *bias,
                const ConvWindow &window) {
  Integers result{convShape(input.shape, weight.shape, window), {}};
  requireBias(bias, weight.shape);
  switch (arithmeticFor(input, weight, weight.shape[1] * weight.shape[2] * weight.shape[3])) {
  case Arithmetic::kDouble:
    result.data = converted<std::int64_t>(
        convolve(input.shape, converted<double>(input.data).data(), weight.shape,
                 converted<double>(weight.data).data(), result.shape, window));
    break;
  case Arithmetic::kRing:
    result.data = converted<std::int64_t>(
        convolve(input.shape, converted<std::uint64_t>(input.data).data(), weight.shape,
                 converted<std::uint64_t>(weight.data).data(), result.shape, window));
    break;
  case Arithmetic::kWide:
    result.data =
        narrowed(convolveWide(input, weight, result.shape, window,
                              bias == nullptr ? std::vector<std::int64_t>{} : bias->data));
    return result;
  }
  if (bias != nullptr)
    addBias(result, bias->data);
  return result;
}

template <typename T> Tensor<T> matmul(const Tensor<T> &lhs, const Tensor<T> &rhs) {
  Tensor<T> result{matmulShape(lhs.shape, rhs.shape), {}};
  result.data = product(lhs.shape, lhs.data.data(), rhs.shape, rhs.data.data(), result.shape);
  return result;
}

template <> Integers matmul(const Integers &lhs, const Integers &rhs) {
  Integers result{matmulShape(lhs.shape, rhs.shape), {}};
  switch (arithmeticFor(lhs, rhs, lhs.shape.back())) {
  case Arithmetic::kDouble:
    result.data =
        converted<std::int64_t>(product(lhs.shape, converted<double>(lhs.data).data(), rhs.shape,
                                        converted<double>(rhs.data).data(), result.shape));
    break;
  case Arithmetic::kRing:
    result.data = converted<std::int64_t>(
        product(lhs.shape, converted<std::uint64_t>(lhs.data).data(), rhs.shape,
                converted<std::uint64_t>(rhs.data).data(), result.shape));
    break;
  case Arithmetic::kWide:
    result.data = narrowed(productWide(lhs, rhs, result.shape));
    break;
  }
  return result;
}

template <>
Tensor<Wide> conv2d(const Tensor<Wide> &input, const Tensor<Wide> &weight, const Tensor<Wide> *bias,
                    const ConvWindow &window) {
  Tensor<Wide> result{convShape(input.shape, weight.shape, window), {}};
  requireBias(bias, weight.shape);
  result.data = convolveWide(input, weight, result.shape, window,
                             bias == nullptr ? std::vector<Wide>{} : bias->data);
  return result;
}

template <> Tensor<Wide> matmul(const Tensor<Wide> &lhs, const Tensor<Wide> &rhs) {
  Tensor<Wide> result{matmulShape(lhs.shape, rhs.shape), {}};
  result.data = productWide(lhs, rhs, result.shape);
  return result;
}

#define DYAD_INSTANTIATE(T)                                                                        \
  template Tensor<T> conv2d(const Tensor<T> &, const Tensor<T> &, const Tensor<T> *,               \
                            const ConvWindow &);                                                   \
  template Tensor<T> matmul(const Tensor<T> &, const Tensor<T> &);
DYAD_INSTANTIATE(float)
DYAD_INSTANTIATE(std::uint64_t)
#undef DYAD_INSTANTIATE

Tensor<float> batchNorm(const Tensor<float> &x, const Tensor<float> &scale,
                        const Tensor<float> &bias, const Tensor<float> &mean,
                        const Tensor<float> &variance, double epsilon) {
  DYAD_REQUIRE(x.shape.size() >= 2, kShapeMismatch, "batch normalisation of {}", describe(x.shape));
  const auto channels = static_cast<std::size_t>(x.shape[1]);
  for (const Tensor<float> *operand : {&scale, &bias, &mean, &variance})
    DYAD_REQUIRE(operand->data.size() == channels, kShapeMismatch,
                 "batch normalisation of {} with parameters of {}", describe(x.shape),
                 describe(operand->shape));
  Tensor<float> result{x.shape, std::vector<float>(x.data.size())};
  const std::size_t positions = sizeOf(Shape(x.shape.begin() + 2, x.shape.end()));
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    const std::size_t c = i / positions % channels;
    const double factor = scale.data[c] / std::sqrt(variance.data[c] + epsilon);
    result.data[i] = static_cast<float>((x.data[i] - mean.data[c]) * factor + bias.data[c]);
  }
  return result;
}

} // namespace dyad::clear
