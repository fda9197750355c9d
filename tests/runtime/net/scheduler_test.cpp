// SPDX-License-Identifier: Apache-2.0
// The flow scheduler: parallel tasks share frames, failures unwind, parties that have lost step are
// found out.
#include "runtime/net/error.h"
#include "runtime/net/flow_scheduler.h"
#include "runtime/net/memory_channel.h"

#include <catch2/catch.hpp>
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
