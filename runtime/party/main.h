// SPDX-License-Identifier: Apache-2.0
// The executables: from the command line to the exit status, which is 0, or 1 for a bad input, 2
// for misuse, 3 for the network or the peer, 130 after Ctrl-C. Nothing ends in an abort.
#pragma once

#include "runtime/party/party.h"
#include "runtime/party/reference.h"

#include <functional>

namespace dyad {

/// What a generated reference.cpp defines, as a value.
struct ReferenceProgram {
  const ProgramInfo &info;
  ReferenceTensors (*run)(ReferenceRun &, const ReferenceValues &weights,
                          const ReferenceValues &inputs, ReferenceValues &states);
};

int serverMain(int argc, char **argv, const Program &program);
int clientMain(int argc, char **argv, const Program &program);
int referenceMain(int argc, char **argv, const ReferenceProgram &program);

/// Runs `body` for the executable `name`: reports what it throws on stderr and returns the status.
/// Ctrl-C and SIGTERM end the process at once, which closes the connection.
int runMain(const char *name, const std::function<int()> &body);

} // namespace dyad
