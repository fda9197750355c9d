// SPDX-License-Identifier: Apache-2.0
// Look-up of a table at a shared index. The table is public or the server's alone; an entry has
// several fields, each with shares of its own kind. The maths is in docs/protocols/functions.md.
#pragma once

#include "runtime/functions/lookup_cost.h"
#include "runtime/net/task.h"
#include "runtime/ot/session.h"
#include "runtime/protocols/ring.h"

#include <vector>

namespace dyad {

// Functionality  table[index], field by field, in fresh shares.
// Shapes         n indices; each field n values.
// Cost           lookupCost(n, shape), exactly.
// Security       semi-honest, in the COT-hybrid model. Table contents stay the server's: the client
//                sees its own entry under a uniform mask only.
// Errors         kOutOfRange, kShapeMismatch before a byte is sent.
// Source         Dessouky et al. (NDSS 2017); Rathee et al., SIRNN (S&P 2021), 3.5; the omitted
//                first message and the wrap as a field are our own, see the docs.

/// values[v * fields + f]: field f of entry v, below 2^bits. The client's are ignored: it may pass
/// an empty vector, as it must where the table is private.
struct LookupTable {
  LookupShape shape;
  Ring values;
};

struct LookupResult {
  std::vector<Ring> values;  ///< a Ring for each field; kBits: XOR shares
  std::vector<BitVec> wraps; ///< for each kRingWithWrap field, in order
};

/// index: shares modulo 2^indexBits.
Task<LookupResult> lookup(Session &session, LookupTable table, Ring index);
/// index: XOR shares, as integers below 2^indexBits.
Task<LookupResult> lookupBits(Session &session, LookupTable table, Ring index);

} // namespace dyad
