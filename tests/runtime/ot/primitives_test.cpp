// SPDX-License-Identifier: Apache-2.0
// Every OT primitive against its functionality and its predicted cost, over widths and odd sizes.
#include "runtime/net/error.h"
#include "runtime/ot/correlated.h"
#include "runtime/ot/random_ot.h"
#include "runtime/ot/table.h"
#include "tests/runtime/two_party.h"

#include <catch2/catch.hpp>
#include <set>

using namespace dyad;
using test::TwoParty;

namespace {

std::uint64_t maskFor(unsigned bits) { return ~std::uint64_t{0} >> (64 - bits); }

BitVec randomBits(Prg &prg, std::size_t n) {
  BitVec bits(n);
  for (std::uint64_t &word : bits.words())
    word = prg.block().low;
  bits.trim();
  return bits;
}

// Runs a sender's and a receiver's part with either party as the sender; results sender first.
template <typename Send, typename Receive>
auto runAs(TwoParty &pair, Role sender, Send send, Receive receive) {
  if (sender == Role::kServer)
    return pair.run(send, receive);
  auto [received, sent] = pair.run(receive, send);
  return std::pair(std::move(sent), std::move(received));
}

} // namespace

TEST_CASE("correlated OT: shares of b * delta, all widths, odd sizes", "[ot]") {
  const Role sender = GENERATE(Role::kServer, Role::kClient);
  Prg prg(TestSeed{1});
  for (unsigned bits = 1; bits <= 64; ++bits)
    for (const std::size_t n : {0, 1, 2, 63, 65, 1001}) {
      if (n == 1001 && bits % 13 != 0)
        continue;
      CAPTURE(bits, n);
      TwoParty pair(bits);
      const Cost cost = cotsCost(sender, n, bits);
      pair.deal(cost);
      const Ring delta = prg.ring(n, bits);
      const BitVec choice = randomBits(prg, n);
      auto [sent, received] = runAs(
          pair, sender, [&](Session &s) { return s.run(sendCots(s, delta, bits)); },
          [&](Session &s) { return s.run(receiveCots(s, choice, bits)); });
      REQUIRE(pair.measured() == TwoParty::expected(cost));
      REQUIRE(pair.matches(cost));
      REQUIRE(sent.size() == n);
      REQUIRE(received.size() == n);
      for (std::size_t i = 0; i < n; ++i) {
        REQUIRE(((sent[i] + received[i]) & maskFor(bits)) == (choice[i] ? delta[i] : 0));
        REQUIRE((sent[i] | received[i]) <= maskFor(bits));
      }
    }
}

TEST_CASE("correlated OT: groups of vectors and fields in one message", "[ot]") {
  // Short and long, narrow and wide, none, and more than one tile.
  const std::vector<CotGroup> groups = {
      {3, {{28, 5}}},    {0, {{7, 2}}},          {2, {{64, 300}}},
      {1, {{32, 4000}}}, {5, {{1, 1}, {40, 3}}}, {700, {{13, 2}, {4, 1}}},
      {2, {}},
  };
  TwoParty pair(5);
  const Cost cost = cotsCost(Role::kServer, groups);
  pair.deal(cost);
  Prg prg(TestSeed{2});
  std::vector<Ring> deltas;
  std::size_t count = 0;
  for (const CotGroup &group : groups) {
    count += group.count;
    for (const CotField &field : group.fields)
      deltas.push_back(prg.ring(group.count * field.length, field.bits));
  }
  const BitVec choice = randomBits(prg, count);
  auto [sent, received] =
      pair.run([&](Session &s) { return s.run(sendCots(s, groups, deltas)); },
               [&](Session &s) { return s.run(receiveCots(s, groups, choice)); });
  CHECK(pair.matches(cost));
  std::size_t first = 0;
  std::size_t f = 0;
  for (const CotGroup &group : groups) {
    for (const CotField &field : group.fields) {
      std::set<std::uint64_t> distinct;
      for (std::size_t i = 0; i < group.count * field.length; ++i) {
        const bool b = choice[first + i / field.length];
        REQUIRE(((sent[f][i] + received[f][i]) & maskFor(field.bits)) == (b ? deltas[f][i] : 0));
        distinct.insert(sent[f][i]);
      }
      // Masks of wide values do not repeat.
      if (field.bits == 64)
        CHECK(distinct.size() == group.count * field.length);
      ++f;
    }
    first += group.count;
  }
}

