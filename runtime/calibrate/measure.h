// SPDX-License-Identifier: Apache-2.0
// The measurements of `dyad calibrate`: a few protocols of each kind between two parties, and the
// link between them.
#pragma once

#include "runtime/calibrate/fit.h"
#include "runtime/ot/session.h"

#include <functional>
#include <string>

namespace dyad {

struct CalibrationOptions {
  bool quick = false; ///< fewer elements and repetitions: to see that it works
  /// Called before each measurement with the part of the work that is done.
  std::function<void(const std::string &what, double done)> progress;
};

/// What both parties run; the client gets the profile, the server the same. Processor time of the
/// parties, the shortest of several runs, so that other load on the machine counts little. About
/// ten seconds.
MachineProfile measureMachine(Session &session, const CalibrationOptions &options);

/// Seconds of a message of one byte and its answer, the shortest of many.
double measureRoundTrip(Session &session, unsigned repetitions);
/// Bytes a second of the slower direction: large messages, of at least about half a second.
double measureBandwidth(Session &session, double roundTripSeconds, bool quick);
/// Seconds of a message's hand-over on this machine: half a round trip between two threads over
/// loopback.
double measureHandOver(unsigned repetitions);

} // namespace dyad
