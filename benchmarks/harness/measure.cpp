// SPDX-License-Identifier: Apache-2.0
// See measure.h.
#include "benchmarks/harness/measure.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <vector>

namespace dyad::bench {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Of this process: other load on the machine hardly changes it.
double cpuSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// What the stock and the wire counted so far.
struct Counters {
  explicit Counters(Session &session)
      : traffic(session.flows().traffic()), serverCots(session.stock().serverCotsTaken()),
        clientCots(session.stock().clientCotsTaken()) {}

  std::uint64_t bytes() const { return traffic.bytesSent + traffic.bytesReceived; }

  Traffic traffic;
  std::uint64_t serverCots;
  std::uint64_t clientCots;
};

std::uint64_t left(const Session &session) {
  return session.stock().serverCotsLeft() + session.stock().clientCotsLeft();
}

// One more round of silent OT for each direction that the protocol takes from: the steady state,
// since a round's consumption comes out of the round before.
void measureRound(Session &session, const Cost &cost, PartyReport &report) {
  const std::uint64_t round = kFerretSets.back().usable();
  const auto wanted = [&](std::uint64_t taken, std::uint64_t inStock) {
    return taken == 0 ? 0 : inStock + round;
  };
  const std::uint64_t server = wanted(cost.serverCots, session.stock().serverCotsLeft());
  const std::uint64_t client = wanted(cost.clientCots, session.stock().clientCotsLeft());
  if (server + client == 0)
    return;
  session.run(meet(session));
  const Counters before(session);
  const std::uint64_t inStock = left(session);
  const auto begin = Clock::now();
  const double cpuBegin = cpuSeconds();
  session.run(session.stock().prepare(server, client));
  session.run(meet(session));
  report.stockSeconds = secondsSince(begin);
  report.stockCpuSeconds = cpuSeconds() - cpuBegin;
  report.cotsMade = left(session) - inStock;
  report.stockBytes = Counters(session).bytes() - before.bytes() - 2 * bytesOnWire(1);
}

} // namespace

Task<void> meet(Session &session) {
  constexpr std::array<std::uint8_t, 1> kReady{1};
  session.flows().send(kReady);
  co_await session.flows().tick(kReady.size());
}

PartyReport measure(Session &session, const Work &work, double seconds) {
  PartyReport report;
  session.run(session.stock().setup(StockOptions{CotMethod::kFerret}));
  if (work.keys)
    session.run(work.keys(session));
  report.setupBytes = Counters(session).bytes();

  std::vector<double> times;
  double spent = 0;
  // Each party tells the other whether it wants another turn: the client's clock decides.
  for (bool again = true; again;) {
    session.run(session.stock().prepare(work.cost.serverCots, work.cost.clientCots));
    session.run(meet(session));
    session.flows().resetFlows();
    const Counters before(session);
    const auto begin = Clock::now();
    const double cpuBegin = cpuSeconds();
    report.result = session.run(work.run(session));
    const double time = secondsSince(begin);
    const double cpuTime = cpuSeconds() - cpuBegin;
    const Counters after(session);
    report.flows = session.flows().flows();
    const std::uint64_t sent = after.traffic.bytesSent - before.traffic.bytesSent;
    const std::uint64_t received = after.traffic.bytesReceived - before.traffic.bytesReceived;
    report.bytesToServer = session.isServer() ? received : sent;
    report.bytesToClient = session.isServer() ? sent : received;
    report.serverCots = after.serverCots - before.serverCots;
    report.clientCots = after.clientCots - before.clientCots;
    if (!times.empty())
      report.cpuSeconds += cpuTime;
    times.push_back(time);
    spent += time;

    const bool wish = times.size() < 2 || spent < seconds;
    again = session.run([](Session &party, bool mine) -> Task<bool> {
      if (party.isServer()) {
        const auto answer = co_await party.flows().tick(1);
        co_return answer[0] != 0;
      }
      const std::array<std::uint8_t, 1> message{mine ? std::uint8_t{1} : std::uint8_t{0}};
      party.flows().send(message);
      co_await party.flows().tick();
      co_return mine;
    }(session, wish));
  }
  times.erase(times.begin()); // caches, page faults, first touches
  report.repetitions = static_cast<unsigned>(times.size());
  report.seconds = median(times);
  report.cpuSeconds /= static_cast<double>(times.size());
  if (work.measureStock)
    measureRound(session, work.cost, report);
  return report;
}

PartyReport measureCots(Session &session, const StockOptions &options, std::uint64_t count) {
  constexpr std::uint64_t kTaken = std::uint64_t{1} << 18;
  PartyReport report;
  session.run(session.stock().setup(options));
  report.setupBytes = Counters(session).bytes();
  const auto takeAll = [&] {
    for (std::uint64_t some = session.stock().serverCotsLeft(); some > 0;
         some = session.stock().serverCotsLeft())
      if (session.isServer())
        session.stock().takeSent(std::min(some, kTaken));
      else
        session.stock().takeReceived(std::min(some, kTaken));
  };
  // The bootstrap, through smaller sets, is not the steady state.
  session.run(session.stock().prepare(count / 8, 0));
  takeAll();
  session.run(meet(session));
  const Counters before(session);
  const auto begin = Clock::now();
  const double cpuBegin = cpuSeconds();
  session.run(session.stock().prepare(count, 0));
  report.cotsMade = session.stock().serverCotsLeft();
  takeAll();
  session.run(meet(session));
  report.seconds = secondsSince(begin);
  report.cpuSeconds = cpuSeconds() - cpuBegin;
  report.repetitions = 1;
  report.stockBytes = Counters(session).bytes() - before.bytes() - 2 * bytesOnWire(1);
  return report;
}

} // namespace dyad::bench
