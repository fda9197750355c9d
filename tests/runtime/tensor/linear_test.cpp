// SPDX-License-Identifier: Apache-2.0
#include "runtime/tensor/linear.h"

#include "runtime/clear/elementwise.h"
#include "runtime/clear/linear.h"
#include "tests/runtime/tensor/two_party_tensor.h"

#include <catch2/catch.hpp>

using namespace dyad;
using namespace dyad::test;

namespace {

constexpr LinearProtocol kProtocols[] = {LinearProtocol::kOtServerChooses,
                                         LinearProtocol::kOtClientChooses, LinearProtocol::kHe,
                                         LinearProtocol::kHePacked};

struct Conv {
  Shape input, weight;
  ConvWindow window;
};

std::optional<he::LinearSpec> specIf(LinearProtocol protocol, he::LinearSpec spec) {
  return isHe(protocol) ? std::optional(spec) : std::nullopt;
}

} // namespace

TEST_CASE("convolution of shares equals the one in the clear", "[tensor][conv]") {
  std::mt19937_64 random(1);
  const auto c = GENERATE(
      Conv{{1, 3, 7, 6}, {4, 3, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
      Conv{{2, 2, 6, 7}, {3, 2, 2, 3}, {{2, 1}, {0, 1, 2, 3}, {1, 2}, 1}},
      Conv{{2, 4, 5, 5}, {6, 2, 3, 3}, {{1, 2}, {1, 1, 1, 1}, {1, 1}, 2}},
      Conv{{1, 5, 6, 6}, {5, 1, 3, 3}, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 5}},        // depthwise
      Conv{{1, 3, 4, 4}, {3, 3, 1, 1}, {}}, Conv{{1, 9, 3, 3}, {1, 9, 3, 3}, {}}, // one position
      Conv{{1, 1, 1, 1}, {1, 1, 1, 1}, {}}, Conv{{0, 2, 4, 4}, {3, 2, 3, 3}, {}});
  for (const LinearProtocol protocol : kProtocols)
    for (const auto &[bits, weightBits, isSigned] :
         {std::tuple{32u, 10u, true}, {20u, 7u, false}, {45u, 12u, true}, {5u, 8u, true}}) {
      const Integers x = integers(c.input, bits, random);
      const Integers w = isSigned
                             ? integers(c.weight, weightBits, random)
                             : integers(c.weight, 0, (std::int64_t{1} << weightBits) - 1, random);
      const Integers b = integers({c.weight[0]}, bits, random);
      const SharedTensor shares = shared(x, bits, random);
      const Format format{weightBits, isSigned};
      const Integers y = runWithCost(
          conv2dCost(c.input, c.weight, c.window, bits, format, protocol),
          [&](Session &s) {
            return [](Session &s, Share x, Plain w, Plain b, ConvWindow window, Format format,
                      LinearProtocol protocol) -> Task<Share> {
              co_return co_await conv2d(s, std::move(x), w, &b, window, format, protocol);
            }(s, shares.of(s), held(s, w, Owner::kServer), held(s, b, Owner::kServer), c.window,
                                               format, protocol);
          },
          {},
          specIf(protocol, heConvSpec(c.input, c.weight, c.window, bits, format,
                                      protocol == LinearProtocol::kHePacked)));
      const Integers expected = wrapped(clear::conv2d(x, w, &b, c.window), bits);
      CHECK(y.shape == expected.shape);
      CHECK(y.data == expected.data);
    }
}

TEST_CASE("a client's own input is chosen by its own bits", "[tensor][conv]") {
  std::mt19937_64 random(2);
  const Shape input{1, 2, 6, 6}, weight{3, 2, 3, 3};
  const Integers x = integers(input, 0, 255, random);
  const Integers w = integers(weight, 9, random);
  const Format format{9, true}, pixels{8, false};
  const auto protocol = LinearProtocol::kOtClientChooses;
  const Cost cost = conv2dCost(input, weight, {}, 32, format, protocol, pixels);
  CHECK(cost.bytes() * 2 < conv2dCost(input, weight, {}, 32, format, protocol).bytes());
  const Integers y = runWithCost(cost, [&](Session &s) {
    return [](Session &s, Share x, Plain w, Format format, LinearProtocol protocol,
              Format pixels) -> Task<Share> {
      co_return co_await conv2d(s, std::move(x), w, nullptr, {}, format, protocol, pixels);
    }(s, share(s, held(s, x, Owner::kClient), 32), held(s, w, Owner::kServer), format, protocol,
                             pixels);
  });
  CHECK(y.data == clear::conv2d<std::int64_t>(x, w, nullptr, {}).data);
}

TEST_CASE("matrix products of shares with the server's matrix at either side", "[tensor][matmul]") {
  std::mt19937_64 random(3);
  const auto shapes = GENERATE(
      std::pair<Shape, Shape>{{1, 17}, {17, 5}}, std::pair<Shape, Shape>{{4, 3}, {3, 4}},
      std::pair<Shape, Shape>{{2, 3, 2, 5}, {2, 3, 5, 3}},
      std::pair<Shape, Shape>{{3, 2, 5}, {5, 4}}, std::pair<Shape, Shape>{{3, 5}, {2, 5, 4}},
      std::pair<Shape, Shape>{{3, 3}, {2, 3, 3}}, std::pair<Shape, Shape>{{0, 3}, {3, 2}},
      std::pair<Shape, Shape>{{1, 1}, {1, 1}});
  const auto &[l, r] = shapes;
  for (const LinearProtocol protocol : kProtocols)
    for (const bool serverIsLeft : {false, true})
      for (const auto &[bits, weightBits] : {std::pair{32u, 10u}, {37u, 6u}}) {
        INFO(clear::describe(l) << " by " << clear::describe(r) << " left " << serverIsLeft);
        const Integers a = integers(l, serverIsLeft ? weightBits : bits, random);
        const Integers b = integers(r, serverIsLeft ? bits : weightBits, random);
        const SharedTensor shares = shared(serverIsLeft ? b : a, bits, random);
        const Format format{weightBits, true};
        const Integers y = runWithCost(
            matmulCost(l, r, serverIsLeft, bits, format, protocol),
            [&](Session &s) {
              return [](Session &s, bool serverIsLeft, Share x, Plain w, Format format,
                        LinearProtocol protocol) -> Task<Share> {
                if (serverIsLeft)
                  co_return co_await matmul(s, w, std::move(x), format, protocol);
                co_return co_await matmul(s, std::move(x), w, format, protocol);
              }(s, serverIsLeft, shares.of(s), held(s, serverIsLeft ? a : b, Owner::kServer),
                                                 format, protocol);
            },
            {},
            specIf(protocol, heMatmulSpec(l, r, serverIsLeft, bits, format,
                                          protocol == LinearProtocol::kHePacked)));
        const Integers expected = wrapped(clear::matmul(a, b), bits);
        CHECK(y.shape == expected.shape);
        CHECK(y.data == expected.data);
      }
}

TEST_CASE("products of two shared tensors", "[tensor][matmul]") {
  std::mt19937_64 random(4);
  for (const auto &[l, r] : std::vector<std::pair<Shape, Shape>>{
           {{3, 5}, {5, 2}}, {{2, 3, 4}, {2, 4, 3}}, {{2, 3, 4}, {4, 2}}, {{3, 4}, {2, 4, 2}}}) {
    const Integers a = integers(l, 12, random);
    const Integers b = integers(r, 12, random);
    const SharedTensor x = shared(a, 28, random), y = shared(b, 28, random);
    const Integers product = runWithCost(
        matmulSharedCost(l, r, 28), [&](Session &s) { return matmulShared(s, x.of(s), y.of(s)); });
    const Integers expected = clear::matmul(a, b);
    CHECK(product.shape == expected.shape);
    CHECK(product.data == expected.data);
  }
  for (const unsigned bits : {1u, 16u, 32u, 51u}) {
    const Integers a = integers({7}, bits, random), b = integers({7}, bits, random);
    const SharedTensor x = shared(a, bits, random), y = shared(b, bits, random);
    const Integers product = runWithCost(
        mulSharedCost(7, bits), [&](Session &s) { return mulShared(s, x.of(s), y.of(s)); });
    for (std::size_t i = 0; i < 7; ++i)
      CHECK(product.data[i] ==
            functionality::toSigned(static_cast<std::uint64_t>(a.data[i]) *
                                            static_cast<std::uint64_t>(b.data[i]) &
                                        ringMask(bits),
                                    bits));
  }
}

TEST_CASE("elementwise products with a factor that one party knows", "[tensor]") {
  std::mt19937_64 random(5);
  for (const Owner owner : {Owner::kServer, Owner::kClient}) {
    const Integers a = integers({3, 5}, 16, random), f = integers({3, 5}, 9, random);
    const SharedTensor x = shared(a, 25, random);
    const Integers product = runWithCost(mulPrivateCost(15, 25, {9, true}, owner), [&](Session &s) {
      return [](Session &s, Share x, Plain f) -> Task<Share> {
        co_return co_await mulPrivate(s, std::move(x), f, {9, true});
      }(s, x.of(s), held(s, f, owner));
    });
    CHECK(product.data == clear::mul(a, f).data);
  }
}

TEST_CASE("bits times the server's matrix", "[tensor][linear]") {
  std::mt19937_64 random(8);
  const Integers x = integers({3, 5}, 16, random), matrix = integers({5, 4}, 12, random);
  const SharedTensor shares = shared(x, 17, random);
  const Cost cost = msbCost(15, 17).then(matmulBitCost(x.shape, matrix.shape, 20));
  for (const bool whereZero : {false, true}) {
    Integers bits = x;
    for (std::int64_t &value : bits.data)
      value = (value < 0) != whereZero ? 1 : 0;
    const Integers product = runWithCost(cost, [&](Session &s) {
      return [](Session &s, Share x, Plain matrix, bool whereZero) -> Task<Share> {
        BitShare sign = co_await msb(s, std::move(x));
        co_return co_await matmulBit(s, std::move(sign), matrix, 20, whereZero);
      }(s, shares.of(s), held(s, matrix, Owner::kServer), whereZero);
    });
    CHECK(product.data == clear::matmul(bits, matrix).data);
  }
}

TEST_CASE("operands that do not fit are refused before a byte", "[tensor][error]") {
  TwoParty pair;
  Session &s = pair.server();
  const Plain w{{2, 2}, Owner::kServer, {1, 2, 3, 64}};
  const Share x{{1, 2}, 20, {1, 2}};
  const auto protocol = LinearProtocol::kOtServerChooses;
  CHECK_THROWS_WITH(s.run(matmul(s, x, w, {7, true}, protocol)), Catch::Contains("64"));
  CHECK_THROWS_AS(s.run(matmul(s, w, x, {8, true}, protocol)), Error);
  const Plain missing{{2, 2}, Owner::kServer, {}};
  CHECK_THROWS_AS(s.run(matmul(s, x, missing, {8, true}, protocol)), Error);
  const Plain clients{{2, 2}, Owner::kClient, {1, 2, 3, 4}};
  CHECK_THROWS_AS(s.run(matmul(s, x, clients, {8, true}, protocol)), Error);
  CHECK(s.flows().traffic().bytesSent == 0);
}
