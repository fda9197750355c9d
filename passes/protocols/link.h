// SPDX-License-Identifier: Apache-2.0
// What a protocol costs in time on a link, for choosing between protocols. Times only rank; bytes
// and flows come from the protocols' own formulas.
#pragma once

#include "runtime/net/cost.h"
#include "runtime/ot/stock_cost.h"

namespace dyad {

struct Link {
  double bitsPerSecond = 3e9;
  double roundTripSeconds = 0.3e-3;

  /// Traffic with the stock of correlated OTs that it uses up, and half a round trip for each flow.
  double seconds(const Cost &cost) const {
    const double bitsPerCot = 128.0 / SoftSpokenParameters{}.k - 1;
    const double bits = 8.0 * static_cast<double>(cost.bytes()) +
                        bitsPerCot * static_cast<double>(cost.serverCots + cost.clientCots);
    return bits / bitsPerSecond + cost.flows() * roundTripSeconds / 2;
  }
};

} // namespace dyad
