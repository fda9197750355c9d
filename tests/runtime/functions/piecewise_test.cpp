// SPDX-License-Identifier: Apache-2.0
// Piecewise polynomials: the protocol equals the evaluation in the clear for random tables over all
// shapes of domains, and costs what the formula says.
#include "runtime/functions/piecewise.h"
#include "tests/runtime/protocols/shared_values.h"

#include <catch2/catch.hpp>

using namespace dyad;
using namespace dyad::test;

namespace {

/// A polynomial with random coefficients; widths are as odd as the seed makes them.
PiecewisePolynomial randomPolynomial(std::uint64_t seed, unsigned inputBits, unsigned domainBits,
                                     Symmetry symmetry, Outside outside, unsigned degree) {
  std::mt19937_64 random(seed);
  const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  PiecewisePolynomial p;
  p.inputBits = inputBits;
  p.domainBits = domainBits;
  p.symmetry = symmetry;
  p.outside = outside;
  p.low = symmetry != Symmetry::kNone || below(2) == 0
              ? -(std::int64_t{1} << (domainBits - 1))
              : -(std::int64_t{1} << domainBits) + static_cast<std::int64_t>(below(5));
  if (outside == Outside::kTwo && !p.isCentred() && domainBits + 1 >= inputBits)
    p.low = -(std::int64_t{1} << (domainBits - 1));
  p.indexBits = 1 + below(std::min(4U, domainBits - 3));
  p.degree = degree;
  p.sumBits = 12 + below(30);
  p.drop = below(9);
  p.constantShift = below(4);
  if (outside != Outside::kNever) {
    p.above = static_cast<std::int64_t>(below(3)) - 1;
    p.below = static_cast<std::int64_t>(below(3)) - 1;
  }
  const auto signedBelow = [&](unsigned bits) {
    return static_cast<std::int64_t>(random() & ringMask(bits)) - (std::int64_t{1} << (bits - 1));
  };
  p.sumOffset = signedBelow(p.sumBits);
  for (unsigned i = 0; i < p.segments(); ++i)
    p.constants.push_back(signedBelow(p.sumBits - p.constantShift));
  const auto coefficient = [&](PiecewiseCoefficient &c) {
    c.shift = below(3);
    c.bits = below(9);
    c.base = signedBelow(6);
    for (unsigned i = 0; c.bits != 0 && i < p.segments(); ++i)
      c.table.push_back(random() & ringMask(c.bits));
  };
  if (degree >= 1)
    coefficient(p.linear);
  if (degree == 2) {
    coefficient(p.quadratic);
    p.squareDrop = below(2) * below(2 * p.offsetBits() - 1);
  }
  p.outputBits = 6 + below(20);
  p.hasRelu = p.isCentred() && below(2) == 0;
  if (p.hasRelu) {
    p.reluShift = below(4);
  }
  return p;
}

/// Inputs of the whole ring, or of the domain where nothing lies outside.
Shares inputsOf(const PiecewisePolynomial &p, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Shares shares{{}, {}, p.inputBits};
  const auto inside = [&](std::int64_t x) {
    return p.outside != Outside::kNever ||
           (x >= p.low && x < p.low + (std::int64_t{1} << p.domainBits));
  };
  const auto add = [&](std::int64_t x) {
    x = spec::toSigned(static_cast<std::uint64_t>(x) & ringMask(p.inputBits), p.inputBits);
    if (!inside(x))
      return;
    shares.add(static_cast<std::uint64_t>(x), random());
    shares.add(static_cast<std::uint64_t>(x), static_cast<std::uint64_t>(x) + random() % 3);
  };
  if (p.inputBits <= 9)
    for (std::uint64_t x = 0; x <= ringMask(p.inputBits); ++x)
      add(static_cast<std::int64_t>(x));
  for (const std::int64_t base :
       {std::int64_t{0}, p.low, p.low + (std::int64_t{1} << p.domainBits),
        std::int64_t{1} << (p.inputBits - 1), p.low + (std::int64_t{3} << p.offsetBits())})
    for (const std::int64_t step : {-2, -1, 0, 1, 2})
      add(base + step);
  for (int i = 0; i < 300; ++i)
    add(p.low + static_cast<std::int64_t>(random() & ringMask(p.domainBits)));
  for (int i = 0; i < 100; ++i)
    add(static_cast<std::int64_t>(random()));
  return shares;
}

void checkPolynomial(const PiecewisePolynomial &p, std::uint64_t seed) {
  const Shares x = inputsOf(p, seed);
  const Shares y = joined(
      runCosting(piecewiseCost(x.size(), p), [&](Session &s) { return piecewise(s, p, x.of(s)); }),
      p.outputBits);
  checkEach(y, x.values(), [&](std::uint64_t value) {
    return spec::toRing(evaluate(p, spec::toSigned(value, p.inputBits)), p.outputBits);
  });
}

} // namespace

