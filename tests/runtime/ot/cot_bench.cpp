// SPDX-License-Identifier: Apache-2.0
// Correlated OTs a second a core and bits each, by method: one direction, both parties on threads
// of their own, each with its CPU time. Memory is touched before. cot_bench [MILLION_COTS]
#include "tests/runtime/two_party.h"

#include <algorithm>
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

// Fills the stock with `count` more and takes them all, in pieces.
double make(Session &session, std::uint64_t count, bool serverSends) {
  constexpr std::uint64_t kPiece = std::uint64_t{1} << 16;
  const double begin = threadSeconds();
  session.run(session.stock().prepare(serverSends ? count : 0, serverSends ? 0 : count));
  const bool sender = session.isServer() == serverSends;
  for (std::uint64_t done = 0; done < count; done += kPiece) {
    const std::uint64_t piece = std::min(kPiece, count - done);
    if (sender)
      session.stock().takeSent(piece);
    else
      session.stock().takeReceived(piece);
  }
  return threadSeconds() - begin;
}

void report(const std::string &name, const StockOptions &options, std::uint64_t count) {
  TwoParty pair(1);
  pair.setUp(0, 0, options);
  const auto once = [&](Session &session) { return make(session, count, true); };
  pair.run(once, once);
  const auto first = pair.measured();
  const auto [sender, receiver] = pair.run(once, once);
  const auto second = pair.measured();
  const auto bits = [&](const TwoParty::Measured &measured) {
    return 8.0 * static_cast<double>(measured.bytesToServer + measured.bytesToClient) /
           static_cast<double>(count);
  };
  const double millions = static_cast<double>(count) / 1e6;
  fmt::print("{:<14} {:8.2f} M COTs: sender {:6.1f} M/s, receiver {:6.1f} M/s a core; bits a COT "
             "{:.3f} at first, then {:.3f}\n",
             name, millions, millions / sender, millions / receiver, bits(first), bits(second));
}

} // namespace

int main(int argc, char **argv) {
  const auto count =
      static_cast<std::uint64_t>((argc > 1 ? std::strtod(argv[1], nullptr) : 15.0) * 1e6);
  for (const unsigned k : {2U, 4U, 8U})
    report(fmt::format("softspoken-{}", k), SoftSpokenParameters{k}, count);
  report("ferret", CotMethod::kFerret, count);
}
