// SPDX-License-Identifier: Apache-2.0
#include "runtime/clear/checked.h"
#include "runtime/clear/elementwise.h"
#include "runtime/clear/reduce.h"
#include "runtime/clear/structure.h"
#include "tests/runtime/clear/naive.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>

using namespace dyad;
using namespace dyad::test;
using List = std::vector<std::int64_t>;

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

Integers counting(Shape shape) {
  Integers x{shape, List(clear::sizeOf(shape))};
  std::iota(x.data.begin(), x.data.end(), 0);
  return x;
}
Integers scalar(std::int64_t value) { return {{1}, {value}}; }

} // namespace

TEST_CASE("structure operations place every element", "[clear][structure]") {
  const Integers x = counting({2, 3, 4});
  SECTION("transpose") {
    const Integers y = clear::transpose(x, {2, 0, 1});
    REQUIRE(y.shape == Shape{4, 2, 3});
    for (std::int64_t i = 0; i < 24; ++i)
      CHECK(y.data[i] == (i / 3 % 2 * 3 + i % 3) * 4 + i / 6);
    CHECK_THROWS_AS(clear::transpose(x, {0, 0, 1}), Error);
  }
  SECTION("slice, backwards and with steps") {
    const Integers y = clear::slice(x, {1, 2, 3}, {-1, -2, -3}, {2, 2, 2});
    CHECK(y.data == List{23, 20, 15, 12, 11, 8, 3, 0});
    CHECK(clear::slice(x, {0, 0, 0}, {1, 1, 1}, {2, 0, 4}).data.empty());
    CHECK_THROWS_AS(clear::slice(x, {0, 0, 1}, {1, 1, 1}, {2, 3, 4}), Error);
    CHECK_THROWS_AS(clear::slice(x, {0, 0, 0}, {1, 1, -1}, {2, 3, 2}), Error);
  }
  SECTION("broadcast aligns at the right") {
    const Integers row{{3, 1}, {7, 8, 9}};
    CHECK(clear::broadcast(row, {2, 3, 2}).data == List{7, 7, 8, 8, 9, 9, 7, 7, 8, 8, 9, 9});
    CHECK(clear::broadcast(Integers{{}, {5}}, {3}).data == List{5, 5, 5});
    CHECK_THROWS_AS(clear::broadcast(row, {2, 2}), Error);
  }
  SECTION("concat along inner and outer axes, empty parts included") {
    const Integers a{{2, 1}, {1, 2}}, b{{2, 2}, {3, 4, 5, 6}}, none{{2, 0}, {}};
    CHECK(clear::concat<std::int64_t>({&a, &none, &b}, 1).data == List{1, 3, 4, 2, 5, 6});
    CHECK(clear::concat<std::int64_t>({&b, &b}, 0).shape == Shape{4, 2});
    CHECK_THROWS_AS(clear::concat<std::int64_t>({&a, &b}, 0), Error);
  }
  SECTION("gather, take, reshape") {
    CHECK(clear::gather(counting({2, 3}), 1, {2, 0, 0}).data == List{2, 0, 0, 5, 3, 3});
    CHECK(clear::gather(counting({2, 3}), 0, {1}).data == List{3, 4, 5});
    CHECK_THROWS_AS(clear::gather(x, 1, {3}), Error);
    CHECK(clear::take(x, {23, 0, 23}, {3, 1}).data == List{23, 0, 23});
    CHECK_THROWS_AS(clear::take(x, {24}, {1}), Error);
    CHECK(clear::reshape(x, {24}).data == x.data);
    CHECK_THROWS_AS(clear::reshape(x, {23}), Error);
  }
  SECTION("pad around and between") {
    const Integers y = clear::pad<std::int64_t>(counting({2, 2}), {0, 1}, {1, 0}, {1, 2}, 9);
    REQUIRE(y.shape == Shape{4, 5});
    CHECK(y.data == List{9, 0, 9, 9, 1, 9, 9, 9, 9, 9, 9, 2, 9, 9, 3, 9, 9, 9, 9, 9});
    CHECK(clear::pad<std::int64_t>({{0}, {}}, {1}, {2}, {5}, 4).data == List{4, 4, 4});
  }
}

