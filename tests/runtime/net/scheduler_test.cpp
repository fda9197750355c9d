// SPDX-License-Identifier: Apache-2.0
// The flow scheduler: parallel tasks share frames, failures unwind, parties that have lost step are
// found out.
#include "runtime/net/error.h"
#include "runtime/net/flow_scheduler.h"
#include "runtime/net/memory_channel.h"
#include "runtime/net/tiles.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <numeric>
#include <thread>

using namespace dyad;

namespace {

// Counts what a party hands to its channel.
class CountingChannel final : public Channel {
public:
  explicit CountingChannel(std::unique_ptr<Channel> inner) : inner_(std::move(inner)) {}
  void send(std::vector<std::uint8_t> bytes) override {
    ++frames;
    inner_->send(std::move(bytes));
  }
  void receive(std::span<std::uint8_t> into) override { inner_->receive(into); }
  int frames = 0;

private:
  std::unique_ptr<Channel> inner_;
};

struct Parties {
  CountingChannel serverChannel;
  CountingChannel clientChannel;
  FlowScheduler server;
  FlowScheduler client;

  explicit Parties(std::chrono::milliseconds timeout = std::chrono::seconds(20))
      : Parties(makeMemoryChannels(timeout)) {}

  template <typename F> void run(F program) {
    std::thread other([&] { program(client); });
    program(server);
    other.join();
  }

private:
  explicit Parties(std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>> ends)
      : serverChannel(std::move(ends.first)), clientChannel(std::move(ends.second)),
        server(Role::kServer, serverChannel), client(Role::kClient, clientChannel) {}
};

// Client sends `size` bytes of value `tag`, server answers with each byte plus one.
Task<std::vector<std::uint8_t>> askAndAnswer(FlowScheduler &flows, std::uint8_t tag,
                                             std::size_t size) {
  if (flows.isServer()) {
    const auto asked = co_await flows.tick(size);
    std::vector<std::uint8_t> answer(asked.begin(), asked.end());
    for (std::uint8_t &byte : answer)
      ++byte;
    flows.send(answer);
    co_await flows.tick();
    co_return answer;
  }
  for (std::uint8_t &byte : flows.sendBuffer(size))
    byte = tag;
  co_await flows.tick();
  const auto answer = co_await flows.tick(size);
  co_return std::vector<std::uint8_t>(answer.begin(), answer.end());
}

Task<void> failAfter(FlowScheduler &flows, int ticks) {
  for (int i = 0; i < ticks; ++i)
    co_await flows.tick();
  fail(ErrorCode::kOutOfRange, "on purpose");
}

Task<void> keepGoing(FlowScheduler &flows, int &ended) {
  struct Guard {
    int &count;
    ~Guard() { ++count; }
  } guard{ended};
  for (int i = 0; i < 1000; ++i)
    co_await flows.tick();
}

} // namespace

TEST_CASE("tasks side by side share frames", "[net]") {
  Parties parties;
  parties.run([](FlowScheduler &flows) {
    // Of different lengths; the third one starts a round later.
    auto program = [](FlowScheduler &f) -> Task<std::size_t> {
      std::vector<Task<std::vector<std::uint8_t>>> tasks;
      tasks.push_back(askAndAnswer(f, 10, 3));
      tasks.push_back(askAndAnswer(f, 20, 0));
      tasks.push_back(askAndAnswer(f, 30, 1000));
      const auto results = co_await whenAll(std::move(tasks));
      if (results[0] != std::vector<std::uint8_t>(3, 11) || !results[1].empty() ||
          results[2] != std::vector<std::uint8_t>(1000, 31))
        fail(ErrorCode::kProtocol, "wrong answers");
      auto [again, more] = co_await whenAll(askAndAnswer(f, 40, 2), askAndAnswer(f, 50, 4));
      co_return again.size() + more.size() + more[0];
    };
    if (flows.run(program(flows)) != 6 + 51)
      fail(ErrorCode::kProtocol, "wrong sum");
  });
  CHECK(parties.serverChannel.frames == 2);
  CHECK(parties.clientChannel.frames == 2);
  CHECK(parties.server.flows() == 4);
  CHECK(parties.client.flows() == 4);
  CHECK(parties.server.traffic().bytesSent == 2 * kFrameHeaderBytes + 1003 + 6);
  CHECK(parties.server.traffic().bytesReceived == parties.client.traffic().bytesSent);
}

