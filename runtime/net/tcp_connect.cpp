// SPDX-License-Identifier: Apache-2.0
// How parties find each other over TCP: addresses, listening, connecting with retries.
#include "runtime/net/error.h"
#include "runtime/net/socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <iterator>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace dyad {

Socket::~Socket() {
  if (handle_ >= 0)
    ::close(handle_);
}

std::string systemMessage(int error) { return std::generic_category().message(error); }

void failInterrupted() { fail(ErrorCode::kPeerClosed, "interrupted"); }

Wait waitFor(const Socket &socket, short events, Clock::time_point deadline,
             const std::atomic<bool> *stop) {
  constexpr std::chrono::milliseconds kSlice{100};
  while (true) {
    if (stop != nullptr && stop->load(std::memory_order_relaxed))
      return Wait::kStopped;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    const auto slice = std::clamp(left, std::chrono::milliseconds(0), kSlice);
    pollfd entry{socket.handle(), events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(slice.count()));
    if (ready > 0)
      return Wait::kReady;
    if (ready == 0 && left.count() <= 0)
      return Wait::kTimeout;
  }
}

namespace {

struct AddressList {
  addrinfo *first = nullptr;
  ~AddressList() {
    if (first != nullptr)
      ::freeaddrinfo(first);
  }
};

void resolve(const Address &address, bool toListen, AddressList &list) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (toListen ? AI_PASSIVE : 0);
  const std::string port = std::to_string(address.port);
  const int status = ::getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(),
                                   port.c_str(), &hints, &list.first);
  DYAD_REQUIRE(status == 0, kNetwork, "host '{}' is not known: {}", address.host,
               ::gai_strerror(status));
}

std::string textOf(const Address &address) {
  const bool isV6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", isV6 ? "[" : "", address.host, isV6 ? "]" : "", address.port);
}