TEST_CASE("integer kernels are exact or refuse", "[clear][elementwise]") {
  CHECK_THROWS_AS(clear::add(scalar(kMost), scalar(1)), Error);
  CHECK_THROWS_AS(clear::sub(scalar(kLeast), scalar(1)), Error);
  CHECK_THROWS_AS(clear::mul(scalar(1LL << 32), scalar(1LL << 31)), Error);
  CHECK(clear::mul(scalar(1LL << 32), scalar(-(1LL << 31))).data == List{kLeast});
  CHECK_THROWS_AS(clear::neg(scalar(kLeast)), Error);
  CHECK_THROWS_AS(clear::abs(scalar(kLeast)), Error);
  CHECK_THROWS_AS(clear::shiftLeft(scalar(1LL << 60), 3), Error);
  CHECK(clear::shiftLeft(scalar(-(1LL << 60)), 3).data == List{kLeast});
  CHECK_THROWS_AS(clear::reduceSum(Integers{{2}, {kMost, 1}}, {0}), Error);
  CHECK_THROWS_AS(clear::reduceL1(Integers{{1}, {kLeast}}, {0}), Error);
  CHECK_THROWS_AS(clear::add(scalar(1), Integers{{1, 1}, {1}}), Error);
  const Integers x{{4}, {-3, 0, 2, 7}};
  CHECK(clear::relu(x).data == List{0, 0, 2, 7});
  CHECK(clear::clip<std::int64_t>(x, -1, 2).data == List{-1, 0, 2, 2});
  CHECK(clear::min(x, clear::neg(x)).data == List{-3, 0, -2, -7});
  CHECK(clear::max(x, clear::neg(x)).data == List{3, 0, 2, 7});
  CHECK(clear::prelu(x, Integers{{4}, {5, 5, 5, -5}}, 3).data == List{-15, 0, 16, 56});
}

TEST_CASE("truncation and division round as stated, up to the borders", "[clear][truncate]") {
  for (const std::int64_t x :
       {kLeast, kLeast + 1, -9L, -8L, -7L, -5L, -4L, -1L, 0L, 1L, 3L, 4L, 5L, kMost - 1, kMost})
    for (const std::int64_t divisor : {1L, 2L, 3L, 4L, 7L, 8L, 49L, 1L << 40, kMost})
      for (const Rounding rounding : {Rounding::kFloor, Rounding::kNearest}) {
        __extension__ using Wide = __int128;
        const Wide sum = static_cast<Wide>(x) + (rounding == Rounding::kNearest ? divisor / 2 : 0);
        const Wide quotient = sum / divisor - (sum % divisor < 0 ? 1 : 0);
        INFO(x << " / " << divisor);
        CHECK(clear::divide(scalar(x), divisor, rounding).data[0] ==
              static_cast<std::int64_t>(quotient));
        if ((divisor & (divisor - 1)) == 0) {
          const auto shift =
              static_cast<unsigned>(std::countr_zero(static_cast<std::uint64_t>(divisor)));
          CHECK(clear::truncate(scalar(x), shift, rounding).data[0] ==
                static_cast<std::int64_t>(quotient));
        }
      }
}

TEST_CASE("pooling sees real elements only", "[clear][pool]") {
  std::mt19937_64 random(4);
  for (const auto &[shape, window] : std::vector<std::pair<Shape, PoolWindow>>{
           {{1, 2, 6, 6}, {{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}}},
           {{2, 1, 7, 5}, {{3, 3}, {2, 1}, {1, 1, 2, 0}, {1, 1}}},
           {{1, 1, 9, 9}, {{3, 2}, {1, 2}, {0, 1, 1, 1}, {2, 3}}},
           {{1, 3, 1, 1}, {{1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}}}}) {
    const auto x = randomTensor<std::int64_t>(shape, -100, -1, random); // a padding zero would win
    const Integers most = clear::maxPool2d(x, window);
    const Integers sum = clear::sumPool2d(x, window);
    const auto all = windows(x, window);
    REQUIRE(most.data.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(most.data[i] == *std::max_element(all[i].begin(), all[i].end()));
      CHECK(sum.data[i] == std::accumulate(all[i].begin(), all[i].end(), std::int64_t{0}));
    }
  }
  CHECK_THROWS_AS(clear::maxPool2d(counting({1, 1, 2, 2}), {{1, 1}, {1, 1}, {1, 0, 0, 0}, {1, 1}}),
                  Error);
}

TEST_CASE("average pooling divides by what it is told to count", "[clear][pool]") {
  const Tensor<float> x{{1, 1, 2, 2}, {1, 2, 3, 6}};
  const PoolWindow window{{2, 2}, {2, 2}, {1, 1, 0, 0}, {1, 1}};
  // Positions: {1}, {2}, {3}, {6}, each alone in its window; ceil pads give the last row and
  // column.
  CHECK(clear::averagePool2d(x, window, {1, 1}, false).data == std::vector<float>{1, 2, 3, 6});
  CHECK(clear::averagePool2d(x, window, {1, 1}, true).data ==
        std::vector<float>{0.25F, 1.0F, 1.5F, 6.0F});
}

