// SPDX-License-Identifier: Apache-2.0
// See lookup.h. The server sends the table rotated (or permuted by XOR) by its share of the index,
// the client chooses with its own share.
#include "runtime/functions/lookup.h"

#include "runtime/ot/bit_pieces.h"
#include "runtime/ot/bit_stream.h"
#include "runtime/ot/table_pads.h"
#include "runtime/protocols/bit_planes.h"

#include <algorithm>
#include <array>
#include <utility>

namespace dyad {
namespace {

using Kind = LookupField::Kind;

/// Instances whose pads stay in the cache, and the piece of one thread.
constexpr std::size_t kTile = 512;

void requireLookup(const Session &session, const LookupTable &table, const Ring &index) {
  const LookupShape &shape = table.shape;
  DYAD_REQUIRE(shape.indexBits >= 1 && shape.indexBits <= 8, kOutOfRange,
               "look-up of {} index bits; 1 to 8 are possible", shape.indexBits);
  DYAD_REQUIRE(shape.entryBits() <= kMaxEntryBits, kOutOfRange,
               "table entry of {} bits; the limit is {}", shape.entryBits(), kMaxEntryBits);
  for (const LookupField &field : shape.fields)
    requireWidth(field.bits);
  for (const std::uint64_t value : index)
    DYAD_REQUIRE(value < shape.entries(), kOutOfRange, "index share above {} bits",
                 shape.indexBits);
  if (!session.isServer())
    return;
  const std::size_t fields = shape.fields.size();
  DYAD_REQUIRE(table.values.size() == shape.entries() * fields, kShapeMismatch,
               "{} values for a table of {} entries of {} fields", table.values.size(),
               shape.entries(), fields);
  for (std::size_t i = 0; i < table.values.size(); ++i)
    DYAD_REQUIRE((table.values[i] & ~ringMask(shape.fields[i % fields].bits)) == 0, kOutOfRange,
                 "value {} of a table does not fit {} bits", i, shape.fields[i % fields].bits);
}

/// Takes fields off a pad of 128 bits, from the low end.
class PadReader {
public:
  explicit PadReader(const Block &pad) : low_(pad.low), high_(pad.high) {}
  std::uint64_t take(unsigned bits) {
    const std::uint64_t field = low_ & ringMask(bits);
    if (bits == 64) {
      low_ = high_;
      high_ = 0;
    } else {
      low_ = low_ >> bits | high_ << (64 - bits);
      high_ >>= bits;
    }
    return field;
  }

private:
  std::uint64_t low_, high_;
};

LookupResult emptyResult(const LookupShape &shape, std::size_t n) {
  LookupResult result;
  result.values.assign(shape.fields.size(), Ring(n));
  for (const LookupField &field : shape.fields)
    if (field.kind == Kind::kRingWithWrap)
      result.wraps.emplace_back(n);
  return result;
}

std::size_t payloadBytes(const LookupShape &shape, std::size_t n) {
  return (n * (shape.entries() - 1) * shape.entryBits() + 7) / 8;
}

/// Calls with the field, its number and the number of its wrap, if it has one.
template <typename Body> void forFields(const LookupShape &shape, Body body) {
  std::size_t wrap = 0;
  for (std::size_t f = 0; f < shape.fields.size(); ++f) {
    body(shape.fields[f], f, wrap);
    wrap += shape.fields[f].kind == Kind::kRingWithWrap ? 1 : 0;
  }
}

Task<LookupResult> send(Session &session, const LookupTable &table, const Ring &index,
                        bool additive) {
  const LookupShape &shape = table.shape;
  const std::size_t n = index.size();
  const std::uint64_t entries = shape.entries();
  TableSender sender(session, n, shape.indexBits);
  sender.correct((co_await session.flows().tick(shape.indexBits * ((n + 7) / 8))).data());

  LookupResult mine = emptyResult(shape, n);
  const auto entryAt = [&](std::uint64_t share, std::uint64_t v) {
    const std::uint64_t at = additive ? (share + v) & (entries - 1) : share ^ v;
    return table.values.data() + at * shape.fields.size();
  };
  const auto writePiece = [&](std::uint64_t begin, std::uint64_t end, BitWriter &writer) {
    std::vector<Block> pads(entries * kTile);
    for (std::uint64_t v = 0; v < entries; ++v)
      sender.pads(v, begin, end - begin, pads.data() + v * kTile);
    for (std::uint64_t i = begin; i < end; ++i) {
      const std::uint64_t share = index[i];
      // The sender's share is what makes the message of choice 0 zero; it is not sent.
      PadReader first(pads[i - begin]);
      const std::uint64_t *const entry = entryAt(share, 0);
      forFields(shape, [&](const LookupField &field, std::size_t f, std::size_t wrap) {
        const std::uint64_t pad = first.take(field.bits);
        std::uint64_t &own = mine.values[f][i];
        own = (field.kind == Kind::kBits ? entry[f] ^ pad : entry[f] + pad) & ringMask(field.bits);
        if (field.kind == Kind::kRingWithWrap)
          mine.wraps[wrap].set(i, (entry[f] < own) != (first.take(1) != 0));
      });
      for (std::uint64_t v = 1; v < entries; ++v) {
        PadReader pad(pads[v * kTile + i - begin]);
        const std::uint64_t *const chosen = entryAt(share, v);
        forFields(shape, [&](const LookupField &field, std::size_t f, std::size_t wrap) {
          const std::uint64_t own = mine.values[f][i];
          const std::uint64_t mask = pad.take(field.bits);
          writer.put((field.kind == Kind::kBits ? chosen[f] ^ own ^ mask : chosen[f] - own + mask) &
                         ringMask(field.bits),
                     field.bits);
          // x0 + x1 wraps iff the entry is below the sender's share.
          if (field.kind == Kind::kRingWithWrap)
            writer.put(((chosen[f] < own) != mine.wraps[wrap][i]) != (pad.take(1) != 0), 1);
        });
      }
    }
  };
  BitPieceWriter message(session.flows());
  message.append(n, (entries - 1) * shape.entryBits(), kTile, writePiece);
  message.finish();
  co_await session.flows().tick();
  co_return mine;
}

Task<LookupResult> receive(Session &session, const LookupShape &shape, const Ring &index) {
  const std::size_t n = index.size();
  const std::uint64_t entries = shape.entries();
  const TableReceiver receiver(session, n, shape.indexBits);
  const std::size_t planeBytes = (n + 7) / 8;
  const std::vector<BitVec> choices = bitPlanes(index, shape.indexBits);
  const std::span<std::uint8_t> message = session.flows().sendBuffer(shape.indexBits * planeBytes);
  for (unsigned s = 0; s < shape.indexBits; ++s)
    receiver.writeChoice(s, choices[s], message.subspan(s * planeBytes));
  co_await session.flows().tick();

  BitPieceReader payload(co_await session.flows().tickInPieces(payloadBytes(shape, n)));
  LookupResult mine = emptyResult(shape, n);
  const auto readPiece = [&](std::uint64_t begin, std::uint64_t end, BitReader &reader) {
    std::vector<Block> pads(kTile);
    std::vector<std::uint64_t> chosen(2 * shape.fields.size());
    receiver.pads(begin, end - begin, pads.data());
    for (std::uint64_t i = begin; i < end; ++i) {
      std::fill(chosen.begin(), chosen.end(), 0);
      for (std::uint64_t v = 1; v < entries; ++v) {
        // All ones where v is the choice, without a branch.
        const std::uint64_t different = v ^ index[i];
        const std::uint64_t keep = ((different | (0 - different)) >> 63) - 1;
        for (std::size_t f = 0; f < shape.fields.size(); ++f) {
          chosen[2 * f] |= reader.get(shape.fields[f].bits) & keep;
          if (shape.fields[f].kind == Kind::kRingWithWrap)
            chosen[2 * f + 1] |= reader.get(1) & keep;
        }
      }
      PadReader pad(pads[i - begin]);
      forFields(shape, [&](const LookupField &field, std::size_t f, std::size_t wrap) {
        const std::uint64_t mask = pad.take(field.bits);
        mine.values[f][i] =
            (field.kind == Kind::kBits ? chosen[2 * f] ^ mask : chosen[2 * f] - mask) &
            ringMask(field.bits);
        if (field.kind == Kind::kRingWithWrap)
          mine.wraps[wrap].set(i, ((chosen[2 * f + 1] ^ pad.take(1)) & 1) != 0);
      });
    }
  };
  payload.read(n, (entries - 1) * shape.entryBits(), kTile, readPiece);
  co_return mine;
}

Task<LookupResult> run(Session &session, LookupTable table, Ring index, bool additive) {
  requireLookup(session, table, index);
  if (session.isServer())
    co_return co_await send(session, table, index, additive);
  co_return co_await receive(session, table.shape, index);
}

} // namespace

Task<LookupResult> lookup(Session &session, LookupTable table, Ring index) {
  return run(session, std::move(table), std::move(index), true);
}

Task<LookupResult> lookupBits(Session &session, LookupTable table, Ring index) {
  return run(session, std::move(table), std::move(index), false);
}

} // namespace dyad
