// SPDX-License-Identifier: Apache-2.0
// When each of two parties is where in a program: they compute, send, and wait for what the other
// has sent. Each direction of the link carries one byte after another.
#pragma once

#include "runtime/net/cost.h"
#include "runtime/net/link.h"

namespace dyad {

class LinkClock {
public:
  /// `flowSeconds`: a message's hand-over, beside the link's own latency.
  LinkClock(const LinkProfile &link, double flowSeconds)
      : bytesPerSecond_(link.bitsPerSecond / 8), latency_(link.roundTripSeconds / 2 + flowSeconds) {
  }

  /// Both parties compute for so long and send the messages of a tick, large ones while they go on.
  void tick(const Tick &tick, double computeSeconds);
  /// A whole protocol, whose computing goes with the bytes of its ticks.
  void run(const Cost &cost, double computeSeconds);

  /// When the last party is through.
  double now() const { return server_ > client_ ? server_ : client_; }

private:
  // When the last byte of a message is there.
  double arrival(std::uint64_t bytes, double begin, double computeSeconds, double &free) const;

  double bytesPerSecond_;
  double latency_;
  double server_ = 0; ///< where the party is
  double client_ = 0;
  double toServerFree_ = 0; ///< when the direction has carried all that was sent
  double toClientFree_ = 0;
};

} // namespace dyad
