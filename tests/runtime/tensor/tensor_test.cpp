// SPDX-License-Identifier: Apache-2.0
#include "runtime/tensor/tensor.h"

#include "runtime/clear/elementwise.h"
#include "runtime/clear/reduce.h"
#include "runtime/clear/structure.h"
#include "tests/runtime/tensor/two_party_tensor.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace dyad;
using namespace dyad::test;
using List = std::vector<std::int64_t>;

namespace {

/// A local operation run at both parties.
template <typename Operation> Integers locally(const SharedTensor &x, Operation operation) {
  TwoParty pair;
  return opened(operation(pair.server(), x.server), operation(pair.client(), x.client));
}

} // namespace

TEST_CASE("a value is shared without traffic and revealed to whom it is for", "[tensor][reveal]") {
  std::mt19937_64 random(1);
  for (const unsigned bits : {1u, 7u, 32u, 64u})
    for (const Shape &shape : {Shape{0}, Shape{1}, Shape{3, 5}}) {
      const Integers x = bits == 64 ? integers(shape, INT64_MIN, INT64_MAX, random)
                                    : integers(shape, bits, random);
      for (const Owner owner : {Owner::kClient, Owner::kServer, Owner::kPublic})
        for (const Owner receiver : {Owner::kClient, Owner::kServer, Owner::kPublic}) {
          TwoParty pair;
          const auto party = [&](Session &s) {
            return s.run(reveal(s, share(s, held(s, x, owner), bits), receiver));
          };
          const auto [server, client] = pair.run(party, party);
          CHECK(pair.matches(revealCost(x.data.size(), bits, receiver)));
          CHECK(server.values == (receiver == Owner::kClient ? List{} : x.data));
          CHECK(client.values == (receiver == Owner::kServer ? List{} : x.data));
          CHECK(client.shape == shape);
        }
    }
  TwoParty pair;
  const auto party = [&](Session &s) {
    return s.run(reveal(s, share(s, Plain{{1}, Owner::kPublic, {200}}, 8), Owner::kClient, false));
  };
  CHECK(pair.run(party, party).second.values == List{200});
}

TEST_CASE("local operations on shares mean what they mean in the clear", "[tensor][local]") {
  std::mt19937_64 random(2);
  const Integers x = integers({2, 3, 4, 4}, 20, random);
  const SharedTensor shares = shared(x, 31, random);
  const PoolWindow window{{3, 2}, {1, 2}, {1, 1, 0, 1}, {1, 1}};
  CHECK(locally(shares, [](Session &, Share s) { return transpose(s, {3, 1, 0, 2}); }).data ==
        clear::transpose(x, {3, 1, 0, 2}).data);
  CHECK(locally(shares, [](Session &, Share s) { return concat({&s, &s}, 2); }).data ==
        clear::concat<std::int64_t>({&x, &x}, 2).data);
  CHECK(locally(shares, [](Session &, Share s) {
          return slice(s, {1, 0, 3, 0}, {1, 2, -1, 3}, {1, 2, 4, 2});
        }).data == clear::slice(x, {1, 0, 3, 0}, {1, 2, -1, 3}, {1, 2, 4, 2}).data);
  CHECK(locally(shares, [](Session &s, Share x) {
          return pad(s, x, {0, 0, 1, 0}, {0, 1, 0, 0}, {0, 0, 0, 2}, -7);
        }).data == clear::pad<std::int64_t>(x, {0, 0, 1, 0}, {0, 1, 0, 0}, {0, 0, 0, 2}, -7).data);
  CHECK(locally(shares, [](Session &, Share s) { return gather(s, 1, {2, 2, 0}); }).data ==
        clear::gather(x, 1, {2, 2, 0}).data);
  CHECK(locally(shares, [](Session &, Share s) { return broadcast(s, {2, 2, 3, 4, 4}); }).data ==
        clear::broadcast(x, {2, 2, 3, 4, 4}).data);
  CHECK(locally(shares, [](Session &, Share s) { return take(s, {5, 0, 5}, {3}); }).data ==
        clear::take(x, {5, 0, 5}, {3}).data);
  CHECK(locally(shares, [](Session &, Share s) { return reshape(s, {96}); }).data == x.data);
  CHECK(locally(shares, [](Session &, Share s) { return add(s, s); }).data ==
        clear::add(x, x).data);
  CHECK(locally(shares, [](Session &, Share s) { return sub(neg(s), s); }).data ==
        clear::shiftLeft(clear::neg(x), 1).data);
  CHECK(locally(shares, [](Session &, Share s) { return shiftLeft(s, 9, 40); }).data ==
        clear::shiftLeft(x, 9).data);
  CHECK(locally(shares, [](Session &, Share s) { return narrow(s, 20); }).data == x.data);
  CHECK(locally(shares, [&](Session &, Share s) {
          return mulPublic(s, Plain{x.shape, Owner::kPublic, List(96, -3)});
        }).data == clear::mul(x, Integers{x.shape, List(96, -3)}).data);
  CHECK(locally(shares, [](Session &, Share s) { return reduceSum(s, {1, 3}); }).data ==
        clear::reduceSum(x, {1, 3}).data);
  CHECK(locally(shares, [&](Session &, Share s) { return sumPool2d(s, window); }).data ==
        clear::sumPool2d(x, window).data);
  // A narrow value shifts into a wider ring although the upper bits of its shares are missing.
  const SharedTensor tight = shared(x, 20, random);
  CHECK(locally(tight, [](Session &, Share s) { return shiftLeft(s, 5, 25); }).data ==
        clear::shiftLeft(x, 5).data);
  CHECK_THROWS_AS(shiftLeft(tight.server, 5, 26), Error);
  CHECK_THROWS_AS(add(tight.server, shares.server), Error);
}

