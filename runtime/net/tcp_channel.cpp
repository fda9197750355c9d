// SPDX-License-Identifier: Apache-2.0
// The channel over a connected socket. On the wire each message goes in chunks: its length as four
// little-endian bytes, then its bytes; a chunk of length 0 is a keep-alive. Like the headers of
// TCP, neither counts as traffic.
#include "runtime/net/error.h"
#include "runtime/net/socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>

namespace dyad {
namespace {

// Small enough that text, such as a browser's or a shell's, is no valid length.
constexpr std::size_t kMaxChunk = std::size_t{1} << 24;
constexpr std::size_t kReadBuffer = std::size_t{256} << 10;
// How long a party that closes waits for the other to have read everything.
constexpr std::chrono::milliseconds kLinger{2000};

class TcpChannel final : public Channel {
public:
  TcpChannel(Socket socket, const TcpOptions &options)
      : socket_(std::move(socket)), options_(options), writer_([this] { write(); }) {}
  ~TcpChannel() override;

  void send(std::vector<std::uint8_t> bytes) override;
  void receive(std::span<std::uint8_t> into) override;

private:
  enum class State { kOpen, kClosing, kBroken };

  void write();
  bool writeAll(std::span<const std::uint8_t> header, std::span<const std::uint8_t> bytes);
  bool writeMessage(std::span<const std::uint8_t> bytes);
  void markBroken();
  void readRaw(std::span<std::uint8_t> into);
  std::size_t readSome(std::span<std::uint8_t> into);
  void linger();

  Socket socket_;
  TcpOptions options_;

  // Reader's side: one thread.
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(kReadBuffer);
  std::size_t bufferBegin_ = 0;
  std::size_t bufferEnd_ = 0;
  std::size_t chunkLeft_ = 0;

  // Shared with the writer.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::vector<std::uint8_t>> queue_;
  State state_ = State::kOpen;
  Clock::time_point drainUntil_;

  std::thread writer_; // last: it uses all of the above
};

TcpChannel::~TcpChannel() {
  {
    const std::lock_guard lock(mutex_);
    drainUntil_ = Clock::now() + options_.timeout;
    if (state_ == State::kOpen)
      state_ = State::kClosing;
  }
  changed_.notify_all();
  writer_.join();
  if (state_ == State::kClosing)
    linger();
}

// Closing a socket that holds unread bytes would reset the connection, and the peer could lose what
// it has not read yet: first say that nothing follows, then wait for the peer's end.
void TcpChannel::linger() {
  ::shutdown(socket_.handle(), SHUT_WR);
  const Clock::time_point deadline = Clock::now() + std::min(options_.timeout, kLinger);
  while (waitFor(socket_, POLLIN, deadline, options_.stop) == Wait::kReady) {
    const ssize_t count = ::recv(socket_.handle(), buffer_.data(), buffer_.size(), 0);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
      return;
  }
}

void TcpChannel::send(std::vector<std::uint8_t> bytes) {
  {
    const std::lock_guard lock(mutex_);
    DYAD_REQUIRE(state_ != State::kBroken, kPeerClosed, "the peer closed the connection");
    if (!bytes.empty())
      queue_.push_back(std::move(bytes));
  }
  changed_.notify_one();
}

void TcpChannel::markBroken() {
  const std::lock_guard lock(mutex_);
  state_ = State::kBroken;
  queue_.clear();
}

void TcpChannel::write() {
  const auto idle = std::max(options_.timeout / 4, std::chrono::milliseconds(1));
  while (true) {
    std::vector<std::uint8_t> message;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, idle, [&] { return !queue_.empty() || state_ != State::kOpen; });
      if (queue_.empty() && state_ != State::kOpen)
        return;
      if (!queue_.empty()) {
        message = std::move(queue_.front());
        queue_.pop_front();
      }
    }
    if (!writeMessage(message))
      return markBroken();
  }
}

