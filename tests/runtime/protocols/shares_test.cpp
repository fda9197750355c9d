// SPDX-License-Identifier: Apache-2.0
// What the parties hold and send: shares are uniform for a fixed secret, protocols that run side by
// side are right and cost what `beside` says, and the bytes on the wire do not change unnoticed.
#include "runtime/parallel/thread_pool.h"
#include "runtime/protocols/batches.h"
#include "runtime/protocols/comparison.h"
#include "runtime/protocols/multiplication.h"
#include "runtime/protocols/nonlinear.h"
#include "runtime/protocols/selection.h"
#include "runtime/protocols/truncation.h"
#include "tests/runtime/protocols/shared_values.h"

#include <cmath>
#include <functional>
#include <string>

using namespace dyad;
using namespace dyad::test;

namespace {

constexpr std::size_t kInstances = std::size_t{1} << 16;

/// Pearson's statistic of counts that should be equal, in standard deviations from its mean.
double deviation(const std::vector<std::uint64_t> &counts, std::size_t total) {
  const double expected = static_cast<double>(total) / static_cast<double>(counts.size());
  double statistic = 0;
  for (const std::uint64_t count : counts) {
    const double off = static_cast<double>(count) - expected;
    statistic += off * off / expected;
  }
  const double freedom = static_cast<double>(counts.size() - 1);
  return (statistic - freedom) / std::sqrt(2 * freedom);
}

/// Low byte, high byte and each bit. With fixed seeds the outcome is fixed; a uniform share stays
/// below the limit with probability far above 1 - 2^-20 per statistic.
void checkUniform(const Ring &share, unsigned width) {
  REQUIRE(share.size() == kInstances);
  std::vector<std::uint64_t> low(256), high(256), ones(width);
  for (const std::uint64_t value : share) {
    ++low[value & 255];
    ++high[value >> (width - std::min(8U, width))];
    for (unsigned i = 0; i < width; ++i)
      ones[i] += value >> i & 1;
  }
  if (width >= 8) {
    CHECK(deviation(low, share.size()) < 7);
    CHECK(deviation(high, share.size()) < 7);
  }
  for (unsigned i = 0; i < width; ++i) {
    CAPTURE(i);
    const double half = static_cast<double>(share.size()) / 2;
    CHECK(std::abs(static_cast<double>(ones[i]) - half) < 6 * std::sqrt(half / 2));
  }
}

Ring asRing(const BitVec &bits) {
  Ring values(bits.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = bits[i] ? 1 : 0;
  return values;
}
Ring asRing(const Ring &ring) { return ring; }

/// One secret, shared afresh in each instance.
Shares manyShares(std::uint64_t secret, unsigned width) {
  return shared(Ring(kInstances, secret & ringMask(width)), width, secret + 17);
}

template <typename Protocol>
void checkSharesOf(const char *name, std::uint64_t secret, unsigned width, unsigned resultWidth,
                   const Cost &cost, Protocol protocol) {
  CAPTURE(name, secret, width);
  const Shares x = manyShares(secret, width);
  const auto results =
      runCosting(cost, [&](Session &session) { return protocol(session, x.of(session)); }, 1000);
  checkUniform(asRing(results.first), resultWidth);
  checkUniform(asRing(results.second), resultWidth);
}

} // namespace

TEST_CASE("each party's share of a result is uniform for a fixed secret", "[protocol][shares]") {
  constexpr std::size_t n = kInstances;
  for (const std::uint64_t secret : {std::uint64_t{0}, std::uint64_t{5000}, ~std::uint64_t{77}}) {
    checkSharesOf("nonNegative", secret, 20, 1, nonNegativeCost(n, 20),
                  [](Session &s, Ring x) { return nonNegative(s, std::move(x), 20); });
    checkSharesOf("isZero", secret, 12, 1, isZeroCost(n, 12),
                  [](Session &s, Ring x) { return isZero(s, std::move(x), 12); });
    checkSharesOf("relu", secret, 20, 20, reluCost(n, 20),
                  [](Session &s, Ring x) { return relu(s, std::move(x), 20); });
    checkSharesOf("truncate", secret, 20, 20, truncateCost(n, 20, 5, SignFact::kUnknown),
                  [](Session &s, Ring x) {
                    return truncate(s, std::move(x), 20, 5, SignFact::kUnknown, Rounding::kFloor);
                  });
    checkSharesOf("truncate small", secret, 20, 20, truncateCost(n, 20, 5, SignFact::kSmall),
                  [](Session &s, Ring x) {
                    return truncate(s, std::move(x), 20, 5, SignFact::kSmall, Rounding::kNearest);
                  });
    checkSharesOf("truncateReduce", secret, 20, 12, truncateReduceCost(n, 20, 8),
                  [](Session &s, Ring x) {
                    return truncateReduce(s, std::move(x), 20, 8, Rounding::kFloor);
                  });
    checkSharesOf("truncateRelu", secret, 20, 20, truncateReluCost(n, 20, 8, 20),
                  [](Session &s, Ring x) {
                    return truncateRelu(s, std::move(x), 20, 8, Rounding::kFloor, 20);
                  });
    checkSharesOf(
        "extendSigned", secret, 16, 24, extendSignedCost(n, 16, 24, SignFact::kSmall),
        [](Session &s, Ring x) { return extendSigned(s, std::move(x), 16, 24, SignFact::kSmall); });
    checkSharesOf("divide", secret, 20, 20, divideCost(n, 20, 49), [](Session &s, Ring x) {
      return divide(s, std::move(x), 20, 49, Rounding::kFloor);
    });
    checkSharesOf("square", secret, 16, 16, squareCost(n, 16),
                  [](Session &s, Ring x) { return square(s, std::move(x), 16); });
    const ChoiceFormat format{6, true};
    checkSharesOf(
        "productKnownFactor", secret, 16, 16, privateProductCost(n, format, 16, Role::kServer),
        [&](Session &s, Ring x) -> Task<Ring> {
          Ring factor(x.size(), ringMask(16) - 12);
          return productKnownFactor(s, std::move(factor), std::move(x), format, 16, Role::kServer);
        });
  }
}

TEST_CASE("conversion of a uniformly shared bit gives uniform shares", "[protocol][shares]") {
  for (const bool secret : {false, true}) {
    BitVec bits(kInstances);
    const BitShares x = sharedBits(secret ? ~bits : bits, 5);
    const auto results = runCosting(bitToRingCost(kInstances, 13),
                                    [&](Session &s) { return bitToRing(s, x.of(s), 13); });
    checkUniform(results.first, 13);
    checkUniform(results.second, 13);
  }
}

TEST_CASE("protocols side by side share their flows", "[protocol][composition]") {
  constexpr unsigned kWidth = 24;
  const Ring values = edgeValues(kWidth, 9, 60);
  const Shares x = shared(values, kWidth, 1);
  const Shares y = only(shared(edgeValues(kWidth, 3, 90), kWidth, 2),
                        [](std::uint64_t v) { return v < std::uint64_t{1} << (kWidth - 1); });
  const std::size_t n = x.size();
  Cost cost = reluCost(n, kWidth);
  cost.beside(truncateCost(y.size(), kWidth, 9, SignFact::kNonNegative))
      .beside(productCost(n, kWidth));
  const auto both = [&](Session &s) -> Task<std::vector<Ring>> {
    auto [a, b, c] =
        co_await whenAll(relu(s, x.of(s), kWidth),
                         truncate(s, y.of(s), kWidth, 9, SignFact::kNonNegative, Rounding::kFloor),
                         product(s, x.of(s), x.of(s), kWidth));
    std::vector<Ring> results;
    results.push_back(std::move(a));
    results.push_back(std::move(b));
    results.push_back(std::move(c));
    co_return results;
  };
  const auto [server, client] = runCosting(cost, both);
  CHECK(cost.flows() == reluCost(n, kWidth).flows());
  checkEach({server[0], client[0], kWidth}, values,
            [](std::uint64_t v) { return spec::relu(v, kWidth); });
  checkEach({server[1], client[1], kWidth}, y.values(), [](std::uint64_t v) { return v >> 9; });
  checkEach({server[2], client[2], kWidth}, values,
            [](std::uint64_t v) { return v * v & ringMask(kWidth); });
}

TEST_CASE("protocols run on a stock from real oblivious transfer", "[protocol][composition]") {
  constexpr unsigned kWidth = 28;
  const Ring values = edgeValues(kWidth, 12, 60);
  const Shares x = shared(values, kWidth);
  Cost cost = reluCost(x.size(), kWidth);
  cost.then(truncateReduceCost(x.size(), kWidth, 12));
  TwoParty pair(3);
  pair.setUp(cost.serverCots, cost.clientCots);
  const auto party = [&](Session &session) {
    const auto both = [&](Session &s) -> Task<Ring> {
      Ring positive = co_await relu(s, x.of(s), kWidth);
      co_return co_await truncateReduce(s, std::move(positive), kWidth, 12, Rounding::kNearest);
    };
    return session.run(both(session));
  };
  const auto results = pair.run(party, party);
  CHECK(pair.matches(cost));
  checkEach(joined(results, kWidth - 12), values, [](std::uint64_t v) {
    return spec::truncateReduce(spec::relu(v, kWidth), kWidth, 12, Rounding::kNearest);
  });
}

TEST_CASE("bytes on the wire are those of the recorded digests", "[protocol][wire]") {
  constexpr unsigned kWidth = 24;
  const Shares x = shared(edgeValues(kWidth, 9, 60), kWidth, 1);
  const std::size_t n = x.size();
  const auto digest = [&](const Cost &cost, auto protocol) {
    TwoParty pair(42);
    pair.deal(cost);
    const auto party = [&](Session &s) { return s.run(protocol(s, x.of(s))); };
    (void)pair.run(party, party);
    return pair.wireHash().substr(0, 16);
  };
  // A change here is a change of the protocol: both parties must then run the new version.
  CHECK(digest(nonNegativeCost(n, kWidth), [](Session &s, Ring v) {
          return nonNegative(s, std::move(v), kWidth);
        }) == "cd0e4fe36422f8c6");
  CHECK(digest(reluCost(n, kWidth), [](Session &s, Ring v) {
          return relu(s, std::move(v), kWidth);
        }) == "20db6a0c865c804d");
  CHECK(digest(truncateCost(n, kWidth, 9, SignFact::kUnknown), [](Session &s, Ring v) {
          return truncate(s, std::move(v), kWidth, 9, SignFact::kUnknown, Rounding::kFloor);
        }) == "8526c808f425c5b3");
  CHECK(digest(truncateReduceCost(n, kWidth, 9), [](Session &s, Ring v) {
          return truncateReduce(s, std::move(v), kWidth, 9, Rounding::kNearest);
        }) == "2ceb191f3e3b9d61");
  CHECK(digest(truncateReluCost(n, kWidth, 9, kWidth), [](Session &s, Ring v) {
          return truncateRelu(s, std::move(v), kWidth, 9, Rounding::kNearest, kWidth);
        }) == "ee949353a879fad0");
  CHECK(digest(extendSignedCost(n, kWidth, 30, SignFact::kUnknown), [](Session &s, Ring v) {
          return extendSigned(s, std::move(v), kWidth, 30, SignFact::kUnknown);
        }) == "9ba37c5675036343");
  CHECK(digest(divideCost(n, kWidth, 49), [](Session &s, Ring v) {
          return divide(s, std::move(v), kWidth, 49, Rounding::kNearest);
        }) == "24080384baa1afe1");
  CHECK(digest(productCost(n, kWidth),
               [](Session &s, Ring v) { return product(s, v, v, kWidth); }) == "ddc68394980ab432");
  CHECK(digest(squareCost(n, kWidth), [](Session &s, Ring v) {
          return square(s, std::move(v), kWidth);
        }) == "27e631dcf57ccf78");
  CHECK(digest(argmaxOverCost(1, n, kWidth), [](Session &s, Ring v) {
          const std::size_t size = v.size();
          return argmaxOver(s, std::move(v), size, kWidth);
        }) == "031a94b28f2e915e");
  const MatrixShape shape{1, 3, n, 1};
  CHECK(digest(privateMatrixProductCost(shape, {8, true}, kWidth, Role::kServer),
               [&](Session &s, Ring v) {
                 return matrixProductKnownLeft(s, shape, Ring(s.isServer() ? 3 * n : 0, 7),
                                               std::move(v), {8, true}, kWidth, Role::kServer);
               }) == "48d2f7e9487d7128");
}

TEST_CASE("large batches in parts cost what one batch costs", "[protocol][composition]") {
  constexpr unsigned kWidth = 21;
  constexpr std::size_t n = 2 * kBatch + 77;
  std::mt19937_64 random(11);
  Ring values(n);
  for (std::uint64_t &value : values)
    value = random() & ringMask(kWidth);
  const Shares x = shared(values, kWidth);
  const auto run = [&](const Cost &cost, unsigned width, auto protocol, auto expected) {
    checkEach(joined(runCosting(cost, [&](Session &s) { return protocol(s, x.of(s)); }), width),
              values, expected);
  };
  const Rounding nearest = Rounding::kNearest;
  run(
      reluCost(n, kWidth), kWidth, [](Session &s, Ring v) { return relu(s, std::move(v), kWidth); },
      [](std::uint64_t v) { return spec::relu(v, kWidth); });
  run(
      truncateReluCost(n, kWidth, 7, 19), 19,
      [&](Session &s, Ring v) { return truncateRelu(s, std::move(v), kWidth, 7, nearest, 19); },
      [&](std::uint64_t v) { return spec::truncateRelu(v, kWidth, 7, nearest, 19); });
  run(
      truncateReduceCost(n, kWidth, 7), kWidth - 7,
      [&](Session &s, Ring v) { return truncateReduce(s, std::move(v), kWidth, 7, nearest); },
      [&](std::uint64_t v) { return spec::truncateReduce(v, kWidth, 7, nearest); });
  run(
      truncateCost(n, kWidth, 7, SignFact::kUnknown), kWidth,
      [&](Session &s, Ring v) {
        return truncate(s, std::move(v), kWidth, 7, SignFact::kUnknown, nearest);
      },
      [&](std::uint64_t v) { return spec::truncate(v, kWidth, 7, nearest); });
  run(
      extendUnsignedCost(n, kWidth, 33), 33,
      [](Session &s, Ring v) { return extendUnsigned(s, std::move(v), kWidth, 33); },
      [](std::uint64_t v) { return v; });
}

TEST_CASE("any number of threads sends the same bytes and gets the same shares",
          "[protocol][threads]") {
  constexpr unsigned kWidth = 20;
  const std::size_t n = kBatch + 12345;
  std::mt19937_64 random(12);
  Ring values(n);
  for (std::uint64_t &value : values)
    value = random() & ringMask(kWidth);
  const Shares x = shared(values, kWidth);
  const Cost cost = truncateReluCost(n, kWidth, 6, kWidth);
  const auto run = [&](unsigned threads) {
    TwoParty pair(42);
    pair.deal(cost);
    const auto party = [&](Session &s) {
      ThreadPool pool(threads);
      const UsePool use(pool);
      return s.run(truncateRelu(s, x.of(s), kWidth, 6, Rounding::kNearest, kWidth));
    };
    const auto shares = pair.run(party, party);
    return std::pair(shares, pair.wireHash());
  };
  const auto one = run(1);
  CHECK(run(2) == one);
  CHECK(run(4) == one);
}
