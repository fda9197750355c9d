// SPDX-License-Identifier: Apache-2.0
// Silent OT: rounds of every parameter set, the stock that they fill, its plan and its cost.
#include "runtime/net/error.h"
#include "runtime/ot/ferret.h"
#include "tests/runtime/two_party.h"

#include <catch2/catch.hpp>
#include <set>

using namespace dyad;
using test::TwoParty;

namespace {

// t = q ^ r * Delta, r and 1 ^ (lowest bit of Delta) are lowest bits; counts the ones among r.
struct Correlation {
  Block delta;
  std::uint64_t count = 0;
  std::uint64_t ones = 0;
  std::uint64_t wrong = 0;

  void add(std::span<const Block> q, std::span<const Block> t) {
    wrong += q.size() != t.size();
    for (std::size_t i = 0; i < q.size() && i < t.size(); ++i) {
      const std::uint64_t choice = t[i].low & 1;
      wrong += (q[i].low & 1) != 0 || !(t[i] == (q[i] ^ (delta & maskOf(choice))));
      ones += choice;
    }
    count += q.size();
  }
  void check() const {
    CHECK(wrong == 0);
    // Within six standard deviations of one half.
    const double off = static_cast<double>(ones) - static_cast<double>(count) / 2;
    CHECK(off * off <= 36 * static_cast<double>(count) / 4);
  }
};

struct Base {
  Block delta;
  std::vector<Block> q;
  std::vector<Block> t;
  Base(std::uint64_t count, Prg &prg) : delta(prg.block()), q(count), t(count) {
    delta.low |= 1;
    prg.fill(std::span(t));
    for (std::size_t i = 0; i < count; ++i)
      q[i] = t[i] ^ (delta & maskOf(t[i].low & 1));
  }
};

auto preparing(std::uint64_t server, std::uint64_t client) {
  return [=](Session &session) {
    session.run(session.stock().prepare(server, client));
    return 0;
  };
}

// Takes COTs in both directions at both parties and checks them.
struct Taker {
  Correlation serverSends;
  Correlation clientSends;

  explicit Taker(TwoParty &pair) {
    serverSends.delta = pair.server().stock().delta();
    clientSends.delta = pair.client().stock().delta();
  }
  void take(TwoParty &pair, std::uint64_t server, std::uint64_t client) {
    CotStock &a = pair.server().stock();
    CotStock &b = pair.client().stock();
    const SentCots q = a.takeSent(server);
    const ReceivedCots t = b.takeReceived(server);
    CHECK(q.first == t.first);
    serverSends.add(q.q, t.t);
    const SentCots otherQ = b.takeSent(client);
    const ReceivedCots otherT = a.takeReceived(client);
    CHECK(otherQ.first == otherT.first);
    clientSends.add(otherQ.q, otherT.t);
  }
  void check() const {
    serverSends.check();
    clientSends.check();
  }
};

} // namespace

TEST_CASE("rounds of all sets: every output is correlated, in pieces of any size", "[ferret]") {
  const std::size_t index = GENERATE(0, 1, 2, 3);
  const FerretSet &set = kFerretSets[index];
  INFO(set.name);
  Prg prg(TestSeed{index});
  const Base base(set.base(), prg);
  const FerretKeys keys(prg.block());
  std::vector<std::uint8_t> message(set.messageBytes());
  const auto sender = makeFerretSenderRound(set, keys, 5, base.delta, base.q, prg, message);
  const auto receiver = makeFerretReceiverRound(set, keys, 5, base.t, message);
  Correlation correlation{base.delta};
  std::set<std::uint64_t> seen;
  std::vector<Block> q;
  std::vector<Block> t;
  std::size_t size = 1;
  while (sender->left() != 0) {
    size = std::min<std::size_t>(size * 3 + 1, std::min<std::size_t>(sender->left(), 1'000'003));
    q.resize(size);
    t.resize(size);
    sender->expand(q);
    receiver->expand(t);
    correlation.add(q, t);
    for (std::size_t i = 0; i < std::min<std::size_t>(size, 100); ++i)
      seen.insert(q[i].high);
  }
  CHECK(receiver->left() == 0);
  CHECK(correlation.count == set.outputs());
  CHECK(seen.size() >= 100);
  correlation.check();
  CHECK_THROWS_AS(sender->expand(std::span(q).first(1)), Error);
  message.pop_back();
  CHECK_THROWS_AS(makeFerretReceiverRound(set, keys, 5, base.t, message), Error);
}

