// SPDX-License-Identifier: Apache-2.0
// What a party receives: every message must look like random bytes, whatever the secret is and
// however bad its shares are. Here all instances hold the same secret and the same shares, so a
// message that is not masked afresh in each of them shows at once.
#pragma once

#include "runtime/net/memory_channel.h"
#include "runtime/protocols/ring.h"

#include <catch2/catch.hpp>

#include <array>
#include <cmath>
#include <thread>

namespace dyad::test {

inline constexpr std::size_t kViewInstances = std::size_t{1} << 15;

/// Keeps all that goes out.
class KeepingChannel final : public Channel {
public:
  explicit KeepingChannel(std::unique_ptr<Channel> inner) : inner_(std::move(inner)) {}
  void send(std::vector<std::uint8_t> bytes) override {
    sent_.insert(sent_.end(), bytes.begin(), bytes.end());
    inner_->send(std::move(bytes));
  }
  void receive(std::span<std::uint8_t> into) override { inner_->receive(into); }
  const std::vector<std::uint8_t> &sent() const { return sent_; }

private:
  std::unique_ptr<Channel> inner_;
  std::vector<std::uint8_t> sent_;
};

inline void dealStock(Session &server, Session &client, const Cost &cost) {
  Prg dealer(TestSeed{77});
  const auto draw = [&](std::uint64_t count, Block delta) {
    std::pair<std::vector<Block>, std::vector<Block>> cots{std::vector<Block>(count),
                                                           std::vector<Block>(count)};
    dealer.fill(std::span(cots.second));
    for (std::uint64_t i = 0; i < count; ++i)
      cots.first[i] = cots.second[i] ^ (delta & maskOf(cots.second[i].low & 1));
    return cots;
  };
  Block serverDelta = dealer.block();
  Block clientDelta = dealer.block();
  serverDelta.low |= 1;
  clientDelta.low |= 1;
  const Block serverKey = dealer.block();
  const Block clientKey = dealer.block();
  auto [serverQ, clientT] = draw(cost.serverCots, serverDelta);
  auto [clientQ, serverT] = draw(cost.clientCots, clientDelta);
  server.stock().deal({serverDelta, serverKey, clientKey, std::move(serverQ), std::move(serverT)});
  client.stock().deal({clientDelta, clientKey, serverKey, std::move(clientQ), std::move(clientT)});
}

/// Pearson's statistic of the bytes, in standard deviations from its mean.
inline double byteDeviation(const std::vector<std::uint8_t> &bytes) {
  std::array<double, 256> counts{};
  for (const std::uint8_t byte : bytes)
    ++counts[byte];
  const double expected = static_cast<double>(bytes.size()) / 256;
  double statistic = 0;
  for (const double count : counts)
    statistic += (count - expected) * (count - expected) / expected;
  return (statistic - 255) / std::sqrt(2.0 * 255);
}

template <typename Protocol>
void checkView(const char *name, const Cost &cost, std::uint64_t serverShare,
               std::uint64_t clientShare, Protocol protocol) {
  auto [serverEnd, clientEnd] = makeMemoryChannels();
  KeepingChannel serverChannel(std::move(serverEnd)), clientChannel(std::move(clientEnd));
  Session server(Role::kServer, serverChannel, TestSeed{5});
  Session client(Role::kClient, clientChannel, TestSeed{6});
  dealStock(server, client, cost);
  std::thread other([&] { (void)client.run(protocol(client, Ring(kViewInstances, clientShare))); });
  (void)server.run(protocol(server, Ring(kViewInstances, serverShare)));
  other.join();

  for (const KeepingChannel *channel : {&serverChannel, &clientChannel}) {
    auto at = channel->sent().begin();
    for (const Tick &tick : cost.ticks) {
      const std::uint64_t size = channel == &serverChannel ? tick.toClient : tick.toServer;
      if (size == 0)
        continue;
      CAPTURE(name, channel == &serverChannel, size, serverShare, clientShare);
      REQUIRE(size >= kViewInstances / 8);
      REQUIRE(channel->sent().end() - at >= static_cast<std::ptrdiff_t>(kFrameHeaderBytes + size));
      at += kFrameHeaderBytes;
      const auto end = at + static_cast<std::ptrdiff_t>(size);
      CHECK(byteDeviation({at, end}) < 7);
      at = end;
    }
    CHECK(at == channel->sent().end());
  }
}

} // namespace dyad::test
