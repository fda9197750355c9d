// SPDX-License-Identifier: Apache-2.0
// Memory for many blocks that is not cleared first and is used again: for hundreds of megabytes of
// correlated OTs, clearing and page faults would cost as much as making them.
#pragma once

#include "runtime/crypto/block.h"

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace dyad {

class BlockBuffer {
public:
  BlockBuffer() = default;
  /// Contents are not initialised.
  explicit BlockBuffer(std::size_t size)
      : data_(static_cast<Block *>(::operator new(size * sizeof(Block), kAlignment))), size_(size) {
  }
  std::span<Block> blocks() { return {data_.get(), size_}; }
  std::span<const Block> blocks() const { return {data_.get(), size_}; }
  std::size_t size() const { return size_; }

private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(Block *data) const { ::operator delete(data, kAlignment); }
  };
  std::unique_ptr<Block, Free> data_;
  std::size_t size_ = 0;
};

/// Gives out buffers that are shared with whoever still reads them, and takes them back.
class BlockBuffers {
public:
  /// At least so many blocks, uninitialised; one that nobody holds any more when it fits, unless
  /// it is far too large.
  std::shared_ptr<BlockBuffer> get(std::size_t size) {
    std::erase_if(buffers_, [&](const std::shared_ptr<BlockBuffer> &buffer) {
      return buffer.use_count() == 1 && buffer->size() > 4 * size;
    });
    for (const std::shared_ptr<BlockBuffer> &buffer : buffers_)
      if (buffer.use_count() == 1 && buffer->size() >= size)
        return buffer;
    // None fits: those that are too small are not needed either.
    std::erase_if(buffers_, [](const std::shared_ptr<BlockBuffer> &buffer) {
      return buffer.use_count() == 1;
    });
    return buffers_.emplace_back(std::make_shared<BlockBuffer>(size));
  }

private:
  std::vector<std::shared_ptr<BlockBuffer>> buffers_;
};

} // namespace dyad
