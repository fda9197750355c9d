// SPDX-License-Identifier: Apache-2.0
// Both parties of a compiled program as processes on loopback, and a summary of what they did.
#pragma once

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
  std::string timeout; ///< seconds, empty for the default
  std::string threads; ///< of each party, empty for the default
  std::string stats;   ///< file for the client's statistics, empty for none
};

/// Runs server and client; their messages go to this process's stderr. Returns the exit status to
/// end with: 0, or that of the party that failed first for a reason of its own.
int runParties(const LocalRun &run);

/// A table of the phases and of the most expensive nodes, from the statistics of a run.
void printRunSummary(const std::string &statsFile);

} // namespace dyad::compiler
