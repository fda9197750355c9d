// SPDX-License-Identifier: Apache-2.0
// Setup and extension of the stock: correlation, cost, and what happens when it is empty.
#include "runtime/net/error.h"
#include "tests/runtime/two_party.h"

#include <catch2/catch.hpp>

using namespace dyad;
using test::TwoParty;

namespace {

struct Half {
  std::vector<Block> sent;
  std::vector<Block> received;
  Block delta;
};

Half takeAll(Session &session) {
  CotStock &stock = session.stock();
  const std::uint64_t sent = session.isServer() ? stock.serverCotsLeft() : stock.clientCotsLeft();
  const std::uint64_t received =
      session.isServer() ? stock.clientCotsLeft() : stock.serverCotsLeft();
  const SentCots q = stock.takeSent(sent);
  const ReceivedCots t = stock.takeReceived(received);
  return {{q.q.begin(), q.q.end()}, {t.t.begin(), t.t.end()}, stock.delta()};
}

void checkCorrelation(const std::vector<Block> &q, const std::vector<Block> &t, Block delta) {
  REQUIRE(q.size() == t.size());
  REQUIRE((delta.low & 1) == 1);
  std::size_t ones = 0;
  for (std::size_t i = 0; i < q.size(); ++i) {
    REQUIRE((q[i].low & 1) == 0);
    REQUIRE(t[i] == (q[i] ^ (delta & maskOf(t[i].low & 1))));
    ones += t[i].low & 1;
  }
  // Within six standard deviations of one half.
  const double half = static_cast<double>(q.size()) / 2;
  const double off = static_cast<double>(ones) - half;
  CHECK(off * off <= 36 * half / 2);
}

} // namespace

TEST_CASE("extended OTs are correlated in both directions, at the predicted cost", "[ot]") {
  const SoftSpokenParameters parameters{GENERATE(1u, 2u, 4u, 8u)};
  CAPTURE(parameters.k);
  TwoParty pair(parameters.k);
  const auto setUp = [&](Session &session) {
    session.run(session.stock().setup(parameters));
    return 0;
  };
  pair.run(setUp, setUp);
  CHECK(pair.measured() == TwoParty::expected(setupCost(parameters)));
  CHECK(pair.matches(setupCost(parameters)));

  const auto prepare = [](std::uint64_t server, std::uint64_t client) {
    return [=](Session &session) {
      session.run(session.stock().prepare(server, client));
      return 0;
    };
  };
  pair.run(prepare(5000, 1), prepare(5000, 1));
  CHECK(pair.matches(stockCost(5000, 1, parameters)));
  CHECK(pair.server().stock().serverCotsLeft() == 5 * kExtensionBlock);
  CHECK(pair.client().stock().clientCotsLeft() == kExtensionBlock);
  // What is there already is not made again.
  pair.run(prepare(6000, 1024), prepare(6000, 1024));
  CHECK(pair.matches(stockCost(880, 0, parameters)));

  auto [server, client] = pair.run(takeAll, takeAll);
  checkCorrelation(server.sent, client.received, server.delta);
  checkCorrelation(client.sent, server.received, client.delta);
  CHECK_FALSE(server.delta == client.delta);
}

TEST_CASE("a stock of several chunks", "[ot]") {
  TwoParty pair(9);
  const std::uint64_t many = kExtensionChunk + 3000;
  pair.setUp(many, 2 * kExtensionChunk, SoftSpokenParameters{});
  auto [server, client] = pair.run(takeAll, takeAll);
  checkCorrelation(server.sent, client.received, server.delta);
  checkCorrelation(client.sent, server.received, client.delta);
}

TEST_CASE("an empty stock is an error before anything is sent", "[ot]") {
  TwoParty pair;
  pair.deal(10, 0);
  CHECK_THROWS_AS(pair.server().stock().takeSent(11), Error);
  CHECK(pair.server().stock().takeSent(10).q.size() == 10);
  CHECK_THROWS_AS(pair.server().stock().takeSent(1), Error);
  CHECK(pair.server().stock().takeSent(0).q.empty());
  CHECK(pair.server().flows().traffic().bytesSent == 0);
  // Extension without base OTs.
  CHECK_THROWS_AS(pair.server().run(pair.server().stock().prepare(1, 1)), Error);
  CHECK_THROWS_AS(makeSoftSpokenSender({3}), Error);
}

TEST_CASE("what setup and extension send under a test seed does not change unnoticed",
          "[ot][wire]") {
  TwoParty pair(1);
  pair.setUp(3000, 2000, SoftSpokenParameters{});
  CHECK(pair.wireHash() == "72d2f02afeeec776060e5ac9a2b2e16a");
}
