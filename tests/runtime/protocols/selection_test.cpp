// SPDX-License-Identifier: Apache-2.0
// Conversion of bits, multiplexers, activations and maxima.
#include "runtime/protocols/nonlinear.h"
#include "runtime/protocols/selection.h"
#include "tests/runtime/protocols/shared_values.h"

#include <algorithm>

using namespace dyad;
using namespace dyad::test;

namespace {

BitVec alternating(std::size_t n) {
  BitVec bits(n);
  std::mt19937_64 random(n);
  for (std::size_t i = 0; i < n; ++i)
    bits.set(i, (random() & 1) != 0);
  return bits;
}

Ring kept(const Ring &x, const BitVec &bits) {
  Ring result = x;
  for (std::size_t i = 0; i < x.size(); ++i)
    result[i] = bits[i] ? x[i] : 0;
  return result;
}

template <typename Spec, typename Protocol>
void checkUnary(const Shares &x, const Cost &cost, Protocol protocol, Spec expected) {
  CAPTURE(x.width);
  const auto results =
      runCosting(cost, [&](Session &session) { return protocol(session, x.of(session), x.width); });
  checkEach(joined(results, x.width), x.values(), expected);
}

void checkActivations(const Shares &x) {
  const unsigned width = x.width;
  for (const Radix radix : {Radix{}, Radix{1}}) {
    checkUnary(
        x, reluCost(x.size(), width, radix),
        [&](Session &s, Ring v, unsigned l) { return relu(s, std::move(v), l, radix); },
        [&](std::uint64_t v) { return spec::relu(v, width); });
    checkUnary(
        x, absoluteCost(x.size(), width, radix),
        [&](Session &s, Ring v, unsigned l) { return absolute(s, std::move(v), l, radix); },
        [&](std::uint64_t v) { return spec::absolute(v, width); });
  }
}

} // namespace

TEST_CASE("bits become ring elements", "[protocol][selection]") {
  for (const std::size_t n : {0U, 1U, 67U, 200U}) {
    const BitVec bits = alternating(n);
    const BitShares x = sharedBits(bits);
    for (const unsigned width : {1U, 2U, 3U, 12U, 31U, 32U, 33U, 63U, 64U}) {
      CAPTURE(n, width);
      const Shares result =
          joined(runCosting(bitToRingCost(n, width),
                            [&](Session &s) { return bitToRing(s, x.of(s), width); }),
                 width);
      const Ring values = result.values();
      for (std::size_t i = 0; i < n; ++i)
        REQUIRE(values[i] == (bits[i] ? 1 : 0));
      const Ring product =
          joined(runCosting(productOfBitsCost(n, width),
                            [&](Session &s) { return productOfBits(s, x.of(s), width); }),
                 width)
              .values();
      for (std::size_t i = 0; i < n; ++i)
        REQUIRE(product[i] == (x.server[i] && x.client[i] ? 1 : 0));
    }
  }
}

