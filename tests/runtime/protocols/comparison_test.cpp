// SPDX-License-Identifier: Apache-2.0
// Comparisons: every input for small widths, borders for large ones, costs as published.
#include "runtime/protocols/comparison.h"
#include "tests/runtime/protocols/shared_values.h"

using namespace dyad;
using namespace dyad::test;

namespace {

/// The server's x and the client's y.
struct Operands {
  Ring x, y;
  const Ring &of(const Session &session) const { return session.isServer() ? x : y; }
};

Operands everyPair(unsigned bits) {
  Operands operands;
  for (std::uint64_t x = 0; x <= ringMask(bits); ++x)
    for (std::uint64_t y = 0; y <= ringMask(bits); ++y) {
      operands.x.push_back(x);
      operands.y.push_back(y);
    }
  return operands;
}

Operands edgePairs(unsigned bits) {
  Operands operands;
  const Ring values = edgeValues(bits, bits / 2, 20);
  for (const std::uint64_t x : values)
    for (const std::uint64_t y : values) {
      operands.x.push_back(x);
      operands.y.push_back(y);
    }
  return operands;
}

void checkOrders(const Operands &operands, unsigned bits, Radix radix) {
  CAPTURE(bits, radix.levelsSaved);
  const std::size_t n = operands.x.size();
  const BitVec greater = joined(runCosting(greaterThanCost(n, bits, radix), [&](Session &session) {
                           return greaterThan(session, operands.of(session), bits, radix);
                         })).values();
  const BitVec same = joined(runCosting(equalCost(n, bits, radix), [&](Session &session) {
                        return equal(session, operands.of(session), bits, radix);
                      })).values();
  auto both = runCosting(greaterAndEqualCost(n, bits, radix), [&](Session &session) {
    return greaterAndEqual(session, operands.of(session), bits, radix);
  });
  bool right = true;
  for (std::size_t i = 0; i < n; ++i) {
    right &= greater[i] == (operands.x[i] > operands.y[i]);
    right &= same[i] == (operands.x[i] == operands.y[i]);
  }
  CHECK(right);
  CHECK((both.first.greater ^ both.second.greater) == greater);
  CHECK((both.first.equal ^ both.second.equal) == same);
}

void checkOrders(const Operands &operands, unsigned bits) {
  for (const Radix radix : {Radix{}, Radix{1}, Radix{2}})
    checkOrders(operands, bits, radix);
}

} // namespace

TEST_CASE("two private numbers are ordered, all pairs up to 6 bits", "[protocol][comparison]") {
  for (unsigned bits = 0; bits <= 6; ++bits)
    checkOrders(everyPair(bits), bits);
}

TEST_CASE("two private numbers are ordered, borders of wide rings", "[protocol][comparison]") {
  for (const unsigned bits : {7U, 8U, 13U, 28U, 31U, 32U, 33U, 47U, 63U, 64U})
    checkOrders(edgePairs(bits), bits);
}

TEST_CASE("comparison of no, one and odd numbers of elements", "[protocol][comparison]") {
  for (const std::size_t n : {0U, 1U, 7U, 63U, 65U, 129U}) {
    Operands operands = edgePairs(12);
    operands.x.resize(n);
    operands.y.resize(n);
    checkOrders(operands, 12);
  }
}

TEST_CASE("facts of shared values, all values and shares up to 6 bits", "[protocol][comparison]") {
  for (unsigned width = 1; width <= 6; ++width) {
    CAPTURE(width);
    const Shares x = everything(width);
    const Ring values = x.values();
    const std::size_t n = x.size();
    const auto run = [&](const Cost &cost, auto protocol) {
      return joined(runCosting(cost, protocol));
    };
    const BitShares sign =
        run(msbCost(n, width), [&](Session &s) { return msb(s, x.of(s), width); });
    checkEach(sign, values, [&](std::uint64_t v) { return spec::msb(v, width); });
    checkEach(
        run(nonNegativeCost(n, width), [&](Session &s) { return nonNegative(s, x.of(s), width); }),
        values, [&](std::uint64_t v) { return !spec::msb(v, width); });
    checkEach(run(isZeroCost(n, width), [&](Session &s) { return isZero(s, x.of(s), width); }),
              values, [](std::uint64_t v) { return v == 0; });
    for (std::uint64_t bound = 0; bound <= ringMask(width); ++bound)
      checkEach(
          run(atLeastCost(n, width), [&](Session &s) { return atLeast(s, x.of(s), bound, width); }),
          values, [&](std::uint64_t v) { return spec::atLeast(v, bound, width); });

    const BitVec wraps =
        run(wrapCost(n, width), [&](Session &s) { return wrap(s, x.of(s), width); }).values();
    const BitVec fromSign = run(wrapFromMsbCost(n), [&](Session &s) {
                              return wrapFromMsb(s, x.of(s), sign.of(s), width);
                            }).values();
    CHECK(fromSign == wraps);
    for (unsigned shift = 0; shift <= width; ++shift) {
      const BitVec carries =
          run(carryCost(n, shift), [&](Session &s) { return carry(s, x.of(s), shift); }).values();
      bool right = true;
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t low = ringMask(shift);
        right &= carries[i] == ((x.server[i] & low) + (x.client[i] & low) > low);
        right &= wraps[i] == (x.server[i] + x.client[i] > ringMask(width));
      }
      CHECK(right);
    }
  }
}

