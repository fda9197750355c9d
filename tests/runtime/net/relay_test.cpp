// SPDX-License-Identifier: Apache-2.0
// The relay passes bytes on in order and unchanged, and no faster than the link that it imitates.
// Times are checked from below only: a busy machine makes everything slower.
#include "runtime/net/error.h"
#include "runtime/net/relay.h"
#include "runtime/net/tcp_channel.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

using namespace dyad;

namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::vector<std::uint8_t> pattern(std::size_t size, unsigned seed) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>((i * 2654435761U + seed) >> 13);
  return bytes;
}

// A client and a server at the two ends of a relay.
struct Ends {
  explicit Ends(const LinkProfile &link) : relay(link, 0) {
    forwarding = std::thread([this] {
      try {
        relay.serve(listener.port(), std::chrono::seconds(20));
      } catch (const Error &error) {
        failure = error.what();
      }
    });
    client = connectTcp({"127.0.0.1", relay.port()}, {});
    server = listener.accept({});
  }
  ~Ends() {
    std::thread closing([this] { client.reset(); });
    server.reset();
    closing.join();
    forwarding.join();
    CHECK(failure.empty());
  }

  TcpListener listener{{"127.0.0.1", 0}};
  Relay relay;
  std::unique_ptr<Channel> client;
  std::unique_ptr<Channel> server;
  std::thread forwarding;
  std::string failure;
};

} // namespace

TEST_CASE("a link is written as a name or as bandwidth and round trip", "[net][link]") {
  CHECK(parseLink("lan").bitsPerSecond == 3e9);
  CHECK(parseLink("wan").roundTripSeconds == 40e-3);
  const LinkProfile own = parseLink("100Mbit,20ms");
  CHECK(own.bitsPerSecond == 100e6);
  CHECK(own.roundTripSeconds == 20e-3);
  CHECK(parseLink("1.5gbit,250us").bitsPerSecond == 1.5e9);
  CHECK(describe(parseLink("wan")) == "wan (400 Mbit/s, 40 ms)");
  CHECK(describe(own) == "100 Mbit/s, 20 ms");
  for (const char *wrong :
       {"", "fast", "100Mbit", "100,20ms", "100Mbit,20", "0Mbit,1ms", "1Mbit,-1ms", "xMbit,1ms"})
    CHECK_THROWS_AS(parseLink(wrong), Error);
}

TEST_CASE("the relay passes bytes on unchanged, both ways at once", "[net][relay]") {
  Ends ends(parseLink("2Gbit,1ms"));
  const auto up = pattern(3'000'001, 1);
  const auto down = pattern(2'000'003, 2);
  ends.client->send(up);
  ends.server->send(down);
  std::vector<std::uint8_t> atServer(up.size());
  std::vector<std::uint8_t> atClient(down.size());
  std::thread reader([&] { ends.server->receive(atServer); });
  ends.client->receive(atClient);
  reader.join();
  CHECK(atServer == up);
  CHECK(atClient == down);
}

TEST_CASE("the relay is no faster than its link", "[net][relay]") {
  SECTION("a round trip takes at least the round-trip time") {
    Ends ends(parseLink("1Gbit,30ms"));
    std::vector<std::uint8_t> byte(1);
    for (int i = 0; i < 3; ++i) {
      const auto begin = Clock::now();
      ends.client->send({7});
      ends.server->receive(byte);
      CHECK(secondsSince(begin) >= 15e-3);
      ends.server->send({8});
      ends.client->receive(byte);
      CHECK(secondsSince(begin) >= 30e-3);
    }
    CHECK(byte[0] == 8);
  }
  SECTION("bytes take at least their time on the wire") {
    Ends ends(parseLink("80Mbit,10ms")); // 10 MB/s
    constexpr std::size_t kBytes = 2'000'000;
    const auto begin = Clock::now();
    ends.server->send(pattern(kBytes, 3));
    std::vector<std::uint8_t> got(kBytes);
    ends.client->receive(got);
    CHECK(secondsSince(begin) >= 0.2 + 5e-3);
    CHECK(got == pattern(kBytes, 3));
  }
}

TEST_CASE("the relay ends when one party does", "[net][relay]") {
  Ends ends(parseLink("1Gbit,1ms"));
  ends.client->send({1, 2, 3});
  std::thread closing([&] { ends.client.reset(); });
  std::vector<std::uint8_t> got(3);
  ends.server->receive(got);
  CHECK(got == std::vector<std::uint8_t>{1, 2, 3});
  std::vector<std::uint8_t> more(1);
  CHECK_THROWS_AS(ends.server->receive(more), Error);
  ends.server.reset();
  closing.join();
}
