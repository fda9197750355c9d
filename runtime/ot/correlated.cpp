// SPDX-License-Identifier: Apache-2.0
// See correlated.h. Pads are words of 4 bytes where all fields have at most 32 bits, else of 8: a
// word of pad for each value, in the order of the payload.
#include "runtime/ot/correlated.h"

#include "runtime/net/error.h"
#include "runtime/ot/bit_pieces.h"
#include "runtime/parallel/thread_pool.h"

#include <algorithm>
#include <array>
#include <utility>

namespace dyad {
namespace {

constexpr std::size_t kTileBlocks = 512;
// Blocks of pads that one thread makes at a time, some tens of microseconds.
constexpr std::size_t kPieceBlocks = 8192;
// COTs of which one thread corrects the choices at a time; a multiple of 64.
constexpr std::size_t kCotsPerPiece = 65536;

constexpr std::size_t bytesOf(std::uint64_t bits) { return (bits + 7) / 8; }

template <typename Word> constexpr Word maskFor(unsigned bits) {
  return static_cast<Word>(~std::uint64_t{0} >> (64 - bits));
}

void requireWidth(unsigned bits) {
  DYAD_REQUIRE(bits >= 1 && bits <= 64, kOutOfRange, "values of {} bits; 1 to 64 are possible",
               bits);
}

std::uint64_t countOf(const std::vector<CotGroup> &groups) {
  std::uint64_t count = 0;
  for (const CotGroup &group : groups) {
    count += group.count;
    for (const CotField &field : group.fields)
      requireWidth(field.bits);
  }
  return count;
}

std::uint64_t payloadBitsOf(const std::vector<CotGroup> &groups) {
  std::uint64_t bits = 0;
  for (const CotGroup &group : groups)
    bits += group.count * group.payloadBits();
  return bits;
}

/// A group's layout of pads.
struct PadShape {
  bool narrow = true;
  std::size_t words = 0;
  std::size_t blocks = 0;
  std::uint64_t tile = 0;  ///< COTs at a time, so that their pads stay in the cache
  std::uint64_t piece = 0; ///< COTs of one thread

  explicit PadShape(const CotGroup &group) {
    for (const CotField &field : group.fields) {
      narrow = narrow && field.bits <= 32;
      words += field.length;
    }
    blocks = std::max<std::size_t>(1, (words * (narrow ? 4 : 8) + 15) / 16);
    tile = std::max<std::size_t>(1, kTileBlocks / blocks);
    piece = tile * (kPieceBlocks / kTileBlocks);
  }
};

// One field of one COT: shares -v for the sender, delta + v + m for the wire.
template <typename Word>
void sendField(const Word *v, const Word *m, const std::uint64_t *delta, std::size_t length,
               unsigned bits, std::uint64_t *share, std::vector<Word> &line, BitWriter &writer) {
  const Word mask = maskFor<Word>(bits);
  line.resize(length);
  for (std::size_t i = 0; i < length; ++i) {
    share[i] = static_cast<Word>(0 - v[i]) & mask;
    line[i] = static_cast<Word>(static_cast<Word>(delta[i]) + v[i] + m[i]) & mask;
  }
  writer.put(line.data(), length, bits);
}

// choice ? payload - pad : pad.
template <typename Word>
void receiveField(const Word *pad, std::uint64_t choice, std::size_t length, unsigned bits,
                  std::uint64_t *share, std::vector<Word> &line, BitReader &reader) {
  const Word mask = maskFor<Word>(bits);
  const Word chosen = static_cast<Word>(0 - choice);
  line.resize(length);
  reader.get(line.data(), length, bits);
  for (std::size_t i = 0; i < length; ++i)
    share[i] = static_cast<Word>((line[i] & chosen) + (pad[i] ^ chosen) + (chosen & 1)) & mask;
}

template <typename Word>
void sendTile(const CotGroup &group, const PadShape &shape, std::uint64_t from, std::uint64_t count,
              const Block *zero, const Block *one, const Ring *deltas, Ring *shares,
              BitWriter &writer) {
  std::vector<Word> line;
  for (std::uint64_t c = 0; c < count; ++c) {
    const auto *v = reinterpret_cast<const Word *>(zero + c * shape.blocks);
    const auto *m = reinterpret_cast<const Word *>(one + c * shape.blocks);
    for (std::size_t f = 0; f < group.fields.size(); ++f) {
      const CotField &field = group.fields[f];
      const std::size_t at = (from + c) * field.length;
      sendField(v, m, deltas[f].data() + at, field.length, field.bits, shares[f].data() + at, line,
                writer);
      v += field.length;
      m += field.length;
    }
  }
}

template <typename Word>
void receiveTile(const CotGroup &group, const PadShape &shape, std::uint64_t from,
                 std::uint64_t count, const Block *pads, const BitVec &choices,
                 std::uint64_t firstChoice, Ring *shares, BitReader &reader) {
  std::vector<Word> line;
  for (std::uint64_t c = 0; c < count; ++c) {
    const auto *pad = reinterpret_cast<const Word *>(pads + c * shape.blocks);
    const std::uint64_t choice = choices[firstChoice + c] ? 1 : 0;
    for (std::size_t f = 0; f < group.fields.size(); ++f) {
      const CotField &field = group.fields[f];
      receiveField(pad, choice, field.length, field.bits,
                   shares[f].data() + (from + c) * field.length, line, reader);
      pad += field.length;
    }
  }
}

} // namespace

Task<CotSendBatch> CotSendBatch::open(Session &session, std::uint64_t n) {
  CotSendBatch batch;
  const SentCots cots = session.stock().takeSent(n);
  batch.hash_ = &session.stock().sentHash();
  batch.delta_ = session.stock().delta();
  batch.first_ = cots.first;
  const BitVec corrections = BitVec::fromBytes(n, co_await session.flows().tick(bytesOf(n)));
  batch.q_ = BlockBuffer(n);
  parallelFor(n, kCotsPerPiece, [&](std::size_t begin, std::size_t end) {
    Block *const q = batch.q_.blocks().data();
    for (std::size_t i = begin; i < end; ++i)
      q[i] = cots.q[i] ^ (batch.delta_ & maskOf(corrections[i] ? 1 : 0));
  });
  co_return batch;
}

void CotSendBatch::pads(std::uint64_t first, std::uint64_t count, std::size_t blocks, Block *zero,
                        Block *one) const {
  const std::span<const Block> q = q_.blocks().subspan(first, count);
  hash_->expand(first_ + first, q, blocks, zero);
  hash_->expandOffset(first_ + first, q, delta_, blocks, one);
}

Task<CotReceiveBatch> CotReceiveBatch::open(Session &session, BitVec choices) {
  CotReceiveBatch batch;
  batch.cots_ = session.stock().takeReceived(choices.size());
  batch.hash_ = &session.stock().receivedHash();
  const std::span<const Block> t = batch.cots_.t;
  const std::span<std::uint64_t> words = choices.words();
  parallelFor(t.size(), kCotsPerPiece, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      words[i / 64] ^= (t[i].low & 1) << (i % 64);
  });
  choices.toBytes(session.flows().sendBuffer(choices.byteCount()));
  co_await session.flows().tick();
  co_return batch;
}

