// SPDX-License-Identifier: Apache-2.0
// Channels over TCP and in memory: bytes in order, and every way in which a peer can fail.
#include "runtime/net/error.h"
#include "runtime/net/memory_channel.h"
#include "runtime/net/tcp_channel.h"

#include <catch2/catch.hpp>
#include <functional>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace dyad;
using namespace std::chrono_literals;

namespace {

using Bytes = std::vector<std::uint8_t>;

TcpOptions options(std::chrono::milliseconds timeout, const std::atomic<bool> *stop = nullptr) {
  TcpOptions options;
  options.timeout = timeout;
  options.stop = stop;
  return options;
}

struct Pair {
  std::unique_ptr<Channel> server;
  std::unique_ptr<Channel> client;
};

Pair tcpPair(std::chrono::milliseconds serverTimeout, std::chrono::milliseconds clientTimeout,
             const std::atomic<bool> *stop = nullptr) {
  TcpListener listener(parseAddress("127.0.0.1:0"));
  Pair pair;
  std::thread other(
      [&] { pair.client = connectTcp({"127.0.0.1", listener.port()}, options(clientTimeout)); });
  pair.server = listener.accept(options(serverTimeout, stop));
  other.join();
  return pair;
}

Pair memoryPair(std::chrono::milliseconds timeout) {
  auto [server, client] = makeMemoryChannels(timeout);
  return {std::move(server), std::move(client)};
}

ErrorCode codeOf(const std::function<void()> &call, std::string *message = nullptr) {
  try {
    call();
  } catch (const Error &error) {
    if (message != nullptr)
      *message = error.what();
    return error.code();
  }
  FAIL("no error");
  return ErrorCode::kUsage;
}

std::uint16_t freePort() { return TcpListener({"127.0.0.1", 0}).port(); }

Bytes counting(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return bytes;
}

} // namespace

