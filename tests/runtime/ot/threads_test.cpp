// SPDX-License-Identifier: Apache-2.0
// Any number of threads, at either party, sends the same bytes and computes the same results; bit
// streams made in pieces are those of one writer.
#include "runtime/net/error.h"
#include "runtime/net/memory_channel.h"
#include "runtime/ot/bit_pieces.h"
#include "runtime/ot/correlated.h"
#include "runtime/ot/random_ot.h"
#include "runtime/ot/table.h"
#include "runtime/parallel/thread_pool.h"
#include "tests/runtime/two_party.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace dyad;
using test::TwoParty;

namespace {

// Everything that both parties computed.
using Values = std::vector<std::uint64_t>;

void add(Values &values, const Ring &ring) {
  values.insert(values.end(), ring.begin(), ring.end());
}
void add(Values &values, const BitVec &bits) {
  values.insert(values.end(), bits.words().begin(), bits.words().end());
}

// Sizes of many pieces, ends within a byte.
const std::vector<CotGroup> kGroups = {
    {20'001, {{17, 1}}}, {131, {{3, 40}, {41, 7}}}, {3, {{9, 1}}}};
constexpr std::uint64_t kTables = 20'003;
constexpr std::uint64_t kOts = 30'001;

Task<Values> workOfSender(Session &session) {
  Values values;
  std::vector<Ring> deltas;
  for (const CotGroup &group : kGroups)
    for (const CotField &field : group.fields)
      deltas.push_back(session.prg().ring(group.count * field.length, field.bits));
  for (const Ring &shares : co_await sendCots(session, kGroups, deltas))
    add(values, shares);
  Ring zeros = session.prg().ring(kOts, 13);
  Ring ones = session.prg().ring(kOts, 13);
  co_await sendOts(session, zeros, ones, 13);
  add(values, co_await sendRingTables(session, 2, 21, session.prg().ring(4 * kTables, 21)));
  co_return values;
}

Task<Values> workOfReceiver(Session &session) {
  Values values;
  std::uint64_t count = 0;
  for (const CotGroup &group : kGroups)
    count += group.count;
  const auto choices = [&](std::uint64_t n) {
    BitVec bits(n);
    session.prg().fill({reinterpret_cast<std::uint8_t *>(bits.words().data()),
                        bits.words().size() * sizeof(std::uint64_t)});
    bits.trim();
    return bits;
  };
  for (const Ring &shares : co_await receiveCots(session, kGroups, choices(count)))
    add(values, shares);
  add(values, co_await receiveOts(session, choices(kOts), 13));
  add(values, co_await receiveRingTables(session, 2, 21, {choices(kTables), choices(kTables)}));
  co_return values;
}

Values work(Session &session) {
  Values values = session.run(session.isServer() ? workOfSender(session) : workOfReceiver(session));
  const AndTriples triples = andTriples(session, 100'000);
  add(values, triples.a);
  add(values, triples.c);
  if (session.isServer()) {
    add(values, sendRandomOts(session, 5000, 33).one);
  } else {
    add(values, receiveRandomOts(session, 5000, 33).value);
  }
  return values;
}

struct Ran {
  std::string wire;
  Values server;
  Values client;
  bool operator==(const Ran &) const = default;
};

Ran runWith(unsigned serverThreads, unsigned clientThreads, const StockOptions &options) {
  TwoParty pair(5);
  const auto party = [&](unsigned threads) {
    return [&, threads](Session &session) {
      ThreadPool pool(threads);
      const UsePool use(pool);
      session.run(session.stock().setup(options));
      session.run(session.stock().prepare(250'000, 150'000));
      return work(session);
    };
  };
  auto [server, client] = pair.run(party(serverThreads), party(clientThreads));
  return {pair.wireHash(), std::move(server), std::move(client)};
}

} // namespace

TEST_CASE("any number of threads sends and computes the same", "[ot][threads]") {
  const StockOptions options =
      GENERATE(StockOptions(CotMethod::kFerret), StockOptions(SoftSpokenParameters{4}));
  const Ran alone = runWith(1, 1, options);
  CHECK(alone == runWith(2, 2, options));
  CHECK(alone == runWith(3, 1, options));
}

TEST_CASE("a failure in a thread's piece ends the protocol, and the pool lives on",
          "[ot][threads]") {
  ThreadPool pool(3);
  const UsePool use(pool);
  auto [serverEnd, clientEnd] = makeMemoryChannels();
  clientEnd.reset();
  FlowScheduler flows(Role::kServer, *serverEnd);
  BitPieceWriter writer(flows);
  CHECK_THROWS_WITH(writer.append(1000, 8, 10,
                                  [](std::uint64_t begin, std::uint64_t, BitWriter &) {
                                    if (begin == 500)
                                      fail(ErrorCode::kOutOfRange, "on purpose");
                                  }),
                    "on purpose");
  // The peer went away: sending says so from the middle of a message.
  BitPieceWriter longer(flows);
  CHECK_THROWS_AS(longer.append(10'000'000, 8, 100'000,
                                [](std::uint64_t begin, std::uint64_t end, BitWriter &into) {
                                  for (std::uint64_t i = begin; i < end; ++i)
                                    into.put(i & 255, 8);
                                }),
                  Error);
}

TEST_CASE("a bit stream in pieces is that of one writer", "[ot][threads]") {
  struct Part {
    std::uint64_t count;
    unsigned bits;
    std::uint64_t grain;
  };
  // Pieces that end within a byte, parts within a byte, parts beyond one message of the scheduler.
  const std::vector<Part> parts = {{3, 1, 1},           {1000, 7, 3}, {0, 5, 4},
                                   {2, 3, 64},          {1, 2, 1},    {17, 64, 5},
                                   {900'001, 13, 1000}, {5, 1, 2},    {300'000, 33, 4096}};
  const auto value = [](std::uint64_t i, unsigned bits) {
    return (i * 0x9e3779b97f4a7c15U) >> (64 - bits);
  };
  std::uint64_t bits = 0;
  for (const Part &part : parts)
    bits += part.count * part.bits;
  std::vector<std::uint8_t> expected((bits + 7) / 8);
  BitWriter whole(expected);
  for (const Part &part : parts)
    for (std::uint64_t i = 0; i < part.count; ++i)
      whole.put(value(i, part.bits), part.bits);
  whole.flush();

  auto [serverEnd, clientEnd] = makeMemoryChannels();
  FlowScheduler server(Role::kServer, *serverEnd);
  ThreadPool pool(3);
  const UsePool use(pool);
  const auto send = [&](FlowScheduler &flows) -> Task<void> {
    BitPieceWriter writer(flows);
    for (const Part &part : parts)
      writer.append(part.count, part.bits, part.grain,
                    [&](std::uint64_t begin, std::uint64_t end, BitWriter &into) {
                      for (std::uint64_t i = begin; i < end; ++i)
                        into.put(value(i, part.bits), part.bits);
                    });
    writer.finish();
    co_await flows.tick();
  };
  server.run(send(server));
  server.run(send(server));
  FlowScheduler client(Role::kClient, *clientEnd);
  const auto readWhole = [&]() -> Task<bool> {
    const std::span<const std::uint8_t> got = co_await client.tick(expected.size());
    co_return std::equal(got.begin(), got.end(), expected.begin());
  };
  CHECK(client.run(readWhole()));
  const auto readInPieces = [&]() -> Task<bool> {
    BitPieceReader reader(co_await client.tickInPieces(expected.size()));
    for (std::size_t p = 0; p < parts.size(); ++p)
      reader.read(parts[p].count, parts[p].bits, parts[p].grain,
                  [&](std::uint64_t begin, std::uint64_t end, BitReader &from) {
                    bool same = true;
                    for (std::uint64_t i = begin; i < end; ++i)
                      same = from.get(parts[p].bits) == value(i, parts[p].bits) && same;
                    if (!same)
                      fail(ErrorCode::kProtocol, "part {} from {} on differs", p, begin);
                  });
    co_return true;
  };
  CHECK(client.run(readInPieces()));
}