TEST_CASE("elementwise protocols keep shapes and meet their costs", "[tensor][pointwise]") {
  std::mt19937_64 random(3);
  const auto shape = GENERATE(Shape{0}, Shape{1}, Shape{3, 7});
  const auto n = static_cast<std::uint64_t>(clear::sizeOf(shape));
  const Integers x = integers(shape, 17, random);
  const SharedTensor shares = shared(x, 19, random);
  const auto run = [&](const Cost &cost, auto operation) {
    const Integers y = runWithCost(cost, [&](Session &s) { return operation(s, shares.of(s)); });
    CHECK(y.shape == shape);
    return y.data;
  };
  CHECK(run(reluCost(n, 19), [](Session &s, Share x) { return relu(s, x); }) ==
        clear::relu(x).data);
  CHECK(run(clipCost(n, 19), [](Session &s, Share x) { return clip(s, x, -100, 5000); }) ==
        clear::clip<std::int64_t>(x, -100, 5000).data);
  for (const SignFact fact : {SignFact::kUnknown, SignFact::kSmall})
    CHECK(run(extendCost(n, 19, 40, fact, false),
              [&](Session &s, Share x) { return extend(s, x, 40, fact); }) == x.data);
  const Rounding nearest = Rounding::kNearest;
  CHECK(run(truncateCost(n, 19, 6, SignFact::kSmall), [&](Session &s, Share x) {
          return truncate(s, x, 6, nearest, SignFact::kSmall);
        }) == clear::truncate(x, 6, nearest).data);
  CHECK(run(truncateReduceCost(n, 19, 6), [&](Session &s, Share x) {
          return truncateReduce(s, x, 6, nearest);
        }) == clear::truncate(x, 6, nearest).data);
  for (const Radix radix : {Radix{}, Radix{1}})
    CHECK(run(truncateReluCost(n, 19, 6, 25, radix), [&](Session &s, Share x) {
            return truncateRelu(s, x, 6, nearest, 25, radix);
          }) == clear::relu(clear::truncate(x, 6, nearest)).data);
  CHECK(run(divideCost(n, 19, 49), [&](Session &s, Share x) {
          return divide(s, x, 49, nearest);
        }) == clear::divide(x, 49, nearest).data);
  for (const bool whereZero : {false, true}) {
    const auto half = [&](Session &s, Share x) -> Task<Share> {
      BitShare sign = co_await msb(s, x);
      co_return co_await mux(s, std::move(sign), std::move(x), whereZero);
    };
    CHECK(run(msbCost(n, 19).then(multiplexCost(n, {19})), half) ==
          (whereZero ? clear::relu(x) : clear::neg(clear::relu(clear::neg(x)))).data);
  }
  for (const bool whereZero : {false, true}) {
    Integers bits = x;
    for (std::int64_t &value : bits.data)
      value = (value < 0) != whereZero ? 1 : 0;
    const auto asInteger = [&](Session &s, Share x) -> Task<Share> {
      BitShare sign = co_await msb(s, std::move(x));
      co_return co_await bitToArith(s, std::move(sign), 7, whereZero);
    };
    CHECK(run(msbCost(n, 19).then(bitToRingCost(n, 7)), asInteger) == bits.data);
  }
  // Unsigned: the top bit is a value's like any other.
  Integers large = integers(shape, 0, (1 << 19) - 1, random);
  const SharedTensor unsignedShares = shared(large, 19, random);
  CHECK(runWithCost(extendCost(n, 19, 23, SignFact::kUnknown, true), [&](Session &s) {
          return extend(s, unsignedShares.of(s), 23, SignFact::kUnknown, true);
        }).data == large.data);
  Integers low = integers(shape, 0, (1 << 18) - 1, random);
  const SharedTensor lowShares = shared(low, 19, random);
  CHECK(runWithCost(extendCost(n, 19, 23, SignFact::kNonNegative, true), [&](Session &s) {
          return extend(s, lowShares.of(s), 23, SignFact::kNonNegative, true);
        }).data == low.data);
}

