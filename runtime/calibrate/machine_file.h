// SPDX-License-Identifier: Apache-2.0
// Machine profiles as JSON: what `dyad calibrate` writes, --machine and --network read, and people
// may edit (docs/cost_model.md). What a file leaves out is built in; what it should not have is
// refused.
#pragma once

#include "runtime/net/link.h"
#include "runtime/net/machine.h"

#include <optional>
#include <string>

namespace dyad {

struct MachineFile {
  std::string machine; ///< for people: the processor
  MachineProfile profile;
  std::optional<LinkProfile> link; ///< as measured
};

/// kBadInput naming the file for one that cannot be read, is no profile of this version, has keys
/// that no profile has, or numbers out of range.
MachineFile readMachineFile(const std::string &path);

/// kBadInput where the file cannot be written.
void writeMachineFile(const std::string &path, const MachineFile &file);

/// A link of these numbers, named in the notation of parseLink, with three digits.
LinkProfile measuredLink(double bitsPerSecond, double roundTripSeconds);

} // namespace dyad
