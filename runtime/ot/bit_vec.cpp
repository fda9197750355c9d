// SPDX-License-Identifier: Apache-2.0
// See bit_vec.h: the operations that move bits to other positions.
#include "runtime/ot/bit_vec.h"

namespace dyad {

BitVec BitVec::slice(std::size_t from, std::size_t count) const {
  DYAD_REQUIRE(from <= size_ && count <= size_ - from, kShapeMismatch, "bits {} to {} of {}", from,
               from + count, size_);
  BitVec result(count);
  const unsigned shift = from % 64;
  for (std::size_t i = 0; i < result.words_.size(); ++i) {
    const std::size_t at = from / 64 + i;
    result.words_[i] = words_[at] >> shift;
    if (shift != 0 && at + 1 < words_.size())
      result.words_[i] |= words_[at + 1] << (64 - shift);
  }
  result.trim();
  return result;
}

void BitVec::append(const BitVec &other) {
  const std::size_t from = size_ / 64;
  const unsigned shift = size_ % 64;
  const std::size_t count = other.words_.size();
  size_ += other.size_;
  words_.resize((size_ + 63) / 64);
  for (std::size_t i = 0; i < count; ++i) {
    words_[from + i] |= other.words_[i] << shift;
    if (shift != 0 && from + i + 1 < words_.size())
      words_[from + i + 1] |= other.words_[i] >> (64 - shift);
  }
}

} // namespace dyad