TEST_CASE("reductions, arg-max and softmax", "[clear][reduce]") {
  const Integers x{{2, 3, 2}, {1, -2, 3, 4, -5, 4, 7, 8, 7, 0, 1, 8}};
  CHECK(clear::reduceSum(x, {1}).data == List{-1, 6, 15, 16});
  CHECK(clear::reduceSum(x, {1}).shape == Shape{2, 1, 2});
  CHECK(clear::reduceSum(x, {0, 2}).data == List{14, 14, 8});
  CHECK(clear::reduceMax(x, {0, 1, 2}).data == List{8});
  CHECK(clear::reduceMin(x, {1}).data == List{-5, -2, 1, 0});
  CHECK(clear::reduceL1(x, {1}).data == List{9, 10, 15, 16});
  CHECK(clear::argMax(x, 1, false).data == List{1, 1, 0, 0});
  CHECK(clear::argMax(x, 1, true).data == List{1, 2, 1, 2});
  CHECK(clear::reduceSum(Integers{{0, 2}, {}}, {1}).data.empty());
  CHECK_THROWS_AS(clear::reduceMax(Integers{{0, 2}, {}}, {0}), Error);
  const Tensor<float> logits{{1, 2, 2}, {1, 200, 1, 100}};
  const Tensor<float> p = clear::softmax(logits, 1, false);
  CHECK(p.data[0] == Approx(0.5));
  CHECK(p.data[1] == Approx(1.0));
  CHECK(clear::softmax(logits, 1, true).data[3] == Approx(-100));
  CHECK(clear::reduceMean(Tensor<float>{{2, 2}, {1, 2, 3, 6}}, {1}).data ==
        std::vector<float>{1.5F, 4.5F});
}

TEST_CASE("checked execution names node, value and bits", "[clear][checked]") {
  const Integers x{{3}, {1, -129, 5}};
  CHECK_NOTHROW(clear::check("conv1", "fx.conv2d", x, {9, true}));
  CHECK_THROWS_WITH(clear::check("conv1", "fx.conv2d", x, {8, true}),
                    Catch::Contains("conv1") && Catch::Contains("fx.conv2d") &&
                        Catch::Contains("-129") && Catch::Contains("needs 9 bits") &&
                        Catch::Contains("has 8"));
  CHECK_THROWS_WITH(clear::check("a", "b", x, {63, false}), Catch::Contains("negative"));
  CHECK_NOTHROW(clear::check("a", "b", {{2}, {kLeast, kMost}}, {64, true}));
  CHECK_NOTHROW(clear::check("a", "b", {{1}, {255}}, {8, false}));
  CHECK_THROWS_AS(clear::check("a", "b", {{1}, {256}}, {8, false}), Error);
  CHECK_NOTHROW(clear::assume("a", x, -129, 5, "declared"));
  CHECK_THROWS_WITH(clear::assume("relu3", x, -128, 5, "calibrated"),
                    Catch::Contains("relu3") && Catch::Contains("-129") &&
                        Catch::Contains("calibrated"));
  CHECK_THROWS_WITH(clear::checked("sum", "fx.add", {32, true},
                                   [] { return clear::add(scalar(kMost), scalar(1)); }),
                    Catch::Contains("sum") && Catch::Contains("64 bits"));
  CHECK(clear::bitsOf(0, true) == 1);
  CHECK(clear::bitsOf(-1, true) == 1);
  CHECK(clear::bitsOf(-128, true) == 8);
  CHECK(clear::bitsOf(128, true) == 9);
  CHECK(clear::bitsOf(kLeast, true) == 64);
}

TEST_CASE("inputs are rounded half away from zero and held to their range", "[clear][checked]") {
  const Tensor<float> x{{4}, {0.5F, -0.5F, 1.25F, -1.0F}};
  CHECK(clear::quantize("x", x, -1, 2, 0).data == List{1, -1, 1, -1});
  CHECK(clear::quantize("x", x, -1, 2, 2).data == List{2, -2, 5, -4});
  CHECK(clear::dequantize(clear::quantize("x", x, -1, 2, 2), 2).data == x.data);
  CHECK_THROWS_WITH(clear::quantize("image", x, -0.75, 2, 2), Catch::Contains("image"));
  CHECK_THROWS_AS(clear::quantize("x", {{1}, {std::nanf("")}}, -1, 2, 2), Error);
}
