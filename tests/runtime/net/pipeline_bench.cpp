// SPDX-License-Identifier: Apache-2.0
// What tiles hide on a slower link: a chain of exchanges in both directions, as protocols make
// them, on a whole batch and on tiles of it, through a relay. pipeline_bench [LINK [MILLISECONDS]]
// Computing is imitated by sleeping, so that what else runs on the machine does not count.
#include "runtime/net/flow_scheduler.h"
#include "runtime/net/relay.h"
#include "runtime/net/tcp_channel.h"
#include "runtime/net/tiles.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fmt/core.h>
#include <thread>

using namespace dyad;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kElements = std::size_t{1} << 20;
constexpr std::size_t kBytesEach = 4;
constexpr int kExchanges = 4;

// Each party in turn computes and sends; who receives computes on it before it answers.
Task<int> chain(FlowScheduler &flows, std::size_t count, double secondsEach) {
  const auto compute = [&] {
    std::this_thread::sleep_for(
        std::chrono::duration<double>(secondsEach * static_cast<double>(count)));
  };
  for (int exchange = 0; exchange < kExchanges; ++exchange) {
    if ((exchange % 2 == 0) == flows.isServer()) {
      compute();
      flows.sendBuffer(count * kBytesEach);
      co_await flows.tick();
    } else {
      co_await flows.tick(count * kBytesEach);
      compute();
    }
  }
  co_return 0;
}

struct Measured {
  double seconds = 0;
  unsigned flows = 0;
  std::uint64_t bytes = 0;
};

Measured measure(const LinkProfile &link, std::size_t tile, double secondsEach) {
  TcpListener listener({"127.0.0.1", 0});
  Relay relay(link, 0);
  std::thread between([&] { relay.serve(listener.port(), std::chrono::seconds(20)); });
  Measured measured;
  const auto run = [&](Role role, Channel &channel) {
    FlowScheduler flows(role, channel);
    const Clock::time_point begin = Clock::now();
    flows.run(inTiles(kElements, tile, [&](std::size_t from, std::size_t to) {
      return chain(flows, to - from, secondsEach);
    }));
    if (role == Role::kServer)
      measured = {std::chrono::duration<double>(Clock::now() - begin).count(), flows.flows(),
                  flows.traffic().bytesSent + flows.traffic().bytesReceived};
  };
  std::thread client([&] {
    const std::unique_ptr<Channel> channel = connectTcp({"127.0.0.1", relay.port()}, {});
    run(Role::kClient, *channel);
  });
  {
    const std::unique_ptr<Channel> channel = listener.accept({});
    run(Role::kServer, *channel);
  }
  client.join();
  between.join();
  return measured;
}

} // namespace

int main(int argc, char **argv) {
  const LinkProfile link = parseLink(argc > 1 ? argv[1] : "lan");
  const double milliseconds = argc > 2 ? std::strtod(argv[2], nullptr) : 10;
  const double secondsEach = milliseconds / 1e3 / static_cast<double>(kElements);
  const double wire = 8.0 * kElements * kBytesEach / link.bitsPerSecond + link.roundTripSeconds / 2;
  fmt::print(
      "{}: {} exchanges of {} MB, computing {} ms at each end; one after the other {:.3f} s\n",
      describe(link), kExchanges, kElements * kBytesEach >> 20, milliseconds,
      kExchanges * (wire + 2 * milliseconds / 1e3));
  for (const std::size_t tile : {kElements, kElements / 4, kElements / 16, kElements / 64}) {
    Measured best = measure(link, tile, secondsEach);
    for (int again = 0; again < 2; ++again)
      best.seconds = std::min(best.seconds, measure(link, tile, secondsEach).seconds);
    fmt::print("{:3} tiles: {:.3f} s, {} flows, {} bytes\n", kElements / tile, best.seconds,
               best.flows, best.bytes);
  }
}
