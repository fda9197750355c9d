// SPDX-License-Identifier: Apache-2.0
// See link_clock.h.
#include "passes/cost/link_clock.h"

#include "runtime/net/flow_scheduler.h"

#include <algorithm>

namespace dyad {

double LinkClock::arrival(std::uint64_t bytes, double begin, double computeSeconds,
                          double &free) const {
  const std::uint64_t wire = bytesOnWire(bytes);
  const double transfer = static_cast<double>(wire) / bytesPerSecond_;
  const double ready = begin + computeSeconds;
  // Of a large message the first pieces leave while the others are computed.
  const bool inPieces = wire > 2 * kPieceBytes;
  const double sent = inPieces ? std::max(ready, std::max(begin, free) + transfer)
                               : std::max(ready, free) + transfer;
  free = sent;
  return sent + latency_;
}

void LinkClock::tick(const Tick &tick, double computeSeconds) {
  const double server = server_;
  const double client = client_;
  server_ += computeSeconds;
  client_ += computeSeconds;
  if (tick.toServer != 0)
    server_ = std::max(server_, arrival(tick.toServer, client, computeSeconds, toServerFree_));
  if (tick.toClient != 0)
    client_ = std::max(client_, arrival(tick.toClient, server, computeSeconds, toClientFree_));
}

void LinkClock::run(const Cost &cost, double computeSeconds) {
  const auto bytes = static_cast<double>(cost.bytes());
  for (const Tick &each : cost.ticks) {
    const auto part = static_cast<double>(bytesOnWire(each.toServer) + bytesOnWire(each.toClient));
    tick(each, bytes == 0 ? 0 : computeSeconds * part / bytes);
  }
  if (bytes == 0) {
    server_ += computeSeconds;
    client_ += computeSeconds;
  }
}

} // namespace dyad
