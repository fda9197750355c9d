// SPDX-License-Identifier: Apache-2.0
#include "runtime/clear/gemm.h"

#include <algorithm>

namespace dyad::clear {

namespace {

#define DYAD_INLINE [[gnu::always_inline]] inline

/// A tile of kPanelRows rows and two vectors of columns, over the whole inner axis.
template <typename T, std::size_t vectorBytes>
DYAD_INLINE void multiplyTile(const T *left, const T *block, std::size_t blockStride,
                              std::size_t inner, T *into, std::size_t stride, std::size_t columns) {
  using Vector [[gnu::vector_size(vectorBytes), gnu::aligned(alignof(T))]] = T;
  constexpr std::size_t lanes = vectorBytes / sizeof(T);
  Vector sums[kPanelRows][2] = {};
  for (std::size_t k = 0; k < inner; ++k) {
    const Vector first = *reinterpret_cast<const Vector *>(block + k * blockStride);
    const Vector second = *reinterpret_cast<const Vector *>(block + k * blockStride + lanes);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < kPanelRows; ++r) {
      const T factor = left[k * kPanelRows + r];
      sums[r][0] += first * factor;
      sums[r][1] += second * factor;
    }
  }
  const std::size_t count = std::min(columns, 2 * lanes);
#pragma GCC unroll 4
  for (std::size_t r = 0; r < kPanelRows; ++r) {
    T row[2 * lanes];
    *reinterpret_cast<Vector *>(row) = sums[r][0];
    *reinterpret_cast<Vector *>(row + lanes) = sums[r][1];
    std::copy_n(row, count, into + r * stride);
  }
}

template <typename T, std::size_t vectorBytes>
DYAD_INLINE void multiplyWith(const PackedLeft<T> &left, const T *block, std::size_t blockStride,
                              std::size_t columns, T *into, std::size_t stride) {
  if (left.inner == 0) {
    for (std::size_t r = 0; r < left.rows; ++r)
      std::fill_n(into + r * stride, columns, T{0});
    return;
  }
  constexpr std::size_t tile = 2 * vectorBytes / sizeof(T);
  T edge[kPanelRows * tile];
  for (std::size_t column = 0; column < columns; column += tile)
    for (std::size_t row = 0; row < left.rows; row += kPanelRows) {
      const T *panel = left.panels.data() + row * left.inner;
      if (row + kPanelRows <= left.rows) {
        multiplyTile<T, vectorBytes>(panel, block + column, blockStride, left.inner,
                                     into + row * stride + column, stride, columns - column);
        continue;
      }
      multiplyTile<T, vectorBytes>(panel, block + column, blockStride, left.inner, edge, tile,
                                   tile);
      for (std::size_t r = row; r < left.rows; ++r)
        std::copy_n(edge + (r - row) * tile, std::min(columns - column, tile),
                    into + r * stride + column);
    }
}

template <typename T>
void multiplyPlain(const PackedLeft<T> &left, const T *block, std::size_t blockStride,
                   std::size_t columns, T *into, std::size_t stride) {
  multiplyWith<T, 16>(left, block, blockStride, columns, into, stride);
}

#if defined(__x86_64__)
template <typename T>
[[gnu::target("avx2,fma")]] void multiplyAvx2(const PackedLeft<T> &left, const T *block,
                                              std::size_t blockStride, std::size_t columns, T *into,
                                              std::size_t stride) {
  multiplyWith<T, 32>(left, block, blockStride, columns, into, stride);
}
template <typename T>
[[gnu::target("avx2,fma,avx512f,avx512dq,avx512vl")]]
#if defined(__clang__)
[[clang::min_vector_width(512)]]
#endif
void multiplyAvx512(const PackedLeft<T> &left, const T *block, std::size_t blockStride,
                    std::size_t columns, T *into, std::size_t stride) {
  multiplyWith<T, 64>(left, block, blockStride, columns, into, stride);
}
#endif

} // namespace

template <typename T> PackedLeft<T> packLeft(const T *from, std::size_t rows, std::size_t inner) {
  PackedLeft<T> left{rows, inner, {}};
  left.panels.assign((rows + kPanelRows - 1) / kPanelRows * kPanelRows * inner, T{0});
  if (left.panels.empty())
    return left;
  for (std::size_t r = 0; r < rows; ++r) {
    T *panel = left.panels.data() + r / kPanelRows * kPanelRows * inner + r % kPanelRows;
    for (std::size_t k = 0; k < inner; ++k)
      panel[k * kPanelRows] = from[r * inner + k];
  }
  return left;
}

template <typename T> std::size_t blockColumns(std::size_t inner, std::size_t columns) {
  constexpr std::size_t kBlockBytes = std::size_t{256} << 10;
  const std::size_t panel = kPanelColumns<T>;
  const std::size_t fitting = kBlockBytes / sizeof(T) / std::max<std::size_t>(inner, 1);
  const std::size_t needed = (columns + panel - 1) / panel * panel;
  return std::clamp(fitting / panel * panel, panel, std::max(needed, panel));
}

template <typename T>
void multiplyBlock(const PackedLeft<T> &left, const T *block, std::size_t blockStride,
                   std::size_t columns, T *into, std::size_t stride) {
  static const BlockProduct<T> multiply = blockProducts<T>().front();
  multiply(left, block, blockStride, columns, into, stride);
}

template <typename T> std::vector<BlockProduct<T>> blockProducts() {
  std::vector<BlockProduct<T>> products;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    products.push_back(multiplyAvx512<T>);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    products.push_back(multiplyAvx2<T>);
#endif
  products.push_back(multiplyPlain<T>);
  return products;
}

// NOLINTBEGIN(bugprone-macro-parentheses): T is a type, which takes no parentheses.
#define DYAD_INSTANTIATE(T)                                                                        \
  template PackedLeft<T> packLeft(const T *, std::size_t, std::size_t);                            \
  template std::vector<BlockProduct<T>> blockProducts<T>();                                        \
  template std::size_t blockColumns<T>(std::size_t, std::size_t);                                  \
  template void multiplyBlock(const PackedLeft<T> &, const T *, std::size_t, std::size_t, T *,     \
                              std::size_t);
DYAD_INSTANTIATE(float)
DYAD_INSTANTIATE(double)
DYAD_INSTANTIATE(std::uint64_t)
#undef DYAD_INSTANTIATE
// NOLINTEND(bugprone-macro-parentheses)

} // namespace dyad::clear
