// SPDX-License-Identifier: Apache-2.0
// Runs protocol tasks of one party in lock-step ticks with the peer's mirror-image tasks, and
// merges the messages of all tasks that wait at the same tick into one frame.
//
// The model. Both parties run the same tree of tasks (`co_await`, whenAll) with the same number of
// ticks in each; only what they send differs. A tick ends with `co_await scheduler.tick(n)`: all
// bytes that the task sent since its last tick leave in this party's frame of the tick, and the n
// bytes that the peer's mirror task sent before *its* same tick come back. Tasks run in program
// order at both parties, so bytes are told apart by position alone: frames carry no tags, and
// every length follows from the program, never from the peer.
//
// A two-flow protocol (OT) thus has two ticks at both parties: the receiver sends and ticks with
// n = 0, then ticks with n = payload; the sender ticks with n = choices, sends, ticks with n = 0.
// A tick on which a party expects nothing does not wait for the network.
//
// Rule: a task that has sent something ends with a tick before it returns.
#pragma once

#include "runtime/net/channel.h"
#include "runtime/net/cost.h"
#include "runtime/net/task.h"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dyad {

enum class Role : std::uint8_t { kServer, kClient };

/// What has crossed the wire since the scheduler was made, frame headers included.
struct Traffic {
  std::uint64_t bytesSent = 0;
  std::uint64_t bytesReceived = 0;
};

class FlowScheduler {
public:
  FlowScheduler(Role role, Channel &channel) : role_(role), channel_(channel) {}
  FlowScheduler(const FlowScheduler &) = delete;
  FlowScheduler &operator=(const FlowScheduler &) = delete;

  Role role() const { return role_; }
  bool isServer() const { return role_ == Role::kServer; }

  /// Appends to the message of the current tick.
  void send(std::span<const std::uint8_t> bytes);
  /// Appends `count` zero bytes and returns them to be written in place. The span is valid until
  /// the next call of send, sendBuffer or tick.
  std::span<std::uint8_t> sendBuffer(std::size_t count);

  class TickAwaiter {
  public:
    TickAwaiter(FlowScheduler &scheduler, std::size_t expected)
        : scheduler_(scheduler), expected_(expected) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> task) {
      scheduler_.waiting_.push_back({task, expected_, &received_});
    }
    /// The peer's bytes, valid until the task's next tick.
    std::span<const std::uint8_t> await_resume() const noexcept { return received_; }

  private:
    FlowScheduler &scheduler_;
    std::size_t expected_;
    std::span<const std::uint8_t> received_;
  };

  /// Ends the task's current tick; see the top of this file.
  TickAwaiter tick(std::size_t expectedBytes = 0) { return {*this, expectedBytes}; }

  /// Runs a task to its end. Any exception ends the session: the scheduler must not be used after.
  template <typename T> T run(Task<T> task) {
    task.handle().resume();
    while (!task.done())
      step(task.handle());
    return task.result();
  }

  const Traffic &traffic() const { return traffic_; }
  /// Flows since the last resetFlows(), as FlowCounter counts them.
  unsigned flows() const { return flowCounter_.flows(); }
  void resetFlows() { flowCounter_ = {}; }

private:
  struct Waiter {
    std::coroutine_handle<> task;
    std::size_t expected;
    std::span<const std::uint8_t> *received;
  };

  void step(std::coroutine_handle<> root);
  void sendFrames();
  void receiveFrames(std::size_t payload);

  Role role_;
  Channel &channel_;
  std::vector<Waiter> waiting_;
  std::vector<std::uint8_t> outgoing_;
  std::vector<std::uint8_t> incoming_;
  std::uint32_t tick_ = 0;
  Traffic traffic_;
  FlowCounter flowCounter_;
};

} // namespace dyad
