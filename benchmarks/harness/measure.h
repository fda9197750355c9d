// SPDX-License-Identifier: Apache-2.0
// How one party measures a protocol: keys and COTs first, then the protocol again and again, each
// time after both have said that they are ready.
#pragma once

#include "benchmarks/harness/two_processes.h"

#include "runtime/net/cost.h"
#include "runtime/net/task.h"

#include <functional>

namespace dyad::bench {

struct Work {
  Cost cost; ///< of one run
  std::function<Task<Ring>(Session &)> run;
  /// Keys that it needs, beyond the stock's; may be empty.
  std::function<Task<void>(Session &)> keys;
  /// Whether the making of COTs at the steady state is measured too.
  bool measureStock = true;
};

/// Both parties at the same point; one flow.
Task<void> meet(Session &session);

/// The report of one party. Bytes, flows and COTs are those of the wire and of the stock, not those
/// of `work.cost`, which only fills the stock.
PartyReport measure(Session &session, const Work &work, double seconds);

/// Generation of COTs alone, the server sending: `count` or more of them at the steady state, all
/// made and taken. `seconds` of the report are of `cotsMade`.
PartyReport measureCots(Session &session, const StockOptions &options, std::uint64_t count);

} // namespace dyad::bench
