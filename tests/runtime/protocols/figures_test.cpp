// SPDX-License-Identifier: Apache-2.0
// Bits and flows of the main protocols at 32 bits, correlated OTs included at the price of the
// silent extension's steady state: what a change must not make worse. Costs are exact predictions
// that all other tests hold the wire to.
#include "runtime/protocols/comparison_cost.h"
#include "runtime/protocols/selection_cost.h"
#include "runtime/protocols/truncation_cost.h"

#include <catch2/catch.hpp>

using namespace dyad;

namespace {

constexpr std::uint64_t kElements = std::uint64_t{1} << 16;
/// Of a correlated OT: a round's traffic over the COTs that it makes.
constexpr double kCotBits = 0.211;

double bits(const Cost &cost) {
  const double cots = static_cast<double>(cost.serverCots + cost.clientCots);
  return (static_cast<double>(8 * cost.bytes()) + kCotBits * cots) / kElements;
}

} // namespace

TEST_CASE("figures of the main protocols at 32 bits", "[protocol][figures]") {
  constexpr std::uint64_t n = kElements;
  CHECK(bits(nonNegativeCost(n, 32)) < 211);
  CHECK(bits(reluCost(n, 32)) < 277);
  CHECK(bits(truncateCost(n, 32, 12, SignFact::kNonNegative)) < 119);
  CHECK(bits(truncateCost(n, 32, 12, SignFact::kSmall)) < 119);
  CHECK(nonNegativeCost(n, 32).flows() == 6);
  CHECK(reluCost(n, 32).flows() == 8);

  Cost chain = truncateReduceCost(n, 32, 12);
  chain.then(reluCost(n, 20)).then(extendSignedCost(n, 20, 32, SignFact::kNonNegative));
  CHECK(bits(chain) < 270);
  CHECK(chain.flows() == 16);

  const Cost fused = truncateReluCost(n, 32, 12, 32);
  CHECK(bits(fused) < 291);
  CHECK(fused.flows() == 10);
  CHECK(bits(truncateReluCost(n, 32, 12, 20)) < 278);
  CHECK(truncateReluCost(n, 32, 12, 20).flows() == 9);
  CHECK(bits(truncateReluCost(n, 32, 12, 20, {1})) < 289);
  CHECK(truncateReluCost(n, 32, 12, 20, {1}).flows() == 8);
}
