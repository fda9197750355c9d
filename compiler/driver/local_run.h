// SPDX-License-Identifier: Apache-2.0
// Both parties of a compiled program as processes on loopback, and a summary of what they did.
#pragma once

#include "runtime/net/link.h"

#include <optional>
#include <string>
#include <vector>

namespace dyad::compiler {

struct LocalRun {
  std::string folder;              ///< output folder of dyadc
  std::vector<std::string> inputs; ///< [NAME=]FILE.npy of the client
  std::vector<std::string> serverInputs;
  std::vector<std::string> outputs; ///< [NAME=]FILE.npy
  bool serverReceives = false;      ///< outputs are revealed to the server only
  bool raw = false;
  bool progress = false;
  bool stream = false;       ///< the client's --stream
  std::string windowSeconds; ///< with it, empty for none
  std::string timeout;       ///< seconds, empty for the default
  std::string threads;       ///< of each party, empty for the default
  std::string stats;         ///< file for the client's statistics, empty for none
  std::string serverStats;
  std::optional<LinkProfile> simulated; ///< a link that a relay imitates between the parties
  std::string relay;                    ///< its executable
};

/// Runs a program to its end and returns its exit status; 1, with a message, if it cannot be
/// started.
int runTool(const std::vector<std::string> &command);

/// Runs server and client; their messages go to this process's stderr. Returns the exit status to
/// end with: 0, or that of the process that failed first for a reason of its own.
int runParties(const LocalRun &run);

/// The link, a table of the phases and of the most expensive nodes, and the memory of both parties,
/// from the statistics of a run.
void printRunSummary(const LocalRun &run);

} // namespace dyad::compiler
