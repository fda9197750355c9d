// SPDX-License-Identifier: Apache-2.0
// The display of --progress on stderr: one line that is rewritten on a terminal, a line now and
// then elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dyad {

class Progress {
public:
  /// Shows nothing unless `enabled`.
  Progress(std::string_view who, bool enabled);
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// "waiting for the client", "base OTs", ...
  void phase(std::string_view what);
  /// The samples begin, each of so many nodes; no samples: a stream, whose end nobody knows.
  void beginSamples(std::uint64_t samples, std::size_t nodes);
  /// The next node, of this sample or the next one.
  void node();
  /// Ends the line.
  void finish();

private:
  using Clock = std::chrono::steady_clock;
  void show(const std::string &text);

  std::string who_;
  bool enabled_;
  bool terminal_;
  bool open_ = false; ///< a line without its end stands on the terminal
  std::uint64_t samples_ = 0;
  std::size_t nodes_ = 0;
  std::uint64_t begun_ = 0; ///< nodes of all samples
  Clock::time_point since_;
  Clock::time_point next_;
};

} // namespace dyad
