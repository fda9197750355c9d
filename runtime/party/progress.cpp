// SPDX-License-Identifier: Apache-2.0
// See progress.h.
#include "runtime/party/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace dyad {
namespace {

constexpr std::chrono::milliseconds kTerminalInterval{100};
constexpr std::chrono::milliseconds kLogInterval{10'000};

std::string durationText(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 60)
    return fmt::format("{} s", whole);
  if (whole < 3600)
    return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

} // namespace

Progress::Progress(std::string_view who, bool enabled)
    : who_(who), enabled_(enabled), terminal_(enabled && ::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() { finish(); }

void Progress::phase(std::string_view what) {
  if (enabled_)
    show(fmt::format("{}: {}", who_, what));
}

void Progress::beginSamples(std::uint64_t samples, std::size_t nodes) {
  samples_ = samples;
  nodes_ = std::max<std::size_t>(nodes, 1);
  begun_ = 0;
  since_ = Clock::now();
  next_ = since_;
}

void Progress::node() {
  if (!enabled_)
    return;
  const bool isStream = samples_ == 0;
  const std::uint64_t total = samples_ * nodes_;
  const std::uint64_t done = isStream ? begun_++ : std::min(begun_++, total - 1);
  const Clock::time_point now = Clock::now();
  if (now < next_)
    return;
  next_ = now + (terminal_ ? kTerminalInterval : kLogInterval);
  if (isStream) {
    show(fmt::format("{}: window {}, node {} of {}", who_, done / nodes_ + 1, done % nodes_ + 1,
                     nodes_));
    return;
  }
  std::string text = fmt::format("{}: sample {} of {}, node {} of {}, {}%", who_, done / nodes_ + 1,
                                 samples_, done % nodes_ + 1, nodes_, 100 * done / total);
  if (done > 0) {
    const double seconds = std::chrono::duration<double>(now - since_).count();
    text += fmt::format(", {} left", durationText(seconds * static_cast<double>(total - done) /
                                                  static_cast<double>(done)));
  }
  show(text);
}

void Progress::finish() {
  if (open_)
    fmt::print(stderr, "\r\x1b[K");
  open_ = false;
}

void Progress::show(const std::string &text) {
  if (terminal_)
    fmt::print(stderr, "\r\x1b[K{}", text);
  else
    fmt::print(stderr, "{}\n", text);
  std::fflush(stderr);
  open_ = terminal_;
}

} // namespace dyad
