// SPDX-License-Identifier: Apache-2.0
// Correlated OTs a second a core (of the thread's CPU time) and bits each, by method, in one
// direction and in both; filled twice, and the second time counts. With more threads: by the clock,
// while the other party rests, for what it needs no message for. cot_bench [MILLION_COTS [THREADS]]
#include "runtime/parallel/thread_pool.h"
#include "tests/runtime/two_party.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fmt/core.h>
#include <string>

using namespace dyad;
using test::TwoParty;

namespace {

double threadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Fills the stock with `count` more of each direction that has any, and takes them in pieces.
double make(Session &session, std::uint64_t fromServer, std::uint64_t fromClient) {
  constexpr std::uint64_t kPiece = std::uint64_t{1} << 16;
  const double begin = threadSeconds();
  CotStock &stock = session.stock();
  session.run(stock.prepare(fromServer, fromClient));
  const std::uint64_t sent = session.isServer() ? fromServer : fromClient;
  const std::uint64_t received = session.isServer() ? fromClient : fromServer;
  for (std::uint64_t done = 0; done < std::max(sent, received); done += kPiece) {
    if (done < sent)
      stock.takeSent(std::min(kPiece, sent - done));
    if (done < received)
      stock.takeReceived(std::min(kPiece, received - done));
  }
  return threadSeconds() - begin;
}

void report(const std::string &name, const StockOptions &options, std::uint64_t count, bool both) {
  TwoParty pair(1);
  pair.setUp(0, 0, options);
  const auto once = [&](Session &session) { return make(session, count, both ? count : 0); };
  const double total = static_cast<double>(both ? 2 * count : count);
  pair.run(once, once);
  const auto first = pair.measured();
  const auto [server, client] = pair.run(once, once);
  const auto second = pair.measured();
  const auto bits = [&](const TwoParty::Measured &measured) {
    return 8.0 * static_cast<double>(measured.bytesToServer + measured.bytesToClient) / total;
  };
  fmt::print("{:<13} {:<14} {:7.2f} M COTs: server {:6.1f} M/s, client {:6.1f} M/s a core; bits a "
             "COT {:.3f} at first, then {:.3f}\n",
             name, both ? "both ways" : "server sends", total / 1e6, total / 1e6 / server,
             total / 1e6 / client, bits(first), bits(second));
}

// Outputs of a silent round as a party takes them, alone on the machine.
void reportAlone(const FerretSet &set, unsigned index, std::uint64_t count, unsigned threads) {
  TwoParty pair(1);
  StockOptions options(CotMethod::kFerret);
  options.largestSet = index;
  pair.setUp(2 * count, 0, options);
  const auto take = [&](Session &session) {
    ThreadPool pool(threads);
    const UsePool use(pool);
    using Clock = std::chrono::steady_clock;
    constexpr std::uint64_t kPiece = std::uint64_t{1} << 16;
    Clock::time_point begin = Clock::now();
    for (std::uint64_t done = 0; done < 2 * count; done += kPiece) {
      if (done == count / kPiece * kPiece) // the first half warms the memory up
        begin = Clock::now();
      const std::uint64_t some = std::min(kPiece, 2 * count - done);
      session.isServer() ? void(session.stock().takeSent(some))
                         : void(session.stock().takeReceived(some));
    }
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  const auto rest = [](Session &) { return 0.0; };
  const double server = pair.run(take, rest).first;
  const double client = pair.run(rest, take).second;
  const double millions = static_cast<double>(count) / 1e6;
  fmt::print("ferret-{:<6} {} threads, outputs alone: server {:6.1f} M/s, client {:6.1f} M/s\n",
             set.name, threads, millions / server, millions / client);
}

} // namespace

int main(int argc, char **argv) {
  const auto count =
      static_cast<std::uint64_t>((argc > 1 ? std::strtod(argv[1], nullptr) : 15.0) * 1e6);
  if (argc > 2) {
    for (unsigned set = 0; set < kFerretSets.size(); ++set)
      for (const unsigned threads : {1U, static_cast<unsigned>(std::atoi(argv[2]))})
        reportAlone(kFerretSets[set], set, count, threads);
    return 0;
  }
  for (const bool both : {false, true}) {
    for (const unsigned k : {2U, 4U, 8U})
      report(fmt::format("softspoken-{}", k), SoftSpokenParameters{k}, count, both);
    for (unsigned set = 0; set < kFerretSets.size(); ++set) {
      StockOptions options(CotMethod::kFerret);
      options.largestSet = set;
      report(fmt::format("ferret-{}", kFerretSets[set].name), options, count, both);
    }
  }
}
