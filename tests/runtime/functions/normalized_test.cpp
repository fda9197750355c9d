// SPDX-License-Identifier: Apache-2.0
// Reciprocals, roots, powers and logarithms: errors of all inputs, and the protocol bit for bit.
#include "passes/approximation/normalize.h"
#include "runtime/functions/normalized.h"
#include "tests/runtime/protocols/shared_values.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace dyad;
using namespace dyad::approximation;
using namespace dyad::test;

namespace {

Request rangeOf(unsigned bits, unsigned scale, double low, double high, double maxUlp) {
  Request request;
  request.inputBits = request.outputBits = bits;
  request.inputScale = request.outputScale = scale;
  request.low = std::llround(std::ldexp(low, static_cast<int>(scale)));
  request.high = std::llround(std::ldexp(high, static_cast<int>(scale))) - 1;
  request.maxUlp = maxUlp;
  return request;
}

void checkProtocol(const NormalizedFunction &f, const Request &request) {
  std::mt19937_64 random(f.highestLead);
  Shares x{{}, {}, f.inputBits};
  for (unsigned lead = f.lowestLead; lead <= f.highestLead; ++lead)
    for (int i = 0; i < 25; ++i) {
      const std::int64_t base = std::int64_t{1} << lead;
      const std::int64_t value = i == 0   ? base
                                 : i == 1 ? 2 * base - 1
                                          : base + static_cast<std::int64_t>(random()) % base;
      x.add(static_cast<std::uint64_t>(std::clamp(value, request.low, request.high)), random());
    }
  const Shares y = joined(runCosting(normalizedCost(x.size(), f),
                                     [&](Session &s) { return normalized(s, f, x.of(s)); }),
                          f.outputBits);
  checkEach(y, x.values(), [&](std::uint64_t value) {
    return spec::toRing(evaluate(f, static_cast<std::int64_t>(value)), f.outputBits);
  });
}

double bits(const NormalizedFunction &f) {
  return approximation::bitsPerElement(normalizedCost(64, f));
}

} // namespace

TEST_CASE("powers of 16 bits, scale 12: errors of all inputs and costs",
          "[functions][normalized]") {
  struct Promise {
    double exponent, low, high, bits;
  };
  const Promise promise = GENERATE(Promise{-1, 0.126, 8, 3000}, Promise{-0.5, 0.016, 8, 3300},
                                   Promise{0.5, 1.0 / 4096, 8, 3000}, Promise{1.5, 0.02, 3.9, 3000},
                                   Promise{0.75, 0.5, 7, 3000}, Promise{-1, 1, 1.9, 3000});
  CAPTURE(promise.exponent, promise.low);
  const Request request = rangeOf(16, 12, promise.low, promise.high, 1);
  const auto found = approximatePower(promise.exponent, request);
  REQUIRE(found);
  CHECK(bits(found->function) <= promise.bits);
  double worst = 0;
  for (std::int64_t x = request.low; x <= request.high; ++x)
    worst =
        std::max(worst, std::abs(static_cast<double>(evaluate(found->function, x)) -
                                 std::pow(static_cast<double>(x) / 4096, promise.exponent) * 4096));
  CHECK(worst <= 1);
  CHECK(worst == Approx(found->error.maxUlp));
  checkProtocol(found->function, request);
  CHECK_THROWS_AS(evaluate(found->function, 0), Error);
  CHECK_THROWS_AS(evaluate(found->function, std::int64_t{2} << found->function.highestLead), Error);
}

TEST_CASE("logarithms", "[functions][normalized]") {
  const double factor = GENERATE(1.0, 1 / std::log(2.0));
  const Request request = rangeOf(16, 12, 1.0 / 256, 8, 1);
  const auto found = approximateLog(factor, request);
  REQUIRE(found);
  CHECK(bits(found->function) <= 2500);
  CHECK(found->error.maxUlp <= 1);
  checkProtocol(found->function, request);
}

TEST_CASE("powers and logarithms of other widths", "[functions][normalized]") {
  const auto [bitsOfRing, scale] =
      GENERATE(std::pair(13U, 7U), std::pair(24U, 14U), std::pair(32U, 16U));
  CAPTURE(bitsOfRing, scale);
  const Request request = rangeOf(bitsOfRing, scale, 0.1, 15, 2);
  const auto root = approximatePower(-0.5, request);
  REQUIRE(root);
  checkProtocol(root->function, request);
  const auto logarithm = approximateLog(1, request);
  REQUIRE(logarithm);
  checkProtocol(logarithm->function, request);
}
