// SPDX-License-Identifier: Apache-2.0
// The command line of the executables server, client and reference: names, defaults, and what is
// refused. DESIGN decides the names, so that scripts can rely on them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dyad {

enum class Executable : std::uint8_t { kServer, kClient, kReference };

const char *nameOf(Executable executable);

struct PartyOptions {
  std::string address = "127.0.0.1:7766"; ///< --listen or --connect
  std::vector<std::string> inputs;        ///< [NAME=]FILE.npy
  std::vector<std::string> outputs;
  std::string weights; ///< empty: beside the executable
  std::string stats;   ///< empty: none
  bool raw = false;
  bool progress = false;
  std::chrono::milliseconds timeout{30'000};
  bool timeoutGiven = false;
  std::uint64_t sessions = 1; ///< 0: for ever
  unsigned threads = 1;
  bool stream = false;      ///< outputs leave window by window
  double windowSeconds = 0; ///< what a window lasts, for the real-time factor; 0: not said
  std::size_t hop = 0;      ///< new elements of a window from standard input; 0: all
};

/// The exit status where there is nothing to run (--help, --version, or misuse, which it explains).
struct ParsedOptions {
  PartyOptions options;
  std::optional<int> exitStatus;
};

ParsedOptions parseOptions(Executable executable, const std::string &model, int argc,
                           const char *const *argv);

} // namespace dyad
