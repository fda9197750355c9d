// SPDX-License-Identifier: Apache-2.0
// Products of numbers of different widths and signs, rows with a common factor, truncation into
// other rings and division toward zero, against plain integers; and their costs.
#include "runtime/functions/mixed_product.h"
#include "tests/runtime/protocols/shared_values.h"

#include <catch2/catch.hpp>

using namespace dyad;
using namespace dyad::test;

namespace {

/// Numbers of a format with shares at the borders.
Shares numbersOf(NumberFormat format, std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  const std::uint64_t top = std::uint64_t{1} << (format.bits - 1);
  Shares shares{{}, {}, format.bits};
  while (shares.size() < count) {
    std::uint64_t x = random() & ringMask(format.bits);
    if (random() % 4 == 0)
      x = (random() % 2 == 0 ? top : 0) - random() % 2;
    x &= ringMask(format.bits);
    if (format.fact == SignFact::kNonNegative)
      x &= top - 1;
    if (format.fact == SignFact::kNegative)
      x |= top;
    if (format.fact == SignFact::kSmall)
      x = spec::toRing(spec::toSigned(x, format.bits) >> 1, format.bits);
    const std::uint64_t share = random() % 4 == 0 ? x + random() % 3 - 1 : random();
    shares.add(x, share);
  }
  return shares;
}

std::uint64_t integerOf(std::uint64_t x, NumberFormat format) {
  return format.isSigned ? static_cast<std::uint64_t>(spec::toSigned(x, format.bits)) : x;
}

} // namespace

TEST_CASE("mixed-width products are exact for all formats", "[functions][product]") {
  constexpr std::size_t kCount = 133;
  using enum SignFact;
  const NumberFormat x =
      GENERATE(NumberFormat{5, false, kUnknown}, NumberFormat{8, true, kUnknown},
               NumberFormat{7, true, kSmall}, NumberFormat{6, true, kNegative},
               NumberFormat{9, false, kNonNegative}, NumberFormat{9, false, kNegative},
               NumberFormat{1, false, kUnknown}, NumberFormat{30, true, kUnknown});
  const NumberFormat y =
      GENERATE(NumberFormat{8, false, kUnknown}, NumberFormat{8, true, kUnknown},
               NumberFormat{16, true, kSmall}, NumberFormat{11, false, kNegative},
               NumberFormat{3, true, kNonNegative});
  const unsigned width = GENERATE(6U, 16U, 24U, 39U);
  CAPTURE(x.bits, x.isSigned, static_cast<int>(x.fact), y.bits, y.isSigned,
          static_cast<int>(y.fact), width);
  const Shares a = numbersOf(x, 1, kCount);
  const Shares b = numbersOf(y, 2, kCount);
  const Ring result =
      joined(runCosting(mixedProductCost(kCount, x, y, width),
                        [&](Session &s) { return mixedProduct(s, a.of(s), x, b.of(s), y, width); }),
             width)
          .values();
  const Ring av = a.values();
  const Ring bv = b.values();
  bool right = true;
  for (std::size_t i = 0; i < kCount; ++i)
    right &= result[i] == ((integerOf(av[i], x) * integerOf(bv[i], y)) & ringMask(width));
  CHECK(right);
}

TEST_CASE("one-sided mixed products and rows with a common factor", "[functions][product]") {
  constexpr std::size_t kRows = 7;
  constexpr std::size_t kColumns = 19;
  constexpr unsigned kWidth = 27;
  const NumberFormat x{13, false, SignFact::kNonNegative};
  const NumberFormat y{14, true, SignFact::kSmall};
  const Shares factor = numbersOf(x, 3, kRows);
  const Shares b = numbersOf(y, 4, kRows * kColumns);
  const Ring rows = joined(runCosting(rowProductCost(kRows, kColumns, x, y, kWidth),
                                      [&](Session &s) {
                                        return rowProduct(s, factor.of(s), x, b.of(s), y, kWidth);
                                      }),
                           kWidth)
                        .values();
  const Ring fv = factor.values();
  const Ring bv = b.values();
  bool right = true;
  for (std::size_t i = 0; i < rows.size(); ++i)
    right &= rows[i] == ((fv[i / kColumns] * integerOf(bv[i], y)) & ringMask(kWidth));
  CHECK(right);

  const Role owner = GENERATE(Role::kServer, Role::kClient);
  Ring known(bv.size());
  std::mt19937_64 random(5);
  for (std::uint64_t &value : known)
    value = spec::toRing(static_cast<std::int64_t>(random() % 256) - 128, kWidth);
  const Ring products =
      joined(runCosting(mixedProductKnownCost(bv.size(), {8, true}, y, kWidth, owner),
                        [&](Session &s) {
                          return mixedProductKnown(s,
                                                   s.role() == owner ? known : Ring(known.size()),
                                                   {8, true}, b.of(s), y, kWidth, owner);
                        }),
             kWidth)
          .values();
  right = true;
  for (std::size_t i = 0; i < products.size(); ++i)
    right &= products[i] == ((known[i] * integerOf(bv[i], y)) & ringMask(kWidth));
  CHECK(right);
}