TEST_CASE("maximum pooling of shares: padding never wins", "[tensor][pool]") {
  std::mt19937_64 random(4);
  const auto c =
      GENERATE(std::pair<Shape, PoolWindow>{{1, 2, 6, 6}, {{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}}},
               std::pair<Shape, PoolWindow>{{2, 1, 7, 9}, {{3, 3}, {2, 2}, {0, 0, 1, 1}, {1, 1}}},
               std::pair<Shape, PoolWindow>{{1, 2, 5, 6}, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}}},
               std::pair<Shape, PoolWindow>{{1, 1, 9, 8}, {{2, 3}, {3, 1}, {1, 2, 0, 1}, {2, 2}}},
               std::pair<Shape, PoolWindow>{{1, 1, 1, 8}, {{1, 5}, {1, 2}, {0, 2, 0, 2}, {1, 1}}},
               std::pair<Shape, PoolWindow>{{1, 3, 1, 1}, {{1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}}},
               std::pair<Shape, PoolWindow>{{0, 3, 4, 4}, {{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}}});
  const auto &[shape, window] = c;
  const Integers x = integers(shape, -2000, -1, random);
  const SharedTensor shares = shared(x, 13, random);
  const Integers expected = clear::maxPool2d(x, window);
  for (const Radix radix : {Radix{}, Radix{1}}) {
    const Integers y = runWithCost(maxPool2dCost(shape, window, 13, radix), [&](Session &s) {
      return maxPool2d(s, shares.of(s), window, radix);
    });
    CHECK(y.shape == expected.shape);
    CHECK(y.data == expected.data);
  }
}

TEST_CASE("overlapping windows share their rows' maxima", "[tensor][pool]") {
  // 3x3 windows every second row and column: two comparisons for each of 15 used rows and 7
  // columns, two more for each window; without sharing, eight for each window.
  const PoolWindow window{{3, 3}, {2, 2}, {0, 0, 0, 0}, {1, 1}};
  const std::uint64_t comparisons = 64 * (2 * 15 * 7 + 2 * 49);
  const double ours = static_cast<double>(maxPool2dCost({1, 64, 15, 15}, window, 20).bytes());
  CHECK(ours < 1.02 * static_cast<double>(maximumCost(comparisons, 20).bytes()));
}

TEST_CASE("the stem pooling of a ResNet against a sequential scan of its windows",
          "[tensor][pool]") {
  // Nine elements a window, one after the other: eight dependent maxima for each result.
  for (const unsigned bits : {20U, 32U}) {
    Cost scan;
    for (int step = 0; step < 8; ++step)
      scan.then(maximumCost(64 * 56 * 56, bits));
    const Cost ours =
        maxPool2dCost({1, 64, 112, 112}, {{3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}}, bits);
    CHECK(static_cast<double>(ours.bytes()) <= 0.75 * static_cast<double>(scan.bytes()));
    CHECK(ours.serverCots + ours.clientCots <= 3 * (scan.serverCots + scan.clientCots) / 4);
    CHECK(2 * ours.flows() <= scan.flows());
  }
}

