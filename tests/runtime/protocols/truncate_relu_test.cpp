// SPDX-License-Identifier: Apache-2.0
// Requantisation and ReLU in one: every value with every share, shift and result width for small
// rings, borders and random values for large ones, against the clear function and the chain of the
// single protocols.
#include "runtime/protocols/nonlinear.h"
#include "runtime/protocols/truncation.h"
#include "tests/runtime/protocols/shared_values.h"

#include <algorithm>

using namespace dyad;
using namespace dyad::test;

namespace {

void check(const Shares &x, unsigned shift, Rounding rounding, unsigned resultBits, Radix radix) {
  CAPTURE(x.width, shift, static_cast<int>(rounding), resultBits, radix.levelsSaved);
  const auto results =
      runCosting(truncateReluCost(x.size(), x.width, shift, resultBits, radix), [&](Session &s) {
        return truncateRelu(s, x.of(s), x.width, shift, rounding, resultBits, radix);
      });
  checkEach(joined(results, resultBits), x.values(), [&](std::uint64_t v) {
    return spec::truncateRelu(v, x.width, shift, rounding, resultBits);
  });
}

} // namespace

TEST_CASE("fused truncation and ReLU is exact, all values, shares and shifts up to 6 bits",
          "[protocol][truncate_relu]") {
  for (unsigned width = 1; width <= 6; ++width) {
    const Shares x = everything(width);
    for (unsigned shift = 0; shift < width; ++shift)
      for (const unsigned resultBits : {width - shift, width, width + 3, 1U, 2U})
        for (const Rounding rounding : {Rounding::kFloor, Rounding::kNearest})
          for (const Radix radix : {Radix{}, Radix{1}})
            check(x, shift, rounding, resultBits, radix);
  }
}

TEST_CASE("fused truncation and ReLU is exact at the borders of wide rings",
          "[protocol][truncate_relu]") {
  for (const auto &[width, shift] : {std::pair{8U, 3U},
                                     {13U, 12U},
                                     {28U, 12U},
                                     {32U, 1U},
                                     {32U, 12U},
                                     {32U, 31U},
                                     {37U, 24U},
                                     {48U, 0U},
                                     {63U, 24U},
                                     {64U, 1U},
                                     {64U, 40U},
                                     {64U, 63U}}) {
    const Shares x = edgeShares(edgeValues(width, shift), width, shift);
    for (const unsigned resultBits : {width - shift, width, 64U, 9U})
      for (const Rounding rounding : {Rounding::kFloor, Rounding::kNearest})
        check(x, shift, rounding, resultBits, {shift % 3});
  }
}

TEST_CASE("fused truncation and ReLU is the chain of the three", "[protocol][truncate_relu]") {
  const Shares x = edgeShares(edgeValues(26, 10, 200), 26, 10);
  const std::size_t n = x.size();
  Cost cost = truncateReduceCost(n, 26, 10);
  cost.then(reluCost(n, 16)).then(extendSignedCost(n, 16, 30, SignFact::kNonNegative));
  const auto chain = runCosting(cost, [&](Session &s) {
    return [](Session &s, Ring share) -> Task<Ring> {
      share = co_await truncateReduce(s, std::move(share), 26, 10, Rounding::kNearest);
      share = co_await relu(s, std::move(share), 16);
      co_return co_await extendSigned(s, std::move(share), 16, 30, SignFact::kNonNegative);
    }(s, x.of(s));
  });
  const auto fused = runCosting(truncateReluCost(n, 26, 10, 30), [&](Session &s) {
    return truncateRelu(s, x.of(s), 26, 10, Rounding::kNearest, 30);
  });
  CHECK(joined(fused, 30).values() == joined(chain, 30).values());
}

TEST_CASE("fused truncation and ReLU of no, one and odd numbers of elements",
          "[protocol][truncate_relu]") {
  for (const std::size_t n : {0U, 1U, 7U, 65U}) {
    Ring values = edgeValues(28, 12, 100);
    values.resize(n);
    check(shared(values, 28), 12, Rounding::kNearest, 28, {});
  }
}

TEST_CASE("fused truncation and ReLU refuses what it cannot do", "[protocol][truncate_relu]") {
  TwoParty pair;
  Session &s = pair.server();
  const auto refuses = [&](unsigned width, unsigned shift, unsigned resultBits) {
    try {
      (void)s.run(truncateRelu(s, {1}, width, shift, Rounding::kFloor, resultBits));
    } catch (const Error &error) {
      return error.code() == ErrorCode::kOutOfRange;
    }
    return false;
  };
  CHECK(refuses(8, 8, 8));
  CHECK(refuses(65, 3, 8));
  CHECK(refuses(8, 3, 65));
  CHECK(refuses(8, 3, 0));
}
