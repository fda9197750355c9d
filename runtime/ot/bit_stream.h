// SPDX-License-Identifier: Apache-2.0
// Fields of 1 to 64 bits, written one after the other into a little-endian bit stream and read
// back: the wire form of ring elements. Only the end of a stream is padded.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace dyad {

static_assert(std::endian::native == std::endian::little, "the wire form is little-endian");

/// Writes into a buffer that has room for all fields, rounded up to bytes; flush() ends it.
class BitWriter {
public:
  /// The first `skipped` bits, below 8, become zero.
  explicit BitWriter(std::span<std::uint8_t> into, unsigned skipped = 0)
      : at_(into.data()), fill_(skipped) {}

  /// `field` must be below 2^bits.
  void put(std::uint64_t field, unsigned bits) {
    word_ |= field << fill_;
    const unsigned next = fill_ + bits;
    if (next >= 64) {
      std::memcpy(at_, &word_, 8);
      at_ += 8;
      word_ = field >> 1 >> (63 - fill_);
    }
    fill_ = next & 63;
  }
  /// `count` fields of the same size, each below 2^bits.
  template <typename Word> void put(const Word *fields, std::size_t count, unsigned bits) {
    std::size_t i = 0;
    if (sizeof(Word) == 4 && bits <= 32)
      for (; i + 2 <= count; i += 2)
        put(fields[i] | static_cast<std::uint64_t>(fields[i + 1]) << bits, 2 * bits);
    for (; i < count; ++i)
      put(fields[i], bits);
  }
  void flush() {
    if (fill_ == 0) // perhaps nothing was written, and there is no buffer
      return;
    if (fill_ != 0) // an empty stream has no address
      std::memcpy(at_, &word_, (fill_ + 7) / 8);
    at_ += (fill_ + 7) / 8;
    word_ = 0;
    fill_ = 0;
  }

private:
  std::uint8_t *at_;
  std::uint64_t word_ = 0;
  unsigned fill_;
};

class BitReader {
public:
  explicit BitReader(std::span<const std::uint8_t> from, std::size_t firstBit = 0)
      : from_(from), position_(firstBit) {}

  std::uint64_t get(unsigned bits) {
    const std::uint64_t field = peek(position_, bits) & ~std::uint64_t{0} >> (64 - bits);
    position_ += bits;
    return field;
  }
  /// `count` fields of the same size.
  template <typename Word> void get(Word *fields, std::size_t count, unsigned bits) {
    std::size_t i = 0;
    const std::size_t end = position_ + count * bits;
    // Away from the end of the buffer one load holds any field of up to 57 bits.
    if (bits <= 57 && from_.size() >= 8) {
      const auto mask = static_cast<Word>(~std::uint64_t{0} >> (64 - bits));
      const std::size_t safe = (from_.size() - 8) * 8;
      const std::uint8_t *const base = from_.data();
      std::size_t at = position_;
      const std::size_t fast = end <= safe ? count : at >= safe ? 0 : (safe - at) / bits;
      for (; i < fast; ++i, at += bits) {
        std::uint64_t word;
        std::memcpy(&word, base + at / 8, 8);
        fields[i] = static_cast<Word>(word >> (at % 8)) & mask;
      }
      position_ = at;
    }
    for (; i < count; ++i)
      fields[i] = static_cast<Word>(get(bits));
  }

private:
  std::uint64_t peek(std::size_t position, unsigned bits) const {
    const std::size_t first = position / 8;
    const std::size_t count = (position + bits + 7) / 8 - first;
    std::uint64_t word = 0;
    std::memcpy(&word, from_.data() + first, count < 8 ? count : 8);
    word >>= position % 8;
    if (count > 8)
      word |= static_cast<std::uint64_t>(from_[first + 8]) << (64 - position % 8);
    return word;
  }

  std::span<const std::uint8_t> from_;
  std::size_t position_;
};

} // namespace dyad