TEST_CASE("maxima over axes and their positions", "[tensor][max]") {
  std::mt19937_64 random(5);
  const Integers x = integers({2, 5, 3, 2}, -6, 6, random); // with equal elements
  const SharedTensor shares = shared(x, 8, random);
  for (const List &axes : {List{1}, List{3}, List{2, 3}, List{0, 2}, List{0, 1, 2, 3}}) {
    const Integers expected = clear::reduceMax(x, axes);
    for (const Radix radix : {Radix{}, Radix{1}}) {
      const Integers y = runWithCost(reduceMaxCost(x.shape, axes, 8, radix), [&](Session &s) {
        return reduceMax(s, shares.of(s), axes, radix);
      });
      CHECK(y.shape == expected.shape);
      CHECK(y.data == expected.data);
    }
  }
  for (std::int64_t axis = 0; axis < 4; ++axis)
    for (const bool last : {false, true}) {
      const unsigned bits = indexWidth(static_cast<std::uint64_t>(x.shape[axis]));
      TwoParty pair;
      const Radix radix{last ? 1U : 0U};
      Cost cost = argMaxCost(x.shape, axis, 8, radix);
      cost.then(revealCost(60 / static_cast<std::uint64_t>(x.shape[axis]), bits, Owner::kClient));
      pair.deal(cost);
      const auto party = [&](Session &s) {
        return s.run([](Session &s, Share x, std::int64_t axis, bool last, unsigned bits,
                        Radix radix) -> Task<Plain> {
          Share index = co_await argMax(s, std::move(x), axis, last, bits, radix);
          co_return co_await reveal(s, std::move(index), Owner::kClient, false);
        }(s, shares.of(s), axis, last, bits, radix));
      };
      const auto [server, client] = pair.run(party, party);
      CHECK(pair.matches(cost));
      const Integers expected = clear::argMax(x, axis, last);
      CHECK(client.shape == expected.shape);
      CHECK(client.values == expected.data);
      CHECK(server.values.empty());
    }
}

TEST_CASE("maxima of nothing, and of one element", "[tensor][max]") {
  std::mt19937_64 random(7);
  for (const Shape &shape : {Shape{0, 3}, Shape{3, 1}, Shape{1, 1}}) {
    const Integers x = integers(shape, 10, random);
    const SharedTensor shares = shared(x, 12, random);
    const Integers most = runWithCost(reduceMaxCost(shape, {1}, 12),
                                      [&](Session &s) { return reduceMax(s, shares.of(s), {1}); });
    CHECK(most.data == clear::reduceMax(x, {1}).data);
    const unsigned bits = indexWidth(static_cast<std::uint64_t>(shape[1]));
    const Integers index = runWithCost(argMaxCost(shape, 1, 12), [&](Session &s) {
      return argMax(s, shares.of(s), 1, true, bits);
    });
    CHECK(index.data == clear::argMax(x, 1, true).data);
  }
  CHECK_THROWS_AS(reduceMaxCost({3, 0}, {1}, 12), Error);
}

TEST_CASE("independent operations share flows", "[tensor][flows]") {
  std::mt19937_64 random(6);
  const Integers x = integers({40}, 16, random);
  const SharedTensor shares = shared(x, 18, random);
  Cost cost = reluCost(40, 18);
  cost.beside(truncateCost(40, 18, 5, SignFact::kSmall));
  CHECK(cost.flows() <= reluCost(40, 18).flows() + 1);
  const Integers y = runWithCost(cost, [&](Session &s) {
    return [](Session &s, Share x) -> Task<Share> {
      auto [a, b] =
          co_await whenAll(relu(s, x), truncate(s, x, 5, Rounding::kFloor, SignFact::kSmall));
      co_return add(std::move(a), b);
    }(s, shares.of(s));
  });
  CHECK(y.data == clear::add(clear::relu(x), clear::truncate(x, 5, Rounding::kFloor)).data);
}

TEST_CASE("values that one party knows are computed there only", "[tensor]") {
  TwoParty pair;
  const Integers x{{2}, {3, 4}};
  int runs = 0;
  for (Session *s : {&pair.server(), &pair.client()}) {
    const Plain mine = held(*s, x, Owner::kClient);
    const Plain y = known(*s, Owner::kClient, {2}, [&] {
      ++runs;
      return clear::neg(tensorOf(mine));
    });
    CHECK(y.values == (s->isServer() ? List{} : List{-3, -4}));
  }
  CHECK(runs == 1);
}
