// SPDX-License-Identifier: Apache-2.0
// See table.h. Instance i of a table uses COTs first + s * count + i for its choice bits s, so that
// corrections are planes like the choices; its hash number is that of its first COT.
#include "runtime/ot/table.h"

#include "runtime/net/error.h"
#include "runtime/ot/bit_stream.h"

#include <algorithm>
#include <utility>

namespace dyad {
namespace {

constexpr std::size_t kTile = 1024;

constexpr std::size_t bytesOf(std::uint64_t bits) { return (bits + 7) / 8; }

/// x * X^s in GF(2)[X] / (X^128 + X^7 + X^2 + X + 1), s below 8.
Block timesPower(Block x, unsigned s) {
  if (s == 0)
    return x;
  const std::uint64_t over = x.high >> (64 - s);
  return {x.low << s ^ over ^ over << 1 ^ over << 2 ^ over << 7, x.high << s | x.low >> (64 - s)};
}

void requireTable(const BitTable &table) {
  DYAD_REQUIRE(
      table.choiceBits >= 1 && table.choiceBits <= 8 && table.planes >= 1 && table.planes <= 64,
      kOutOfRange, "table of {} choice bits and {} bits an entry; 1 to 8 and 1 to 64 are possible",
      table.choiceBits, table.planes);
}

void requirePlanes(const std::vector<BitVec> &planes, std::size_t at, std::size_t size) {
  DYAD_REQUIRE(at < planes.size() && planes[at].size() == size, kShapeMismatch,
               "bit-plane {} is missing or does not have {} bits", at, size);
}

/// Sender's combined strings q of `count` instances, with the receiver's corrections applied.
class TableSender {
public:
  TableSender(Session &session, std::uint64_t count, unsigned choiceBits)
      : stock_(session.stock()), cots_(stock_.takeSent(count * choiceBits)), combined_(count) {
    for (unsigned s = 0; s < choiceBits; ++s) {
      const Block shifted = timesPower(stock_.delta(), s);
      const std::size_t known = multiples_.size();
      for (std::size_t v = 0; v < known; ++v)
        multiples_.push_back(multiples_[v] ^ shifted);
    }
  }

  /// Reads the correction planes.
  void correct(const std::uint8_t *planes) {
    const std::uint64_t count = combined_.size();
    const auto choiceBits = static_cast<unsigned>(count == 0 ? 0 : cots_.q.size() / count);
    for (unsigned s = 0; s < choiceBits; ++s) {
      const BitVec plane = BitVec::fromBytes(count, {planes + s * bytesOf(count), bytesOf(count)});
      for (std::uint64_t i = 0; i < count; ++i)
        combined_[i] ^=
            timesPower(cots_.q[s * count + i] ^ (stock_.delta() & maskOf(plane[i] ? 1 : 0)), s);
    }
  }

  /// Pads of entry v for instances at, ..., at + count - 1.
  void pads(std::size_t v, std::uint64_t at, std::uint64_t count, Block *out) const {
    stock_.sentHash().expandOffset(cots_.first + at, std::span(combined_).subspan(at, count),
                                   multiples_[v], 1, out);
  }

private:
  CotStock &stock_;
  SentCots cots_;
  std::vector<Block> combined_;
  std::vector<Block> multiples_ = {Block{}};
};

class TableReceiver {
public:
  TableReceiver(Session &session, std::uint64_t count, unsigned choiceBits)
      : stock_(session.stock()), cots_(stock_.takeReceived(count * choiceBits)), combined_(count) {
    for (unsigned s = 0; s < choiceBits; ++s)
      for (std::uint64_t i = 0; i < count; ++i)
        combined_[i] ^= timesPower(cots_.t[s * count + i], s);
  }

  /// Writes choice plane s, masked by the random choices.
  void writeChoice(unsigned s, BitVec plane, std::span<std::uint8_t> into) const {
    const std::uint64_t count = plane.size();
    const std::span<std::uint64_t> words = plane.words();
    for (std::uint64_t i = 0; i < count; ++i)
      words[i / 64] ^= (cots_.t[s * count + i].low & 1) << (i % 64);
    plane.toBytes(into);
  }

