// SPDX-License-Identifier: Apache-2.0
// Look-ups of several fields at additive and XOR shares of an index, tables that only the server
// knows, the wrap that comes with a field, and costs.
#include "runtime/functions/lookup.h"
#include "tests/runtime/protocols/shared_values.h"

#include <catch2/catch.hpp>

using namespace dyad;
using namespace dyad::test;

namespace {

using Kind = LookupField::Kind;

LookupTable randomTable(unsigned indexBits, std::vector<LookupField> fields) {
  LookupTable table{{indexBits, std::move(fields)}, {}};
  std::mt19937_64 random(indexBits);
  for (std::uint64_t v = 0; v < table.shape.entries(); ++v)
    for (const LookupField &field : table.shape.fields)
      table.values.push_back(random() & ringMask(field.bits));
  return table;
}

} // namespace

TEST_CASE("a look-up finds every entry for every share of the index", "[functions][lookup]") {
  const unsigned indexBits = GENERATE(1U, 3U, 4U, 5U);
  const bool additive = GENERATE(true, false);
  CAPTURE(indexBits, additive);
  const LookupTable table = randomTable(indexBits, {{13, Kind::kRing},
                                                    {7, Kind::kRingWithWrap},
                                                    {1, Kind::kBits},
                                                    {64, Kind::kRing},
                                                    {9, Kind::kRingWithWrap},
                                                    {11, Kind::kBits}});
  const std::size_t fields = table.shape.fields.size();
  Shares index{{}, {}, indexBits};
  for (std::uint64_t x = 0; x < table.shape.entries(); ++x)
    for (std::uint64_t share = 0; share < table.shape.entries(); ++share) {
      index.server.push_back(share);
      index.client.push_back(additive ? (x - share) & ringMask(indexBits) : x ^ share);
    }
  const auto [server, client] = runCosting(lookupCost(index.size(), table.shape), [&](Session &s) {
    LookupTable mine = table;
    if (!s.isServer())
      mine.values.clear(); // the table is the server's alone
    return additive ? lookup(s, std::move(mine), index.of(s))
                    : lookupBits(s, std::move(mine), index.of(s));
  });
  bool right = true;
  bool wraps = true;
  for (std::size_t i = 0; i < index.size(); ++i) {
    const std::uint64_t x = i / table.shape.entries();
    std::size_t wrap = 0;
    for (std::size_t f = 0; f < fields; ++f) {
      const LookupField &field = table.shape.fields[f];
      const std::uint64_t s = server.values[f][i];
      const std::uint64_t c = client.values[f][i];
      const std::uint64_t value =
          field.kind == Kind::kBits ? s ^ c : (s + c) & ringMask(field.bits);
      right &= value == table.values[x * fields + f];
      if (field.kind == Kind::kRingWithWrap) {
        const bool found = server.wraps[wrap][i] != client.wraps[wrap][i];
        wraps &= found == (s + c > ringMask(field.bits));
        ++wrap;
      }
    }
  }
  CHECK(right);
  CHECK(wraps);
}

TEST_CASE("shares of a looked-up value are uniform for either party", "[functions][lookup]") {
  // One entry, one place, many runs: each of 16 values of a share comes in 1/16 of them.
  constexpr std::size_t kRuns = 1 << 14;
  const LookupTable table{{1, {{4, Kind::kRingWithWrap}}}, {5, 11}};
  const Shares index = shared(Ring(kRuns, 1), 1);
  const auto [server, client] = runCosting(
      lookupCost(kRuns, table.shape), [&](Session &s) { return lookup(s, table, index.of(s)); });
  for (const LookupResult *party : {&server, &client}) {
    std::array<double, 32> counts{};
    for (std::size_t i = 0; i < kRuns; ++i)
      counts[party->values[0][i] * 2 + (party->wraps[0][i] ? 1 : 0)] += 1;
    double chiSquare = 0;
    for (const double count : counts)
      chiSquare += (count - kRuns / 32.0) * (count - kRuns / 32.0) / (kRuns / 32.0);
    CHECK(chiSquare < 75); // 31 degrees of freedom: below with probability 1 - 2e-5
  }
}

TEST_CASE("look-ups cost k + (2^k - 1) n bits and two flows", "[functions][lookup][cost]") {
  CHECK(bitsPerElement(lookupCost(64, {4, {{14, Kind::kRing}}})) == 214);
  CHECK(bitsPerElement(lookupCost(64, {5, {{20, Kind::kRing}, {9, Kind::kRingWithWrap}}})) == 935);
  CHECK(lookupCost(64, {4, {{14, Kind::kRing}}}).flows() == 2);
  CHECK_THROWS_AS(
      TwoParty().run(
          [](Session &s) { return s.run(lookup(s, {{9, {{1, Kind::kRing}}}, {}}, {})); },
          [](Session &s) { return s.run(lookup(s, {{9, {{1, Kind::kRing}}}, {}}, {})); }),
      Error);
}
