// SPDX-License-Identifier: Apache-2.0
// See flow_scheduler.h. Frame header: payload length (u32) and the low bits of the tick's number
// (u32), little endian. Neither is needed to find the payload's meaning; both expose parties that
// have lost step. A frame that begins to leave before its end is known says so instead of a length.
#include "runtime/net/flow_scheduler.h"

#include "runtime/net/error.h"

#include <cstring>

namespace dyad {
namespace {

static_assert(kFrameHeaderBytes == 2 * sizeof(std::uint32_t));
constexpr std::uint32_t kLengthUnknown = ~std::uint32_t{0};
static_assert(kMaxFrameBytes < kLengthUnknown);

// Tasks whose bytes come to no more than this are served by one reading.
constexpr std::size_t kReadTogether = std::size_t{32} << 10;
// More memory than this is not kept for a message that needs far less.
constexpr std::size_t kKeptBytes = std::size_t{8} << 20;

} // namespace

std::span<std::uint8_t> FlowScheduler::Buffer::get(std::size_t size) {
  if (size > capacity || (capacity > kKeptBytes && capacity / 4 > size)) {
    bytes.reset();
    bytes = std::make_unique_for_overwrite<std::uint8_t[]>(size);
    capacity = size;
  }
  return {bytes.get(), size};
}

void FlowScheduler::send(std::span<const std::uint8_t> bytes) {
  const std::span<std::uint8_t> into = sendBuffer(bytes.size());
  if (!bytes.empty())
    std::memcpy(into.data(), bytes.data(), bytes.size());
}

std::span<std::uint8_t> FlowScheduler::sendBuffer(std::size_t count) {
  if (count == 0)
    return {};
  leaveIfLarge();
  if (outgoing_.empty())
    outgoing_.resize(headroom());
  outgoing_.resize(outgoing_.size() + count);
  return std::span(outgoing_).last(count);
}

std::size_t FlowScheduler::waitingBytes() const {
  return outgoing_.empty() ? 0 : outgoing_.size() - headroom();
}

void FlowScheduler::leaveIfLarge() {
  if (waitingBytes() >= kPieceBytes)
    leave(false);
}

// Hands all that was sent to the channel. A message was written behind room for a header, so that
// only one that goes beyond a frame is copied.
void FlowScheduler::leave(bool endOfTick) {
  std::size_t left = waitingBytes();
  std::vector<std::uint8_t> message = std::exchange(outgoing_, {});
  while (left != 0) {
    const std::size_t header = headroom();
    const std::size_t length = std::min<std::uint64_t>(left, kMaxFrameBytes - frameSent_);
    std::vector<std::uint8_t> rest;
    if (length != left) {
      const auto end = message.begin() + static_cast<std::ptrdiff_t>(header + length);
      rest.resize(kFrameHeaderBytes); // what is cut off begins a frame
      rest.insert(rest.end(), end, message.end());
      message.resize(header + length);
    }
    left -= length;
    if (header != 0) {
      const bool known = endOfTick || length == kMaxFrameBytes;
      const std::uint32_t fields[2] = {known ? static_cast<std::uint32_t>(length) : kLengthUnknown,
                                       sendTick_};
      std::memcpy(message.data(), fields, sizeof(fields));
    }
    frameSent_ = (frameSent_ + length) % kMaxFrameBytes;
    tickSent_ += length;
    traffic_.bytesSent += message.size();
    channel_.send(std::move(message));
    message = std::move(rest);
  }
  if (endOfTick)
    frameSent_ = 0;
}

void FlowScheduler::wait(const Waiter &waiter) {
  leaveIfLarge();
  waiting_.push_back(waiter);
}

void FlowScheduler::step(std::coroutine_handle<> root) {
  const std::vector<Waiter> waiters = std::exchange(waiting_, {});
  tickLeft_ = 0;
  for (const Waiter &waiter : waiters)
    tickLeft_ += waiter.expected;

  Tick tick;
  (isServer() ? tick.toClient : tick.toServer) = tickSent_ + waitingBytes();
  (isServer() ? tick.toServer : tick.toClient) = tickLeft_;
  flowCounter_.add(tick);

  leave(true);
  tickSent_ = 0;
  ++sendTick_;

  std::span<const Waiter> rest(waiters);
  // A failed task has unwound up to the root and destroyed its siblings: do not touch them.
  while (!rest.empty() && !root.done()) {
    if (rest.front().received == nullptr) {
      readPieces(rest.front(), root);
      rest = rest.subspan(1);
      continue;
    }
    const std::size_t served = receiveFor(rest);
    for (std::size_t i = 0; i < served && !root.done(); ++i)
      rest[i].task.resume();
    rest = rest.subspan(served);
  }
  ++receiveTick_;
}

// Receives for the first task, and for those after it as far as that is no long wait. Returns how
// many. Once resumed they are at their next tick, so that the next ones get the same memory.
std::size_t FlowScheduler::receiveFor(std::span<const Waiter> waiters) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  do
    bytes += waiters[count++].expected;
  while (count < waiters.size() && waiters[count].received != nullptr &&
         bytes + waiters[count].expected <= kReadTogether);
  if (bytes == 0)
    return count;
  std::span<std::uint8_t> into = incoming_.get(bytes);
  receive(into);
  for (const Waiter &waiter : waiters.first(count)) {
    *waiter.received = into.first(waiter.expected);
    into = into.subspan(waiter.expected);
  }
  return count;
}

void FlowScheduler::readPieces(const Waiter &waiter, std::coroutine_handle<> root) {
  piecesLeft_ = waiter.expected;
  waiter.task.resume();
  DYAD_REQUIRE(piecesLeft_ == 0 || root.done(), kProtocol,
               "a step ended with {} bytes of the peer's message left unread", piecesLeft_);
}

std::span<const std::uint8_t> FlowScheduler::nextPiece(std::size_t count) {
  DYAD_REQUIRE(count <= piecesLeft_, kProtocol, "{} bytes read of a message that has {} left",
               count, piecesLeft_);
  piecesLeft_ -= count;
  const std::span<std::uint8_t> into = piece_.get(count);
  receive(into);
  return into;
}

void FlowScheduler::receive(std::span<std::uint8_t> into) {
  while (!into.empty()) {
    if (frameLeft_ == 0) {
      frameLeft_ = std::min<std::uint64_t>(tickLeft_, kMaxFrameBytes);
      tickLeft_ -= frameLeft_;
      std::uint32_t header[2];
      channel_.receive({reinterpret_cast<std::uint8_t *>(header), sizeof(header)});
      DYAD_REQUIRE(
          (header[0] == frameLeft_ || header[0] == kLengthUnknown) && header[1] == receiveTick_,
          kProtocol,
          "the peer sent {} bytes for step {}, but the program has {} bytes for step {} here; "
          "are both parties built from the same program and the same version of Dyad?",
          header[0], header[1], frameLeft_, receiveTick_);
      traffic_.bytesReceived += kFrameHeaderBytes;
    }
    const std::size_t length = std::min<std::uint64_t>(into.size(), frameLeft_);
    channel_.receive(into.first(length));
    frameLeft_ -= length;
    traffic_.bytesReceived += length;
    into = into.subspan(length);
  }
}

} // namespace dyad