TEST_CASE("facts of shared values at the borders of wide rings", "[protocol][comparison]") {
  for (const unsigned width : {8U, 21U, 28U, 32U, 37U, 63U, 64U}) {
    CAPTURE(width);
    const Shares x = edgeShares(edgeValues(width, width / 3), width, width / 3);
    const Ring values = x.values();
    checkEach(joined(runCosting(nonNegativeCost(x.size(), width),
                                [&](Session &s) { return nonNegative(s, x.of(s), width); })),
              values, [&](std::uint64_t v) { return spec::nonNegative(v, width); });
    checkEach(joined(runCosting(isZeroCost(x.size(), width),
                                [&](Session &s) { return isZero(s, x.of(s), width); })),
              values, [](std::uint64_t v) { return v == 0; });
  }
}

TEST_CASE("AND and NOT of shared bits", "[protocol][comparison]") {
  for (const std::size_t n : {0U, 1U, 77U, 256U}) {
    BitVec a(n), b(n);
    for (std::size_t i = 0; i < n; ++i) {
      a.set(i, i % 2 != 0);
      b.set(i, i / 2 % 2 != 0);
    }
    const BitShares x = sharedBits(a, 3), y = sharedBits(b, 4);
    const BitVec both = joined(runCosting(andCost(n), [&](Session &s) {
                          return andBits(s, x.of(s), y.of(s));
                        })).values();
    CHECK(both == (a & b));
    TwoParty pair;
    CHECK((notBits(pair.server(), x.server) ^ notBits(pair.client(), x.client)) == ~a);
  }
}

TEST_CASE("comparisons cost what the formulas of the docs say", "[protocol][comparison][cost]") {
  const auto bits = [](unsigned width) { return bitsPerElement(greaterThanCost(64, width)); };
  CHECK(bits(12) == 68);
  CHECK(bits(16) == 96);
  CHECK(bits(20) == 122);
  CHECK(bits(31) == 198);
  CHECK(bits(36) == 232);
  CHECK(bits(63) == 420);
  CHECK(bitsPerElement(equalCost(64, 32)) == 140);
  CHECK(greaterThanCost(64, 12).flows() == 5);
  CHECK(greaterThanCost(64, 31).flows() == 6);
  CHECK(greaterThanCost(64, 63).flows() == 7);
  const Cost cost = greaterThanCost(1, 31);
  CHECK(cost.serverCots + cost.clientCots == 59);
  // Levels saved, at their price.
  const auto saving = [](unsigned width, unsigned levels) {
    const Cost cost = greaterThanCost(64, width, {levels});
    return std::pair(cost.flows(), bitsPerElement(cost));
  };
  CHECK(saving(12, 1) == std::pair(4U, 75.0));
  CHECK(saving(19, 1) == std::pair(5U, 120.0));
  CHECK(saving(31, 1) == std::pair(5U, 276.0));
  CHECK(saving(31, 9) == std::pair(5U, 276.0)); // no digit has more than five bits
  CHECK(saving(20, 2) == std::pair(4U, 251.0));
  CHECK(saving(3, 1) == std::pair(2U, 10.0));
  CHECK(andCost(64).flows() == 1);
}

TEST_CASE("comparisons refuse operands beyond their width", "[protocol][comparison]") {
  TwoParty pair;
  const auto refused = [](Session &session) {
    try {
      (void)session.run(greaterThan(session, {16}, 4));
    } catch (const Error &error) {
      return error.code() == ErrorCode::kOutOfRange;
    }
    return false;
  };
  const auto [server, client] = pair.run(refused, refused);
  CHECK(server);
  CHECK(client);
  CHECK(pair.measured().bytesToServer + pair.measured().bytesToClient == 0);
}
