// SPDX-License-Identifier: Apache-2.0
// Look-ups of bits (table.h). All pads are made before the first message, in pieces whose strings
// stay in the cache, and only the bits that are used are kept: eight bits a digit of a comparison
// instead of four strings. A receiver's pad is that of its random choice r; the sender makes the
// pads for every r and moves them by the corrections when those have come.
#include "runtime/net/error.h"
#include "runtime/ot/pad_bits.h"
#include "runtime/ot/table.h"
#include "runtime/ot/table_pads.h"
#include "runtime/parallel/thread_pool.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace dyad {
namespace {

/// Instances whose COTs are taken together, and of these the piece of one thread.
constexpr std::uint64_t kTogether = std::uint64_t{1} << 14;
constexpr std::uint64_t kPiece = 1024;

constexpr std::size_t bytesOf(std::uint64_t bits) { return (bits + 7) / 8; }

void requirePlanes(const std::vector<BitVec> &planes, std::size_t at, std::size_t size) {
  DYAD_REQUIRE(at < planes.size() && planes[at].size() == size, kShapeMismatch,
               "bit-plane {} is missing or does not have {} bits", at, size);
}

void requireStock(const std::vector<BitTable> &tables, std::uint64_t left) {
  std::uint64_t cots = 0;
  for (const BitTable &table : tables)
    cots += table.choiceBits * table.count;
  DYAD_REQUIRE(cots <= left, kOutOfRange,
               "look-ups take {} OTs but the stock has {} left; the stock must be prepared with "
               "what the program's cost says",
               cots, left);
}

/// All ones where the choice is v.
BitVec isChosen(const BitVec *choices, unsigned choiceBits, std::size_t v, std::uint64_t count) {
  BitVec chosen = ~BitVec(count);
  for (unsigned s = 0; s < choiceBits; ++s)
    chosen &= (v >> s & 1) != 0 ? choices[s] : ~choices[s];
  return chosen;
}

std::size_t choiceBytes(const std::vector<BitTable> &tables) {
  std::size_t bytes = 0;
  for (const BitTable &table : tables)
    bytes += table.choiceBits * bytesOf(table.count);
  return bytes;
}

std::size_t payloadBytes(const std::vector<BitTable> &tables) {
  std::size_t bytes = 0;
  for (const BitTable &table : tables)
    bytes += (table.entries() - 1) * table.planes * bytesOf(table.count);
  return bytes;
}

/// Bits of the pads that `makePads(first, count, pads)` writes, for instances [0, count), to the
/// words of `planes` from instance `at` on.
template <typename MakePads>
void gatherPads(std::uint64_t at, std::uint64_t count, std::span<BitVec> planes,
                const MakePads &makePads) {
  parallelFor(count, kPiece, [&](std::size_t begin, std::size_t end) {
    std::array<Block, kPiece> pads;
    std::array<std::uint64_t, 64> words{};
    makePads(begin, end - begin, pads.data());
    for (std::size_t i = begin; i < end; i += 64) {
      padBits(pads.data() + (i - begin), std::min<std::size_t>(64, end - i),
              static_cast<unsigned>(planes.size()), words.data());
      for (std::size_t p = 0; p < planes.size(); ++p)
        planes[p].words()[(at + i) / 64] = words[p];
    }
  });
}

/// Planes of the pads for each value u of the receiver's random choice: u * planes + p.
std::vector<BitVec> sentPads(Session &session, const BitTable &table) {
  std::vector<BitVec> planes(table.entries() * table.planes, BitVec(table.count));
  for (std::uint64_t at = 0; at < table.count; at += kTogether) {
    const std::uint64_t count = std::min(kTogether, table.count - at);
    const TableSender sender(session, count, table.choiceBits);
    for (std::size_t u = 0; u < table.entries(); ++u)
      gatherPads(at, count, std::span(planes).subspan(u * table.planes, table.planes),
                 [&](std::uint64_t first, std::uint64_t some, Block *out) {
                   sender.pads(u, first, some, out);
                 });
  }
  return planes;
}

/// Pad u goes to v = u ^ d, d being the receiver's corrections.
void correct(const BitTable &table, std::span<const std::uint8_t> corrections,
             std::vector<BitVec> &pads) {
  for (unsigned s = 0; s < table.choiceBits; ++s) {
    const BitVec moved = BitVec::fromBytes(
        table.count, corrections.subspan(s * bytesOf(table.count), bytesOf(table.count)));
    for (std::size_t u = 0; u < table.entries(); ++u) {
      if ((u >> s & 1) != 0)
        continue;
      for (std::size_t p = 0; p < table.planes; ++p) {
        const std::span<std::uint64_t> a = pads[u * table.planes + p].words();
        const std::span<std::uint64_t> b =
            pads[(u | std::size_t{1} << s) * table.planes + p].words();
        for (std::size_t i = 0; i < a.size(); ++i) {
          const std::uint64_t change = (a[i] ^ b[i]) & moved.words()[i];
          a[i] ^= change;
          b[i] ^= change;
        }
      }
    }
  }
}

} // namespace

