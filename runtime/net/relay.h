// SPDX-License-Identifier: Apache-2.0
// A relay on loopback that imitates a slower link between two parties: each direction has a
// bandwidth, and every byte takes half a round trip more. For measuring; it adds no security.
#pragma once

#include "runtime/net/link.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

namespace dyad {

class Socket;

/// Takes one connection on a port of loopback and passes its bytes on to another port, both ways.
///
/// A byte that enters at time t leaves no earlier than when all bytes before it and itself have
/// been sent at the link's rate, plus half a round trip. The wire is entered in slices of
/// kSliceMicroseconds of its bandwidth, so there are no bursts, and holds at most what a link holds
/// (its bandwidth-delay product) and kQueueBytes more: beyond that, senders are not read from.
/// One thread a direction, which sleeps while nothing moves.
class Relay {
public:
  static constexpr unsigned kSliceMicroseconds = 100;
  static constexpr std::uint64_t kQueueBytes = 256 << 10;

  /// Listens on 127.0.0.1; port 0 takes a free one. kNetwork: the port is taken.
  Relay(LinkProfile link, std::uint16_t listenPort);
  ~Relay();
  Relay(const Relay &) = delete;
  Relay &operator=(const Relay &) = delete;

  std::uint16_t port() const { return port_; }

  /// Waits for a connection, connects to 127.0.0.1:`serverPort` (again and again until something
  /// listens there), and returns when both directions have ended. kNetwork when one of both does
  /// not happen within `limit`; kPeerClosed once `stop` (may be null) is true.
  void serve(std::uint16_t serverPort, std::chrono::milliseconds limit,
             const std::atomic<bool> *stop = nullptr);

private:
  LinkProfile link_;
  std::unique_ptr<Socket> listener_;
  std::uint16_t port_ = 0;
};

} // namespace dyad
