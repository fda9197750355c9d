// SPDX-License-Identifier: Apache-2.0
// See session.h.
#include "runtime/ot/session.h"

#include <algorithm>
#include <ctime>

namespace dyad {
namespace {

// Of all threads of this process, which other load on the machine hardly changes.
double cpuSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

} // namespace

Session::Mark Session::mark(std::string name, std::string op) const {
  const Traffic &traffic = flows_.traffic();
  const auto [toServer, toClient] = isServer()
                                        ? std::pair(traffic.bytesReceived, traffic.bytesSent)
                                        : std::pair(traffic.bytesSent, traffic.bytesReceived);
  Mark result;
  result.stats = {std::move(name),
                  std::move(op),
                  toServer,
                  toClient,
                  flows_.flows(),
                  stock_.serverCotsTaken(),
                  stock_.clientCotsTaken(),
                  0,
                  stock_.makingSeconds()};
  result.stats.cpuSeconds = cpuSeconds();
  result.since = std::chrono::steady_clock::now();
  return result;
}

void Session::addRow(std::vector<NodeStats> &rows, const Mark &begin) const {
  const Mark end = mark(begin.stats.name, begin.stats.op);
  auto row = std::find_if(rows.begin(), rows.end(), [&](const NodeStats &other) {
    return other.name == begin.stats.name && other.op == begin.stats.op;
  });
  if (row == rows.end())
    row = rows.insert(rows.end(), NodeStats{begin.stats.name, begin.stats.op});
  row->bytesToServer += end.stats.bytesToServer - begin.stats.bytesToServer;
  row->bytesToClient += end.stats.bytesToClient - begin.stats.bytesToClient;
  row->flows += end.stats.flows - begin.stats.flows;
  row->serverCots += end.stats.serverCots - begin.stats.serverCots;
  row->clientCots += end.stats.clientCots - begin.stats.clientCots;
  row->cotSeconds += end.stats.cotSeconds - begin.stats.cotSeconds;
  row->cpuSeconds += end.stats.cpuSeconds - begin.stats.cpuSeconds;
  row->seconds += std::chrono::duration<double>(end.since - begin.since).count();
}

void Session::beginPhase(std::string name) { phase_ = mark(std::move(name), {}); }
void Session::endPhase() { addRow(phases_, phase_); }
void Session::beginNode(std::string name, std::string op) {
  if (nodeObserver_)
    nodeObserver_();
  node_ = mark(std::move(name), std::move(op));
}
void Session::endNode() { addRow(nodes_, node_); }

} // namespace dyad
