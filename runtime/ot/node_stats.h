// SPDX-License-Identifier: Apache-2.0
// One row of statistics, measured or predicted: the same form for both, so that they can be
// compared and printed side by side.
#pragma once

#include "runtime/net/cost.h"

#include <cstdint>
#include <string>
#include <utility>

namespace dyad {

struct NodeStats {
  std::string name; ///< the ONNX node's
  std::string op;
  std::uint64_t bytesToServer = 0; ///< frame headers included
  std::uint64_t bytesToClient = 0;
  unsigned flows = 0; ///< growth of the longest causal chain of the run so far
  std::uint64_t serverCots = 0;
  std::uint64_t clientCots = 0;
  double seconds = 0;
  double cotSeconds = 0; ///< of these, for making outputs of silent OT when they were taken
  double cpuSeconds = 0; ///< of all threads of the party
};

/// The row that a node of the given cost has when it runs after what `before` has counted, which
/// then includes this node.
inline NodeStats predictedRow(std::string name, std::string op, const Cost &cost,
                              FlowCounter &before) {
  const unsigned flows = before.flows();
  for (const Tick &tick : cost.ticks)
    before.add(tick);
  return {std::move(name),
          std::move(op),
          cost.bytesToServer(),
          cost.bytesToClient(),
          before.flows() - flows,
          cost.serverCots,
          cost.clientCots,
          0,
          0,
          0};
}

} // namespace dyad