TEST_CASE("multiplexers keep or drop values", "[protocol][selection]") {
  for (const unsigned width : {1U, 5U, 28U, 32U, 47U, 64U}) {
    const Ring values = edgeValues(width, width / 2, 101);
    const std::size_t n = values.size();
    CAPTURE(width, n);
    const Shares x = shared(values, width);
    const BitVec bits = alternating(n);
    const BitShares b = sharedBits(bits);
    const Ring expected = kept(values, bits);

    CHECK(joined(runCosting(multiplexCost(n, {width}),
                            [&](Session &s) { return multiplex(s, b.of(s), x.of(s), width); }),
                 width)
              .values() == expected);

    const Shares index = shared(edgeValues(7, 1, 200), 7);
    Shares narrow = index;
    narrow.server.resize(n);
    narrow.client.resize(n);
    const auto several = runCosting(multiplexCost(n, {width, 7}), [&](Session &s) {
      return multiplex(s, b.of(s), {{x.of(s), width}, {narrow.of(s), 7}});
    });
    CHECK(added(several.first[0], several.second[0], width) == expected);
    CHECK(added(several.first[1], several.second[1], 7) == kept(narrow.values(), bits));

    const Shares y = shared(reduced(scaled(values, 5, 64), width), width, 99);
    Ring either = y.values();
    for (std::size_t i = 0; i < n; ++i)
      either[i] = bits[i] ? values[i] : either[i];
    CHECK(
        joined(runCosting(selectCost(n, width),
                          [&](Session &s) { return select(s, b.of(s), x.of(s), y.of(s), width); }),
               width)
            .values() == either);

    for (const Role owner : {Role::kServer, Role::kClient}) {
      CHECK(joined(runCosting(multiplexKnownValueCost(n, {width}, owner),
                              [&](Session &s) {
                                return multiplexKnownValue(
                                    s, b.of(s), s.role() == owner ? values : Ring{}, width, owner);
                              }),
                   width)
                .values() == expected);
      CHECK(joined(runCosting(multiplexKnownBitCost(n, {width}, owner),
                              [&](Session &s) {
                                return multiplexKnownBit(s, s.role() == owner ? bits : BitVec{},
                                                         x.of(s), width, owner);
                              }),
                   width)
                .values() == expected);
    }
  }
}

TEST_CASE("relu and abs, all values and shares up to 6 bits", "[protocol][nonlinear]") {
  for (unsigned width = 1; width <= 6; ++width)
    checkActivations(everything(width));
}

TEST_CASE("relu and abs at the borders of wide rings", "[protocol][nonlinear]") {
  for (const unsigned width : {8U, 20U, 28U, 32U, 33U, 63U, 64U})
    checkActivations(edgeShares(edgeValues(width, width / 2), width, width / 2));
}

TEST_CASE("activations of no, one and odd numbers of elements", "[protocol][nonlinear]") {
  for (const std::size_t n : {0U, 1U, 7U, 65U}) {
    Ring values = edgeValues(28, 12, 100);
    values.resize(n);
    const Shares x = shared(values, 28);
    checkActivations(x);
    const auto results = runCosting(clipCost(n, 28), [&](Session &session) {
      return clip(session, x.of(session), 0, 6 << 12, 28);
    });
    if (n <= 1) // the edge values begin with 0, which is inside
      CHECK(joined(results, 28).values() == values);
  }
}

TEST_CASE("clip, all values and shares of 5 bits and all bounds that fit",
          "[protocol][nonlinear]") {
  constexpr unsigned kWidth = 5;
  const Shares all = everything(kWidth);
  for (std::int64_t low = -16; low < 16; low += 3)
    for (std::int64_t high = low; high < 16; high += 2) {
      const Shares x = only(all, [&](std::uint64_t v) {
        const std::int64_t value = spec::toSigned(v, kWidth);
        return value - low < 16 && value - low >= -16 && value - high >= -16 && value - high < 16;
      });
      CAPTURE(low, high);
      const std::uint64_t from = spec::toRing(low, kWidth);
      const std::uint64_t to = spec::toRing(high, kWidth);
      const auto results = runCosting(clipCost(x.size(), kWidth), [&](Session &session) {
        return clip(session, x.of(session), from, to, kWidth);
      });
      checkEach(joined(results, kWidth), x.values(), [&](std::uint64_t v) {
        return spec::toRing(std::clamp(spec::toSigned(v, kWidth), low, high), kWidth);
      });
    }
}

TEST_CASE("a slope for negative values", "[protocol][nonlinear]") {
  constexpr unsigned kWidth = 20;
  constexpr unsigned kWide = 28;
  const Ring values = edgeValues(kWidth, 9);
  const Shares x = shared(values, kWidth);
  Ring wide;
  for (const std::uint64_t v : values)
    wide.push_back(spec::extendSigned(v, kWidth, kWide));
  const Shares w = shared(wide, kWide);
  const auto results = runCosting(selectBySignCost(x.size(), kWidth, kWide), [&](Session &session) {
    return selectBySign(session, x.of(session), kWidth, scaled(w.of(session), 64, kWide),
                        scaled(w.of(session), 3, kWide), kWide);
  });
  checkEach(joined(results, kWide), wide, [&](std::uint64_t v) {
    return (spec::msb(v, kWide) ? v * 3 : v * 64) & ringMask(kWide);
  });
}