void sendWithoutDelay(const Socket &socket) {
  const int on = 1;
  ::setsockopt(socket.handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

std::uint16_t portOf(const sockaddr_storage &address) {
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6 &>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in &>(address).sin_port);
}

// While nobody listens on a port of this machine, TCP can connect a socket with itself there.
bool isConnectedToItself(const Socket &socket) {
  std::array<sockaddr_storage, 2> ends{};
  std::array<socklen_t, 2> lengths{sizeof(sockaddr_storage), sizeof(sockaddr_storage)};
  return ::getsockname(socket.handle(), reinterpret_cast<sockaddr *>(&ends[0]), &lengths[0]) == 0 &&
         ::getpeername(socket.handle(), reinterpret_cast<sockaddr *>(&ends[1]), &lengths[1]) == 0 &&
         lengths[0] == lengths[1] && std::memcmp(&ends[0], &ends[1], lengths[0]) == 0;
}

// Whether accept failed because of the client, or the network to it, as opposed to this machine:
// for want of files or memory it would fail again at once.
bool wentAway(int error) {
  constexpr int kOfPeer[] = {EAGAIN,    EINTR,  ECONNABORTED, EPROTO,     ENETDOWN,    ENOPROTOOPT,
                             EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM};
  return std::find(std::begin(kOfPeer), std::end(kOfPeer), error) != std::end(kOfPeer);
}

// A connected socket, or an empty one and the reason.
Socket tryConnect(const addrinfo &to, Clock::time_point deadline, const std::atomic<bool> *stop,
                  std::string &reason) {
  Socket socket(
      ::socket(to.ai_family, to.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to.ai_protocol));
  int error = 0;
  if (!socket)
    error = errno;
  else if (::connect(socket.handle(), to.ai_addr, to.ai_addrlen) != 0) {
    error = errno;
    if (error == EINPROGRESS) {
      const Wait wait = waitFor(socket, POLLOUT, deadline, stop);
      if (wait == Wait::kStopped)
        failInterrupted();
      socklen_t length = sizeof(error);
      if (wait == Wait::kTimeout)
        error = ETIMEDOUT;
      else if (::getsockopt(socket.handle(), SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    }
  }
  if (error == 0 && isConnectedToItself(socket))
    error = ECONNREFUSED;
  if (error == 0)
    return socket;
  reason = systemMessage(error);
  return {};
}

} // namespace

Address parseAddress(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  Address address;
  bool valid = colon != std::string_view::npos;
  if (valid) {
    std::string_view host = text.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
      host = host.substr(1, host.size() - 2);
    else
      valid = host.find(':') == std::string_view::npos;
    address.host = host;
    const std::string_view port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.begin(), port.end(), address.port);
    valid = valid && !port.empty() && error == std::errc() && end == port.end();
  }
  DYAD_REQUIRE(valid, kUsage,
               "'{}' is no address; write HOST:PORT, e.g. 127.0.0.1:7766 or [::1]:7766, with a "
               "port up to 65535",
               text);
  return address;
}

TcpListener::TcpListener(const Address &address) {
  AddressList list;
  resolve(address, true, list);
  int error = 0;
  for (const addrinfo *at = list.first; at != nullptr; at = at->ai_next) {
    Socket socket(
        ::socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol));
    const int on = 1;
    sockaddr_storage own{};
    socklen_t length = sizeof(own);
    if (!socket || ::setsockopt(socket.handle(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        ::bind(socket.handle(), at->ai_addr, at->ai_addrlen) != 0 ||
        ::listen(socket.handle(), 1) != 0 ||
        ::getsockname(socket.handle(), reinterpret_cast<sockaddr *>(&own), &length) != 0) {
      error = errno;
      continue;
    }
    port_ = portOf(own);
    socket_ = std::make_unique<Socket>(std::move(socket));
    return;
  }
  DYAD_REQUIRE(error != EADDRINUSE, kNetwork,
               "port {} is taken by another program; choose another with --listen HOST:PORT",
               address.port);
  fail(ErrorCode::kNetwork, "cannot listen on {}: {}", textOf(address), systemMessage(error));
}

TcpListener::~TcpListener() = default;

std::unique_ptr<Channel> TcpListener::accept(const TcpOptions &options) {
  const std::chrono::milliseconds limit = options.acceptTimeout.value_or(options.timeout);
  const Clock::time_point deadline = Clock::now() + limit;
  while (true) {
    switch (waitFor(*socket_, POLLIN, deadline, options.stop)) {
    case Wait::kReady:
      break;
    case Wait::kStopped:
      failInterrupted();
    case Wait::kTimeout:
      fail(ErrorCode::kNetwork, "no client connected to port {} within {:.1f} s (see --timeout)",
           port_, std::chrono::duration<double>(limit).count());
    }
    Socket peer(::accept4(socket_->handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!peer) {
      const int error = errno;
      DYAD_REQUIRE(wentAway(error), kNetwork, "cannot take a connection on port {}: {}", port_,
                   systemMessage(error));
      continue;
    }
    sendWithoutDelay(peer);
    return makeTcpChannel(std::move(peer), options);
  }
}

std::unique_ptr<Channel> connectTcp(const Address &address, const TcpOptions &options) {
  constexpr std::chrono::milliseconds kRetry{50};
  const Clock::time_point deadline = Clock::now() + options.timeout;
  AddressList list;
  resolve(address, false, list);
  std::string reason;
  do {
    for (const addrinfo *at = list.first; at != nullptr; at = at->ai_next)
      if (Socket socket = tryConnect(*at, deadline, options.stop, reason)) {
        sendWithoutDelay(socket);
        return makeTcpChannel(std::move(socket), options);
      }
    if (options.stop != nullptr && options.stop->load(std::memory_order_relaxed))
      failInterrupted();
    std::this_thread::sleep_for(kRetry);
  } while (Clock::now() < deadline);
  fail(ErrorCode::kNetwork,
       "no server at {} within {:.1f} s: {}; is it running and is the address right? (see "
       "--timeout)",
       textOf(address), std::chrono::duration<double>(options.timeout).count(), reason);
}

} // namespace dyad