TEST_CASE("squares of all formats", "[functions][product]") {
  using enum SignFact;
  const NumberFormat x =
      GENERATE(NumberFormat{5, false, kUnknown}, NumberFormat{8, true, kUnknown},
               NumberFormat{7, true, kSmall}, NumberFormat{6, true, kNegative},
               NumberFormat{9, false, kNonNegative}, NumberFormat{1, false, kUnknown});
  const unsigned width = GENERATE(2U, 6U, 8U, 16U, 33U);
  CAPTURE(x.bits, x.isSigned, static_cast<int>(x.fact), width);
  const Shares a = numbersOf(x, 6, 131);
  const Shares result =
      joined(runCosting(mixedSquareCost(a.size(), x, width),
                        [&](Session &s) { return mixedSquare(s, a.of(s), x, width); }),
             width);
  checkEach(result, a.values(), [&](std::uint64_t value) {
    return integerOf(value, x) * integerOf(value, x) & ringMask(width);
  });
}

TEST_CASE("truncation into any ring", "[functions][resize]") {
  using enum SignFact;
  constexpr unsigned kWidth = 6;
  const unsigned shift = GENERATE(0U, 1U, 3U, 4U);
  const unsigned resultBits = GENERATE(1U, 3U, 6U, 9U);
  const SignFact fact = GENERATE(kUnknown, kNonNegative, kNegative, kSmall);
  const Rounding rounding = GENERATE(Rounding::kFloor, Rounding::kNearest);
  CAPTURE(shift, resultBits, static_cast<int>(fact), static_cast<int>(rounding));
  const std::int64_t half = rounding == Rounding::kNearest && shift != 0 ? 1 << (shift - 1) : 0;
  const std::int64_t top = 1 << (kWidth - 1);
  const Shares x = only(everything(kWidth), [&](std::uint64_t value) {
    const std::int64_t sum = spec::toSigned(value, kWidth) + half;
    return fact == kUnknown       ? sum < top
           : fact == kNonNegative ? sum >= 0 && sum < top
           : fact == kNegative    ? sum < 0
                                  : sum >= -top / 2 && sum < top / 2;
  });
  const Shares result = joined(
      runCosting(truncateExtendCost(x.size(), kWidth, shift, resultBits, fact),
                 [&](Session &s) {
                   return truncateExtend(s, x.of(s), kWidth, shift, resultBits, fact, rounding);
                 }),
      resultBits);
  checkEach(result, x.values(), [&](std::uint64_t value) {
    return spec::toRing((spec::toSigned(value, kWidth) + half) >> shift, resultBits);
  });
}

TEST_CASE("division by a power of two toward zero", "[functions][resize]") {
  constexpr unsigned kWidth = 6;
  const unsigned shift = GENERATE(0U, 1U, 4U);
  const Shares x = everything(kWidth);
  const Shares result =
      joined(runCosting(divideTowardZeroCost(x.size(), kWidth, shift, SignFact::kUnknown),
                        [&](Session &s) {
                          return divideTowardZero(s, x.of(s), kWidth, shift, SignFact::kUnknown);
                        }),
             kWidth);
  checkEach(result, x.values(), [&](std::uint64_t value) {
    return spec::toRing(spec::toSigned(value, kWidth) / (1 << shift), kWidth);
  });
}

TEST_CASE("mixed products cost what the docs say", "[functions][product][cost]") {
  // 16 by 16 to 32 bits: two products of 16 choices, two selections of 16 bits.
  CHECK(bitsPerElement(narrowProductCost(64, 16, 32)) == 2 * (16 * 32 - 120 + 16) + 2 * 17);
  CHECK(narrowProductCost(64, 16, 32).flows() == 2);
  CHECK(bitsPerElement(truncateExtendCost(64, 20, 8, 16, SignFact::kSmall)) ==
        bitsPerElement(truncateReduceCost(64, 20, 8)) + 4 + 1 + 4);
}