TEST_CASE("bytes arrive in order, whatever the sizes of writes and reads", "[net]") {
  const bool tcp = GENERATE(false, true);
  Pair pair = tcp ? tcpPair(5s, 5s) : memoryPair(5s);
  const Bytes all = counting(3'000'000);
  std::size_t sent = 0;
  for (const std::size_t size : {1, 0, 5, 4096, 700'000, 3}) {
    pair.server->send({all.begin() + static_cast<std::ptrdiff_t>(sent),
                       all.begin() + static_cast<std::ptrdiff_t>(sent + size)});
    sent += size;
  }
  // Both send more than any buffer of the system holds before either reads.
  pair.server->send({all.begin() + static_cast<std::ptrdiff_t>(sent), all.end()});
  pair.client->send(all);
  Bytes there(all.size());
  std::size_t received = 0;
  for (const std::size_t size : {2, 3, 100, 1'000'000, 0}) {
    pair.client->receive(std::span(there).subspan(received, size));
    received += size;
  }
  pair.client->receive(std::span(there).subspan(received));
  Bytes back(all.size());
  pair.server->receive(back);
  CHECK(there == all);
  CHECK(back == all);
}

TEST_CASE("what was sent before closing still arrives, then the peer is gone", "[net]") {
  const bool tcp = GENERATE(false, true);
  Pair pair = tcp ? tcpPair(5s, 5s) : memoryPair(5s);
  const Bytes all = counting(2'000'000);
  pair.client->send({1, 2, 3}); // never read by the server
  std::thread closer([&] {
    pair.server->send(all);
    pair.server.reset();
  });
  std::this_thread::sleep_for(50ms);
  Bytes received(all.size());
  pair.client->receive(received);
  CHECK(received == all);
  Bytes more(1);
  CHECK(codeOf([&] { pair.client->receive(more); }) == ErrorCode::kPeerClosed);
  pair.client.reset();
  closer.join();
}

TEST_CASE("sending to a peer that is gone fails", "[net]") {
  const bool tcp = GENERATE(false, true);
  Pair pair = tcp ? tcpPair(5s, 5s) : memoryPair(5s);
  std::thread leaving([&] { pair.client.reset(); });
  CHECK(codeOf([&] {
          for (int i = 0; i < 1000; ++i) {
            pair.server->send(counting(100'000));
            std::this_thread::sleep_for(5ms);
          }
        }) == ErrorCode::kPeerClosed);
  pair.server.reset();
  leaving.join();
}

TEST_CASE("a peer that is no Dyad program is told so", "[net]") {
  // Raw bytes, as a web browser would send.
  TcpListener listener({"127.0.0.1", 0});
  std::unique_ptr<Channel> server;
  std::thread other([&] { server = listener.accept(options(5s)); });
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(listener.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int stranger = ::socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(::connect(stranger, reinterpret_cast<sockaddr *>(&address), sizeof(address)) == 0);
  other.join();
  REQUIRE(::send(stranger, "GET / HTTP/1.1", 14, 0) == 14);
  Bytes some(8);
  CHECK(codeOf([&] { server->receive(some); }) == ErrorCode::kProtocol);
  ::close(stranger);
}

TEST_CASE("a peer that goes away in the middle of a message is noticed at once", "[net]") {
  Pair pair = tcpPair(20s, 20s);
  pair.client->send(counting(10));
  std::thread leaving([&] {
    std::this_thread::sleep_for(50ms);
    pair.client.reset();
  });
  Bytes more(11);
  const auto before = std::chrono::steady_clock::now();
  CHECK(codeOf([&] { pair.server->receive(more); }) == ErrorCode::kPeerClosed);
  CHECK(std::chrono::steady_clock::now() - before < 5s);
  pair.server.reset();
  leaving.join();
}

TEST_CASE("a silent peer is a timeout; one that computes is not", "[net]") {
  Bytes one(1);
  SECTION("in memory") {
    Pair pair = memoryPair(100ms);
    CHECK(codeOf([&] { pair.server->receive(one); }) == ErrorCode::kTimeout);
  }
  SECTION("stopped") {
    // The client's keep-alives are every 15 s: as silent as a stopped process.
    Pair pair = tcpPair(300ms, 60s);
    std::string message;
    CHECK(codeOf([&] { pair.server->receive(one); }, &message) == ErrorCode::kTimeout);
    CHECK(message.find("0.3 s") != std::string::npos);
    pair.server.reset();
  }
  SECTION("computing for three time limits") {
    Pair pair = tcpPair(400ms, 400ms);
    std::thread client([&] {
      std::this_thread::sleep_for(1200ms);
      pair.client->send({42});
    });
    CHECK_NOTHROW(pair.server->receive(one));
    CHECK(one[0] == 42);
    client.join();
  }
}

TEST_CASE("a stop flag ends waiting", "[net]") {
  std::atomic<bool> stop = false;
  std::string message;
  std::thread user([&] {
    std::this_thread::sleep_for(100ms);
    stop = true;
  });
  const auto before = std::chrono::steady_clock::now();
  SECTION("for bytes") {
    Pair pair = tcpPair(20s, 20s, &stop);
    Bytes one(1);
    CHECK(codeOf([&] { pair.server->receive(one); }, &message) == ErrorCode::kPeerClosed);
    pair.server.reset();
  }
  SECTION("for a client") {
    TcpListener listener({"127.0.0.1", 0});
    CHECK(codeOf([&] { listener.accept(options(20s, &stop)); }, &message) ==
          ErrorCode::kPeerClosed);
  }
  SECTION("for a server") {
    const std::uint16_t port = freePort();
    CHECK(codeOf([&] { connectTcp({"127.0.0.1", port}, options(20s, &stop)); }, &message) ==
          ErrorCode::kPeerClosed);
  }
  CHECK(message == "interrupted");
  CHECK(std::chrono::steady_clock::now() - before < 5s);
  user.join();
}

TEST_CASE("nobody there, port taken, unknown host, strangers", "[net]") {
  std::string message;
  std::uint16_t port = 0;
  {
    TcpListener listener({"127.0.0.1", 0});
    port = listener.port();
    CHECK(codeOf([&] { TcpListener second({"127.0.0.1", port}); }, &message) ==
          ErrorCode::kNetwork);
    CHECK(message.find("port " + std::to_string(port) + " is taken") != std::string::npos);
    CHECK(codeOf([&] { listener.accept(options(100ms)); }) == ErrorCode::kNetwork);
  }
  CHECK(codeOf([&] { connectTcp({"127.0.0.1", port}, options(200ms)); }, &message) ==
        ErrorCode::kNetwork);
  CHECK(message.find("127.0.0.1:" + std::to_string(port)) != std::string::npos);
  CHECK(codeOf([&] { TcpListener away({"192.0.2.1", 0}); }) == ErrorCode::kNetwork);
  CHECK(codeOf([&] { connectTcp({"host.invalid", 1}, options(200ms)); }) == ErrorCode::kNetwork);
}

TEST_CASE("a client that comes first waits for its server", "[net]") {
  const std::uint16_t port = freePort();
  std::unique_ptr<Channel> client;
  std::thread other([&] { client = connectTcp({"127.0.0.1", port}, options(10s)); });
  std::this_thread::sleep_for(150ms);
  TcpListener listener({"127.0.0.1", port});
  std::unique_ptr<Channel> server = listener.accept(options(10s));
  other.join();
  client->send({7});
  Bytes one(1);
  server->receive(one);
  CHECK(one[0] == 7);
  std::thread closing([&] { client.reset(); });
  server.reset();
  closing.join();
}

TEST_CASE("addresses", "[net]") {
  CHECK(parseAddress("127.0.0.1:7766").host == "127.0.0.1");
  CHECK(parseAddress("example.org:80").port == 80);
  CHECK(parseAddress("[::1]:7766").host == "::1");
  CHECK(parseAddress(":7766").host.empty());
  for (const char *text :
       {"", "7766", "host", "host:", "host:x", "host:65536", "::1:80", "host:-1"})
    CHECK(codeOf([&] { parseAddress(text); }) == ErrorCode::kUsage);
}

TEST_CASE("exit statuses", "[net]") {
  CHECK(exitStatus(ErrorCode::kBadInput) == 1);
  CHECK(exitStatus(ErrorCode::kUsage) == 2);
  CHECK(exitStatus(ErrorCode::kTimeout) == 3);
}
