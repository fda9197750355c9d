// SPDX-License-Identifier: Apache-2.0
// See bit_pieces.h.
#include "runtime/ot/bit_pieces.h"

#include "runtime/parallel/thread_pool.h"

#include <algorithm>
#include <cstring>

namespace dyad {
namespace {

// Bits between two waits of the threads for each other: two pieces of the scheduler's.
constexpr std::uint64_t kTogetherBits = 2 * kPieceBytes * 8;

std::uint64_t elementsTogether(std::uint64_t bitsEach, std::uint64_t grain) {
  const std::uint64_t some =
      std::max<std::uint64_t>(kTogetherBits / std::max<std::uint64_t>(bitsEach, 1), 1);
  return (some + grain - 1) / grain * grain;
}

} // namespace

void BitPieceWriter::append(std::uint64_t count, std::uint64_t bitsEach, std::uint64_t grain,
                            const Write &write) {
  const std::uint64_t together = elementsTogether(bitsEach, grain);
  for (std::uint64_t from = 0; from < count; from += together) {
    const std::uint64_t some = std::min(together, count - from);
    const std::uint64_t bits = phase_ + some * bitsEach;
    const std::span<std::uint8_t> into = flows_.sendBuffer(bits / 8);
    edges_.assign(2 * ((some + grain - 1) / grain), {});
    parallelFor(some, grain, [&](std::size_t begin, std::size_t end) {
      const std::uint64_t firstBit = phase_ + begin * bitsEach;
      const std::uint64_t lastBit = phase_ + end * bitsEach;
      const std::uint64_t first = firstBit / 8;
      std::vector<std::uint8_t> own((lastBit + 7) / 8 - first);
      BitWriter writer(own, firstBit % 8);
      write(from + begin, from + end, writer);
      writer.flush();
      // Neighbours write into the bytes at the ends, too.
      const std::uint64_t inner = first + (firstBit % 8 != 0 ? 1 : 0);
      if (lastBit / 8 > inner)
        std::memcpy(into.data() + inner, own.data() + (inner - first), lastBit / 8 - inner);
      Edge *const edges = edges_.data() + 2 * (begin / grain);
      if (inner != first)
        edges[0] = {first, own.front()};
      if (lastBit % 8 != 0 && lastBit / 8 >= inner)
        edges[1] = {lastBit / 8, own.back()};
    });
    std::uint8_t carry = 0;
    const auto add = [&](const Edge &edge) {
      (edge.at < into.size() ? into[edge.at] : carry) |= edge.bits;
    };
    add({0, carry_});
    std::for_each(edges_.begin(), edges_.end(), add);
    carry_ = carry;
    phase_ = bits % 8;
  }
}

void BitPieceWriter::finish() {
  if (phase_ != 0)
    flows_.sendBuffer(1)[0] = carry_;
  phase_ = 0;
  carry_ = 0;
}

void BitPieceReader::read(std::uint64_t count, std::uint64_t bitsEach, std::uint64_t grain,
                          const Read &read) {
  const std::uint64_t together = elementsTogether(bitsEach, grain);
  for (std::uint64_t from = 0; from < count; from += together) {
    const std::uint64_t some = std::min(together, count - from);
    const std::uint64_t bits = phase_ + some * bitsEach;
    const std::size_t kept = phase_ != 0 ? 1 : 0;
    std::span<const std::uint8_t> bytes = pieces_.next((bits + 7) / 8 - kept);
    if (kept != 0) {
      joined_.resize(bytes.size() + 1);
      joined_[0] = carry_;
      std::copy(bytes.begin(), bytes.end(), joined_.begin() + 1);
      bytes = joined_;
    }
    parallelFor(some, grain, [&](std::size_t begin, std::size_t end) {
      BitReader reader(bytes, phase_ + begin * bitsEach);
      read(from + begin, from + end, reader);
    });
    phase_ = bits % 8;
    if (!bytes.empty())
      carry_ = bytes.back();
  }
}

} // namespace dyad
