// SPDX-License-Identifier: Apache-2.0
// Carries at several positions, digits and the leading one: exhaustively for small rings, borders
// of wide ones, and their costs.
#include "runtime/functions/digits.h"
#include "tests/runtime/protocols/shared_values.h"

#include <catch2/catch.hpp>

#include <bit>

using namespace dyad;
using namespace dyad::test;

TEST_CASE("carries at several positions are those of the sum of the shares",
          "[functions][digits]") {
  const std::vector<unsigned> positions =
      GENERATE(std::vector<unsigned>{1}, std::vector<unsigned>{2, 3},
               std::vector<unsigned>{1, 4, 6}, std::vector<unsigned>{1, 2, 3, 4, 5, 6});
  const Shares x = everything(6);
  const auto [server, client] = runCosting(
      carriesCost(x.size(), positions), [&](Session &s) { return carries(s, x.of(s), positions); });
  REQUIRE(server.size() == positions.size());
  for (std::size_t j = 0; j < positions.size(); ++j) {
    const std::uint64_t mask = ringMask(positions[j]);
    const BitVec found = server[j] ^ client[j];
    bool right = true;
    for (std::size_t i = 0; i < x.size(); ++i)
      right &= found[i] == ((x.server[i] & mask) + (x.client[i] & mask) > mask);
    CHECK(right);
  }
}

TEST_CASE("digits put together are the number", "[functions][digits]") {
  const auto [width, digitBits] =
      GENERATE(std::pair(6U, 2U), std::pair(7U, 3U), std::pair(5U, 8U), std::pair(16U, 4U),
               std::pair(33U, 4U), std::pair(64U, 7U));
  const unsigned from = GENERATE(0U, 1U, 4U);
  CAPTURE(width, digitBits, from);
  const Shares x = width < 8 ? everything(width) : edgeShares(edgeValues(width, 3), width, 3);
  const auto [server, client] =
      runCosting(digitsCost(x.size(), width, digitBits, from),
                 [&](Session &s) { return digits(s, x.of(s), width, digitBits, from); });
  const std::vector<unsigned> widths = digitWidths(width - from, digitBits);
  REQUIRE(server.size() == widths.size());
  Ring values(x.size());
  for (std::size_t j = 0; j < widths.size(); ++j) {
    const Ring digit = added(server[j], client[j], widths[j]);
    for (std::size_t i = 0; i < x.size(); ++i)
      values[i] |= digit[i] << (j * digitBits);
  }
  Ring expected = x.values();
  for (std::uint64_t &value : expected)
    value >>= from;
  CHECK(values == expected);
}

TEST_CASE("the leading one is one-hot, and nothing for zero", "[functions][digits]") {
  const unsigned width = GENERATE(3U, 6U, 16U, 19U, 32U, 64U);
  const unsigned from = GENERATE(0U, 2U);
  CAPTURE(width, from);
  const Shares x = width < 8 ? everything(width) : edgeShares(edgeValues(width, 5), width, 5);
  const auto [server, client] = runCosting(leadingOneCost(x.size(), width, from), [&](Session &s) {
    return leadingOne(s, x.of(s), width, from);
  });
  REQUIRE(server.size() == width - from);
  const Ring values = x.values();
  bool right = true;
  for (unsigned k = 0; k < width - from; ++k) {
    const BitVec plane = server[k] ^ client[k];
    for (std::size_t i = 0; i < x.size(); ++i)
      right &= plane[i] == (values[i] != 0 && std::bit_width(values[i]) - 1 == k + from);
  }
  CHECK(right);
}

TEST_CASE("digits and leading ones cost what the docs say", "[functions][digits][cost]") {
  CHECK(bitsPerElement(digitsCost(64, 16, 4)) <= 88);
  CHECK(digitsCost(64, 16, 4).flows() == 6);
  CHECK(bitsPerElement(leadingOneCost(64, 16)) < 500);
}