TEST_CASE("an exception in a task reaches the caller, siblings unwind", "[net]") {
  const int ticks = GENERATE(0, 1, 5);
  Parties parties;
  int ended = 0;
  std::vector<Task<void>> tasks;
  tasks.push_back(keepGoing(parties.server, ended));
  tasks.push_back(failAfter(parties.server, ticks));
  tasks.push_back(keepGoing(parties.server, ended));
  CHECK_THROWS_WITH(parties.server.run(whenAll(std::move(tasks))), "on purpose");
  // With ticks = 0 the third one never started.
  CHECK(ended == (ticks == 0 ? 1 : 2));
}

TEST_CASE("nested and empty compositions", "[net]") {
  Parties parties;
  parties.run([](FlowScheduler &flows) {
    auto inner = [](FlowScheduler &f) -> Task<int> {
      co_await whenAll(std::vector<Task<void>>());
      auto [a, b] = co_await whenAll(askAndAnswer(f, 1, 1), askAndAnswer(f, 2, 1));
      co_return a[0] + b[0];
    };
    auto outer = [&](FlowScheduler &f) -> Task<int> {
      auto [a, b] = co_await whenAll(inner(f), inner(f));
      co_return a + b;
    };
    if (flows.run(outer(flows)) != 10)
      fail(ErrorCode::kProtocol, "wrong sum");
  });
  CHECK(parties.server.flows() == 2);
}

TEST_CASE("a deep chain of tasks does not grow the stack", "[net]") {
  Parties parties;
  auto program = [](FlowScheduler &f) -> Task<int> {
    auto leaf = []() -> Task<int> { co_return 1; };
    int sum = 0;
    for (int i = 0; i < 200'000; ++i)
      sum += co_await leaf();
    co_await f.tick();
    co_return sum;
  };
  CHECK(parties.server.run(program(parties.server)) == 200'000);
}

TEST_CASE("parties that run different programs are told", "[net]") {
  Parties parties;
  parties.client.send(std::vector<std::uint8_t>(5));
  auto idle = [](FlowScheduler &f, std::size_t expected) -> Task<void> {
    co_await f.tick(expected);
  };
  parties.client.run(idle(parties.client, 0));
  try {
    parties.server.run(idle(parties.server, 6));
    FAIL("no error");
  } catch (const Error &error) {
    CHECK(error.code() == ErrorCode::kProtocol);
    CHECK(std::string(error.what()).find("5 bytes") != std::string::npos);
  }
}

namespace {

// The client sends `size` bytes in pieces, the server answers each piece when it is there, and the
// client reads the answers in pieces of another size. Returns the sum of what this party received.
Task<std::uint64_t> pieceByPiece(FlowScheduler &flows, std::size_t size, std::size_t piece,
                                 std::size_t other) {
  std::uint64_t sum = 0;
  if (!flows.isServer())
    for (std::size_t at = 0; at < size; at += piece) {
      const auto into = flows.sendBuffer(std::min(piece, size - at));
      std::iota(into.begin(), into.end(), static_cast<std::uint8_t>(at));
    }
  auto asked = co_await flows.tickInPieces(flows.isServer() ? size : 0);
  while (asked.left() != 0) {
    const auto some = asked.next(std::min(piece, asked.left()));
    sum += std::accumulate(some.begin(), some.end(), std::uint64_t{0});
    const auto answer = flows.sendBuffer(some.size());
    std::transform(some.begin(), some.end(), answer.begin(),
                   [](std::uint8_t byte) { return static_cast<std::uint8_t>(byte + 1); });
  }
  auto answered = co_await flows.tickInPieces(flows.isServer() ? 0 : size);
  while (answered.left() != 0) {
    const auto some = answered.next(std::min(other, answered.left()));
    sum += std::accumulate(some.begin(), some.end(), std::uint64_t{0});
  }
  co_return sum;
}

std::uint64_t sumOfPieces(std::size_t size, std::size_t piece, unsigned plus) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < size; ++i)
    sum += static_cast<std::uint8_t>(i / piece * piece + i % piece + plus);
  return sum;
}

} // namespace