TEST_CASE("maximum and minimum of two", "[protocol][nonlinear]") {
  // All pairs whose difference fits: 5-bit numbers in a ring of 6 bits.
  constexpr unsigned kWidth = 6;
  Ring a, b;
  for (std::int64_t x = -16; x < 16; ++x)
    for (std::int64_t y = -16; y < 16; ++y) {
      a.push_back(spec::toRing(x, kWidth));
      b.push_back(spec::toRing(y, kWidth));
    }
  const Shares x = shared(a, kWidth, 3), y = shared(b, kWidth, 4);
  const auto high =
      joined(runCosting(maximumCost(a.size(), kWidth),
                        [&](Session &s) { return maximum(s, x.of(s), y.of(s), kWidth); }),
             kWidth)
          .values();
  const auto low =
      joined(runCosting(maximumCost(a.size(), kWidth),
                        [&](Session &s) { return minimum(s, x.of(s), y.of(s), kWidth); }),
             kWidth)
          .values();
  bool right = true;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool more = spec::toSigned(a[i], kWidth) > spec::toSigned(b[i], kWidth);
    right &= high[i] == (more ? a[i] : b[i]) && low[i] == (more ? b[i] : a[i]);
  }
  CHECK(right);
}

TEST_CASE("maxima of groups and their first positions", "[protocol][nonlinear]") {
  constexpr unsigned kWidth = 21;
  for (const std::size_t size : {1U, 2U, 3U, 4U, 5U, 9U, 10U, 17U})
    for (const std::size_t groups : {0U, 1U, 3U, 50U}) {
      CAPTURE(size, groups);
      std::mt19937_64 random(size * 100 + groups);
      Ring values(groups * size);
      // Few different values, so that ties are frequent; negative ones among them.
      for (std::uint64_t &value : values)
        value = spec::toRing(static_cast<std::int64_t>(random() % 5) * 1000 - 2500, kWidth);
      const Shares x = shared(values, kWidth);
      const Ring highest =
          joined(runCosting(maximumOverCost(groups, size, kWidth),
                            [&](Session &s) { return maximumOver(s, x.of(s), size, kWidth); }),
                 kWidth)
              .values();
      const Ring position =
          joined(runCosting(argmaxOverCost(groups, size, kWidth),
                            [&](Session &s) { return argmaxOver(s, x.of(s), size, kWidth); }),
                 indexWidth(size))
              .values();
      REQUIRE(highest.size() == groups);
      REQUIRE(position.size() == groups);
      for (std::size_t g = 0; g < groups; ++g) {
        const std::size_t first = spec::argmax(RingSpan(values).subspan(g * size, size), kWidth);
        CHECK(position[g] == first);
        CHECK(highest[g] == values[g * size + first]);
      }
    }
}

TEST_CASE("selection costs what the formulas of the docs say", "[protocol][selection][cost]") {
  CHECK(bitsPerElement(bitToRingCost(64, 32)) == 32);
  CHECK(bitsPerElement(multiplexCost(64, {32})) == 66);
  CHECK(bitsPerElement(multiplexCost(64, {32, 4})) == 2 * (1 + 36));
  CHECK(bitsPerElement(multiplexKnownValueCost(64, {32}, Role::kClient)) == 33);
  CHECK(bitsPerElement(reluCost(64, 32)) == 264);
  CHECK(bitsPerElement(reluCost(64, 20)) == bitsPerElement(greaterThanCost(64, 19)) + 42);
  CHECK(reluCost(64, 32).flows() == 8);
  CHECK(bitsPerElement(maximumOverCost(64, 9, 32)) == 8 * 264);
  CHECK(maximumOverCost(64, 9, 32).flows() == 4 * 8);
}
