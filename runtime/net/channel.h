// SPDX-License-Identifier: Apache-2.0
// A reliable ordered byte stream to the peer. Implementations: TCP (tcp_channel.h) and an
// in-memory pair for tests (memory_channel.h). Framing is the flow scheduler's.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dyad {

class Channel {
public:
  Channel() = default;
  Channel(const Channel &) = delete;
  Channel &operator=(const Channel &) = delete;
  virtual ~Channel() = default;

  /// Queues bytes for sending and returns at once: a background writer sends them, so that two
  /// parties that send large messages to each other do not block each other, and computing
  /// goes on while bytes leave. Throws kPeerClosed when the connection is already gone.
  virtual void send(std::vector<std::uint8_t> bytes) = 0;

  /// Fills `into` completely. Throws kPeerClosed when the peer is gone, kTimeout when nothing at
  /// all (no keep-alive either) came from it for longer than the time limit.
  virtual void receive(std::span<std::uint8_t> into) = 0;
};

} // namespace dyad
