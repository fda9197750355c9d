// SPDX-License-Identifier: Apache-2.0
// One party's run of a program over a connection: handshake, set-up, samples in chunks that the
// stock of correlated OTs fits in memory for, and the check that both parties did the same.
#pragma once

#include "runtime/party/program.h"
#include "runtime/party/progress.h"
#include "runtime/party/samples.h"
#include "runtime/party/statistics.h"
#include "runtime/party/weights_file.h"

#include <optional>
#include <vector>

namespace dyad {

/// What a generated program.cpp defines, as a value.
struct Program {
  const ProgramInfo &info;
  Task<void> (*prepare)(Session &);
  Task<Outputs> (*step)(Session &, const Weights &, const Inputs &, States &);
};

/// Whether the server (the client) knows a tensor of that owner, and so reads or writes its file.
bool serverKnows(Owner owner);
bool clientKnows(Owner owner);

/// Weights as the party holds them: the values it has read, shapes alone for the others.
Weights makeWeights(const ProgramInfo &info, NamedTensors values);

/// The client's end of a stream: windows come while the run goes on, and their number is not known
/// before.
class Streaming {
public:
  virtual ~Streaming() = default;
  /// Waits for the next window of the input that is piped (PartyInputs), as integers; nothing at
  /// the end. Not called where no input is: then the windows are the samples.
  virtual std::optional<std::vector<std::int64_t>> next() = 0;
  /// The outputs of a window, in the order of ProgramInfo::outputs, and the seconds since it came.
  virtual void done(std::uint64_t window, double seconds,
                    const std::vector<OutputSamples> &outputs) = 0;
};

struct PartyResult {
  RunStatistics statistics;
  bool batched = false;
  /// Not those of a stream at the client, which Streaming::done has had. In the order of
  /// ProgramInfo::outputs; empty where this party is not the receiver.
  std::vector<OutputSamples> outputs;
};

/// Functionality  runs all samples; phases handshake, setup, stock, online and check. States go
///                from each sample to the next. With `stream`, which is the client's, the server
///                learns as it goes that there is another window: phase `stream`, 4 bytes and a
///                flow for each run of windows whose number is known.
/// Errors         those of shakeHands; kProtocol (the parties lost step); the channel's; those of
///                the program.
PartyResult runParty(const Program &program, Role role, Channel &channel, const Weights &weights,
                     const PartyInputs &inputs, Progress &progress, Streaming *stream = nullptr);

} // namespace dyad
