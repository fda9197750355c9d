// SPDX-License-Identifier: Apache-2.0
#include "runtime/net/flow_scheduler.h"

#include "runtime/net/error.h"

#include <cstring>

namespace dyad {

// Frame header: payload length (u32) and the low bits of the tick's number (u32), little endian.
// Neither is needed to find the payload's meaning; both expose parties that have lost step.
static_assert(kFrameHeaderBytes == 2 * sizeof(std::uint32_t));

void FlowScheduler::send(std::span<const std::uint8_t> bytes) {
  if (bytes.empty())
    return;
  if (outgoing_.empty())
    outgoing_.resize(kFrameHeaderBytes);
  outgoing_.insert(outgoing_.end(), bytes.begin(), bytes.end());
}

std::span<std::uint8_t> FlowScheduler::sendBuffer(std::size_t count) {
  if (count == 0)
    return {};
  if (outgoing_.empty())
    outgoing_.resize(kFrameHeaderBytes);
  outgoing_.resize(outgoing_.size() + count);
  return std::span(outgoing_).last(count);
}

void FlowScheduler::step(std::coroutine_handle<> root) {
  std::vector<Waiter> waiters = std::exchange(waiting_, {});
  std::size_t expected = 0;
  for (const Waiter &waiter : waiters)
    expected += waiter.expected;

  Tick tick;
  (isServer() ? tick.toClient : tick.toServer) =
      outgoing_.empty() ? 0 : outgoing_.size() - kFrameHeaderBytes;
  (isServer() ? tick.toServer : tick.toClient) = expected;
  flowCounter_.add(tick);

  sendFrames();
  receiveFrames(expected);
  ++tick_;

  std::size_t offset = 0;
  for (const Waiter &waiter : waiters) {
    *waiter.received = std::span(incoming_).subspan(offset, waiter.expected);
    offset += waiter.expected;
    waiter.task.resume();
    // A failed task has unwound up to the root and destroyed its siblings: do not touch them.
    if (root.done())
      break;
  }
}

// The message was written behind room for a header, so that a single frame needs no copy.
void FlowScheduler::sendFrames() {
  std::vector<std::uint8_t> message = std::exchange(outgoing_, {});
  const auto sendFrame = [&](std::vector<std::uint8_t> frame) {
    const auto length = static_cast<std::uint32_t>(frame.size() - kFrameHeaderBytes);
    const std::uint32_t header[2] = {length, tick_};
    std::memcpy(frame.data(), header, kFrameHeaderBytes);
    traffic_.bytesSent += frame.size();
    channel_.send(std::move(frame));
  };
  if (message.size() <= kFrameHeaderBytes)
    return;
  if (message.size() - kFrameHeaderBytes <= kMaxFrameBytes)
    return sendFrame(std::move(message));
  for (std::size_t offset = kFrameHeaderBytes; offset < message.size();) {
    const std::size_t length = std::min<std::size_t>(message.size() - offset, kMaxFrameBytes);
    std::vector<std::uint8_t> frame(kFrameHeaderBytes + length);
    std::memcpy(frame.data() + kFrameHeaderBytes, message.data() + offset, length);
    sendFrame(std::move(frame));
    offset += length;
  }
}

void FlowScheduler::receiveFrames(std::size_t payload) {
  incoming_.resize(payload);
  std::size_t offset = 0;
  while (offset < payload) {
    const std::size_t length = std::min<std::size_t>(payload - offset, kMaxFrameBytes);
    std::uint32_t header[2];
    channel_.receive({reinterpret_cast<std::uint8_t *>(header), sizeof(header)});
    DYAD_REQUIRE(
        header[0] == length && header[1] == tick_, kProtocol,
        "the peer sent {} bytes for step {}, but the program has {} bytes for step {} here; "
        "are both parties built from the same program and the same version of Dyad?",
        header[0], header[1], length, tick_);
    channel_.receive(std::span(incoming_).subspan(offset, length));
    traffic_.bytesReceived += kFrameHeaderBytes + length;
    offset += length;
  }
}

} // namespace dyad
