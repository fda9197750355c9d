// SPDX-License-Identifier: Apache-2.0
// See random_ot.h. Shares of c = a & b come from a random OT in each direction: the receiver's
// choice is its share of a, the sender's two messages differ by its share of b, and what each
// received and kept are the shares of the cross terms.
#include "runtime/ot/random_ot.h"

#include "runtime/net/error.h"
#include "runtime/ot/pad_bits.h"
#include "runtime/parallel/thread_pool.h"

#include <algorithm>
#include <array>
#include <vector>

namespace dyad {
namespace {

constexpr std::uint64_t kTile = 1024;

/// COTs of each direction that are taken together; threads take pieces of kTile.
constexpr std::uint64_t kTogether = std::uint64_t{1} << 15;

/// `planes` triples of one COT in each direction, 1 or 2, that share an operand, word by word:
/// sink(word, a, b[planes], c[planes]), from several threads.
template <typename Sink>
void makeTriples(Session &session, std::uint64_t n, unsigned planes, const Sink &sink) {
  CotStock &stock = session.stock();
  DYAD_REQUIRE(n <= stock.serverCotsLeft() && n <= stock.clientCotsLeft(), kOutOfRange,
               "{} AND triples, but the stock has {} and {} OTs left; the stock must be prepared "
               "with what the program's cost says",
               n, stock.serverCotsLeft(), stock.clientCotsLeft());
  for (std::uint64_t from = 0; from < n; from += kTogether) {
    const std::uint64_t together = std::min(kTogether, n - from);
    const SentCots sent = stock.takeSent(together);
    const ReceivedCots received = stock.takeReceived(together);
    parallelFor(together, kTile, [&](std::size_t at, std::size_t end) {
      std::array<Block, kTile> zero;
      std::array<Block, kTile> one;
      std::array<Block, kTile> chosen;
      const std::span<const Block> q = sent.q.subspan(at, end - at);
      const std::span<const Block> t = received.t.subspan(at, end - at);
      stock.sentHash().expand(sent.first + at, q, 1, zero.data());
      stock.sentHash().expandOffset(sent.first + at, q, stock.delta(), 1, one.data());
      stock.receivedHash().expand(received.first + at, t, 1, chosen.data());
      for (std::size_t i = 0; i < t.size(); i += 64) {
        const std::size_t some = std::min<std::size_t>(64, t.size() - i);
        std::uint64_t a[1];
        std::uint64_t b[2];
        std::uint64_t c[2];
        std::uint64_t mine[2];
        padBits(t.data() + i, some, 1, a);
        padBits(zero.data() + i, some, planes, c);
        padBits(one.data() + i, some, planes, b);
        padBits(chosen.data() + i, some, planes, mine);
        for (unsigned k = 0; k < planes; ++k) {
          b[k] ^= c[k];
          c[k] ^= (a[0] & b[k]) ^ mine[k];
        }
        sink((from + at + i) / 64, a[0], b, c);
      }
    });
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
  parallelFor(n, kTile, [&](std::size_t at, std::size_t end) {
    std::array<Block, kTile> pads;
    const std::span<const Block> q = cots.q.subspan(at, end - at);
    stock.sentHash().expand(cots.first + at, q, 1, pads.data());
    for (std::size_t i = 0; i < q.size(); ++i)
      result.zero[at + i] = pads[i].low & mask;
    stock.sentHash().expandOffset(cots.first + at, q, stock.delta(), 1, pads.data());
    for (std::size_t i = 0; i < q.size(); ++i)
      result.one[at + i] = pads[i].low & mask;
  });
  return result;
}

ReceivedRandomOts receiveRandomOts(Session &session, std::uint64_t n, unsigned bits) {
  requireWidth(bits);
  const CotStock &stock = session.stock();
  const ReceivedCots cots = session.stock().takeReceived(n);
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits);
  ReceivedRandomOts result{BitVec(n), Ring(n)};
  parallelFor(n, kTile, [&](std::size_t at, std::size_t end) {
    std::array<Block, kTile> pads;
    const std::span<const Block> t = cots.t.subspan(at, end - at);
    stock.receivedHash().expand(cots.first + at, t, 1, pads.data());
    for (std::size_t i = 0; i < t.size(); ++i) {
      result.value[at + i] = pads[i].low & mask;
      result.choice.set(at + i, (t[i].low & 1) != 0);
    }
  });
  return result;
}

AndTriples andTriples(Session &session, std::uint64_t n) {
  AndTriples triples{BitVec(n), BitVec(n), BitVec(n)};
  makeTriples(session, n, 1, [&](std::size_t word, std::uint64_t a, const auto &b, const auto &c) {
    triples.a.words()[word] = a;
    triples.b.words()[word] = b[0];
    triples.c.words()[word] = c[0];
  });
  return triples;
}

AndPairs andPairs(Session &session, std::uint64_t n) {
  AndPairs pairs{BitVec(n), BitVec(n), BitVec(n), BitVec(n), BitVec(n)};
  makeTriples(session, n, 2, [&](std::size_t word, std::uint64_t a, const auto &b, const auto &c) {
    pairs.a.words()[word] = a;
    pairs.b0.words()[word] = b[0];
    pairs.b1.words()[word] = b[1];
    pairs.c0.words()[word] = c[0];
    pairs.c1.words()[word] = c[1];
  });
  return pairs;
}

} // namespace dyad
