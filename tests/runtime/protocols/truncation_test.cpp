// SPDX-License-Identifier: Apache-2.0
// Truncation, extension and division: every value with every share for small rings, in all
// variants; borders and random values for rings of 8 to 64 bits.
#include "runtime/protocols/comparison.h"
#include "runtime/protocols/truncation.h"
#include "tests/runtime/protocols/shared_values.h"

using namespace dyad;
using namespace dyad::test;

namespace {

constexpr std::array kFacts{SignFact::kUnknown, SignFact::kNonNegative, SignFact::kNegative,
                            SignFact::kSmall};
constexpr std::array kRoundings{Rounding::kFloor, Rounding::kNearest};

bool holds(SignFact fact, std::int64_t x, unsigned width) {
  const std::int64_t quarter = width >= 2 ? std::int64_t{1} << (width - 2) : 0;
  switch (fact) {
  case SignFact::kNonNegative:
    return x >= 0;
  case SignFact::kNegative:
    return x < 0;
  case SignFact::kSmall:
    return -quarter <= x && x < quarter;
  default:
    return true;
  }
}

/// The shares for which the fact holds of x + half, without a wrap in that sum.
Shares whereFactHolds(const Shares &all, SignFact fact, std::uint64_t half) {
  const unsigned width = all.width;
  return only(all, [&](std::uint64_t x) {
    const std::uint64_t sum = (x + half) & ringMask(width);
    const std::int64_t value = spec::toSigned(sum, width);
    return fact == SignFact::kUnknown ||
           (holds(fact, value, width) && value >= spec::toSigned(x, width));
  });
}

void checkTruncations(const Shares &all, unsigned shift, Radix radix = {}) {
  const unsigned width = all.width;
  for (const Rounding rounding : kRoundings) {
    const std::uint64_t half =
        shift == 0 ? 0 : spec::roundingConstant(std::uint64_t{1} << shift, rounding);
    for (const SignFact fact : kFacts) {
      if (fact == SignFact::kSmall && shift + 2 > width)
        continue;
      CAPTURE(width, shift, static_cast<int>(rounding), static_cast<int>(fact), radix.levelsSaved);
      const Shares x = whereFactHolds(all, fact, half);
      const auto results =
          runCosting(truncateCost(x.size(), width, shift, fact, radix), [&](Session &session) {
            return truncate(session, x.of(session), width, shift, fact, rounding, radix);
          });
      checkEach(joined(results, width), x.values(),
                [&](std::uint64_t v) { return spec::truncate(v, width, shift, rounding); });
    }
    CAPTURE(width, shift, static_cast<int>(rounding));
    const auto results =
        runCosting(truncateReduceCost(all.size(), width, shift, radix), [&](Session &session) {
          return truncateReduce(session, all.of(session), width, shift, rounding, radix);
        });
    checkEach(joined(results, width - shift), all.values(),
              [&](std::uint64_t v) { return spec::truncateReduce(v, width, shift, rounding); });
  }
}

void checkExtensions(const Shares &all, unsigned to, Radix radix = {}) {
  const unsigned from = all.width;
  for (const SignFact fact : kFacts) {
    if (fact == SignFact::kSmall && from < 2)
      continue;
    CAPTURE(from, to, static_cast<int>(fact));
    const Shares x = whereFactHolds(all, fact, 0);
    const auto results =
        runCosting(extendSignedCost(x.size(), from, to, fact, radix), [&](Session &session) {
          return extendSigned(session, x.of(session), from, to, fact, radix);
        });
    checkEach(joined(results, to), x.values(),
              [&](std::uint64_t v) { return spec::extendSigned(v, from, to); });
  }
  CAPTURE(from, to);
  checkEach(joined(runCosting(extendUnsignedCost(all.size(), from, to, radix),
                              [&](Session &session) {
                                return extendUnsigned(session, all.of(session), from, to, radix);
                              }),
                   to),
            all.values(), [](std::uint64_t v) { return v; });

  const Ring values = all.values();
  BitVec top(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    top.set(i, spec::msb(values[i], from));
  const BitShares sign = sharedBits(top);
  checkEach(joined(runCosting(extendWithMsbCost(all.size(), from, to),
                              [&](Session &s) {
                                return extendSignedWithMsb(s, all.of(s), sign.of(s), from, to);
                              }),
                   to),
            values, [&](std::uint64_t v) { return spec::extendSigned(v, from, to); });
  checkEach(joined(runCosting(extendWithMsbCost(all.size(), from, to),
                              [&](Session &s) {
                                return extendUnsignedWithMsb(s, all.of(s), sign.of(s), from, to);
                              }),
                   to),
            values, [](std::uint64_t v) { return v; });
}

void checkDivision(const Shares &all, std::uint64_t divisor, Radix radix = {}) {
  const unsigned width = all.width;
  const auto d = static_cast<std::int64_t>(divisor);
  const std::int64_t offset = (std::int64_t{1} << (width - 2)) / d * d;
  for (const Rounding rounding : kRoundings) {
    CAPTURE(width, divisor, static_cast<int>(rounding));
    const auto half = static_cast<std::int64_t>(spec::roundingConstant(divisor, rounding));
    const Shares x = only(all, [&](std::uint64_t v) {
      const std::int64_t value = spec::toSigned(v, width);
      const auto highest = static_cast<std::int64_t>(ringMask(width) >> 1);
      return value >= -offset - half && value <= highest - offset - half;
    });
    REQUIRE(x.size() != 0);
    const auto results =
        runCosting(divideCost(x.size(), width, divisor, radix), [&](Session &session) {
          return divide(session, x.of(session), width, divisor, rounding, radix);
        });
    checkEach(joined(results, width), x.values(),
              [&](std::uint64_t v) { return spec::divide(v, width, divisor, rounding); });
  }
}

} // namespace

TEST_CASE("truncation is exact, all values and shares up to 6 bits", "[protocol][truncation]") {
  for (unsigned width = 1; width <= 6; ++width)
    for (unsigned shift = 0; shift < width; ++shift)
      checkTruncations(everything(width), shift);
}

TEST_CASE("truncation is exact at the borders of wide rings", "[protocol][truncation]") {
  for (const auto &[width, shift] : {std::pair{8U, 3U},
                                     {13U, 12U},
                                     {28U, 12U},
                                     {32U, 1U},
                                     {32U, 12U},
                                     {32U, 30U},
                                     {37U, 12U},
                                     {48U, 33U},
                                     {63U, 24U},
                                     {64U, 1U},
                                     {64U, 16U},
                                     {64U, 62U},
                                     {64U, 63U}})
    checkTruncations(edgeShares(edgeValues(width, shift), width, shift), shift, {width % 3});
}

TEST_CASE("extension is exact, all values and shares up to 5 bits", "[protocol][extension]") {
  for (unsigned from = 1; from <= 5; ++from)
    for (unsigned to = from; to <= 7; ++to)
      checkExtensions(everything(from), to);
}

TEST_CASE("extension is exact at the borders of wide rings", "[protocol][extension]") {
  for (const auto &[from, to] :
       {std::pair{8U, 9U}, {16U, 28U}, {20U, 32U}, {31U, 33U}, {32U, 64U}, {63U, 64U}})
    for (const Radix radix : {Radix{}, Radix{1}})
      checkExtensions(edgeShares(edgeValues(from, from / 2), from, from / 2), to, radix);
}

TEST_CASE("division is exact, all values and shares up to 6 bits", "[protocol][division]") {
  for (unsigned width = 2; width <= 6; ++width)
    for (std::uint64_t divisor = 1; divisor <= std::uint64_t{1} << (width - 2); ++divisor)
      checkDivision(everything(width), divisor);
}

TEST_CASE("division is exact at the borders of wide rings", "[protocol][division]") {
  for (const unsigned width : {8U, 16U, 28U, 32U, 37U, 63U, 64U})
    for (const std::uint64_t divisor :
         {std::uint64_t{3}, std::uint64_t{49}, std::uint64_t{64},
          (std::uint64_t{1} << (width - 2)) - 1, std::uint64_t{1} << (width - 2)})
      checkDivision(edgeShares(edgeValues(width, 5), width, 5), divisor, {width % 2});
}

TEST_CASE("no element and odd numbers of them", "[protocol][truncation]") {
  for (const std::size_t n : {0U, 1U, 13U, 67U}) {
    Ring values = edgeValues(20, 7, 100);
    values.resize(n);
    const Shares x = shared(values, 20);
    checkTruncations(x, 7);
    checkExtensions(x, 31);
    if (n != 0)
      checkDivision(x, 9);
    else
      CHECK(runCosting(divideCost(0, 20, 9), [&](Session &s) {
              return divide(s, {}, 20, 9, Rounding::kFloor);
            }).first.empty());
  }
}

TEST_CASE("truncation costs what the formulas of the docs say", "[protocol][truncation][cost]") {
  CHECK(bitsPerElement(truncateReduceCost(64, 32, 12)) == 88);
  CHECK(bitsPerElement(truncateCost(64, 32, 12, SignFact::kSmall)) == 113);
  CHECK(bitsPerElement(truncateCost(64, 64, 16, SignFact::kNonNegative)) == 96 + 64 + 17);
  CHECK(bitsPerElement(truncateCost(64, 32, 12, SignFact::kUnknown)) ==
        68 + bitsPerElement(greaterAndEqualCost(64, 20)) + 4 + 32 + 12);
  CHECK(bitsPerElement(extendSignedCost(64, 20, 32, SignFact::kNonNegative)) == 13);
  CHECK(bitsPerElement(extendWithMsbCost(64, 20, 32)) == 5 + 12);
  CHECK(bitsPerElement(divideCost(64, 32, 49)) ==
        33 + 2 * bitsPerElement(greaterThanCost(64, 7)) + 64);
  // One less than the sum of the steps': the client chooses as soon as the last opening reached it.
  CHECK(truncateReduceCost(64, 32, 12).flows() == 6);
  CHECK(truncateCost(64, 32, 12, SignFact::kSmall).flows() == 6);
}

TEST_CASE("truncation refuses what it cannot do", "[protocol][truncation]") {
  TwoParty pair;
  const auto code = [&](Task<Ring> task) {
    try {
      (void)pair.server().run(std::move(task));
    } catch (const Error &error) {
      return error.code();
    }
    return ErrorCode::kUsage;
  };
  Session &s = pair.server();
  const Ring one{1};
  CHECK(code(truncateReduce(s, one, 8, 8, Rounding::kFloor)) == ErrorCode::kOutOfRange);
  CHECK(code(truncate(s, one, 8, 7, SignFact::kSmall, Rounding::kFloor)) == ErrorCode::kOutOfRange);
  CHECK(code(extendSigned(s, one, 9, 8, SignFact::kUnknown)) == ErrorCode::kOutOfRange);
  CHECK(code(divide(s, one, 8, 65, Rounding::kFloor)) == ErrorCode::kOutOfRange);
  CHECK(code(divide(s, one, 8, 0, Rounding::kFloor)) == ErrorCode::kOutOfRange);
}
