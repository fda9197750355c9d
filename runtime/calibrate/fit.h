// SPDX-License-Identifier: Apache-2.0
// The constants of a machine from measurements: predictions are sums of constants times amounts of
// work, so that those which fit best are a matter of least squares.
#pragma once

#include "runtime/net/machine.h"

#include <functional>
#include <string>
#include <vector>

namespace dyad {

/// Something measured, and what the model says of it: linear in the profile.
struct Measurement {
  std::string name;
  double seconds = 0;
  std::function<double(const MachineProfile &)> predicted;
};

/// Built-in constants, and those of `fields` times factors for which predictions come closest to
/// the measurements, by the sum of squared relative errors. What measurements leave open is drawn
/// towards the machine's overall factor, so that each factor is one that the machine explains.
MachineProfile fitted(const std::vector<Measurement> &measurements,
                      const std::vector<std::uint64_t MachineProfile::*> &fields,
                      MachineProfile start);

} // namespace dyad
