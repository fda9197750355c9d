// SPDX-License-Identifier: Apache-2.0
// See handshake.h. On the wire: magic (8 bytes), protocol version and length (u32 each, little
// endian), then the hello as JSON, which can grow without moving what older versions read.
#include "runtime/party/handshake.h"

#include "runtime/net/error.h"
#include "runtime/ot/stock_cost.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sodium.h>
#include <string_view>
#include <vector>

namespace dyad {
namespace {

using Json = nlohmann::json;
using Bytes = std::vector<std::uint8_t>;

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "DYADwire";
constexpr std::size_t kPrefixBytes = 16;
constexpr std::uint32_t kMaxHelloBytes = 1 << 16;
constexpr std::size_t kShownHashDigits = 12;
constexpr std::uint64_t kMaxSamples = std::uint64_t{1} << 31;

std::string nonce() {
  std::array<std::uint8_t, 16> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::string text;
  for (const std::uint8_t byte : bytes)
    text += fmt::format("{:02x}", byte);
  return text;
}

Bytes encode(const Hello &hello) {
  const std::string text = Json{
      {"role", hello.role == Role::kServer ? "server" : "client"},
      {"version", hello.version},
      {"model", hello.model},
      {"program", hello.program},
      {"samples", hello.samples},
      {"batched", hello.batched},
      {"stream", hello.stream},
      {"computational_security", hello.computationalSecurity},
      {"statistical_security", hello.statisticalSecurity},
      {"correlated_ot", hello.correlatedOt},
      {"public_inputs", hello.publicInputs},
      {"nonce", nonce()}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  Bytes bytes(kPrefixBytes);
  const auto length = static_cast<std::uint32_t>(text.size());
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  std::memcpy(bytes.data() + 8, &kProtocolVersion, 4);
  std::memcpy(bytes.data() + 12, &length, 4);
  bytes.insert(bytes.end(), text.begin(), text.end());
  return bytes;
}

Hello decode(std::span<const std::uint8_t> text) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  try {
    const auto role = json.at("role").get<std::string>();
    DYAD_REQUIRE(role == "server" || role == "client", kProtocol,
                 "the peer calls itself neither server nor client");
    const auto samples = json.at("samples").get<std::uint64_t>();
    DYAD_REQUIRE(samples <= kMaxSamples, kProtocol, "the peer has {} samples; at most {} at once",
                 samples, kMaxSamples);
    return {role == "server" ? Role::kServer : Role::kClient,
            json.at("version").get<std::string>(),
            json.at("model").get<std::string>(),
            json.at("program").get<std::string>(),
            samples,
            json.at("batched").get<bool>(),
            json.at("stream").get<bool>(),
            json.at("computational_security").get<unsigned>(),
            json.at("statistical_security").get<unsigned>(),
            json.at("correlated_ot").get<std::string>(),
            json.at("public_inputs").get<std::string>()};
  } catch (const Json::exception &) {
    fail(ErrorCode::kProtocol, "the peer's first message cannot be read; is it a party of Dyad {}?",
         dyadVersion());
  }
}

Bytes receiveHello(Channel &channel) {
  Bytes bytes(kPrefixBytes);
  channel.receive(bytes);
  DYAD_REQUIRE(std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0, kProtocol,
               "the peer is not a party of Dyad; check the address and port");
  std::uint32_t version = 0;
  std::uint32_t length = 0;
  std::memcpy(&version, bytes.data() + 8, 4);
  std::memcpy(&length, bytes.data() + 12, 4);
  DYAD_REQUIRE(version == kProtocolVersion, kProgramMismatch,
               "the peer speaks version {} of the protocol and this party version {}; compile the "
               "model with one version of Dyad and give each party its folder",
               version, kProtocolVersion);
  DYAD_REQUIRE(length <= kMaxHelloBytes, kProtocol, "the peer's first message is of {} bytes",
               length);
  bytes.resize(kPrefixBytes + length);
  channel.receive(std::span(bytes).subspan(kPrefixBytes));
  return bytes;
}

// A peer's text is shown to a person: only what is printable, and not without end.
std::string printable(std::string text, std::size_t limit) {
  text.resize(std::min(text.size(), limit));
  for (char &c : text)
    if (c < ' ' || c > '~')
      c = '?';
  return text;
}

// A program is told by its hash; generated ones leave out the model's name.
std::string describe(const Hello &hello) {
  const std::string hash = printable(hello.program, kShownHashDigits);
  return hello.model.empty() ? hash : fmt::format("'{}' ({})", printable(hello.model, 100), hash);
}

} // namespace

const char *dyadVersion() { return DYAD_VERSION; }

Hello makeHello(Role role, const ProgramInfo &info, std::uint64_t samples, bool batched) {
  Hello hello;
  hello.role = role;
  hello.version = dyadVersion();
  hello.model = info.model;
  hello.program = info.hash;
  hello.samples = samples;
  hello.batched = batched;
  hello.correlatedOt = info.stock.describe();
  return hello;
}

void compareHellos(const Hello &server, const Hello &client) {
  DYAD_REQUIRE(server.version == client.version, kProgramMismatch,
               "the server is of Dyad {} and the client of Dyad {}; compile the model with one "
               "version and give each party its folder",
               printable(server.version, 20), printable(client.version, 20));
  DYAD_REQUIRE(server.program == client.program, kProgramMismatch,
               "the parties were built from different programs: the server from {}, the client "
               "from {}; compile the model once and give each party its folder",
               describe(server), describe(client));
  DYAD_REQUIRE(server.computationalSecurity == client.computationalSecurity &&
                   server.statisticalSecurity == client.statisticalSecurity &&
                   server.correlatedOt == client.correlatedOt,
               kProgramMismatch,
               "the parties' security parameters differ: server {}/{} bits, {}; client {}/{} bits, "
               "{}",
               server.computationalSecurity, server.statisticalSecurity,
               printable(server.correlatedOt, 80), client.computationalSecurity,
               client.statisticalSecurity, printable(client.correlatedOt, 80));
  DYAD_REQUIRE(
      !client.stream || (server.samples <= 1 && !server.batched), kBadInput,
      "the client streams, and the server's inputs have an axis of {} samples; one without "
      "that axis serves every window",
      server.samples);
  DYAD_REQUIRE(client.stream || server.samples == 0 || client.samples == 0 ||
                   server.samples == client.samples,
               kBadInput, "the server's inputs have {} samples and the client's {}", server.samples,
               client.samples);
  DYAD_REQUIRE(server.publicInputs == client.publicInputs, kBadInput,
               "the parties were given different values of the program's public inputs");
}

Agreement shakeHands(Channel &channel, const Hello &mine) {
  const Bytes sent = encode(mine);
  channel.send(sent);
  const Bytes received = receiveHello(channel);
  const Hello peer = decode(std::span(received).subspan(kPrefixBytes));
  DYAD_REQUIRE(peer.role != mine.role, kProgramMismatch,
               "both parties are {}s; one has to run the program of the folder 'server', the other "
               "that of 'client'",
               mine.role == Role::kServer ? "server" : "client");
  const bool isServer = mine.role == Role::kServer;
  compareHellos(isServer ? mine : peer, isServer ? peer : mine);

  Agreement agreement;
  agreement.samples = std::max<std::uint64_t>({mine.samples, peer.samples, 1});
  agreement.batched = mine.batched || peer.batched;
  agreement.stream = mine.stream || peer.stream;
  agreement.bytesSent = sent.size();
  agreement.bytesReceived = received.size();
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, agreement.sessionId.size());
  for (const Bytes *hello : {isServer ? &sent : &received, isServer ? &received : &sent})
    crypto_generichash_update(&state, hello->data(), hello->size());
  crypto_generichash_final(&state, agreement.sessionId.data(), agreement.sessionId.size());
  return agreement;
}

} // namespace dyad
