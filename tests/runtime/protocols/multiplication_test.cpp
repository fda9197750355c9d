// SPDX-License-Identifier: Apache-2.0
// Products by correlated OT: all values of small rings, borders of wide ones, matrices of odd
// shapes in both directions, and more than one tile.
#include "runtime/protocols/multiplication.h"
#include "tests/runtime/protocols/shared_values.h"

using namespace dyad;
using namespace dyad::test;

namespace {

Ring randomRing(std::size_t n, unsigned width, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Ring values(n);
  for (std::uint64_t &value : values)
    value = random() & ringMask(width);
  return values;
}

/// Integers of a format as elements of a ring: the format's borders, then random ones.
Ring factors(std::size_t n, ChoiceFormat format, unsigned width, std::uint64_t seed) {
  Ring values = randomRing(n, format.bits, seed);
  const std::array<std::uint64_t, 4> borders{0, ringMask(format.bits),
                                             std::uint64_t{1} << (format.bits - 1),
                                             (std::uint64_t{1} << (format.bits - 1)) - 1};
  std::copy_n(borders.begin(), std::min(n, borders.size()), values.begin());
  if (format.isSigned)
    for (std::uint64_t &value : values)
      value = static_cast<std::uint64_t>(spec::toSigned(value, format.bits));
  return reduced(std::move(values), width);
}

void checkMatrix(const MatrixShape &shape, ChoiceFormat format, unsigned width, Role owner) {
  CAPTURE(shape.groups, shape.rows, shape.inner, shape.columns, format.bits, format.isSigned, width,
          owner == Role::kServer);
  const Ring left = factors(shape.leftSize(), format, width, 5);
  const Ring right = randomRing(shape.rightSize(), width, 6);
  const Ring expected = spec::matrixProduct(shape, left, right, width);
  const Cost cost = privateMatrixProductCost(shape, format, width, owner);
  CHECK(joined(runCosting(cost,
                          [&](Session &s) {
                            return privateMatrixProduct(s, shape, s.role() == owner ? left : right,
                                                        format, width, owner);
                          }),
               width)
            .values() == expected);
  const Shares shares = shared(right, width);
  CHECK(joined(runCosting(cost,
                          [&](Session &s) {
                            return matrixProductKnownLeft(s, shape,
                                                          s.role() == owner ? left : Ring{},
                                                          shares.of(s), format, width, owner);
                          }),
               width)
            .values() == expected);
}

/// Every pair of values of the ring with random shares.
std::pair<Ring, Ring> everyPair(unsigned width) {
  std::pair<Ring, Ring> pairs;
  for (std::uint64_t x = 0; x <= ringMask(width); ++x)
    for (std::uint64_t y = 0; y <= ringMask(width); ++y) {
      pairs.first.push_back(x);
      pairs.second.push_back(y);
    }
  return pairs;
}
std::pair<Ring, Ring> edgePairs(unsigned width) {
  const Ring values = edgeValues(width, width / 2, 10);
  std::pair<Ring, Ring> pairs;
  for (const std::uint64_t x : values)
    for (const std::uint64_t y : values) {
      pairs.first.push_back(x);
      pairs.second.push_back(y);
    }
  return pairs;
}

void checkShared(const std::pair<Ring, Ring> &pairs, unsigned width) {
  CAPTURE(width);
  const std::size_t n = pairs.first.size();
  const Shares x = shared(pairs.first, width, 1), y = shared(pairs.second, width, 2);
  const Ring products =
      joined(runCosting(productCost(n, width),
                        [&](Session &s) { return product(s, x.of(s), y.of(s), width); }),
             width)
          .values();
  bool right = true;
  for (std::size_t i = 0; i < n; ++i)
    right &= products[i] == (pairs.first[i] * pairs.second[i] & ringMask(width));
  CHECK(right);
  checkEach(joined(runCosting(squareCost(n, width),
                              [&](Session &s) { return square(s, x.of(s), width); }),
                   width),
            pairs.first, [&](std::uint64_t v) { return v * v & ringMask(width); });
}

} // namespace

TEST_CASE("products and squares of shared values, all pairs up to 5 bits",
          "[protocol][multiplication]") {
  for (unsigned width = 1; width <= 5; ++width)
    checkShared(everyPair(width), width);
}

TEST_CASE("products and squares of shared values in wide rings", "[protocol][multiplication]") {
  for (const unsigned width : {8U, 28U, 32U, 33U, 63U, 64U})
    checkShared(edgePairs(width), width);
  checkShared({}, 28);
  checkShared({{3}, {5}}, 28);
}

