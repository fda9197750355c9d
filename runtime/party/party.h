// SPDX-License-Identifier: Apache-2.0
// One party's run of a program over a connection: handshake, set-up, samples in chunks that the
// stock of correlated OTs fits in memory for, and the check that both parties did the same.
#pragma once

#include "runtime/party/program.h"
#include "runtime/party/progress.h"
#include "runtime/party/samples.h"
#include "runtime/party/statistics.h"
#include "runtime/party/weights_file.h"

#include <vector>

namespace dyad {

/// What a generated program.cpp defines, as a value.
struct Program {
  const ProgramInfo &info;
  Task<void> (*prepare)(Session &);
  Task<Outputs> (*step)(Session &, const Weights &, const Inputs &);
};

/// Whether the server (the client) knows a tensor of that owner, and so reads or writes its file.
bool serverKnows(Owner owner);
bool clientKnows(Owner owner);

/// Weights as the party holds them: the values it has read, shapes alone for the others.
Weights makeWeights(const ProgramInfo &info, NamedTensors values);

struct PartyResult {
  RunStatistics statistics;
  bool batched = false;
  /// In the order of ProgramInfo::outputs; empty where this party is not the receiver.
  std::vector<OutputSamples> outputs;
};

/// Functionality  runs all samples; phases handshake, setup, stock, online and check.
/// Errors         those of shakeHands; kProtocol (the parties lost step); the channel's; those of
///                the program.
PartyResult runParty(const Program &program, Role role, Channel &channel, const Weights &weights,
                     const PartyInputs &inputs, Progress &progress);

} // namespace dyad
