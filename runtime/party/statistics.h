// SPDX-License-Identifier: Apache-2.0
// The figures of a run as --stats writes them and as one line for people.
#pragma once

#include "runtime/net/flow_scheduler.h"
#include "runtime/ot/node_stats.h"

#include <cstdint>
#include <string>
#include <vector>

namespace dyad {

struct RunStatistics {
  /// No traffic and no phases in the clear.
  bool twoParty = true;
  Role role = Role::kServer; ///< decides which direction is "sent"
  std::uint64_t samples = 0;
  unsigned threads = 1;          ///< of this party
  bool isStream = false;         ///< samples are windows
  double longestSeconds = 0;     ///< of a window of a stream, from its arrival to its output
  double windowSeconds = 0;      ///< what a window lasts; 0: not known
  double clearSeconds = 0;       ///< of that, what this party computed alone on what it knows
  double seconds = 0;            ///< from the connection to the last answer
  std::vector<NodeStats> phases; ///< of the whole run
  std::vector<NodeStats> nodes;  ///< of one sample: seconds are the mean over all samples
};

/// Errors: kBadInput (cannot be written).
void writeStatistics(const RunStatistics &statistics, const std::string &path);

std::string summary(const RunStatistics &statistics);

} // namespace dyad
