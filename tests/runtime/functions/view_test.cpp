// SPDX-License-Identifier: Apache-2.0
// Messages of functions are masked afresh for every element, each party's share of a result is
// uniform for a fixed secret, and neither depends on the number of threads.
#include "passes/approximation/normalize.h"
#include "runtime/functions/normalized.h"
#include "runtime/functions/piecewise.h"
#include "runtime/parallel/thread_pool.h"
#include "tests/runtime/protocols/message_view.h"
#include "tests/runtime/protocols/shared_values.h"

using namespace dyad;
using namespace dyad::approximation;
using namespace dyad::test;

namespace {

Request request(std::int64_t low, std::int64_t high) {
  Request request;
  request.low = low;
  request.high = high;
  request.maxUlp = 2;
  return request;
}

} // namespace

TEST_CASE("every message of a function is masked afresh", "[functions][view]") {
  for (const auto &[server, client] :
       {std::pair<std::uint64_t, std::uint64_t>{0, 300}, {65535, 40}, {12345, 60000}}) {
    for (const char *name : {"sigmoid", "gelu", "erf"}) {
      const auto found = approximate(*findFunction(name), request(-32768, 32767));
      REQUIRE(found);
      const PiecewisePolynomial &p = found->polynomial;
      checkView(name, piecewiseCost(kViewInstances, p), server, client,
                [&](Session &s, Ring x) { return piecewise(s, p, std::move(x)); });
    }
    const auto reciprocal = approximatePower(-1, request(600, 32767));
    REQUIRE(reciprocal);
    const NormalizedFunction &f = reciprocal->function;
    // Inputs out of range make wrong results, not other messages.
    checkView("reciprocal", normalizedCost(kViewInstances, f), server, client,
              [&](Session &s, Ring x) { return normalized(s, f, std::move(x)); });
  }
}

TEST_CASE("a party's share of a function's result is uniform", "[functions][view]") {
  const auto found = approximate(*findFunction("gelu"), request(-32768, 32767));
  REQUIRE(found);
  const PiecewisePolynomial &p = found->polynomial;
  constexpr std::size_t kRuns = std::size_t{1} << 15;
  const std::uint64_t secret = GENERATE(0U, 777U, 33000U);
  const Shares x = shared(Ring(kRuns, secret), 16, secret);
  const auto [server, client] =
      runCosting(piecewiseCost(kRuns, p), [&](Session &s) { return piecewise(s, p, x.of(s)); });
  for (const Ring *share : {&server, &client})
    for (unsigned shift : {0U, 8U}) {
      std::vector<std::uint8_t> bytes(kRuns);
      for (std::size_t i = 0; i < kRuns; ++i)
        bytes[i] = static_cast<std::uint8_t>((*share)[i] >> shift);
      CHECK(byteDeviation(bytes) < 7);
    }
}

TEST_CASE("functions on any number of threads send the same bytes", "[functions][threads]") {
  const auto found = approximate(*findFunction("erf"), request(-32768, 32767));
  REQUIRE(found);
  const PiecewisePolynomial &p = found->polynomial;
  std::mt19937_64 random(3);
  Ring values(5000);
  for (std::uint64_t &value : values)
    value = random() & ringMask(16);
  const Shares x = shared(values, 16);
  const auto run = [&](unsigned threads) {
    TwoParty pair(9);
    pair.deal(piecewiseCost(x.size(), p));
    const auto party = [&](Session &s) {
      ThreadPool pool(threads);
      const UsePool use(pool);
      return s.run(piecewise(s, p, x.of(s)));
    };
    const auto shares = pair.run(party, party);
    return std::pair(shares, pair.wireHash());
  };
  const auto one = run(1);
  CHECK(run(2) == one);
  CHECK(run(3) == one);
}