TEST_CASE("1-of-2 OT delivers the chosen message", "[ot]") {
  const unsigned bits = GENERATE(1u, 7u, 32u, 64u);
  const std::size_t n = GENERATE(0u, 1u, 129u, 1200u);
  TwoParty pair(2);
  pair.deal(otsCost(Role::kServer, n, bits));
  Prg prg(TestSeed{3});
  const Ring zeros = prg.ring(n, bits);
  const Ring ones = prg.ring(n, bits);
  const BitVec choice = randomBits(prg, n);
  const Ring received = pair.run(
                                [&](Session &s) {
                                  s.run(sendOts(s, zeros, ones, bits));
                                  return 0;
                                },
                                [&](Session &s) { return s.run(receiveOts(s, choice, bits)); })
                            .second;
  CHECK(pair.matches(otsCost(Role::kServer, n, bits)));
  for (std::size_t i = 0; i < n; ++i)
    REQUIRE(received[i] == (choice[i] ? ones[i] : zeros[i]));
}

TEST_CASE("tables of bits: shares of the chosen entry, all entries", "[ot]") {
  const Role sender = GENERATE(Role::kServer, Role::kClient);
  Prg prg(TestSeed{4});
  for (const std::size_t n : {0, 1, 65, 1030})
    for (unsigned m = 1; m <= 8; ++m) {
      if (n > 100 && m > 4)
        continue;
      // Two tables in one message, of different forms.
      const std::vector<BitTable> tables = {{n, m, 2}, {n / 2 + 1, 1 + m % 3, 1}};
      CAPTURE(n, m);
      const Cost cost = bitTablesCost(sender, tables);
      TwoParty pair(m);
      pair.deal(cost);
      std::vector<BitVec> values;
      std::vector<BitVec> choices;
      for (const BitTable &table : tables) {
        for (std::size_t i = 0; i < table.entries() * table.planes; ++i)
          values.push_back(randomBits(prg, table.count));
        for (unsigned s = 0; s < table.choiceBits; ++s)
          choices.push_back(randomBits(prg, table.count));
      }
      auto [sent, received] = runAs(
          pair, sender, [&](Session &s) { return s.run(sendBitTables(s, tables, values)); },
          [&](Session &s) { return s.run(receiveBitTables(s, tables, choices)); });
      REQUIRE(pair.matches(cost));
      REQUIRE(sent.size() == 3);
      REQUIRE(received.size() == 3);
      std::size_t value = 0;
      std::size_t choice = 0;
      std::size_t share = 0;
      for (const BitTable &table : tables) {
        for (std::size_t i = 0; i < table.count; ++i) {
          std::size_t c = 0;
          for (unsigned s = 0; s < table.choiceBits; ++s)
            c |= static_cast<std::size_t>(choices[choice + s][i]) << s;
          for (unsigned p = 0; p < table.planes; ++p)
            REQUIRE((sent[share + p][i] ^ received[share + p][i]) ==
                    values[value + c * table.planes + p][i]);
        }
        value += table.entries() * table.planes;
        choice += table.choiceBits;
        share += table.planes;
      }
    }
}

TEST_CASE("tables of ring elements: additive shares of the chosen entry", "[ot]") {
  const Role sender = GENERATE(Role::kServer, Role::kClient);
  Prg prg(TestSeed{5});
  for (const unsigned bits : {1u, 5u, 33u, 64u})
    for (const unsigned m : {1u, 2u, 3u, 8u})
      for (const std::size_t n : {0u, 1u, 67u}) {
        CAPTURE(bits, m, n);
        const Cost cost = ringTablesCost(sender, n, m, bits);
        TwoParty pair(m);
        pair.deal(cost);
        const Ring values = prg.ring(n << m, bits);
        std::vector<BitVec> choices;
        choices.reserve(m);
        for (unsigned s = 0; s < m; ++s)
          choices.push_back(randomBits(prg, n));
        auto [sent, received] = runAs(
            pair, sender, [&](Session &s) { return s.run(sendRingTables(s, m, bits, values)); },
            [&](Session &s) { return s.run(receiveRingTables(s, m, bits, choices)); });
        REQUIRE(pair.matches(cost));
        for (std::size_t i = 0; i < n; ++i) {
          std::size_t c = 0;
          for (unsigned s = 0; s < m; ++s)
            c |= static_cast<std::size_t>(choices[s][i]) << s;
          REQUIRE(((sent[i] + received[i]) & maskFor(bits)) == values[(i << m) + c]);
        }
      }
}

