// SPDX-License-Identifier: Apache-2.0
// Handshakes: agreement, every kind of mismatch (the same message at both parties), foreign peers.
#include "runtime/net/memory_channel.h"
#include "runtime/party/handshake.h"
#include "tests/runtime/party/expect_error.h"

#include <cstring>
#include <functional>
#include <optional>
#include <random>
#include <thread>

using namespace dyad;
using dyad::test::expectError;

namespace {

constexpr ProgramInfo kInfo{.model = "m.onnx", .dyadVersion = "0.1.0", .hash = "0123456789abcdef"};

struct Outcome {
  std::optional<Agreement> agreement;
  std::optional<ErrorCode> code;
  std::string message;
};

Outcome shake(Channel &channel, const Hello &hello) {
  try {
    return {shakeHands(channel, hello), {}, {}};
  } catch (const Error &error) {
    return {{}, error.code(), error.what()};
  }
}

std::pair<Outcome, Outcome> shakeBoth(const Hello &server, const Hello &client) {
  auto [a, b] = makeMemoryChannels(std::chrono::seconds(10));
  Outcome serverOutcome;
  std::thread other([&, &a = a] { serverOutcome = shake(*a, server); });
  const Outcome clientOutcome = shake(*b, client);
  other.join();
  return {serverOutcome, clientOutcome};
}

Hello serverHello() { return makeHello(Role::kServer, kInfo, 0, false); }
Hello clientHello() { return makeHello(Role::kClient, kInfo, 3, true); }

// Keeps what is sent and answers with given bytes, then is gone.
class Replay : public Channel {
public:
  explicit Replay(std::vector<std::uint8_t> answer) : answer_(std::move(answer)) {}
  void send(std::vector<std::uint8_t> bytes) override { sent = std::move(bytes); }
  void receive(std::span<std::uint8_t> into) override {
    DYAD_REQUIRE(at_ + into.size() <= answer_.size(), kPeerClosed, "gone");
    std::memcpy(into.data(), answer_.data() + at_, into.size());
    at_ += into.size();
  }
  std::vector<std::uint8_t> sent;

private:
  std::vector<std::uint8_t> answer_;
  std::size_t at_ = 0;
};

std::vector<std::uint8_t> wireHello(const Hello &hello) {
  Replay channel({});
  shake(channel, hello);
  return channel.sent;
}

} // namespace

TEST_CASE("a handshake agrees on samples and on a session of its own", "[party][handshake]") {
  const auto [server, client] = shakeBoth(serverHello(), clientHello());
  REQUIRE(server.agreement);
  REQUIRE(client.agreement);
  CHECK(server.agreement->samples == 3);
  CHECK(server.agreement->batched);
  CHECK(server.agreement->sessionId == client.agreement->sessionId);
  CHECK(server.agreement->bytesSent == client.agreement->bytesReceived);
  CHECK(client.agreement->bytesSent == server.agreement->bytesReceived);
  const auto [again, unused] = shakeBoth(serverHello(), clientHello());
  CHECK(again.agreement->sessionId != server.agreement->sessionId);

  Hello none = clientHello();
  none.samples = 0;
  CHECK(shakeBoth(serverHello(), none).first.agreement->samples == 1);
}

TEST_CASE("a mismatch is the same message at both parties", "[party][handshake]") {
  struct Case {
    std::function<void(Hello &)> change;
    ErrorCode code;
    const char *word;
  };
  const std::vector<Case> cases{
      {[](Hello &h) { h.program = "fedcba9876543210"; }, ErrorCode::kProgramMismatch, "programs"},
      {[](Hello &h) { h.version = "9.9.9"; }, ErrorCode::kProgramMismatch, "9.9.9"},
      {[](Hello &h) { h.role = Role::kServer; }, ErrorCode::kProgramMismatch, "both parties"},
      {[](Hello &h) { h.statisticalSecurity = 20; }, ErrorCode::kProgramMismatch, "128/20"},
      {[](Hello &h) { h.correlatedOt = "other"; }, ErrorCode::kProgramMismatch, "other"},
      {[](Hello &h) { h.samples = 4; }, ErrorCode::kBadInput, "samples"},
      {[](Hello &h) { h.stream = true; }, ErrorCode::kBadInput, "serves every window"},
      {[](Hello &h) { h.publicInputs = "other"; }, ErrorCode::kBadInput, "public inputs"}};
  for (const Case &entry : cases) {
    Hello server = serverHello();
    server.samples = 3;
    Hello client = clientHello();
    entry.change(client);
    const auto [atServer, atClient] = shakeBoth(server, client);
    CHECK(atServer.code == entry.code);
    CHECK(atClient.code == entry.code);
    CHECK_THAT(atServer.message, Catch::Contains(entry.word));
    CHECK(atServer.message == atClient.message);
  }
}

TEST_CASE("a foreign peer is told apart, and cannot put control characters on the screen",
          "[party][handshake]") {
  const std::string http = "HTTP/1.1 400 Bad Request\r\n";
  Replay foreign({http.begin(), http.end()});
  expectError(ErrorCode::kProtocol, {"not a party of Dyad"},
              [&] { shakeHands(foreign, clientHello()); });

  std::vector<std::uint8_t> newer = wireHello(serverHello());
  newer[8] = kProtocolVersion + 1;
  Replay other(newer);
  const std::string theirs = fmt::format("version {}", kProtocolVersion + 1);
  const std::string ours = fmt::format("version {}", kProtocolVersion);
  expectError(ErrorCode::kProgramMismatch, {theirs.c_str(), ours.c_str()},
              [&] { shakeHands(other, clientHello()); });

  Hello ugly = serverHello();
  ugly.version = "\x1b[2J";
  Replay escape(wireHello(ugly));
  const Outcome outcome = shake(escape, clientHello());
  CHECK(outcome.code == ErrorCode::kProgramMismatch);
  CHECK(outcome.message.find('\x1b') == std::string::npos);
}

TEST_CASE("any damage to a hello is an Error or no harm", "[party][handshake]") {
  const std::vector<std::uint8_t> good = wireHello(serverHello());
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::uint8_t> bad = good;
    for (unsigned flips = 1 + random() % 3; flips > 0; --flips)
      bad[random() % bad.size()] = static_cast<std::uint8_t>(random());
    if (random() % 4 == 0)
      bad.resize(random() % bad.size());
    Replay channel(bad);
    refused += shake(channel, clientHello()).code ? 1 : 0;
  }
  CHECK(refused > 1000);
}
