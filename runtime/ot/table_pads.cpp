// SPDX-License-Identifier: Apache-2.0
// See table_pads.h.
#include "runtime/ot/table_pads.h"

#include "runtime/net/error.h"
#include "runtime/parallel/thread_pool.h"

namespace dyad {
namespace {

// Instances of which one thread combines the strings at a time; a multiple of 64.
constexpr std::size_t kPiece = 16384;

constexpr std::size_t bytesOf(std::uint64_t bits) { return (bits + 7) / 8; }

/// x * X^s in GF(2)[X] / (X^128 + X^7 + X^2 + X + 1), s below 8.
Block timesPower(Block x, unsigned s) {
  if (s == 0)
    return x;
  const std::uint64_t over = x.high >> (64 - s);
  return {x.low << s ^ over ^ over << 1 ^ over << 2 ^ over << 7, x.high << s | x.low >> (64 - s)};
}

/// The strings of `count` instances, each combined of one of every choice bit's.
std::vector<Block> combined(std::span<const Block> strings, std::uint64_t count) {
  std::vector<Block> result(strings.begin(), strings.begin() + static_cast<std::ptrdiff_t>(count));
  for (unsigned s = 1; s * count < strings.size(); ++s)
    parallelFor(count, kPiece, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i)
        result[i] ^= timesPower(strings[s * count + i], s);
    });
  return result;
}

} // namespace

void requireTable(const BitTable &table) {
  DYAD_REQUIRE(
      table.choiceBits >= 1 && table.choiceBits <= 8 && table.planes >= 1 && table.planes <= 64,
      kOutOfRange, "table of {} choice bits and {} bits an entry; 1 to 8 and 1 to 64 are possible",
      table.choiceBits, table.planes);
}

TableSender::TableSender(Session &session, std::uint64_t count, unsigned choiceBits)
    : stock_(session.stock()), cots_(stock_.takeSent(count * choiceBits)),
      combined_(combined(cots_.q, count)) {
  for (unsigned s = 0; s < choiceBits; ++s) {
    const Block shifted = timesPower(stock_.delta(), s);
    const std::size_t known = multiples_.size();
    for (std::size_t v = 0; v < known; ++v)
      multiples_.push_back(multiples_[v] ^ shifted);
  }
}

void TableSender::correct(const std::uint8_t *planes) {
  const std::uint64_t count = combined_.size();
  for (unsigned s = 0; s * count < cots_.q.size(); ++s) {
    const BitVec plane = BitVec::fromBytes(count, {planes + s * bytesOf(count), bytesOf(count)});
    const Block moved = multiples_[std::size_t{1} << s];
    parallelFor(count, kPiece, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i)
        combined_[i] ^= moved & maskOf(plane[i] ? 1 : 0);
    });
  }
}

void TableSender::pads(std::size_t v, std::uint64_t at, std::uint64_t count, Block *out) const {
  stock_.sentHash().expandOffset(cots_.first + at, std::span(combined_).subspan(at, count),
                                 multiples_[v], 1, out);
}

TableReceiver::TableReceiver(Session &session, std::uint64_t count, unsigned choiceBits)
    : stock_(session.stock()), cots_(stock_.takeReceived(count * choiceBits)),
      combined_(combined(cots_.t, count)) {}

void TableReceiver::writeChoice(unsigned s, BitVec plane, std::span<std::uint8_t> into) const {
  const std::uint64_t count = plane.size();
  const std::span<std::uint64_t> words = plane.words();
  parallelFor(count, kPiece, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      words[i / 64] ^= (cots_.t[s * count + i].low & 1) << (i % 64);
  });
  plane.toBytes(into);
}

void TableReceiver::pads(std::uint64_t at, std::uint64_t count, Block *out) const {
  stock_.receivedHash().expand(cots_.first + at, std::span(combined_).subspan(at, count), 1, out);
}

} // namespace dyad
