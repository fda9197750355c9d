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
// Computing hides the network, in both directions, with the same bytes and flows:
// - What tasks have sent leaves in pieces of kPieceBytes or more while they go on: at the next
//   send() or sendBuffer() of any task, or its tick(). So a long message is best made in pieces, by
//   a sendBuffer() each, and tiles of a large batch best are tasks of a whenAll (tiles.h).
// - A task resumes when its own bytes of a tick are there, not those of the tasks after it. What it
//   then sends leaves at once, as part of the next tick. So tiles overtake each other's network.
// - tickInPieces() resumes a task before its bytes are there, to read them piece by piece.
//
// Rule: a task that has sent something ends with a tick before it returns.
#pragma once

#include "runtime/net/channel.h"
#include "runtime/net/cost.h"
#include "runtime/net/task.h"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace dyad {

/// What has been sent leaves ahead of its tick when there is so much of it: on a link of 400 Mbit/s
/// a piece takes 2.6 ms.
inline constexpr std::size_t kPieceBytes = std::size_t{128} << 10;

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
  /// the next call of send, sendBuffer or tick, when they may leave.
  std::span<std::uint8_t> sendBuffer(std::size_t count);

  class TickAwaiter {
  public:
    TickAwaiter(FlowScheduler &scheduler, std::size_t expected)
        : scheduler_(scheduler), expected_(expected) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> task) {
      scheduler_.wait({task, expected_, &received_});
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

  /// Reads the peer's bytes of one tick while they come. Whoever has it reads all of them before
  /// its next tick, and may send (for the next tick) in between.
  class PieceReader {
  public:
    explicit PieceReader(FlowScheduler &scheduler) : scheduler_(&scheduler) {}
    std::size_t left() const { return scheduler_->piecesLeft_; }
    /// Waits for the next `count` bytes, at most left(). Valid until the next call or tick.
    std::span<const std::uint8_t> next(std::size_t count) { return scheduler_->nextPiece(count); }

  private:
    FlowScheduler *scheduler_;
  };

  class PiecesAwaiter {
  public:
    PiecesAwaiter(FlowScheduler &scheduler, std::size_t expected)
        : scheduler_(scheduler), expected_(expected) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> task) {
      scheduler_.wait({task, expected_, nullptr});
    }
    PieceReader await_resume() const noexcept { return PieceReader(scheduler_); }

  private:
    FlowScheduler &scheduler_;
    std::size_t expected_;
  };

  /// The same tick as tick(expectedBytes), which the peer does not notice, but for a message too
  /// long to wait for: `auto pieces = co_await flows.tickInPieces(n); use(pieces.next(some));`
  PiecesAwaiter tickInPieces(std::size_t expectedBytes) { return {*this, expectedBytes}; }

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
    std::span<const std::uint8_t> *received; ///< null: it reads pieces itself
  };

  void wait(const Waiter &waiter);
  void step(std::coroutine_handle<> root);
  std::size_t receiveFor(std::span<const Waiter> waiters);
  void readPieces(const Waiter &waiter, std::coroutine_handle<> root);
  std::span<const std::uint8_t> nextPiece(std::size_t count);
  std::size_t headroom() const { return frameSent_ == 0 ? kFrameHeaderBytes : 0; }
  std::size_t waitingBytes() const;
  void leaveIfLarge();
  void leave(bool endOfTick);
  void receive(std::span<std::uint8_t> into);

  // Bytes that are not cleared first, for at most one tick.
  struct Buffer {
    std::unique_ptr<std::uint8_t[]> bytes;
    std::size_t capacity = 0;
    std::span<std::uint8_t> get(std::size_t size);
  };

  Role role_;
  Channel &channel_;
  std::vector<Waiter> waiting_;

  // The message of the tick that tasks send for. Behind room for a header where it begins a frame.
  std::vector<std::uint8_t> outgoing_;
  std::uint64_t frameSent_ = 0; ///< payload of the current frame that has left
  std::uint64_t tickSent_ = 0;  ///< payload of the tick that has left
  std::uint32_t sendTick_ = 0;

  // The tick that is being received, which may be the one before.
  Buffer incoming_;
  Buffer piece_;
  std::uint64_t tickLeft_ = 0;  ///< payload in frames to come
  std::uint64_t frameLeft_ = 0; ///< payload of the current frame to come
  std::size_t piecesLeft_ = 0;  ///< of the task that reads pieces
  std::uint32_t receiveTick_ = 0;

  Traffic traffic_;
  FlowCounter flowCounter_;
};

} // namespace dyad
