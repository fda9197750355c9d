// SPDX-License-Identifier: Apache-2.0
// exp over long ranges: errors, costs, and the protocol bit for bit, inside and outside the domain.
#include "passes/approximation/exponential.h"
#include "runtime/functions/exponential.h"
#include "tests/runtime/protocols/shared_values.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace dyad;
using namespace dyad::approximation;
using namespace dyad::test;

TEST_CASE("exp over its whole range", "[functions][exponential]") {
  struct Case {
    unsigned bits, scale;
    double low, high, maxUlp, promisedBits;
  };
  const Case c = GENERATE(Case{16, 12, -7.99, 0, 1, 2300}, Case{17, 12, -15, 0, 1, 2400},
                          Case{32, 16, -16000, 0, 1, 4200}, Case{32, 16, -16000, 0, 2, 4200},
                          Case{24, 10, -100, 6, 1, 4700}, Case{12, 7, -15.9, 1, 1, 2000});
  CAPTURE(c.bits, c.low, c.maxUlp);
  Request request;
  request.inputBits = request.outputBits = c.bits;
  request.inputScale = request.outputScale = c.scale;
  request.low = std::llround(std::ldexp(c.low, static_cast<int>(c.scale)));
  request.high = std::llround(std::ldexp(c.high, static_cast<int>(c.scale)));
  request.maxUlp = c.maxUlp;
  const auto found = approximateExponential(request);
  REQUIRE(found);
  const ExponentialFunction &f = found->function;
  CHECK(found->error.maxUlp <= c.maxUlp);
  CHECK(approximation::bitsPerElement(exponentialCost(64, f)) <= c.promisedBits);

  std::mt19937_64 random(c.bits);
  Shares x{{}, {}, c.bits};
  const auto add = [&](std::int64_t value) {
    x.add(static_cast<std::uint64_t>(std::clamp(value, request.low, request.high)), random());
  };
  for (std::int64_t step = -2; step <= 2; ++step) {
    add(request.low + step);
    add(request.high + step);
    add(f.low + step);
    add(f.low + (std::int64_t{3} << (f.domainBits - f.highBits)) + step);
  }
  for (int i = 0; i < 300; ++i) {
    add(request.high - static_cast<std::int64_t>(random() >> (random() % 63 + 1)));
    add(request.high - static_cast<std::int64_t>(random() % (std::uint64_t{20} << c.scale)));
  }
  const Shares y = joined(runCosting(exponentialCost(x.size(), f),
                                     [&](Session &s) { return exponential(s, f, x.of(s)); }),
                          c.bits);
  checkEach(y, x.values(), [&](std::uint64_t value) {
    return spec::toRing(evaluate(f, spec::toSigned(value, c.bits)), c.bits);
  });
}