TEST_CASE("piecewise polynomials equal their evaluation in the clear", "[functions][piecewise]") {
  const auto symmetry = GENERATE(Symmetry::kNone, Symmetry::kEven, Symmetry::kOdd);
  const auto outside = GENERATE(Outside::kNever, Outside::kOne, Outside::kTwo);
  const unsigned degree = GENERATE(0U, 1U, 2U);
  const auto [inputBits, domainBits] =
      GENERATE(std::pair(8U, 7U), std::pair(9U, 6U), std::pair(16U, 15U), std::pair(21U, 12U),
               std::pair(32U, 20U));
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(static_cast<int>(symmetry), static_cast<int>(outside), degree, inputBits, domainBits,
            seed);
    checkPolynomial(
        randomPolynomial(seed * 100 + degree, inputBits, domainBits, symmetry, outside, degree),
        seed);
  }
}

TEST_CASE("a domain of the whole ring, and relu beside a domain that ends at 0",
          "[functions][piecewise]") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const unsigned bits = 8 + static_cast<unsigned>(seed);
    checkPolynomial(randomPolynomial(seed, bits, bits, Symmetry::kOdd, Outside::kNever, 2), seed);
    PiecewisePolynomial p =
        randomPolynomial(seed, bits, bits - 1, Symmetry::kNone, Outside::kOne, 2);
    p.low = -(std::int64_t{1} << p.domainBits);
    p.above = 0;
    p.hasRelu = true;
    p.reluShift = 0;
    p.outputBits = bits;
    checkPolynomial(p, seed);
    p.domainBits = bits - 3;
    p.low = -(std::int64_t{1} << p.domainBits);
    p.outside = Outside::kTwo;
    p.below = -3;
    p.indexBits = 1;
    p.constants.resize(2);
    p.squareDrop = 1;
    for (PiecewiseCoefficient *c : {&p.linear, &p.quadratic})
      c->table.resize(c->bits == 0 ? 0 : 2);
    // x - low fits the ring: no inputs beyond its top.
    const Shares x = only(inputsOf(p, seed), [&](std::uint64_t value) {
      return spec::toSigned(value, bits) - p.low < std::int64_t{1} << (bits - 1);
    });
    const Shares y = joined(runCosting(piecewiseCost(x.size(), p),
                                       [&](Session &s) { return piecewise(s, p, x.of(s)); }),
                            p.outputBits);
    checkEach(y, x.values(), [&](std::uint64_t value) {
      return spec::toRing(evaluate(p, spec::toSigned(value, bits)), p.outputBits);
    });
  }
}

TEST_CASE("segments of one number: a plain table", "[functions][piecewise]") {
  const auto symmetry = GENERATE(Symmetry::kNone, Symmetry::kEven, Symmetry::kOdd);
  const auto outside = GENERATE(Outside::kNever, Outside::kOne, Outside::kTwo);
  const unsigned inputBits = GENERATE(7U, 12U);
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(static_cast<int>(symmetry), static_cast<int>(outside), inputBits, seed);
    PiecewisePolynomial p = randomPolynomial(seed, inputBits, 5, symmetry, outside, 0);
    p.indexBits = symmetry == Symmetry::kNone ? 5 : 4;
    const std::vector<std::int64_t> some = p.constants;
    p.constants.resize(p.segments());
    for (std::size_t i = some.size(); i < p.constants.size(); ++i)
      p.constants[i] = some[i % some.size()] ^ static_cast<std::int64_t>(i);
    checkPolynomial(p, seed);
  }
}

TEST_CASE("numbers that do not fit each other are refused", "[functions][piecewise]") {
  PiecewisePolynomial p = randomPolynomial(1, 16, 15, Symmetry::kOdd, Outside::kNever, 2);
  CHECK_NOTHROW(requireValid(p));
  CHECK_THROWS_AS(evaluate(p, 1 << 14), Error);
  PiecewisePolynomial q = p;
  q.low += 1;
  CHECK_THROWS_AS(requireValid(q), Error);
  q = p;
  q.constants.pop_back();
  CHECK_THROWS_AS(requireValid(q), Error);
  q = p;
  q.domainBits = 17;
  CHECK_THROWS_AS(requireValid(q), Error);
}