TEST_CASE("the outputs of a round do not depend on the pieces they are made in", "[ferret]") {
  const FerretSet &set = kFerretSets[0];
  Prg prg(TestSeed{9});
  const Base base(set.base(), prg);
  const FerretKeys keys(prg.block());
  std::vector<std::uint8_t> message(set.messageBytes());
  const auto make = [&] {
    Prg same(TestSeed{10});
    return makeFerretSenderRound(set, keys, 0, base.delta, base.q, same, message);
  };
  std::vector<Block> whole(5000);
  std::vector<Block> pieces(5000);
  make()->expand(whole);
  const auto round = make();
  for (std::size_t at = 0; at < pieces.size(); at += 625)
    round->expand(std::span(pieces).subspan(at, 625));
  CHECK(whole == pieces);
}

TEST_CASE("a stock of silent OT over several fillings, at the predicted cost", "[ferret]") {
  TwoParty pair(4);
  const StockOptions options(CotMethod::kFerret);
  pair.setUp(0, 0, options);
  StockModel model(options);
  Taker taker(pair);
  // (wanted), (taken): odd, small, none, one direction alone, more than one round.
  const std::uint64_t calls[][4] = {{1, 0, 1, 0},
                                    {1000, 77, 999, 77},
                                    {0, 3'000'001, 0, 2'999'999},
                                    {3'000'000, 100, 2'999'000, 100},
                                    {1'000'000, 1'000'000, 1'000'000, 999'999}};
  for (const auto &[server, client, takeServer, takeClient] : calls) {
    CAPTURE(server, client);
    pair.run(preparing(server, client), preparing(server, client));
    CHECK(pair.matches(model.prepare(server, client)));
    CHECK(pair.server().stock().serverCotsLeft() == model.server().left);
    CHECK(pair.client().stock().clientCotsLeft() == model.client().left);
    // In pieces, the first of which stays in use while others are made.
    const SentCots held = pair.server().stock().takeSent(takeServer / 7);
    const ReceivedCots heldToo = pair.client().stock().takeReceived(takeServer / 7);
    for (int piece = 1; piece < 5; ++piece)
      taker.take(pair, takeServer / 7, takeClient / 5);
    taker.take(pair, takeServer - 5 * (takeServer / 7), takeClient - 4 * (takeClient / 5));
    taker.serverSends.add(held.q, heldToo.t);
    model.take(takeServer, takeClient);
    CHECK(pair.client().stock().serverCotsLeft() == model.server().left);
  }
  taker.check();
}

TEST_CASE("COTs beyond those that are made ahead are made when they are taken", "[ferret]") {
  TwoParty pair(5);
  const std::uint64_t many = CotStock::kMadeAhead + 300'000;
  pair.setUp(many, 5);
  Taker taker(pair);
  taker.take(pair, CotStock::kMadeAhead - 1000, 5);
  taker.take(pair, 5000, 0);
  taker.take(pair, 200'000, 0);
  taker.take(pair, 96'000, 0);
  taker.serverSends.check();
  CHECK(taker.serverSends.count == many);
  CHECK(pair.server().stock().serverCotsTaken() == many);
}

TEST_CASE("the method follows the demand, and can be forced", "[ferret]") {
  const auto usesRounds = [](std::uint64_t wanted, const StockOptions &options) {
    for (const StockStep &step : planStock({}, wanted, options))
      if (step.kind == StockStep::Kind::kRound)
        return true;
    return false;
  };
  CHECK_FALSE(usesRounds(50'000, {}));
  CHECK(usesRounds(500'000, {}));
  CHECK_FALSE(usesRounds(100'000'000, CotMethod::kSoftSpoken));
  CHECK(usesRounds(1, CotMethod::kFerret));
  StockOptions fast(CotMethod::kByDemand);
  fast.softSpoken.k = 4;
  fast.megabitsPerSecond = 20'000;
  CHECK_FALSE(usesRounds(300'000, fast));
  StockOptions slow = fast;
  slow.megabitsPerSecond = 100;
  CHECK(usesRounds(300'000, slow));
  CHECK(planStock({1000, 0}, 1000, {}).empty());
  // Once there is a reserve, silent OT pays earlier, but not for next to nothing.
  const StockLevel running{0, kFerretSets[3].base()};
  CHECK(planStock(running, 2000, {}).front().kind == StockStep::Kind::kStock);
  CHECK(planStock(running, 200'000, {}).front().kind == StockStep::Kind::kRound);

  // What was planned suffices, whatever the state, and no plan wastes a large round.
  for (const CotMethod method : {CotMethod::kByDemand, CotMethod::kFerret})
    for (const std::uint64_t reserve : {std::uint64_t{0}, std::uint64_t{100'000}})
      for (std::uint64_t wanted = 1; wanted < 1'000'000'000; wanted = wanted * 3 + 1) {
        CAPTURE(reserve, wanted);
        StockLevel level{wanted / 7, reserve};
        for (const StockStep &step : planStock(level, wanted, method)) {
          if (step.kind == StockStep::Kind::kRound) {
            REQUIRE(level.reserve >= kFerretSets[step.set].base());
            REQUIRE(level.left < wanted);
          }
          level.apply(step);
        }
        REQUIRE(level.left >= wanted);
      }
  StockOptions none;
  none.megabitsPerSecond = 0;
  CHECK_THROWS_AS(planStock({}, 1, none), Error);

  StockOptions small(CotMethod::kFerret);
  small.largestSet = 1;
  for (const StockStep &step : planStock({}, 50'000'000, small))
    CHECK(step.set <= 1);
  CHECK(small.describe() == "ferret-b11 softspoken-8");
  small.largestSet = 4;
  CHECK_THROWS_AS(planStock({}, 1, small), Error);
}

TEST_CASE("bits a COT: at the steady state at most 0.23, measured as predicted", "[ferret]") {
  // The table: a round's traffic over its usable COTs.
  for (const FerretSet &set : kFerretSets)
    CHECK(set.base() == set.secret() + set.pathCots());
  const FerretSet &largest = kFerretSets.back();
  const double steady =
      8.0 * static_cast<double>(largest.messageBytes()) / static_cast<double>(largest.usable());
  CHECK(steady <= 0.2106);

  const StockOptions options(CotMethod::kFerret);
  TwoParty pair(6);
  // Reaches the reserve of the largest set.
  pair.setUp(20'000'000, 0, options);
  StockModel model(options);
  model.prepare(20'000'000, 0);
  const std::uint64_t next = model.server().left + 2 * largest.usable();
  pair.run(preparing(next, 0), preparing(next, 0));
  CHECK(pair.matches(model.prepare(next, 0)));
  CHECK(model.server().left == next);
  const auto bytes = pair.measured().bytesToServer + pair.measured().bytesToClient;
  CHECK(bytes == 2 * (largest.messageBytes() + kFrameHeaderBytes));
  CHECK(8.0 * static_cast<double>(bytes) / static_cast<double>(2 * largest.usable()) <= 0.23);
  // With all that a session needs before.
  const double thirtyMillion = 8.0 * static_cast<double>(stockCost(30'000'000, 0).bytes());
  CHECK(thirtyMillion / 30e6 <= 0.32);
}

TEST_CASE("small programs do not pay for large rounds", "[ferret]") {
  // Twice what 1,000 comparisons of 32 bits take in each direction.
  const std::uint64_t bytes = setupCost().bytes() + stockCost(128'000, 128'000).bytes();
  CHECK(bytes < 600'000);
}

TEST_CASE("what silent OT sends under a test seed does not change unnoticed", "[ferret][wire]") {
  TwoParty pair(1);
  pair.setUp(3'000'000, 2000, CotMethod::kFerret);
  CHECK(pair.wireHash() == "401c5720b0cd48067b68d75911f567df");
}
