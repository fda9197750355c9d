// SPDX-License-Identifier: Apache-2.0
// A vector of bits packed into 64-bit words, the form of shared bits: bit i of plane operations is
// one bit of word i / 64. Bits beyond the size are zero, always.
#pragma once

#include "runtime/net/error.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace dyad {

static_assert(std::endian::native == std::endian::little, "bits go out as the bytes of words");

class BitVec {
public:
  BitVec() = default;
  /// Zeros.
  explicit BitVec(std::size_t size) : size_(size), words_((size + 63) / 64) {}

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool operator[](std::size_t i) const { return (words_[i / 64] >> (i % 64) & 1) != 0; }
  void set(std::size_t i, bool bit) {
    const std::uint64_t at = std::uint64_t{1} << (i % 64);
    words_[i / 64] = (words_[i / 64] & ~at) | (-static_cast<std::uint64_t>(bit) & at);
  }

  /// The packed words. Whoever writes them calls trim() afterwards.
  std::span<std::uint64_t> words() { return words_; }
  std::span<const std::uint64_t> words() const { return words_; }
  /// Clears the bits beyond the size.
  void trim() {
    if (size_ % 64 != 0)
      words_.back() &= ~std::uint64_t{0} >> (64 - size_ % 64);
  }

  /// Bytes of this vector on the wire.
  std::size_t byteCount() const { return (size_ + 7) / 8; }
  void toBytes(std::span<std::uint8_t> bytes) const {
    if (size_ != 0)
      std::memcpy(bytes.data(), words_.data(), byteCount());
  }
  /// Padding bits that a peer set are dropped.
  static BitVec fromBytes(std::size_t size, std::span<const std::uint8_t> bytes) {
    BitVec result(size);
    if (size != 0)
      std::memcpy(result.words_.data(), bytes.data(), result.byteCount());
    result.trim();
    return result;
  }

  BitVec &operator^=(const BitVec &other) {
    requireSize(other);
    for (std::size_t i = 0; i < words_.size(); ++i)
      words_[i] ^= other.words_[i];
    return *this;
  }
  BitVec &operator&=(const BitVec &other) {
    requireSize(other);
    for (std::size_t i = 0; i < words_.size(); ++i)
      words_[i] &= other.words_[i];
    return *this;
  }
  friend BitVec operator^(BitVec a, const BitVec &b) { return a ^= b; }
  friend BitVec operator&(BitVec a, const BitVec &b) { return a &= b; }
  BitVec operator~() const {
    BitVec result = *this;
    for (std::uint64_t &word : result.words_)
      word = ~word;
    result.trim();
    return result;
  }
  bool operator==(const BitVec &) const = default;

  /// Bits [from, from + count).
  BitVec slice(std::size_t from, std::size_t count) const;
  /// Appends all of `other`.
  void append(const BitVec &other);

private:
  void requireSize(const BitVec &other) const {
    DYAD_REQUIRE(size_ == other.size_, kShapeMismatch, "operands of {} and {} bits", size_,
                 other.size_);
  }

  std::size_t size_ = 0;
  std::vector<std::uint64_t> words_;
};

} // namespace dyad
