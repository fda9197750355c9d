// SPDX-License-Identifier: Apache-2.0
// See table.h.
#include "runtime/ot/table.h"

#include "runtime/net/error.h"
#include "runtime/ot/bit_pieces.h"
#include "runtime/ot/table_pads.h"

#include <algorithm>
#include <array>
#include <utility>

namespace dyad {
namespace {

// Instances whose pads stay in the cache, and the piece of one thread.
constexpr std::size_t kTile = 256;
constexpr std::size_t kPiece = 4096;

constexpr std::size_t bytesOf(std::uint64_t bits) { return (bits + 7) / 8; }

void requirePlanes(const std::vector<BitVec> &planes, std::size_t at, std::size_t size) {
  DYAD_REQUIRE(at < planes.size() && planes[at].size() == size, kShapeMismatch,
               "bit-plane {} is missing or does not have {} bits", at, size);
}

} // namespace

Task<Ring> sendRingTables(Session &session, unsigned choiceBits, unsigned bits, Ring values) {
  const std::uint64_t entries = std::uint64_t{1} << choiceBits;
  const std::uint64_t n = values.size() / entries;
  requireTable({n, choiceBits, bits});
  DYAD_REQUIRE(n * entries == values.size(), kShapeMismatch,
               "{} values are no tables of {} entries", values.size(), entries);
  TableSender sender(session, n, choiceBits);
  sender.correct((co_await session.flows().tick(choiceBits * bytesOf(n))).data());

  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits);
  Ring share(n);
  const auto writePiece = [&](std::uint64_t begin, std::uint64_t end, BitWriter &writer) {
    std::vector<Block> pads(entries * kTile);
    for (std::uint64_t at = begin; at < end; at += kTile) {
      const std::uint64_t count = std::min<std::uint64_t>(kTile, end - at);
      for (std::size_t v = 0; v < entries; ++v)
        sender.pads(v, at, count, pads.data() + v * kTile);
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t *const table = values.data() + (at + i) * entries;
        // The message of entry 0, f(0) + rho + pad, is zero.
        const std::uint64_t minusRho = table[0] + pads[i].low;
        share[at + i] = minusRho & mask;
        for (std::size_t v = 1; v < entries; ++v)
          writer.put((table[v] - minusRho + pads[v * kTile + i].low) & mask, bits);
      }
    }
  };
  BitPieceWriter message(session.flows());
  message.append(n, (entries - 1) * bits, kPiece, writePiece);
  message.finish();
  co_await session.flows().tick();
  co_return share;
}

Task<Ring> receiveRingTables(Session &session, unsigned choiceBits, unsigned bits,
                             std::vector<BitVec> choices) {
  DYAD_REQUIRE(choices.size() == choiceBits && !choices.empty(), kShapeMismatch,
               "{} choice planes for {} choice bits", choices.size(), choiceBits);
  const std::uint64_t n = choices[0].size();
  requireTable({n, choiceBits, bits});
  for (unsigned s = 0; s < choiceBits; ++s)
    requirePlanes(choices, s, n);
  const TableReceiver receiver(session, n, choiceBits);
  std::span<std::uint8_t> message = session.flows().sendBuffer(choiceBits * bytesOf(n));
  for (unsigned s = 0; s < choiceBits; ++s)
    receiver.writeChoice(s, choices[s], message.subspan(s * bytesOf(n)));
  co_await session.flows().tick();

  const std::uint64_t entries = std::uint64_t{1} << choiceBits;
  BitPieceReader payload(co_await session.flows().tickInPieces(bytesOf(n * (entries - 1) * bits)));
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits);
  Ring result(n);
  const auto readPiece = [&](std::uint64_t begin, std::uint64_t end, BitReader &reader) {
    std::array<Block, kTile> pads;
    for (std::uint64_t at = begin; at < end; at += kTile) {
      const std::uint64_t count = std::min<std::uint64_t>(kTile, end - at);
      receiver.pads(at, count, pads.data());
      for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t choice = 0;
        for (unsigned s = 0; s < choiceBits; ++s)
          choice |= static_cast<std::uint64_t>(choices[s][at + i]) << s;
        std::uint64_t chosen = 0;
        for (std::uint64_t v = 1; v < entries; ++v) {
          // All ones where v is the choice, without a branch.
          const std::uint64_t different = v ^ choice;
          chosen |= reader.get(bits) & (((different | (0 - different)) >> 63) - 1);
        }
        result[at + i] = (chosen - pads[i].low) & mask;
      }
    }
  };
  payload.read(n, (entries - 1) * bits, kPiece, readPiece);
  co_return result;
}

} // namespace dyad
