// SPDX-License-Identifier: Apache-2.0
// A server and a client as two processes over TCP on loopback, straight or through the relay, each
// with a session of its own; what both measured comes back to the caller.
#pragma once

#include "runtime/net/link.h"
#include "runtime/ot/session.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace dyad::bench {

struct RunOptions {
  std::optional<LinkProfile> link; ///< none: bare loopback
  unsigned threads = 1;
  double seconds = 1; ///< about how long each case is repeated
};

/// What a party measured, and its summand of the last result.
struct PartyReport {
  double seconds = 0;       ///< median of the repetitions
  double cpuSeconds = 0;    ///< of all threads, the mean of the repetitions
  unsigned repetitions = 0; ///< after one that is not counted
  double stockSeconds = 0;  ///< to make `cotsMade` COTs at the steady state
  double stockCpuSeconds = 0;
  std::uint64_t cotsMade = 0; ///< of both directions
  std::uint64_t stockBytes = 0;
  std::uint64_t bytesToServer = 0; ///< of one repetition
  std::uint64_t bytesToClient = 0;
  std::uint64_t setupBytes = 0; ///< both ways, keys of RLWE included
  std::uint64_t serverCots = 0;
  std::uint64_t clientCots = 0;
  unsigned flows = 0;
  std::uint64_t peakMemory = 0; ///< bytes
  Ring result;
};

struct TwoReports {
  PartyReport server;
  PartyReport client;
};

/// Runs `body` at a server and at a client. Called before this process has any threads. An
/// exception of either party is rethrown here as an Error, the server's first.
TwoReports runTwoProcesses(const RunOptions &options,
                           const std::function<PartyReport(Session &)> &body);

} // namespace dyad::bench
