// SPDX-License-Identifier: Apache-2.0
// The inner loop of convolutions and matrix products: a packed left matrix times a block of columns
// that stays in cache, for the vector width of the machine it runs on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dyad::clear {

/// Rows of the left matrix that one inner loop handles together.
inline constexpr std::size_t kPanelRows = 4;
/// Columns likewise; rows of a block are padded with zeros to a multiple of it.
template <typename T> inline constexpr std::size_t kPanelColumns = 128 / sizeof(T);

/// A rows x inner matrix in panels of kPanelRows rows, each stored column by column.
template <typename T> struct PackedLeft {
  std::size_t rows = 0;
  std::size_t inner = 0;
  std::vector<T> panels;
};

/// Packs a row-major matrix.
template <typename T> PackedLeft<T> packLeft(const T *from, std::size_t rows, std::size_t inner);

/// Columns of a block so that it stays in the second-level cache: a multiple of kPanelColumns.
template <typename T> std::size_t blockColumns(std::size_t inner, std::size_t columns);

/// into[r, c] = sum over k of left[r, k] * block[k, c] for c < columns; block has `inner` rows of
/// `blockStride` elements, into rows of `stride`. T is float, double or uint64_t (modulo 2^64).
template <typename T>
void multiplyBlock(const PackedLeft<T> &left, const T *block, std::size_t blockStride,
                   std::size_t columns, T *into, std::size_t stride);

/// The variants of multiplyBlock that this machine can run, widest vectors first; it uses the
/// first.
template <typename T>
using BlockProduct = void (*)(const PackedLeft<T> &, const T *, std::size_t, std::size_t, T *,
                              std::size_t);
template <typename T> std::vector<BlockProduct<T>> blockProducts();

} // namespace dyad::clear