  void pads(std::uint64_t at, std::uint64_t count, Block *out) const {
    stock_.receivedHash().expand(cots_.first + at, std::span(combined_).subspan(at, count), 1, out);
  }

private:
  CotStock &stock_;
  ReceivedCots cots_;
  std::vector<Block> combined_;
};

/// Adds bit p of each pad to plane p, p below planes.size().
void xorPads(const Block *pads, std::uint64_t at, std::uint64_t count, std::span<BitVec> planes) {
  for (std::size_t p = 0; p < planes.size(); ++p) {
    const std::span<std::uint64_t> words = planes[p].words();
    for (std::uint64_t i = 0; i < count; i += 64) {
      const std::uint64_t some = std::min<std::uint64_t>(64, count - i);
      std::uint64_t word = 0;
      for (std::uint64_t j = 0; j < some; ++j)
        word |= (pads[i + j].low >> p & 1) << j;
      words[(at + i) / 64] ^= word;
    }
  }
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

void requireStock(std::uint64_t cots, std::uint64_t left) {
  DYAD_REQUIRE(cots <= left, kOutOfRange,
               "look-ups take {} OTs but the stock has {} left; the stock must be prepared with "
               "what the program's cost says",
               cots, left);
}

std::uint64_t cotsOf(const std::vector<BitTable> &tables) {
  std::uint64_t cots = 0;
  for (const BitTable &table : tables)
    cots += table.choiceBits * table.count;
  return cots;
}

std::vector<BitVec> zeroPlanes(std::size_t planes, std::size_t size) {
  return std::vector<BitVec>(planes, BitVec(size));
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
  requireStock(cotsOf(tables), session.isServer() ? session.stock().serverCotsLeft()
                                                  : session.stock().clientCotsLeft());

  std::vector<TableSender> senders;
  senders.reserve(tables.size());
  for (const BitTable &table : tables)
    senders.emplace_back(session, table.count, table.choiceBits);
  const std::uint8_t *choices = (co_await session.flows().tick(choiceBytes(tables))).data();

  std::span<std::uint8_t> payload = session.flows().sendBuffer(payloadBytes(tables));
  std::vector<BitVec> shares;
  std::vector<Block> pads(kTile);
  plane = 0;
  for (std::size_t t = 0; t < tables.size(); ++t) {
    const BitTable &table = tables[t];
    senders[t].correct(choices);
    choices += table.choiceBits * bytesOf(table.count);
    std::vector<BitVec> rho;
    for (std::size_t v = 0; v < table.entries(); ++v) {
      std::vector<BitVec> message(values.begin() + static_cast<std::ptrdiff_t>(plane),
                                  values.begin() +
                                      static_cast<std::ptrdiff_t>(plane + table.planes));
      plane += table.planes;
      for (std::uint64_t at = 0; at < table.count; at += kTile) {
        const std::uint64_t count = std::min<std::uint64_t>(kTile, table.count - at);
        senders[t].pads(v, at, count, pads.data());
        xorPads(pads.data(), at, count, message);
      }
      if (v == 0) {
        rho = std::move(message);
        continue;
      }
      for (std::size_t p = 0; p < table.planes; ++p) {
        (message[p] ^= rho[p]).toBytes(payload);
        payload = payload.subspan(bytesOf(table.count));
      }
    }
    std::move(rho.begin(), rho.end(), std::back_inserter(shares));
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
  requireStock(cotsOf(tables), session.isServer() ? session.stock().clientCotsLeft()
                                                  : session.stock().serverCotsLeft());

  std::vector<TableReceiver> receivers;
  receivers.reserve(tables.size());
  for (const BitTable &table : tables)
    receivers.emplace_back(session, table.count, table.choiceBits);
  std::span<std::uint8_t> message = session.flows().sendBuffer(choiceBytes(tables));
  plane = 0;
  for (std::size_t t = 0; t < tables.size(); ++t)
    for (unsigned s = 0; s < tables[t].choiceBits; ++s) {
      receivers[t].writeChoice(s, choices[plane++], message);
      message = message.subspan(bytesOf(tables[t].count));
    }
  co_await session.flows().tick();
  std::span<const std::uint8_t> payload = co_await session.flows().tick(payloadBytes(tables));

  std::vector<BitVec> results;
  std::vector<Block> pads(kTile);
  plane = 0;
  for (std::size_t t = 0; t < tables.size(); ++t) {
    const BitTable &table = tables[t];
    std::vector<BitVec> result = zeroPlanes(table.planes, table.count);
    for (std::uint64_t at = 0; at < table.count; at += kTile) {
      const std::uint64_t count = std::min<std::uint64_t>(kTile, table.count - at);
      receivers[t].pads(at, count, pads.data());
      xorPads(pads.data(), at, count, result);
    }
    for (std::size_t v = 1; v < table.entries(); ++v) {
      const BitVec chosen = isChosen(choices.data() + plane, table.choiceBits, v, table.count);
      for (std::size_t p = 0; p < table.planes; ++p) {
        result[p] ^= BitVec::fromBytes(table.count, payload) & chosen;
        payload = payload.subspan(bytesOf(table.count));
      }
    }
    plane += table.choiceBits;
    std::move(result.begin(), result.end(), std::back_inserter(results));
  }
  co_return results;
}

Task<Ring> sendRingTables(Session &session, unsigned choiceBits, unsigned bits, Ring values) {
  const std::uint64_t entries = std::uint64_t{1} << choiceBits;
  const std::uint64_t n = values.size() / entries;
  requireTable({n, choiceBits, bits});
  DYAD_REQUIRE(n * entries == values.size(), kShapeMismatch,
               "{} values are no tables of {} entries", values.size(), entries);
  TableSender sender(session, n, choiceBits);
  sender.correct((co_await session.flows().tick(choiceBits * bytesOf(n))).data());

  BitWriter writer(session.flows().sendBuffer(bytesOf(n * (entries - 1) * bits)));
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits);
  Ring share(n);
  std::vector<Block> pads(entries * kTile);
  for (std::uint64_t at = 0; at < n; at += kTile) {
    const std::uint64_t count = std::min<std::uint64_t>(kTile, n - at);
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
  writer.flush();
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
  BitReader reader(co_await session.flows().tick(bytesOf(n * (entries - 1) * bits)));
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits);
  Ring result(n);
  std::vector<Block> pads(kTile);
  for (std::uint64_t at = 0; at < n; at += kTile) {
    const std::uint64_t count = std::min<std::uint64_t>(kTile, n - at);
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
  co_return result;
}

} // namespace dyad