TEST_CASE("long messages leave and are read in pieces, and cost what short ones do", "[net]") {
  constexpr std::size_t kSize = 1'000'003;
  Parties parties;
  parties.run([](FlowScheduler &flows) {
    auto program = [](FlowScheduler &f) -> Task<bool> {
      // Between others, and several of them: positions stay what they are.
      auto [small, first, second] =
          co_await whenAll(askAndAnswer(f, 7, 5), pieceByPiece(f, kSize, 50'000, 70'001),
                           pieceByPiece(f, 10, 3, 10));
      auto [large, last] = co_await whenAll(askAndAnswer(f, 9, kSize), askAndAnswer(f, 11, 1));
      const unsigned plus = f.isServer() ? 0 : 1;
      co_return small[4] == 8 && first == sumOfPieces(kSize, 50'000, plus) &&
          second == sumOfPieces(10, 3, plus) && large[kSize - 1] == 10 && last[0] == 12;
    };
    if (!flows.run(program(flows)))
      fail(ErrorCode::kProtocol, "wrong bytes");
  });
  const std::uint64_t bytes = 2 * kFrameHeaderBytes + 5 + kSize + 10 + kSize + 1;
  CHECK(parties.client.traffic().bytesSent == bytes);
  CHECK(parties.server.traffic().bytesSent == bytes);
  CHECK(parties.server.traffic().bytesReceived == bytes);
  CHECK(parties.server.flows() == 4);
  CHECK(parties.client.flows() == 4);
  // Pieces of 50 kB leave three at a time, the last one with the end of the tick.
  CHECK(parties.clientChannel.frames >= 7);
}

TEST_CASE("tiles overtake each other's network in the flows of one", "[net]") {
  constexpr std::size_t kTiles = 8;
  constexpr std::size_t kTile = 200'000;
  Parties parties;
  // The server answers tile i when the client has made no more than tile i + 1: were tiles to wait
  // for each other's bytes, both would wait for ever, and the time limit would end the test.
  std::atomic<std::size_t> answered{0};
  parties.run([&](FlowScheduler &flows) {
    auto tile = [](FlowScheduler &f, std::size_t number,
                   std::atomic<std::size_t> &answers) -> Task<std::size_t> {
      if (f.isServer()) {
        const auto asked = co_await f.tick(kTile);
        ++answers;
        f.send(asked);
        co_await f.tick();
        co_return number;
      }
      if (number >= 2)
        while (answers < number - 1)
          std::this_thread::yield();
      f.sendBuffer(kTile);
      co_await f.tick();
      co_return (co_await f.tick(kTile)).size();
    };
    const auto all = flows.run(inTiles(kTiles * kTile, kTile, [&](std::size_t begin, std::size_t) {
      return tile(flows, begin / kTile, answered);
    }));
    if (all.size() != kTiles)
      fail(ErrorCode::kProtocol, "wrong tiles");
  });
  CHECK(parties.server.flows() == 2);
  CHECK(parties.client.traffic().bytesSent == kFrameHeaderBytes + kTiles * kTile);
}

TEST_CASE("a message that is not read to its end is an error", "[net]") {
  Parties parties;
  parties.client.send(std::vector<std::uint8_t>(10));
  auto leaveSome = [](FlowScheduler &f, std::size_t expected) -> Task<void> {
    auto pieces = co_await f.tickInPieces(expected);
    pieces.next(expected / 2);
    co_await f.tick();
  };
  parties.client.run(leaveSome(parties.client, 0));
  CHECK_THROWS_WITH(parties.server.run(leaveSome(parties.server, 10)),
                    Catch::Contains("5 bytes of the peer's message left unread"));
  auto readMore = [](FlowScheduler &f) -> Task<void> { (co_await f.tickInPieces(3)).next(4); };
  CHECK_THROWS_AS(parties.client.run(readMore(parties.client)), Error);
}
