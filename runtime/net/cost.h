// SPDX-License-Identifier: Apache-2.0
// What a protocol sends, tick by tick. Each protocol declares its Cost beside its code; composing
// costs mirrors composing tasks, so the compiler predicts bytes and flows exactly. No crypto here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dyad {

/// Bytes of the header in front of each frame on the wire.
inline constexpr std::uint64_t kFrameHeaderBytes = 8;
/// A tick's message longer than this is sent as several frames.
inline constexpr std::uint64_t kMaxFrameBytes = std::uint64_t{1} << 30;

constexpr std::uint64_t bytesOnWire(std::uint64_t payload) {
  return payload + (payload + kMaxFrameBytes - 1) / kMaxFrameBytes * kFrameHeaderBytes;
}

/// Payload bytes of one tick in each direction. Both may be non-zero: crossing messages.
struct Tick {
  std::uint64_t toServer = 0;
  std::uint64_t toClient = 0;
  bool operator==(const Tick &) const = default;
};

/// Length of the longest causal chain of messages: a message extends the chain that its sender had
/// received. Crossing messages count once, two messages one way with no answer between count once.
class FlowCounter {
public:
  void add(const Tick &tick) {
    const unsigned server = server_;
    const unsigned client = client_;
    if (tick.toServer != 0)
      server_ = std::max(server, client + 1);
    if (tick.toClient != 0)
      client_ = std::max(client, server + 1);
  }
  unsigned flows() const { return std::max(server_, client_); }

private:
  unsigned server_ = 0;
  unsigned client_ = 0;
};

/// Cost of a protocol run on a given number of elements. COTs are counted by who sends them.
struct Cost {
  std::vector<Tick> ticks;
  std::uint64_t serverCots = 0; ///< correlated OTs with the server as sender
  std::uint64_t clientCots = 0; ///< correlated OTs with the client as sender

  /// This, and after it `next`.
  Cost &then(const Cost &next) {
    ticks.insert(ticks.end(), next.ticks.begin(), next.ticks.end());
    return addCots(next);
  }
  /// This and `other` side by side, as whenAll runs them.
  Cost &beside(const Cost &other) {
    if (ticks.size() < other.ticks.size())
      ticks.resize(other.ticks.size());
    for (std::size_t i = 0; i < other.ticks.size(); ++i) {
      ticks[i].toServer += other.ticks[i].toServer;
      ticks[i].toClient += other.ticks[i].toClient;
    }
    return addCots(other);
  }

  /// Bytes on the wire, frame headers included.
  std::uint64_t bytesToServer() const {
    std::uint64_t sum = 0;
    for (const Tick &tick : ticks)
      sum += bytesOnWire(tick.toServer);
    return sum;
  }
  std::uint64_t bytesToClient() const {
    std::uint64_t sum = 0;
    for (const Tick &tick : ticks)
      sum += bytesOnWire(tick.toClient);
    return sum;
  }
  std::uint64_t bytes() const { return bytesToServer() + bytesToClient(); }
  /// Flows when nothing runs before.
  unsigned flows() const {
    FlowCounter counter;
    for (const Tick &tick : ticks)
      counter.add(tick);
    return counter.flows();
  }

private:
  Cost &addCots(const Cost &other) {
    serverCots += other.serverCots;
    clientCots += other.clientCots;
    return *this;
  }
};

/// The same protocol with server and client exchanged.
inline Cost mirrored(Cost cost) {
  for (Tick &tick : cost.ticks)
    std::swap(tick.toServer, tick.toClient);
  std::swap(cost.serverCots, cost.clientCots);
  return cost;
}

} // namespace dyad