void CotReceiveBatch::pads(std::uint64_t first, std::uint64_t count, std::size_t blocks,
                           Block *chosen) const {
  hash_->expand(cots_.first + first, cots_.t.subspan(first, count), blocks, chosen);
}

Task<std::vector<Ring>> sendCots(Session &session, std::vector<CotGroup> groups,
                                 std::vector<Ring> deltas) {
  const std::uint64_t total = countOf(groups);
  std::size_t field = 0;
  std::vector<Ring> shares;
  for (const CotGroup &group : groups)
    for (const CotField &shape : group.fields) {
      DYAD_REQUIRE(field < deltas.size() && deltas[field].size() == group.count * shape.length,
                   kShapeMismatch, "correlations of field {} do not have {} x {} values", field,
                   group.count, shape.length);
      shares.emplace_back(group.count * shape.length);
      ++field;
    }
  DYAD_REQUIRE(field == deltas.size(), kShapeMismatch, "{} vectors of correlations for {} fields",
               deltas.size(), field);

  const CotSendBatch batch = co_await CotSendBatch::open(session, total);
  BitPieceWriter message(session.flows());
  std::uint64_t first = 0;
  field = 0;
  for (const CotGroup &group : groups) {
    const PadShape shape(group);
    const auto tile = shape.narrow ? sendTile<std::uint32_t> : sendTile<std::uint64_t>;
    message.append(group.count, group.payloadBits(), shape.piece,
                   [&](std::uint64_t begin, std::uint64_t end, BitWriter &writer) {
                     std::vector<Block> zero(shape.tile * shape.blocks);
                     std::vector<Block> one(shape.tile * shape.blocks);
                     for (std::uint64_t at = begin; at < end; at += shape.tile) {
                       const std::uint64_t count = std::min(shape.tile, end - at);
                       batch.pads(first + at, count, shape.blocks, zero.data(), one.data());
                       tile(group, shape, at, count, zero.data(), one.data(), deltas.data() + field,
                            shares.data() + field, writer);
                     }
                   });
    first += group.count;
    field += group.fields.size();
  }
  message.finish();
  co_await session.flows().tick();
  co_return shares;
}

