// SPDX-License-Identifier: Apache-2.0
// See work_cost.h.
#include "runtime/ot/work_cost.h"

namespace dyad {

double workSeconds(const Cost &cost, WorkKind kind, const MachineProfile &machine) {
  if (cost.ticks.empty())
    return 0;
  const std::uint64_t perCot = kind == WorkKind::kComparison ? machine.comparisonCot
                               : kind == WorkKind::kProduct  ? machine.productCot
                                                             : machine.functionCot;
  const std::uint64_t sum = machine.operation + perCot * (cost.serverCots + cost.clientCots) +
                            machine.byte * cost.bytes();
  return 1e-12 * static_cast<double>(sum);
}

} // namespace dyad
