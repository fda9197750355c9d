// SPDX-License-Identifier: Apache-2.0
// See stock_cost.h; the messages are in softspoken.cpp and stock.cpp.
#include "runtime/ot/stock_cost.h"

#include "runtime/net/error.h"

#include <algorithm>

namespace dyad {
namespace {

constexpr std::uint64_t kPoint = 32;
constexpr std::uint64_t kBaseOts = 128;
constexpr std::uint64_t kBlock = 16;

// One direction: the server sends.
Cost extensionCost(std::uint64_t cots, unsigned k) {
  Cost cost;
  cots = (cots + kExtensionBlock - 1) / kExtensionBlock * kExtensionBlock;
  for (std::uint64_t at = 0; at < cots; at += kExtensionChunk)
    cost.ticks.push_back({std::min(kExtensionChunk, cots - at) / 8 * (kBaseOts / k - 1), 0});
  return cost;
}

} // namespace

void requireValid(SoftSpokenParameters parameters) {
  const unsigned k = parameters.k;
  DYAD_REQUIRE(k == 1 || k == 2 || k == 4 || k == 8, kOutOfRange,
               "SoftSpoken with trees of {} levels; 1, 2, 4 and 8 are possible", k);
}

Cost setupCost(SoftSpokenParameters) {
  // The COT receiver announces, the COT sender responds, the COT receiver sends the trees.
  const Cost fromServer{{{kPoint, 0}, {0, kBaseOts * kPoint}, {2 * kBaseOts * kBlock, 0}}, 0, 0};
  const Cost nonces{{{}, {}, {kBlock, kBlock}}, 0, 0};
  return Cost(fromServer).beside(mirrored(fromServer)).beside(nonces);
}

Cost stockCost(std::uint64_t serverCots, std::uint64_t clientCots,
               SoftSpokenParameters parameters) {
  requireValid(parameters);
  return extensionCost(serverCots, parameters.k)
      .beside(mirrored(extensionCost(clientCots, parameters.k)));
}

} // namespace dyad
