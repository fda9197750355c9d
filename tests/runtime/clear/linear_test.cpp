// SPDX-License-Identifier: Apache-2.0
#include "runtime/clear/linear.h"

#include "runtime/clear/gemm.h"
#include "runtime/net/error.h"
#include "runtime/parallel/thread_pool.h"
#include "tests/runtime/clear/naive.h"

#include <catch2/catch.hpp>
#include <limits>

using namespace dyad;
using namespace dyad::test;

namespace {

struct Case {
  Shape input, weight;
  ConvWindow window;
};

const std::vector<Case> kCases = {
    {{1, 3, 11, 9}, {5, 3, 3, 3}, {}},
    {{2, 3, 11, 9}, {7, 3, 3, 2}, {{2, 1}, {1, 0, 2, 3}, {1, 2}, 1}},
    {{1, 6, 8, 8}, {9, 2, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {2, 2}, 3}},
    {{2, 5, 7, 13}, {5, 1, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 5}}, // depthwise
    {{1, 4, 9, 9}, {8, 1, 5, 5}, {{2, 2}, {2, 2, 2, 2}, {1, 1}, 4}},  // depthwise, doubled
    {{1, 40, 6, 7}, {33, 40, 1, 1}, {}},
    {{1, 1, 1, 1}, {1, 1, 1, 1}, {}},
    {{1, 2, 2, 3}, {4, 2, 5, 3}, {{1, 1}, {4, 0, 3, 9}, {1, 1}, 1}}, // windows of padding
    {{1, 128, 20, 20}, {16, 128, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
    {{0, 2, 5, 5}, {3, 2, 3, 3}, {}},
};

} // namespace

TEST_CASE("convolution equals its definition", "[clear][conv]") {
  std::mt19937_64 random(1);
  for (const Case &c : kCases)
    for (const bool withBias : {false, true}) {
      INFO(clear::describe(c.input) << " by " << clear::describe(c.weight));
      // Floats that hold integers: every order of summation gives the same.
      const auto x = randomTensor<float>(c.input, -50, 50, random);
      const auto w = randomTensor<float>(c.weight, -20, 20, random);
      const auto b = randomTensor<float>({c.weight[0]}, -1000, 1000, random);
      const Tensor<float> *bias = withBias ? &b : nullptr;
      const Tensor<float> y = clear::conv2d(x, w, bias, c.window);
      const Tensor<float> expected = naiveConv(x, w, bias, c.window);
      CHECK(y.shape == expected.shape);
      CHECK(y.data == expected.data);
      const auto ringX =
          randomTensor<std::uint64_t>(c.input, std::numeric_limits<std::int64_t>::min(),
                                      std::numeric_limits<std::int64_t>::max(), random);
      const auto ringW =
          randomTensor<std::uint64_t>(c.weight, std::numeric_limits<std::int64_t>::min(),
                                      std::numeric_limits<std::int64_t>::max(), random);
      CHECK(clear::conv2d<std::uint64_t>(ringX, ringW, nullptr, c.window).data ==
            naiveConv<std::uint64_t>(ringX, ringW, nullptr, c.window).data);
    }
}

TEST_CASE("convolution and matrix product are the same with any number of threads",
          "[clear][conv][threads]") {
  std::mt19937_64 random(9);
  for (const Case &c : kCases) {
    const auto x = randomTensor<float>(c.input, -1, 1, random);
    const auto w = randomTensor<float>(c.weight, -1, 1, random);
    const auto a = randomTensor<float>({3, 40, 70}, -1, 1, random);
    const auto b = randomTensor<float>({3, 70, 900}, -1, 1, random);
    const auto one = std::pair(clear::conv2d<float>(x, w, nullptr, c.window), clear::matmul(a, b));
    for (const unsigned threads : {2U, 4U}) {
      ThreadPool pool(threads);
      const UsePool use(pool);
      CHECK(clear::conv2d<float>(x, w, nullptr, c.window).data == one.first.data);
      CHECK(clear::matmul(a, b).data == one.second.data);
    }
  }
}

TEST_CASE("integer convolution is exact in each of its arithmetics", "[clear][conv]") {
  std::mt19937_64 random(2);
  // Operand bits: sums below 2^53, below 2^63, and, cancelling, beyond.
  for (const auto &[xBits, wBits] : {std::pair{20, 10}, {28, 24}, {40, 16}, {31, 31}, {1, 1}})
    for (const Case &c : kCases) {
      const auto x = randomTensor<std::int64_t>(c.input, -(1LL << xBits), 1LL << xBits, random);
      const auto w = randomTensor<std::int64_t>(c.weight, -(1LL << wBits), 1LL << wBits, random);
      const auto b = randomTensor<std::int64_t>({c.weight[0]}, -(1LL << 40), 1LL << 40, random);
      // 31 + 31 bits and more than a few terms only fit by luck: compare where they do.
      if (xBits + wBits > 60 && c.weight[1] * c.weight[2] * c.weight[3] > 1)
        continue;
      CHECK(clear::conv2d(x, w, &b, c.window).data == naiveConv(x, w, &b, c.window).data);
    }
  // Sums that leave 64 bits on the way and come back.
  const Integers big{{1, 2, 1, 1}, {1LL << 62, 1LL << 62}};
  const Integers cancelling{{1, 2, 1, 1}, {4, -4}};
  CHECK(clear::conv2d<std::int64_t>(big, cancelling, nullptr, {}).data ==
        std::vector<std::int64_t>{0});
  const Integers growing{{1, 2, 1, 1}, {1, 1}};
  CHECK_THROWS_WITH(clear::conv2d<std::int64_t>(big, growing, nullptr, {}),
                    Catch::Contains("does not fit 64 bits"));
  const Integers bias{{1}, {-(1LL << 62)}};
  CHECK(clear::conv2d<std::int64_t>(big, growing, &bias, {}).data ==
        std::vector<std::int64_t>{1LL << 62});
  const Integers lowest{{1, 1, 1, 1}, {std::numeric_limits<std::int64_t>::min()}};
  const Integers one{{1, 1, 1, 1}, {1}};
  const Integers minusOne{{1, 1, 1, 1}, {-1}};
  CHECK(clear::conv2d<std::int64_t>(lowest, one, nullptr, {}).data == lowest.data);
  CHECK_THROWS_AS(clear::conv2d<std::int64_t>(lowest, minusOne, nullptr, {}), Error);
}

TEST_CASE("matrix product follows its batch rules", "[clear][matmul]") {
  std::mt19937_64 random(3);
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{1, 7}, {7, 1}},    {{5, 33}, {33, 70}},    {{2, 3, 4, 5}, {2, 3, 5, 6}},
      {{4, 3, 5}, {5, 7}}, {{3, 5}, {4, 5, 2}},    {{0, 3}, {3, 4}},
      {{2, 0}, {0, 3}},    {{0, 2, 3}, {0, 3, 2}}, {{1, 600}, {600, 130}},
  };
  for (const auto &[l, r] : shapes) {
    INFO(clear::describe(l) << " by " << clear::describe(r));
    for (const int bits : {10, 29, 31}) {
      const auto a = randomTensor<std::int64_t>(l, -(1LL << bits), 1LL << bits, random);
      const auto b = randomTensor<std::int64_t>(r, -(1LL << 20), 1LL << 20, random);
      const Integers y = clear::matmul(a, b);
      const std::int64_t rows = l[l.size() - 2], inner = l.back(), columns = r.back();
      REQUIRE(y.data.size() == static_cast<std::size_t>(clear::sizeOf(y.shape)));
      for (std::size_t i = 0; i < y.data.size(); ++i) {
        const std::int64_t batch = i / (rows * columns);
        const std::int64_t row = i / columns % rows;
        std::int64_t sum = 0;
        for (std::int64_t k = 0; k < inner; ++k)
          sum += a.data[(l.size() == 2 ? 0 : batch * rows * inner) + row * inner + k] *
                 b.data[(r.size() == 2 ? 0 : batch * inner * columns) + k * columns + i % columns];
        REQUIRE(y.data[i] == sum);
      }
    }
  }
  CHECK_THROWS_AS(clear::matmul(Integers{{2, 3}, std::vector<std::int64_t>(6)},
                                Integers{{2, 3}, std::vector<std::int64_t>(6)}),
                  Error);
  const Integers big{{1, 2}, {1LL << 62, 1LL << 62}};
  CHECK_THROWS_AS(clear::matmul(big, Integers{{2, 1}, {1, 1}}), Error);
  CHECK(clear::matmul(big, Integers{{2, 1}, {8, -8}}).data == std::vector<std::int64_t>{0});
}

