// SPDX-License-Identifier: Apache-2.0
// Sockets of the operating system: ownership, waiting with a time limit that a stop flag can end,
// and errors in words. Private to tcp_channel.cpp and tcp_connect.cpp.
#pragma once

#include "runtime/net/tcp_channel.h"

#include <chrono>
#include <string>
#include <utility>

namespace dyad {

class Socket {
public:
  Socket() = default;
  explicit Socket(int handle) : handle_(handle) {}
  Socket(Socket &&other) noexcept : handle_(std::exchange(other.handle_, -1)) {}
  Socket &operator=(Socket &&other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Socket();

  int handle() const { return handle_; }
  explicit operator bool() const { return handle_ >= 0; }

private:
  int handle_ = -1;
};

using Clock = std::chrono::steady_clock;

enum class Wait { kReady, kTimeout, kStopped };

/// Waits until one of `events` (of poll) comes, the deadline passes or the stop flag is set.
Wait waitFor(const Socket &socket, short events, Clock::time_point deadline,
             const std::atomic<bool> *stop);

/// errno in words.
std::string systemMessage(int error);

[[noreturn]] void failInterrupted();

/// A channel over a connected socket.
std::unique_ptr<Channel> makeTcpChannel(Socket socket, const TcpOptions &options);

} // namespace dyad