Task<std::vector<Ring>> receiveCots(Session &session, std::vector<CotGroup> groups,
                                    BitVec choices) {
  const std::uint64_t total = countOf(groups);
  DYAD_REQUIRE(choices.size() == total, kShapeMismatch, "{} choices for {} OTs", choices.size(),
               total);
  std::vector<Ring> shares;
  for (const CotGroup &group : groups)
    for (const CotField &field : group.fields)
      shares.emplace_back(group.count * field.length);

  const CotReceiveBatch batch = co_await CotReceiveBatch::open(session, choices);
  BitPieceReader message(co_await session.flows().tickInPieces(bytesOf(payloadBitsOf(groups))));
  std::uint64_t first = 0;
  std::size_t field = 0;
  for (const CotGroup &group : groups) {
    const PadShape shape(group);
    const auto tile = shape.narrow ? receiveTile<std::uint32_t> : receiveTile<std::uint64_t>;
    message.read(group.count, group.payloadBits(), shape.piece,
                 [&](std::uint64_t begin, std::uint64_t end, BitReader &reader) {
                   std::vector<Block> pads(shape.tile * shape.blocks);
                   for (std::uint64_t at = begin; at < end; at += shape.tile) {
                     const std::uint64_t count = std::min(shape.tile, end - at);
                     batch.pads(first + at, count, shape.blocks, pads.data());
                     tile(group, shape, at, count, pads.data(), choices, first + at,
                          shares.data() + field, reader);
                   }
                 });
    first += group.count;
    field += group.fields.size();
  }
  co_return shares;
}

Task<Ring> sendCots(Session &session, Ring deltas, unsigned bits) {
  std::vector<CotGroup> groups = {{deltas.size(), {{bits, 1}}}};
  std::vector<Ring> correlations;
  correlations.push_back(std::move(deltas));
  std::vector<Ring> shares = co_await sendCots(session, std::move(groups), std::move(correlations));
  co_return std::move(shares[0]);
}

Task<Ring> receiveCots(Session &session, BitVec choices, unsigned bits) {
  std::vector<CotGroup> groups = {{choices.size(), {{bits, 1}}}};
  std::vector<Ring> shares = co_await receiveCots(session, std::move(groups), std::move(choices));
  co_return std::move(shares[0]);
}

Task<void> sendOts(Session &session, Ring zeros, Ring ones, unsigned bits) {
  requireWidth(bits);
  DYAD_REQUIRE(zeros.size() == ones.size(), kShapeMismatch, "{} and {} messages", zeros.size(),
               ones.size());
  const std::uint64_t n = zeros.size();
  const CotSendBatch batch = co_await CotSendBatch::open(session, n);
  const std::uint64_t mask = maskFor<std::uint64_t>(bits);
  BitPieceWriter message(session.flows());
  message.append(n, std::uint64_t{2} * bits, kPieceBlocks,
                 [&](std::uint64_t begin, std::uint64_t end, BitWriter &writer) {
                   std::array<Block, kTileBlocks> zeroPads;
                   std::array<Block, kTileBlocks> onePads;
                   for (std::uint64_t at = begin; at < end; at += kTileBlocks) {
                     const std::uint64_t count = std::min<std::uint64_t>(end - at, kTileBlocks);
                     batch.pads(at, count, 1, zeroPads.data(), onePads.data());
                     for (std::uint64_t i = 0; i < count; ++i) {
                       writer.put((zeros[at + i] ^ zeroPads[i].low) & mask, bits);
                       writer.put((ones[at + i] ^ onePads[i].low) & mask, bits);
                     }
                   }
                 });
  message.finish();
  co_await session.flows().tick();
}

Task<Ring> receiveOts(Session &session, BitVec choices, unsigned bits) {
  requireWidth(bits);
  const std::uint64_t n = choices.size();
  const CotReceiveBatch batch = co_await CotReceiveBatch::open(session, choices);
  BitPieceReader message(co_await session.flows().tickInPieces(bytesOf(2 * bits * n)));
  const std::uint64_t mask = maskFor<std::uint64_t>(bits);
  Ring result(n);
  message.read(n, std::uint64_t{2} * bits, kPieceBlocks,
               [&](std::uint64_t begin, std::uint64_t end, BitReader &reader) {
                 std::array<Block, kTileBlocks> pads;
                 for (std::uint64_t at = begin; at < end; at += kTileBlocks) {
                   const std::uint64_t count = std::min<std::uint64_t>(end - at, kTileBlocks);
                   batch.pads(at, count, 1, pads.data());
                   for (std::uint64_t i = 0; i < count; ++i) {
                     const std::uint64_t zero = reader.get(bits);
                     const std::uint64_t one = reader.get(bits);
                     const std::uint64_t choice = maskOf(choices[at + i] ? 1 : 0).low;
                     result[at + i] = (zero ^ (choice & (zero ^ one)) ^ pads[i].low) & mask;
                   }
                 }
               });
  co_return result;
}

} // namespace dyad