TEMPLATE_TEST_CASE("block products of all vector widths are equal", "[clear][gemm]", float, double,
                   std::uint64_t) {
  std::mt19937_64 random(6);
  for (const std::size_t rows : {1u, 4u, 7u})
    for (const std::size_t inner : {0u, 1u, 37u})
      for (const std::size_t columns : {1u, 31u, 64u, 65u}) {
        const std::size_t stride = (columns + clear::kPanelColumns<TestType> - 1) /
                                   clear::kPanelColumns<TestType> * clear::kPanelColumns<TestType>;
        const auto size = [](std::size_t n) { return static_cast<std::int64_t>(n); };
        const auto a = randomTensor<TestType>({size(rows), size(inner)}, -99, 99, random);
        const auto b = randomTensor<TestType>({size(inner), size(stride)}, -99, 99, random);
        std::vector<TestType> expected(rows * columns, TestType{0});
        for (std::size_t i = 0; i < rows * columns; ++i)
          for (std::size_t k = 0; k < inner; ++k)
            expected[i] += a.data[i / columns * inner + k] * b.data[k * stride + i % columns];
        const auto left = clear::packLeft(a.data.data(), rows, inner);
        for (const auto product : clear::blockProducts<TestType>()) {
          std::vector<TestType> result(rows * columns, TestType{77});
          product(left, b.data.data(), stride, columns, result.data(), columns);
          CHECK(result == expected);
        }
      }
}

TEST_CASE("batch normalisation is per channel", "[clear]") {
  const Tensor<float> x{{1, 2, 1, 2}, {1, 2, 3, 4}};
  const Tensor<float> y =
      clear::batchNorm(x, {{2}, {2, 1}}, {{2}, {10, 0}}, {{2}, {1, 3}}, {{2}, {4, 1}}, 0.0);
  CHECK(y.data == std::vector<float>{10, 11, 0, 1});
}
