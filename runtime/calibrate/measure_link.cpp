// SPDX-License-Identifier: Apache-2.0
// See measure.h. Both parties take the same turns; the client's clock measures.
#include "runtime/calibrate/measure.h"

#include "runtime/net/task.h"
#include "runtime/net/tcp_channel.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <exception>
#include <limits>
#include <thread>
#include <vector>

namespace dyad {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// So many bytes to one party, as one tick.
Task<void> send(Session &session, std::size_t bytes, bool toServer) {
  const bool receives = session.isServer() == toServer;
  if (!receives) {
    const std::span<std::uint8_t> into = session.flows().sendBuffer(bytes);
    std::fill(into.begin(), into.end(), std::uint8_t{1});
  }
  co_await session.flows().tick(receives ? bytes : 0);
}

Task<double> agree(Session &session, double mine) {
  std::array<std::uint8_t, sizeof(double)> bytes{};
  if (!session.isServer()) {
    std::memcpy(bytes.data(), &mine, bytes.size());
    session.flows().send(bytes);
  }
  const std::span<const std::uint8_t> received =
      co_await session.flows().tick(session.isServer() ? bytes.size() : 0);
  if (session.isServer())
    std::memcpy(&mine, received.data(), sizeof(mine));
  co_return mine;
}

// A message one way and a byte back, by the client's clock, at both parties.
double exchange(Session &session, std::size_t bytes, bool toServer) {
  const Clock::time_point begin = Clock::now();
  session.run(send(session, toServer ? bytes : 1, true));
  session.run(send(session, toServer ? 1 : bytes, false));
  return session.run(agree(session, secondsSince(begin)));
}

} // namespace

double measureRoundTrip(Session &session, unsigned repetitions) {
  double best = std::numeric_limits<double>::infinity();
  for (unsigned i = 0; i < repetitions; ++i)
    best = std::min(best, exchange(session, 1, true));
  return best;
}

double measureBandwidth(Session &session, double roundTripSeconds, bool quick) {
  constexpr std::size_t kFirst = std::size_t{1} << 16;
  constexpr std::size_t kMost = std::size_t{1} << 28;
  const double least = std::max(quick ? 0.05 : 0.5, 4 * roundTripSeconds);
  double slowest = std::numeric_limits<double>::infinity();
  for (const bool toServer : {true, false}) {
    // Growing messages open the window of TCP; the last one counts.
    for (std::size_t bytes = kFirst;; bytes *= 4) {
      const double seconds = exchange(session, bytes, toServer);
      if (seconds < least && bytes < kMost)
        continue;
      slowest = std::min(slowest,
                         static_cast<double>(bytes) / std::max(seconds - roundTripSeconds, 1e-9));
      break;
    }
  }
  return slowest;
}

double measureHandOver(unsigned repetitions) {
  TcpListener listener({"127.0.0.1", 0});
  const TcpOptions options;
  std::exception_ptr failure;
  std::thread other([&] {
    try {
      const std::unique_ptr<Channel> channel = listener.accept(options);
      Session server(Role::kServer, *channel);
      measureRoundTrip(server, repetitions);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  double roundTrip = 0;
  try {
    const std::unique_ptr<Channel> channel = connectTcp({"127.0.0.1", listener.port()}, options);
    Session client(Role::kClient, *channel);
    roundTrip = measureRoundTrip(client, repetitions);
  } catch (...) {
    failure = std::current_exception();
  }
  other.join();
  if (failure)
    std::rethrow_exception(failure);
  return roundTrip / 2;
}

} // namespace dyad
