// SPDX-License-Identifier: Apache-2.0
// See relay.h.
#include "runtime/net/relay.h"

#include "runtime/net/error.h"
#include "runtime/net/socket.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <thread>
#include <vector>

namespace dyad {
namespace {

using std::chrono::nanoseconds;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

Socket newSocket() {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  DYAD_REQUIRE(socket, kNetwork, "no socket: {}", systemMessage(errno));
  return socket;
}

void sendWithoutDelay(const Socket &socket) {
  const int on = 1;
  ::setsockopt(socket.handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

nanoseconds fromSeconds(double seconds) {
  return nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

// One direction of a link.
class Lane {
public:
  Lane(const LinkProfile &link, const Socket &from, const Socket &to, const std::atomic<bool> &stop)
      : from_(from), to_(to), stop_(stop), nanosecondsPerByte_(8e9 / link.bitsPerSecond),
        propagation_(fromSeconds(link.roundTripSeconds / 2)) {
    constexpr double kMicrosecond = 1e-6;
    const double bytesPerSecond = link.bitsPerSecond / 8;
    buffer_.resize(std::clamp<std::size_t>(
        static_cast<std::size_t>(bytesPerSecond * Relay::kSliceMicroseconds * kMicrosecond),
        kSmallestSlice, kLargestSlice));
    capacity_ =
        static_cast<std::size_t>(bytesPerSecond * link.roundTripSeconds / 2) + Relay::kQueueBytes;
  }

  /// Until the source ends or the destination is gone, or `stop` is set.
  void run() {
    // Sleeps of some microseconds are wanted; the default slack is 50.
    ::prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
    while (!stop_.load(std::memory_order_relaxed)) {
      read(Clock::now());
      if (!write(Clock::now()))
        break;
      if (sourceEnded_ && wire_.empty())
        break;
      wait();
    }
    ::shutdown(to_.handle(), SHUT_WR);
    ::shutdown(from_.handle(), SHUT_RD);
  }

private:
  // A packet's size, and what keeps a fast link at a few thousand wake-ups a second.
  static constexpr std::size_t kSmallestSlice = 1500;
  static constexpr std::size_t kLargestSlice = std::size_t{1} << 20;
  // How much a reader that woke late may catch up on while its source had bytes waiting.
  static constexpr std::chrono::milliseconds kCatchUp{5};

  struct Packet {
    std::vector<std::uint8_t> bytes;
    std::size_t written = 0;
    Clock::time_point due;
  };

  bool mayRead() const { return !sourceEnded_ && held_ < capacity_; }

  // Takes slices off the source as long as the transmitter is free for them.
  void read(Clock::time_point now) {
    while (mayRead() && free_ <= now) {
      const ssize_t count = ::recv(from_.handle(), buffer_.data(), buffer_.size(), 0);
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        sourceWaits_ = false;
        return;
      }
      if (count <= 0) { // its end; an error, too, ends what can be read
        sourceEnded_ = true;
        return;
      }
      // The transmitter begins when it is free, or now if it had nothing to send in between. While
      // the source has bytes waiting it is this thread that came late, not the bytes.
      const Clock::time_point begin =
          sourceWaits_ ? std::max(free_, now - kCatchUp) : std::max(free_, now);
      free_ =
          begin +
          nanoseconds(static_cast<std::int64_t>(static_cast<double>(count) * nanosecondsPerByte_));
      held_ += static_cast<std::size_t>(count);
      sourceWaits_ = static_cast<std::size_t>(count) == buffer_.size();
      wire_.push_back({{buffer_.begin(), buffer_.begin() + count}, 0, free_ + propagation_});
    }
  }

  // Delivers what has arrived. False when nobody takes it any more.
  bool write(Clock::time_point now) {
    destinationFull_ = false;
    while (!wire_.empty() && wire_.front().due <= now) {
      Packet &packet = wire_.front();
      const ssize_t count =
          ::send(to_.handle(), packet.bytes.data() + packet.written,
                 packet.bytes.size() - packet.written, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        destinationFull_ = true;
        return true;
      }
      if (count < 0)
        return false;
      packet.written += static_cast<std::size_t>(count);
      held_ -= static_cast<std::size_t>(count);
      if (packet.written == packet.bytes.size())
        wire_.pop_front();
    }
    return true;
  }

  // Sleeps until the next packet is due, the transmitter is free, or a socket is ready for what
  // this lane waits for.
  void wait() {
    constexpr std::chrono::milliseconds kLongest{100}; // to see `stop`
    const Clock::time_point now = Clock::now();
    Clock::time_point until = now + kLongest;
    const bool listens = mayRead() && free_ <= now;
    if (mayRead() && !listens)
      until = std::min(until, free_);
    if (!wire_.empty() && !destinationFull_)
      until = std::min(until, wire_.front().due);
    const auto left =
        std::max(nanoseconds(0), std::chrono::duration_cast<nanoseconds>(until - now));
    constexpr std::int64_t kSecond = 1'000'000'000;
    const timespec limit{static_cast<time_t>(left.count() / kSecond),
                         static_cast<long>(left.count() % kSecond)};
    pollfd entries[2] = {{listens ? from_.handle() : -1, POLLIN, 0},
                         {destinationFull_ ? to_.handle() : -1, POLLOUT, 0}};
    ::ppoll(entries, 2, &limit, nullptr);
  }

  const Socket &from_;
  const Socket &to_;
  const std::atomic<bool> &stop_;
  double nanosecondsPerByte_;
  nanoseconds propagation_;
  std::vector<std::uint8_t> buffer_; // a slice
  std::size_t capacity_ = 0;

  std::deque<Packet> wire_;
  std::size_t held_ = 0;     // bytes in wire_
  Clock::time_point free_;   // when the transmitter has sent all that it took
  bool sourceWaits_ = false; // the last slice was a full one: more is waiting
  bool sourceEnded_ = false;
  bool destinationFull_ = false;
};

} // namespace

Relay::Relay(LinkProfile link, std::uint16_t listenPort) : link_(std::move(link)) {
  Socket socket = newSocket();
  const int on = 1;
  ::setsockopt(socket.handle(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = loopback(listenPort);
  socklen_t length = sizeof(address);
  DYAD_REQUIRE(
      ::bind(socket.handle(), reinterpret_cast<sockaddr *>(&address), length) == 0 &&
          ::listen(socket.handle(), 1) == 0 &&
          ::getsockname(socket.handle(), reinterpret_cast<sockaddr *>(&address), &length) == 0,
      kNetwork, "the relay cannot listen on port {} of loopback: {}", listenPort,
      systemMessage(errno));
  port_ = ntohs(address.sin_port);
  listener_ = std::make_unique<Socket>(std::move(socket));
}

Relay::~Relay() = default;

namespace {

Socket acceptOne(const Socket &listener, std::uint16_t port, std::chrono::milliseconds limit,
                 const std::atomic<bool> *stop) {
  const Clock::time_point deadline = Clock::now() + limit;
  while (true) {
    const Wait wait = waitFor(listener, POLLIN, deadline, stop);
    if (wait == Wait::kStopped)
      failInterrupted();
    DYAD_REQUIRE(wait == Wait::kReady, kNetwork,
                 "nobody connected to the relay at port {} within {:.1f} s", port,
                 std::chrono::duration<double>(limit).count());
    Socket socket(::accept4(listener.handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket)
      return socket; // otherwise it went away again
  }
}

Socket connectTo(std::uint16_t port, std::chrono::milliseconds limit,
                 const std::atomic<bool> *stop) {
  constexpr std::chrono::milliseconds kRetry{20};
  const Clock::time_point deadline = Clock::now() + limit;
  while (true) {
    Socket socket = newSocket();
    const sockaddr_in address = loopback(port);
    int error = 0;
    if (::connect(socket.handle(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) !=
        0) {
      error = errno;
      if (error == EINPROGRESS) {
        if (waitFor(socket, POLLOUT, deadline, stop) == Wait::kStopped)
          failInterrupted();
        socklen_t length = sizeof(error);
        ::getsockopt(socket.handle(), SOL_SOCKET, SO_ERROR, &error, &length);
      }
    }
    if (error == 0)
      return socket;
    if (stop != nullptr && stop->load(std::memory_order_relaxed))
      failInterrupted();
    DYAD_REQUIRE(Clock::now() < deadline, kNetwork,
                 "the relay finds no server at port {} within {:.1f} s: {}", port,
                 std::chrono::duration<double>(limit).count(), systemMessage(error));
    std::this_thread::sleep_for(kRetry);
  }
}

} // namespace

void Relay::serve(std::uint16_t serverPort, std::chrono::milliseconds limit,
                  const std::atomic<bool> *stop) {
  const Socket client = acceptOne(*listener_, port_, limit, stop);
  const Socket server = connectTo(serverPort, limit, stop);
  sendWithoutDelay(client);
  sendWithoutDelay(server);
  static const std::atomic<bool> kNever{false};
  const std::atomic<bool> &flag = stop != nullptr ? *stop : kNever;
  Lane toServer(link_, client, server, flag);
  Lane toClient(link_, server, client, flag);
  std::thread other([&] { toClient.run(); });
  toServer.run();
  other.join();
  if (stop != nullptr && stop->load(std::memory_order_relaxed))
    failInterrupted();
}

} // namespace dyad
