// SPDX-License-Identifier: Apache-2.0
// See two_party.h.
#include "tests/runtime/two_party.h"

#include "runtime/crypto/base_ot.h"
#include "runtime/net/error.h"

#include <array>
#include <fmt/format.h>
#include <ostream>
#include <sodium.h>

namespace dyad::test {

class TwoParty::RecordingChannel final : public Channel {
public:
  explicit RecordingChannel(std::unique_ptr<Channel> inner) : inner_(std::move(inner)) {
    crypto_generichash_init(&sent_, nullptr, 0, 32);
  }
  void send(std::vector<std::uint8_t> bytes) override {
    DYAD_REQUIRE(inner_ != nullptr, kPeerClosed, "this end was closed after a failure");
    crypto_generichash_update(&sent_, bytes.data(), bytes.size());
    inner_->send(std::move(bytes));
  }
  void receive(std::span<std::uint8_t> into) override {
    DYAD_REQUIRE(inner_ != nullptr, kPeerClosed, "this end was closed after a failure");
    inner_->receive(into);
  }
  void close() { inner_.reset(); }

  std::array<std::uint8_t, 32> digest() const {
    crypto_generichash_state copy = sent_;
    std::array<std::uint8_t, 32> digest;
    crypto_generichash_final(&copy, digest.data(), digest.size());
    return digest;
  }

private:
  std::unique_ptr<Channel> inner_;
  crypto_generichash_state sent_;
};

TwoParty::TwoParty(std::uint64_t seed) : dealer_(TestSeed{3 * seed + 2}) {
  auto [serverEnd, clientEnd] = makeMemoryChannels();
  serverChannel_ = std::make_unique<RecordingChannel>(std::move(serverEnd));
  clientChannel_ = std::make_unique<RecordingChannel>(std::move(clientEnd));
  server_ = std::make_unique<Session>(Role::kServer, *serverChannel_, TestSeed{3 * seed});
  client_ = std::make_unique<Session>(Role::kClient, *clientChannel_, TestSeed{3 * seed + 1});
  Block blocks[4];
  dealer_.fill(std::span(blocks));
  serverDelta_ = blocks[0];
  clientDelta_ = blocks[1];
  serverDelta_.low |= 1;
  clientDelta_.low |= 1;
  serverHashKey_ = blocks[2];
  clientHashKey_ = blocks[3];
}

TwoParty::~TwoParty() = default;

void TwoParty::closeServer() { serverChannel_->close(); }
void TwoParty::closeClient() { clientChannel_->close(); }

void TwoParty::deal(std::uint64_t serverCots, std::uint64_t clientCots) {
  const auto draw = [&](std::uint64_t count, Block delta) {
    std::pair<std::vector<Block>, std::vector<Block>> cots{std::vector<Block>(count),
                                                           std::vector<Block>(count)};
    dealer_.fill(std::span(cots.second));
    for (std::uint64_t i = 0; i < count; ++i)
      cots.first[i] = cots.second[i] ^ (delta & maskOf(cots.second[i].low & 1));
    return cots;
  };
  auto [serverQ, clientT] = draw(serverCots, serverDelta_);
  auto [clientQ, serverT] = draw(clientCots, clientDelta_);
  server_->stock().deal(
      {serverDelta_, serverHashKey_, clientHashKey_, std::move(serverQ), std::move(serverT)});
  client_->stock().deal(
      {clientDelta_, clientHashKey_, serverHashKey_, std::move(clientQ), std::move(clientT)});
}

void TwoParty::setUp(std::uint64_t serverCots, std::uint64_t clientCots,
                     const StockOptions &options) {
  const auto prepare = [&](Session &session) {
    session.run(session.stock().setup(options));
    session.run(session.stock().prepare(serverCots, clientCots));
    return true;
  };
  run(prepare, prepare);
}

void TwoParty::beginRun() {
  serverBefore_ = server_->flows().traffic();
  clientBefore_ = client_->flows().traffic();
  serverCotsBefore_ = server_->stock().serverCotsTaken();
  clientCotsBefore_ = server_->stock().clientCotsTaken();
  server_->flows().resetFlows();
  client_->flows().resetFlows();
}

TwoParty::Measured TwoParty::measured() const {
  const Traffic &traffic = server_->flows().traffic();
  return {traffic.bytesReceived - serverBefore_.bytesReceived,
          traffic.bytesSent - serverBefore_.bytesSent, server_->flows().flows(),
          server_->stock().serverCotsTaken() - serverCotsBefore_,
          server_->stock().clientCotsTaken() - clientCotsBefore_};
}

TwoParty::Measured TwoParty::expected(const Cost &cost) {
  return {cost.bytesToServer(), cost.bytesToClient(), cost.flows(), cost.serverCots,
          cost.clientCots};
}

bool TwoParty::consistent() const {
  const Traffic &server = server_->flows().traffic();
  const Traffic &client = client_->flows().traffic();
  return server.bytesSent == client.bytesReceived && client.bytesSent == server.bytesReceived &&
         server_->flows().flows() == client_->flows().flows() &&
         server_->stock().serverCotsTaken() == client_->stock().serverCotsTaken() &&
         server_->stock().clientCotsTaken() == client_->stock().clientCotsTaken();
}

std::string TwoParty::wireHash() const {
  std::vector<std::uint8_t> both;
  for (const RecordingChannel *channel : {clientChannel_.get(), serverChannel_.get()})
    for (const std::uint8_t byte : channel->digest())
      both.push_back(byte);
  std::string hex;
  const std::array<std::uint8_t, 32> digest = hash256(both);
  for (std::size_t i = 0; i < 16; ++i)
    hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

std::ostream &operator<<(std::ostream &out, const TwoParty::Measured &measured) {
  return out << fmt::format("{} bytes to server, {} to client, {} flows, {} + {} COTs",
                            measured.bytesToServer, measured.bytesToClient, measured.flows,
                            measured.serverCots, measured.clientCots);
}

} // namespace dyad::test