// An empty message is a keep-alive.
bool TcpChannel::writeMessage(std::span<const std::uint8_t> bytes) {
  do {
    const std::size_t length = std::min(bytes.size(), kMaxChunk);
    const auto size = static_cast<std::uint32_t>(length);
    std::array<std::uint8_t, sizeof(size)> header;
    std::memcpy(header.data(), &size, sizeof(size));
    if (!writeAll(header, bytes.first(length)))
      return false;
    bytes = bytes.subspan(length);
  } while (!bytes.empty());
  return true;
}

bool TcpChannel::writeAll(std::span<const std::uint8_t> header,
                          std::span<const std::uint8_t> bytes) {
  while (!header.empty() || !bytes.empty()) {
    iovec parts[2] = {{const_cast<std::uint8_t *>(header.data()), header.size()},
                      {const_cast<std::uint8_t *>(bytes.data()), bytes.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t count = ::sendmsg(socket_.handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      const auto ofHeader = std::min(static_cast<std::size_t>(count), header.size());
      header = header.subspan(ofHeader);
      bytes = bytes.subspan(static_cast<std::size_t>(count) - ofHeader);
      continue;
    }
    if (errno == EINTR)
      continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      return false;
    // The peer does not read. That alone is no error (it computes), but it must not hold up the
    // end.
    const Wait wait =
        waitFor(socket_, POLLOUT, Clock::now() + std::chrono::milliseconds(100), options_.stop);
    const std::lock_guard lock(mutex_);
    if (wait == Wait::kStopped || (state_ != State::kOpen && Clock::now() > drainUntil_))
      return false;
  }
  return true;
}

void TcpChannel::receive(std::span<std::uint8_t> into) {
  while (!into.empty()) {
    if (chunkLeft_ == 0) {
      std::uint32_t length = 0;
      std::array<std::uint8_t, sizeof(length)> header;
      readRaw(header);
      std::memcpy(&length, header.data(), sizeof(length));
      DYAD_REQUIRE(length <= kMaxChunk, kProtocol,
                   "the peer sent something that is no message of Dyad; does a server or client of "
                   "Dyad listen there?");
      chunkLeft_ = length;
      continue;
    }
    const std::size_t length = std::min(into.size(), chunkLeft_);
    readRaw(into.first(length));
    into = into.subspan(length);
    chunkLeft_ -= length;
  }
}

void TcpChannel::readRaw(std::span<std::uint8_t> into) {
  while (!into.empty()) {
    if (bufferBegin_ == bufferEnd_) {
      if (into.size() >= kReadBuffer) {
        into = into.subspan(readSome(into));
        continue;
      }
      bufferBegin_ = 0;
      bufferEnd_ = readSome(buffer_);
    }
    const std::size_t length = std::min(into.size(), bufferEnd_ - bufferBegin_);
    std::memcpy(into.data(), buffer_.data() + bufferBegin_, length);
    bufferBegin_ += length;
    into = into.subspan(length);
  }
}

std::size_t TcpChannel::readSome(std::span<std::uint8_t> into) {
  while (true) {
    const ssize_t count = ::recv(socket_.handle(), into.data(), into.size(), MSG_DONTWAIT);
    if (count > 0)
      return static_cast<std::size_t>(count);
    if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
      const std::string reason = count == 0 ? "" : ": " + systemMessage(errno);
      fail(ErrorCode::kPeerClosed, "the peer closed the connection{}", reason);
    }
    switch (waitFor(socket_, POLLIN, Clock::now() + options_.timeout, options_.stop)) {
    case Wait::kReady:
      break;
    case Wait::kStopped:
      failInterrupted();
    case Wait::kTimeout:
      fail(ErrorCode::kTimeout,
           "the peer has been silent for {:.1f} s: it is stopped or unreachable (see --timeout)",
           std::chrono::duration<double>(options_.timeout).count());
    }
  }
}

} // namespace

std::unique_ptr<Channel> makeTcpChannel(Socket socket, const TcpOptions &options) {
  return std::make_unique<TcpChannel>(std::move(socket), options);
}

} // namespace dyad