TEST_CASE("a private factor times private and shared values", "[protocol][multiplication]") {
  for (const ChoiceFormat format : {ChoiceFormat{1, false},
                                    {1, true},
                                    {4, true},
                                    {4, false},
                                    {10, true},
                                    {28, true},
                                    {32, false},
                                    {33, true},
                                    {64, true}})
    for (const unsigned width : {4U, 28U, 32U, 33U, 64U})
      for (const Role owner : {Role::kServer, Role::kClient}) {
        CAPTURE(format.bits, format.isSigned, width, owner == Role::kServer);
        constexpr std::size_t kCount = 33;
        const Ring x = factors(kCount, format, width, 11);
        const Ring y = randomRing(kCount, width, 12);
        Ring expected(kCount);
        for (std::size_t i = 0; i < kCount; ++i)
          expected[i] = x[i] * y[i] & ringMask(width);
        const Cost cost = privateProductCost(kCount, format, width, owner);
        CHECK(joined(runCosting(cost,
                                [&](Session &s) {
                                  return privateProduct(s, s.role() == owner ? x : y, format, width,
                                                        owner);
                                }),
                     width)
                  .values() == expected);
        const Shares shares = shared(y, width);
        CHECK(joined(runCosting(cost,
                                [&](Session &s) {
                                  return productKnownFactor(s, s.role() == owner ? x : Ring{},
                                                            shares.of(s), format, width, owner);
                                }),
                     width)
                  .values() == expected);
      }
}

TEST_CASE("matrix products with a private operand", "[protocol][multiplication]") {
  for (const Role owner : {Role::kServer, Role::kClient}) {
    checkMatrix({1, 3, 5, 7}, {10, true}, 28, owner);
    checkMatrix({1, 1, 1, 1}, {10, true}, 32, owner);
    checkMatrix({1, 6, 9, 1}, {13, true}, 37, owner);
    checkMatrix({4, 1, 9, 33}, {8, true}, 24, owner);
    checkMatrix({3, 2, 3, 4}, {8, false}, 64, owner);
    checkMatrix({1, 2, 3, 4099}, {7, true}, 28, owner);
    checkMatrix({1, 0, 3, 4}, {8, true}, 28, owner);
    checkMatrix({1, 2, 0, 4}, {8, true}, 28, owner);
    checkMatrix({1, 2, 3, 0}, {8, true}, 28, owner);
    checkMatrix({0, 2, 3, 4}, {8, true}, 28, owner);
  }
}

TEST_CASE("a matrix product in several tiles takes two flows", "[protocol][multiplication]") {
  const MatrixShape shape{1, 3, 40, 30000};
  const ChoiceFormat format{11, true};
  const Cost cost = privateMatrixProductCost(shape, format, 30, Role::kServer);
  CHECK(cost.ticks.size() > 2 + 1);
  CHECK(cost.flows() == 2);
  checkMatrix(shape, format, 30, Role::kServer);
}

TEST_CASE("products cost what the formulas of the docs say", "[protocol][multiplication][cost]") {
  const auto bits = [](unsigned m, unsigned width) {
    return bitsPerElement(privateProductCost(64, {m, true}, width, Role::kServer));
  };
  CHECK(bits(32, 32) == 560);
  CHECK(bits(64, 64) == 2144);
  CHECK(bits(13, 32) == 351);
  CHECK(bits(8, 32) == 236);
  CHECK(bitsPerElement(productCost(64, 32)) == 1120);
  CHECK(bitsPerElement(squareCost(64, 32)) == 527);
  CHECK(productCost(64, 32).flows() == 2);
}

TEST_CASE("products refuse factors beyond their format", "[protocol][multiplication]") {
  TwoParty pair;
  Session &server = pair.server();
  const auto code = [&](Task<Ring> task) {
    try {
      (void)server.run(std::move(task));
    } catch (const Error &error) {
      return error.code();
    }
    return ErrorCode::kUsage;
  };
  const auto attempt = [&](Ring x, ChoiceFormat format) {
    return [&server, x, format]() -> Task<Ring> {
      co_return co_await privateProduct(server, x, format, 28, Role::kServer);
    };
  };
  const auto tooLarge = attempt({128}, {8, true});
  const auto negative = attempt({ringMask(28)}, {8, false});
  const auto noBits = attempt({0}, {0, false});
  CHECK(code(tooLarge()) == ErrorCode::kOutOfRange);
  CHECK(code(negative()) == ErrorCode::kOutOfRange);
  CHECK(code(noBits()) == ErrorCode::kOutOfRange);
  CHECK(pair.server().flows().traffic().bytesSent == 0);
}