Task<std::vector<BitVec>> sendBitTables(Session &session, std::vector<BitTable> tables,
                                        std::vector<BitVec> values) {
  std::size_t plane = 0;
  for (const BitTable &table : tables) {
    requireTable(table);
    for (std::size_t i = 0; i < table.entries() * table.planes; ++i)
      requirePlanes(values, plane++, table.count);
  }
  DYAD_REQUIRE(plane == values.size(), kShapeMismatch, "{} bit-planes for tables of {}",
               values.size(), plane);
  requireStock(tables, session.isServer() ? session.stock().serverCotsLeft()
                                          : session.stock().clientCotsLeft());

  std::vector<std::vector<BitVec>> pads;
  pads.reserve(tables.size());
  for (const BitTable &table : tables)
    pads.push_back(sentPads(session, table));
  std::span<const std::uint8_t> choices = co_await session.flows().tick(choiceBytes(tables));

  std::vector<BitVec> shares;
  plane = 0;
  for (std::size_t t = 0; t < tables.size(); ++t) {
    const BitTable &table = tables[t];
    const std::size_t bytes = bytesOf(table.count);
    correct(table, choices, pads[t]);
    choices = choices.subspan(table.choiceBits * bytes);
    for (std::size_t i = 0; i < pads[t].size(); ++i)
      pads[t][i] ^= values[plane + i];
    plane += pads[t].size();
    // The share is f(0) ^ pad 0; entry 0 masked by it and by its pad is zero and not sent.
    std::span<std::uint8_t> payload =
        session.flows().sendBuffer((table.entries() - 1) * table.planes * bytes);
    for (std::size_t i = table.planes; i < pads[t].size(); ++i) {
      (pads[t][i] ^= pads[t][i % table.planes]).toBytes(payload);
      payload = payload.subspan(bytes);
    }
    std::move(pads[t].begin(), pads[t].begin() + table.planes, std::back_inserter(shares));
    pads[t].clear();
  }
  co_await session.flows().tick();
  co_return shares;
}

Task<std::vector<BitVec>> receiveBitTables(Session &session, std::vector<BitTable> tables,
                                           std::vector<BitVec> choices) {
  std::size_t plane = 0;
  for (const BitTable &table : tables) {
    requireTable(table);
    for (std::size_t s = 0; s < table.choiceBits; ++s)
      requirePlanes(choices, plane++, table.count);
  }
  DYAD_REQUIRE(plane == choices.size(), kShapeMismatch, "{} choice planes for tables of {}",
               choices.size(), plane);
  requireStock(tables, session.isServer() ? session.stock().clientCotsLeft()
                                          : session.stock().serverCotsLeft());

  std::vector<BitVec> results;
  plane = 0;
  for (const BitTable &table : tables) {
    const std::size_t bytes = bytesOf(table.count);
    const std::span<std::uint8_t> message = session.flows().sendBuffer(table.choiceBits * bytes);
    std::vector<BitVec> pads(table.planes, BitVec(table.count));
    for (std::uint64_t at = 0; at < table.count; at += kTogether) {
      const std::uint64_t count = std::min(kTogether, table.count - at);
      const TableReceiver receiver(session, count, table.choiceBits);
      for (unsigned s = 0; s < table.choiceBits; ++s)
        receiver.writeChoice(s, choices[plane + s].slice(at, count),
                             message.subspan(s * bytes + at / 8, bytesOf(count)));
      gatherPads(at, count, pads, [&](std::uint64_t first, std::uint64_t some, Block *out) {
        receiver.pads(first, some, out);
      });
    }
    plane += table.choiceBits;
    std::move(pads.begin(), pads.end(), std::back_inserter(results));
  }
  co_await session.flows().tick();
  std::span<const std::uint8_t> payload = co_await session.flows().tick(payloadBytes(tables));

  plane = 0;
  BitVec *result = results.data();
  for (const BitTable &table : tables) {
    for (std::size_t v = 1; v < table.entries(); ++v) {
      const BitVec chosen = isChosen(choices.data() + plane, table.choiceBits, v, table.count);
      for (std::size_t p = 0; p < table.planes; ++p) {
        result[p] ^= BitVec::fromBytes(table.count, payload) & chosen;
        payload = payload.subspan(bytesOf(table.count));
      }
    }
    plane += table.choiceBits;
    result += table.planes;
  }
  co_return results;
}

} // namespace dyad
