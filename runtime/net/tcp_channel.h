// SPDX-License-Identifier: Apache-2.0
// A channel over TCP, with keep-alives: a peer that computes for long is told from one that is gone
// or stopped. Ways to listen and to connect, with errors that say what to do.
#pragma once

#include "runtime/net/channel.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace dyad {

struct TcpOptions {
  /// Limit for connecting, for accepting, and for the peer's silence.
  std::chrono::milliseconds timeout{30'000};
  /// Limit for accepting alone, where it differs: a server may wait for its client for long.
  std::optional<std::chrono::milliseconds> acceptTimeout = std::nullopt;
  /// When it becomes true, waiting ends within 0.2 s with kPeerClosed ("interrupted"). May be null.
  const std::atomic<bool> *stop = nullptr;
};

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

/// "host:port", "[ipv6]:port" or ":port" (all interfaces). kUsage when it is neither.
Address parseAddress(std::string_view text);

class Socket;

/// A socket that listens. Port 0 takes a free one, see port().
class TcpListener {
public:
  /// kNetwork: port taken, address not of this machine, name unknown.
  explicit TcpListener(const Address &address);
  ~TcpListener();
  TcpListener(const TcpListener &) = delete;
  TcpListener &operator=(const TcpListener &) = delete;

  std::uint16_t port() const { return port_; }
  /// Waits for the peer. kNetwork when nobody came within the time limit.
  std::unique_ptr<Channel> accept(const TcpOptions &options);

private:
  std::unique_ptr<Socket> socket_;
  std::uint16_t port_ = 0;
};

/// Connects; while nobody listens there, tries again until the time limit (then kNetwork).
std::unique_ptr<Channel> connectTcp(const Address &address, const TcpOptions &options);

} // namespace dyad