TEST_CASE("random OTs and AND triples need no message", "[ot]") {
  const std::size_t n = GENERATE(0u, 1u, 63u, 1025u);
  TwoParty pair(6);
  Cost cost = randomOtsCost(Role::kClient, n);
  cost.then(andTriplesCost(n)).then(andTriplesCost(n));
  pair.deal(cost);
  struct Local {
    AndTriples triples;
    AndPairs pairs;
  };
  const auto local = [&](Session &s) { return Local{andTriples(s, n), andPairs(s, n)}; };
  auto [server, client] = pair.run(local, local);
  auto [received, sent] = pair.run([&](Session &s) { return receiveRandomOts(s, n, 17); },
                                   [&](Session &s) { return sendRandomOts(s, n, 17); });
  CHECK(pair.server().flows().traffic().bytesSent == 0);
  CHECK(pair.server().stock().serverCotsLeft() == 0);
  CHECK(pair.client().stock().clientCotsLeft() == 0);
  const auto open = [](const BitVec &a, const BitVec &b) { return a ^ b; };
  CHECK((open(server.triples.a, client.triples.a) & open(server.triples.b, client.triples.b)) ==
        open(server.triples.c, client.triples.c));
  const BitVec a = open(server.pairs.a, client.pairs.a);
  const BitVec b0 = open(server.pairs.b0, client.pairs.b0);
  const BitVec b1 = open(server.pairs.b1, client.pairs.b1);
  CHECK((a & b0) == open(server.pairs.c0, client.pairs.c0));
  CHECK((a & b1) == open(server.pairs.c1, client.pairs.c1));
  if (n > 1000) {
    CHECK_FALSE(b0 == b1);
    CHECK_FALSE(a == b0);
  }
  for (std::size_t i = 0; i < n; ++i)
    REQUIRE(received.value[i] == (received.choice[i] ? sent.one[i] : sent.zero[i]));
}

TEST_CASE("primitives side by side share their flows", "[ot]") {
  TwoParty pair(7);
  const Cost one = cotsCost(Role::kServer, 20, 16);
  const Cost two = cotsCost(Role::kClient, 30, 8);
  const Cost cost = Cost(one).beside(two);
  pair.deal(cost);
  Prg prg(TestSeed{7});
  const Ring delta = prg.ring(20, 16);
  const Ring other = prg.ring(30, 8);
  const BitVec choice = randomBits(prg, 20);
  const BitVec otherChoice = randomBits(prg, 30);
  auto [server, client] = pair.run(
      [&](Session &s) {
        return s.run(whenAll(sendCots(s, delta, 16), receiveCots(s, otherChoice, 8)));
      },
      [&](Session &s) {
        return s.run(whenAll(receiveCots(s, choice, 16), sendCots(s, other, 8)));
      });
  CHECK(pair.matches(cost));
  CHECK(cost.flows() == 2);
  for (std::size_t i = 0; i < 20; ++i)
    REQUIRE(((std::get<0>(server)[i] + std::get<0>(client)[i]) & 0xffff) ==
            (choice[i] ? delta[i] : 0));
  for (std::size_t i = 0; i < 30; ++i)
    REQUIRE(((std::get<1>(server)[i] + std::get<1>(client)[i]) & 0xff) ==
            (otherChoice[i] ? other[i] : 0));
}

TEST_CASE("misuse is an error before a byte is sent", "[ot]") {
  TwoParty pair;
  pair.deal(4, 4);
  Session &s = pair.server();
  const auto code = [](auto &&call) {
    try {
      call();
    } catch (const Error &error) {
      return error.code();
    }
    return ErrorCode::kUsage;
  };
  CHECK(code([&] { s.run(sendCots(s, Ring(4), 65)); }) == ErrorCode::kOutOfRange);
  CHECK(code([&] { s.run(sendCots(s, Ring(5), 8)); }) == ErrorCode::kOutOfRange);
  CHECK(code([&] { s.run(sendCots(s, {{4, {{8, 2}}}}, {Ring(4)})); }) == ErrorCode::kShapeMismatch);
  CHECK(code([&] { s.run(receiveCots(s, {{4, {{8, 1}}}}, BitVec(3))); }) ==
        ErrorCode::kShapeMismatch);
  CHECK(code([&] { s.run(sendOts(s, Ring(4), Ring(3), 8)); }) == ErrorCode::kShapeMismatch);
  CHECK(code([&] { s.run(sendRingTables(s, 9, 8, Ring(512))); }) == ErrorCode::kOutOfRange);
  CHECK(code([&] { s.run(sendBitTables(s, {{4, 2, 1}}, std::vector<BitVec>(4, BitVec(3)))); }) ==
        ErrorCode::kShapeMismatch);
  CHECK(code([&] { andTriples(s, 5); }) == ErrorCode::kOutOfRange);
  CHECK(s.flows().traffic().bytesSent == 0);
}

