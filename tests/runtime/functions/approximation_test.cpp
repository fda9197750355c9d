// SPDX-License-Identifier: Apache-2.0
// Fitted functions: errors over all inputs of 16 bits, costs within what is promised, and the
// protocol bit for bit on the fitted tables at several widths.
#include "passes/approximation/approximate.h"
#include "runtime/functions/piecewise.h"
#include "tests/runtime/protocols/shared_values.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace dyad;
using namespace dyad::approximation;
using namespace dyad::test;

namespace {

/// All inputs of a ring for which the function's value fits the ring, or those that are negative.
Request requestFor(unsigned bits, unsigned scale, double maxUlp, bool negative = false) {
  Request request;
  request.inputBits = request.outputBits = bits;
  request.inputScale = request.outputScale = scale;
  request.maxUlp = maxUlp;
  const std::int64_t top = std::int64_t{1} << (bits - 1);
  request.low = negative ? 1 - top : bits > 20 ? -top / 2 : -top;
  request.high = negative ? 0 : bits > 20 ? top / 2 : top - (std::int64_t{1} << (bits / 2));
  return request;
}

/// The protocol on fitted tables, at random inputs and those next to borders of segments.
void checkProtocol(const PiecewisePolynomial &p, const Request &request) {
  std::mt19937_64 random(p.indexBits);
  Shares x{{}, {}, p.inputBits};
  const std::int64_t end = p.low + (std::int64_t{1} << p.domainBits);
  for (int i = 0; i < 333; ++i) {
    std::int64_t value =
        (i % 3 == 0 ? request.low : p.low) +
        static_cast<std::int64_t>(
            random() %
            static_cast<std::uint64_t>(i % 3 == 0 ? request.high - request.low + 1 : end - p.low));
    if (i % 7 == 0)
      value = (value >> p.offsetBits() << p.offsetBits()) - (i % 2);
    value = std::clamp(value, request.low, request.high);
    x.add(static_cast<std::uint64_t>(value), random());
  }
  const Shares y = joined(
      runCosting(piecewiseCost(x.size(), p), [&](Session &s) { return piecewise(s, p, x.of(s)); }),
      p.outputBits);
  checkEach(y, x.values(), [&](std::uint64_t value) {
    return spec::toRing(evaluate(p, spec::toSigned(value, p.inputBits)), p.outputBits);
  });
}

double bits(const PiecewisePolynomial &p) {
  return approximation::bitsPerElement(piecewiseCost(64, p));
}

} // namespace

TEST_CASE("16 bits, scale 12: errors of all inputs and costs are what is promised",
          "[functions][approximation]") {
  struct Promise {
    const char *name;
    double maxUlp, bits;
    bool negative = false;
  };
  const Promise promise =
      GENERATE(Promise{"exp", 2, 2300, true}, Promise{"exp", 1, 2300, true},
               Promise{"sigmoid", 1, 2000}, Promise{"tanh", 2, 2200}, Promise{"gelu", 1, 2000},
               Promise{"gelu_tanh", 1, 2000}, Promise{"silu", 2, 2000}, Promise{"erf", 1, 2500},
               Promise{"softplus", 1, 2500}, Promise{"mish", 2, 3000}, Promise{"elu", 1, 2500},
               Promise{"hard_sigmoid", 1, 1000}, Promise{"hard_swish", 1, 2000});
  CAPTURE(promise.name, promise.maxUlp);
  const SmoothFunction &function = *findFunction(promise.name);
  const Request request = requestFor(16, 12, promise.maxUlp, promise.negative);
  const auto found = approximate(function, request);
  REQUIRE(found);
  const PiecewisePolynomial &p = found->polynomial;
  CHECK(bits(p) <= promise.bits);
  CHECK(piecewiseCost(64, p).flows() <= 24);
  double worst = 0;
  for (std::int64_t x = request.low; x <= request.high; ++x)
    worst = std::max(worst, std::abs(static_cast<double>(evaluate(p, x)) -
                                     function(static_cast<double>(x) / 4096) * 4096));
  CHECK(worst <= promise.maxUlp);
  CHECK(worst == Approx(found->error.maxUlp));
  checkProtocol(p, request);
}

TEST_CASE("the stretch: every result but near ties correctly rounded",
          "[functions][approximation]") {
  const char *const name = GENERATE("sigmoid", "gelu");
  const Request request = requestFor(16, 12, 0.51);
  const auto found = approximate(*findFunction(name), request);
  REQUIRE(found);
  CHECK(found->error.maxUlp <= 0.51);
  CHECK(bits(found->polynomial) < 8000);
  checkProtocol(found->polynomial, request);
}

TEST_CASE("fitted functions of other widths", "[functions][approximation]") {
  struct Format {
    unsigned bits, scale;
  };
  const Format format = GENERATE(Format{8, 4}, Format{11, 7}, Format{19, 13}, Format{32, 16});
  const char *const name = GENERATE("sigmoid", "tanh", "silu");
  CAPTURE(format.bits, format.scale, name);
  const Request request = requestFor(format.bits, format.scale, 2);
  const auto found = approximate(*findFunction(name), request);
  REQUIRE(found);
  CHECK(found->error.maxUlp <= 2);
  checkProtocol(found->polynomial, request);
}

TEST_CASE("what cannot be approximated is refused, not fudged", "[functions][approximation]") {
  SmoothFunction step{"step", [](double x) { return x < 0.3 ? 0.0 : 1.0; }};
  CHECK(!approximate(step, requestFor(16, 12, 1)));
  CHECK(!approximate(*findFunction("tanh"), requestFor(16, 12, 0.5)));
}
