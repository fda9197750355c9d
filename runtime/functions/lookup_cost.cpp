// SPDX-License-Identifier: Apache-2.0
// See lookup_cost.h.
#include "runtime/functions/lookup_cost.h"

namespace dyad {

Cost lookupCost(std::uint64_t n, const LookupShape &shape) {
  const std::uint64_t payload = n * (shape.entries() - 1) * shape.entryBits();
  const std::uint64_t choices = shape.indexBits * ((n + 7) / 8);
  return {{{choices, 0}, {0, (payload + 7) / 8}}, n * shape.indexBits, 0};
}

} // namespace dyad