TEST_CASE("masks and shares look uniform", "[ot]") {
  // Each bit of each party's share of b * delta, for fixed delta and choices.
  const std::size_t n = 1 << 14;
  const unsigned bits = 12;
  TwoParty pair(8);
  pair.deal(n, 0);
  const bool choose = GENERATE(false, true);
  auto [sent, received] = pair.run(
      [&](Session &s) { return s.run(sendCots(s, Ring(n, 1234), bits)); },
      [&](Session &s) { return s.run(receiveCots(s, choose ? ~BitVec(n) : BitVec(n), bits)); });
  for (unsigned bit = 0; bit < bits; ++bit)
    for (const Ring *share : {&sent, &received}) {
      double ones = 0;
      for (const std::uint64_t value : *share)
        ones += static_cast<double>(value >> bit & 1);
      const double off = ones - n / 2.0;
      CHECK(off * off < 25 * n / 4.0);
    }
}

TEST_CASE("statistics by node add up and equal the prediction", "[ot]") {
  TwoParty pair(3);
  const Cost first = cotsCost(Role::kServer, 100, 10);
  const Cost second = cotsCost(Role::kClient, 50, 20);
  pair.deal(Cost(first).then(second));
  const auto program = [&](Session &s) {
    s.beginPhase("online");
    s.beginNode("conv1", "Conv");
    s.isServer() ? s.run(sendCots(s, Ring(100), 10)) : s.run(receiveCots(s, BitVec(100), 10));
    s.endNode();
    s.beginNode("relu1", "Relu");
    s.isServer() ? s.run(receiveCots(s, BitVec(50), 20)) : s.run(sendCots(s, Ring(50), 20));
    s.endNode();
    s.endPhase();
    return s.nodes();
  };
  auto [server, client] = pair.run(program, program);
  FlowCounter counter;
  const NodeStats predicted[] = {predictedRow("conv1", "Conv", first, counter),
                                 predictedRow("relu1", "Relu", second, counter)};
  for (const std::vector<NodeStats> *rows : {&server, &client}) {
    REQUIRE(rows->size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
      const NodeStats &row = (*rows)[i];
      CHECK(row.name == predicted[i].name);
      CHECK(row.bytesToServer == predicted[i].bytesToServer);
      CHECK(row.bytesToClient == predicted[i].bytesToClient);
      CHECK(row.flows == predicted[i].flows);
      CHECK(row.serverCots == predicted[i].serverCots);
      CHECK(row.clientCots == predicted[i].clientCots);
    }
  }
  CHECK(pair.server().phases()[0].flows == counter.flows());
}

TEST_CASE("what the primitives send under a test seed does not change unnoticed", "[ot][wire]") {
  const auto hashOf = [](const Cost &cost, auto server, auto client) {
    TwoParty pair(11);
    pair.deal(cost);
    const auto ignore = [](auto part) {
      return [part](Session &s) {
        s.run(part(s));
        return 0;
      };
    };
    pair.run(ignore(server), ignore(client));
    return pair.wireHash();
  };
  Prg prg(TestSeed{12});
  const Ring values = prg.ring(64, 21);
  const std::vector<BitVec> planes = {randomBits(prg, 16), randomBits(prg, 16)};
  const std::vector<BitVec> table(4, randomBits(prg, 16));
  CHECK(hashOf(
            cotsCost(Role::kServer, 64, 21), [&](Session &s) { return sendCots(s, values, 21); },
            [&](Session &s) { return receiveCots(s, BitVec(64), 21); }) ==
        "52ca46b5ccbb1e9a663afcad723eeb8d");
  CHECK(hashOf(
            otsCost(Role::kServer, 64, 21),
            [&](Session &s) { return sendOts(s, values, values, 21); },
            [&](Session &s) { return receiveOts(s, BitVec(64), 21); }) ==
        "c3e16f95f1fe429a63fff5793d56c51a");
  CHECK(hashOf(
            bitTablesCost(Role::kServer, {{16, 2, 1}}),
            [&](Session &s) { return sendBitTables(s, {{16, 2, 1}}, table); },
            [&](Session &s) { return receiveBitTables(s, {{16, 2, 1}}, planes); }) ==
        "12da58d00ccbd2a81f4cd4bf2eea8982");
  CHECK(hashOf(
            ringTablesCost(Role::kServer, 16, 2, 21),
            [&](Session &s) { return sendRingTables(s, 2, 21, values); },
            [&](Session &s) { return receiveRingTables(s, 2, 21, planes); }) ==
        "4f754ced6de84e249d096b449295acef");
}
