// SPDX-License-Identifier: Apache-2.0
// See random_ot.h. Shares of c = a & b come from a random OT in each direction: the receiver's
// choice is its share of a, the sender's two messages differ by its share of b, and what each
// received and kept are the shares of the cross terms.
#include "runtime/ot/random_ot.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <vector>

namespace dyad {
namespace {

constexpr std::uint64_t kTile = 1024;

struct Planes {
  std::uint64_t bits[2] = {0, 0};
};

/// Bits 0 and 1 of up to 64 pads, as words.
Planes gather(const Block *pads, std::uint64_t count) {
  Planes planes;
  for (std::uint64_t j = 0; j < count; ++j) {
    planes.bits[0] |= (pads[j].low & 1) << j;
    planes.bits[1] |= (pads[j].low >> 1 & 1) << j;
  }
  return planes;
}

/// Both triples that come from one COT in each direction, word by word.
template <typename Sink> void makeTriples(Session &session, std::uint64_t n, Sink sink) {
  CotStock &stock = session.stock();
  DYAD_REQUIRE(n <= stock.serverCotsLeft() && n <= stock.clientCotsLeft(), kOutOfRange,
               "{} AND triples, but the stock has {} and {} OTs left; the stock must be prepared "
               "with what the program's cost says",
               n, stock.serverCotsLeft(), stock.clientCotsLeft());
  const SentCots sent = stock.takeSent(n);
  const ReceivedCots received = stock.takeReceived(n);
  std::vector<Block> zero(kTile);
  std::vector<Block> one(kTile);
  std::vector<Block> chosen(kTile);
  for (std::uint64_t at = 0; at < n; at += kTile) {
    const std::uint64_t count = std::min(kTile, n - at);
    const std::span<const Block> q = sent.q.subspan(at, count);
    const std::span<const Block> t = received.t.subspan(at, count);
    stock.sentHash().expand(sent.first + at, q, 1, zero.data());
    stock.sentHash().expandOffset(sent.first + at, q, stock.delta(), 1, one.data());
    stock.receivedHash().expand(received.first + at, t, 1, chosen.data());
    for (std::uint64_t i = 0; i < count; i += 64) {
      const std::uint64_t some = std::min<std::uint64_t>(64, count - i);
      const Planes zeros = gather(zero.data() + i, some);
      const Planes ones = gather(one.data() + i, some);
      const Planes mine = gather(chosen.data() + i, some);
      const std::uint64_t a = gather(t.data() + i, some).bits[0];
      std::uint64_t b[2];
      std::uint64_t c[2];
      for (int k = 0; k < 2; ++k) {
        b[k] = zeros.bits[k] ^ ones.bits[k];
        c[k] = (a & b[k]) ^ zeros.bits[k] ^ mine.bits[k];
      }
      sink((at + i) / 64, a, b, c);
    }
  }
}

void requireWidth(unsigned bits) {
  DYAD_REQUIRE(bits >= 1 && bits <= 64, kOutOfRange, "random OTs of {} bits; 1 to 64 are possible",
               bits);
}

} // namespace

SentRandomOts sendRandomOts(Session &session, std::uint64_t n, unsigned bits) {
  requireWidth(bits);
  CotStock &stock = session.stock();
  const SentCots cots = stock.takeSent(n);
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits);
  SentRandomOts result{Ring(n), Ring(n)};
  std::vector<Block> pads(kTile);
  for (std::uint64_t at = 0; at < n; at += kTile) {
    const std::span<const Block> q = cots.q.subspan(at, std::min(kTile, n - at));
    stock.sentHash().expand(cots.first + at, q, 1, pads.data());
    for (std::size_t i = 0; i < q.size(); ++i)
      result.zero[at + i] = pads[i].low & mask;
    stock.sentHash().expandOffset(cots.first + at, q, stock.delta(), 1, pads.data());
    for (std::size_t i = 0; i < q.size(); ++i)
      result.one[at + i] = pads[i].low & mask;
  }
  return result;
}

ReceivedRandomOts receiveRandomOts(Session &session, std::uint64_t n, unsigned bits) {
  requireWidth(bits);
  const CotStock &stock = session.stock();
  const ReceivedCots cots = session.stock().takeReceived(n);
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits);
  ReceivedRandomOts result{BitVec(n), Ring(n)};
  std::vector<Block> pads(kTile);
  for (std::uint64_t at = 0; at < n; at += kTile) {
    const std::span<const Block> t = cots.t.subspan(at, std::min(kTile, n - at));
    stock.receivedHash().expand(cots.first + at, t, 1, pads.data());
    for (std::size_t i = 0; i < t.size(); ++i) {
      result.value[at + i] = pads[i].low & mask;
      result.choice.set(at + i, (t[i].low & 1) != 0);
    }
  }
  return result;
}

AndTriples andTriples(Session &session, std::uint64_t n) {
  AndTriples triples{BitVec(n), BitVec(n), BitVec(n)};
  makeTriples(session, n, [&](std::size_t word, std::uint64_t a, const auto &b, const auto &c) {
    triples.a.words()[word] = a;
    triples.b.words()[word] = b[0];
    triples.c.words()[word] = c[0];
  });
  return triples;
}

AndPairs andPairs(Session &session, std::uint64_t n) {
  AndPairs pairs{BitVec(n), BitVec(n), BitVec(n), BitVec(n), BitVec(n)};
  makeTriples(session, n, [&](std::size_t word, std::uint64_t a, const auto &b, const auto &c) {
    pairs.a.words()[word] = a;
    pairs.b0.words()[word] = b[0];
    pairs.b1.words()[word] = b[1];
    pairs.c0.words()[word] = c[0];
    pairs.c1.words()[word] = c[1];
  });
  return pairs;
}

} // namespace dyad
