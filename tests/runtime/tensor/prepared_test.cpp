// SPDX-License-Identifier: Apache-2.0
#include "runtime/tensor/prepared.h"

#include "runtime/clear/linear.h"
#include "tests/runtime/tensor/two_party_tensor.h"

#include <catch2/catch.hpp>

using namespace dyad;
using namespace dyad::test;

TEST_CASE("a product prepared with a mask equals the one in the clear", "[tensor][matmul]") {
  std::mt19937_64 random(7);
  constexpr auto kProtocol = LinearProtocol::kOtServerChooses;
  for (const auto &[l, r] : std::vector<std::pair<Shape, Shape>>{
           {{1, 17}, {17, 5}}, {{4, 3}, {3, 4}}, {{1, 1}, {1, 1}}, {{0, 3}, {3, 2}}})
    for (const unsigned bits : {1U, 28U, 33U, 50U}) {
      const Format format{9, true};
      const Integers a = integers(l, bits, random);
      const Integers b = integers(r, 9, random);
      const SharedTensor shares = shared(a, bits, random);
      Cost cost = matmulCost(l, r, false, bits, format, kProtocol);
      cost.then(matmulPreparedCost(a.data.size(), bits));
      const Integers y = runWithCost(cost, [&](Session &s) {
        return [](Session &s, Share x, Plain w, Format format) -> Task<Share> {
          const Share hidden = mask(s, x.shape, x.bits);
          Share product = co_await matmul(s, hidden, w, format, kProtocol);
          co_return co_await matmulPrepared(s, std::move(x), hidden, std::move(product), w, format);
        }(s, shares.of(s), held(s, b, Owner::kServer), format);
      });
      const Integers expected = wrapped(clear::matmul(a, b), bits);
      CHECK(y.shape == expected.shape);
      CHECK(y.data == expected.data);
    }
}

TEST_CASE("masks are the client's, uniform and never the same twice", "[tensor][matmul]") {
  TwoParty pair;
  const auto party = [](Session &s) {
    return std::pair(mask(s, {3, 500}, 12), mask(s, {3, 500}, 12));
  };
  const auto [server, client] = pair.run(party, party);
  CHECK(server.first.values == Ring(1500));
  CHECK(client.first.values != client.second.values);
  std::vector<unsigned> ones(12);
  for (const std::uint64_t value : client.first.values) {
    REQUIRE(value < 1 << 12);
    for (unsigned bit = 0; bit < 12; ++bit)
      ones[bit] += value >> bit & 1;
  }
  for (const unsigned count : ones) // 750 expected, deviation 19
    CHECK((count > 600 && count < 900));
}

TEST_CASE("a prepared product of other shapes or rings is refused", "[tensor][matmul]") {
  TwoParty pair;
  Session &s = pair.server();
  const Plain w{{2, 2}, Owner::kServer, {1, 2, 3, 4}};
  const Share x{{1, 2}, 8, {1, 2}};
  CHECK_THROWS_AS(s.run(matmulPrepared(s, x, Share{{2, 2}, 8, Ring(4)}, x, w, {8, true})), Error);
  CHECK_THROWS_AS(s.run(matmulPrepared(s, x, x, Share{{1, 2}, 9, Ring(2)}, w, {8, true})), Error);
  CHECK_THROWS_AS(s.run(matmulPrepared(s, x, x, x, w, {3, true})), Error);
}
