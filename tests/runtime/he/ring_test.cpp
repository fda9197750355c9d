// SPDX-License-Identifier: Apache-2.0
// Ring arithmetic against schoolbook products and 128-bit integers; parameters; samplers.
#include "runtime/he/ring.h"
#include "runtime/he/sampler.h"
#include "runtime/net/error.h"

#include <catch2/catch.hpp>

#include <array>
#include <cmath>
#include <random>
#include <set>

using namespace dyad;
using namespace dyad::he;

namespace {

using Wide = unsigned __int128;
using Words = std::vector<std::uint64_t>;

Words randomBelow(std::uint64_t p, std::size_t n, std::mt19937_64 &random) {
  Words x(n);
  for (std::uint64_t &value : x)
    value = random() % p;
  return x;
}

Words naiveProduct(const Words &a, const Words &b, std::uint64_t p) {
  Words c(a.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto term = static_cast<std::uint64_t>(static_cast<Wide>(a[i]) * b[j] % p);
      std::uint64_t &into = c[(i + j) % a.size()];
      into = i + j < a.size() ? (into + term) % p : (into + p - term) % p;
    }
  return c;
}

Words product(const RingKernels &kernels, const TransformTables &tables, Words a, Words b) {
  kernels.forward(tables, a.data(), a.size());
  kernels.forward(tables, b.data(), b.size());
  Words low(a.size()), high(a.size());
  kernels.accumulate(a.data(), b.data(), low.data(), high.data(), a.size());
  kernels.reduce(tables, low.data(), high.data(), a.data());
  kernels.inverse(tables, a.data());
  return a;
}

} // namespace

TEST_CASE("parameter sets are what they say, and secure", "[he][parameters]") {
  for (const ParameterSet &set : parameterSets()) {
    INFO("set " << set.id);
    CHECK(&parameterSet(set.id) == &set);
    CHECK(set.modulusBits() + set.specialModulusBits() <= secureModulusBits(set.degree));
    double log2q = 0; // and special primes
    std::vector<std::uint64_t> primes(set.prime.begin(), set.prime.begin() + set.primes);
    primes.insert(primes.end(), set.special.begin(), set.special.begin() + set.specials);
    for (std::size_t i = 0; i < primes.size(); ++i) {
      const std::uint64_t p = primes[i];
      const unsigned bits = i < set.primes ? set.primeBits[i] : set.specialBits[i - set.primes];
      CHECK(p % (2 * set.degree) == 1);
      CHECK(p < std::uint64_t{1} << bits);
      CHECK(p < std::uint64_t{1} << 50);
      log2q += std::log2(static_cast<double>(p));
      for (const std::uint64_t witness : {2, 3, 5, 7, 11, 13, 17}) {
        std::uint64_t odd = p - 1;
        while (odd % 2 == 0)
          odd /= 2;
        std::uint64_t x = powerModulo(witness, odd, p);
        bool passes = x == 1;
        for (; odd < p - 1; odd *= 2) {
          passes = passes || x == p - 1;
          x = static_cast<std::uint64_t>(static_cast<Wide>(x) * x % p);
        }
        CHECK(passes);
      }
      CHECK(std::count(primes.begin(), primes.end(), p) == 1);
      // BaseConversion counts on primes hardly smaller than powers of two.
      CHECK(std::ldexp(static_cast<double>(p), -static_cast<int>(bits)) > 1 - std::ldexp(1, -14));
    }
    CHECK(log2q > set.modulusBits() + set.specialModulusBits() - 0.001);
  }
  CHECK_THROWS_AS(parameterSet(99), Error);
}

TEST_CASE("parameters follow from declared widths, and what does not fit is refused",
          "[he][parameters]") {
  // PROTOCOLS 5.4: log2 q >= l + 52 + log2 B_e, with B_e of all weights at their extreme.
  for (const Demand &demand : {Demand{16, 7, 64}, Demand{28, 12, 4096}, Demand{32, 12, 512},
                               Demand{40, 15, 10000}, Demand{44, 20, 100}}) {
    const ParameterSet &set = chooseParameters(demand);
    const Budget budget = *budgetFor(set, demand);
    const double error = 8 * std::sqrt(10.5) *
                         std::sqrt(13.0 / 12 * static_cast<double>(demand.terms) *
                                       std::pow(4.0, demand.magnitudeBits) +
                                   4.0 * set.degree / 3 + 1);
    CHECK(std::ldexp(budget.factor, static_cast<int>(budget.errorShift)) >= error);
    CHECK(std::ldexp(budget.factor - 1, static_cast<int>(budget.errorShift)) < error);
    CHECK(budget.floodShift == budget.errorShift + 50);
    CHECK(set.modulusBits() >= demand.bits + 52 + std::log2(error));
  }
  CHECK(chooseParameters({28, 12, 512}).degree == 4096);
  CHECK(chooseParameters({40, 12, 512}).degree == 8192);
  CHECK_THROWS_WITH(chooseParameters({60, 12, 512}), Catch::Contains("2^60"));
  CHECK_THROWS_AS(chooseParameters({32, 34, 512}), Error);
  // More than 106 bits of modulus at degree 4096 are no parameters, however they are spelled.
  ParameterSet weak = parameterSet(2);
  weak.primeBits = {54, 53};
  CHECK_FALSE(budgetFor(weak, {16, 7, 64}));
  weak.degree = 1024;
  weak.primeBits = {20, 20};
  CHECK_FALSE(budgetFor(weak, {1, 1, 1}));
}

TEST_CASE("products of polynomials equal schoolbook ones with all kernels", "[he][ring]") {
  std::mt19937_64 random(1);
  for (const std::size_t degree : {64, 128, 512})
    for (const std::uint64_t p :
         {parameterSet(0).prime[0], parameterSet(15).prime[1], parameterSet(31).prime[3]}) {
      const TransformTables tables = makeTables(degree, p);
      for (int extreme = 0; extreme < 2; ++extreme) {
        Words a = randomBelow(p, degree, random), b = randomBelow(p, degree, random);
        if (extreme)
          a.assign(degree, p - 1), b.assign(degree, p - 1);
        const Words expected = naiveProduct(a, b, p);
        for (const RingKernels *kernels : allRingKernels()) {
          INFO(kernels->name << " " << degree << " " << p);
          CHECK(product(*kernels, tables, a, b) == expected);
        }
      }
    }
}

TEST_CASE("all kernels give the same transforms and sums, for all primes", "[he][ring]") {
  std::mt19937_64 random(2);
  std::set<std::uint64_t> primes;
  for (const ParameterSet &set : parameterSets())
    primes.insert(set.prime.begin(), set.prime.begin() + set.primes);
  for (const std::uint64_t p : primes)
    for (const std::size_t degree : {2048, 4096, 8192}) {
      if ((p - 1) % (2 * degree) != 0)
        continue;
      const TransformTables tables = makeTables(degree, p);
      const Words a = randomBelow(p, degree, random), b = randomBelow(p, degree, random);
      const Words top(degree, p - 1);
      // Some coefficients of the product, as in school.
      Words product(16);
      for (std::size_t at = 0; at < product.size(); ++at)
        for (std::size_t i = 0; i < degree; ++i) {
          const std::uint64_t factor = b[(at + degree - i) % degree];
          const auto term = static_cast<std::uint64_t>(static_cast<Wide>(a[i]) * factor % p);
          product[at] = (product[at] + (i <= at ? term : p - term)) % p;
        }
      const std::vector<const RingKernels *> sets = allRingKernels();
      Words scalar, scalarTop;
      for (const RingKernels *kernels : sets) {
        INFO(kernels->name << ", " << degree << " coefficients modulo " << p);
        Words x = a, y = b, z = top;
        kernels->forward(tables, x.data(), degree);
        kernels->forward(tables, y.data(), degree);
        kernels->forward(tables, z.data(), degree);
        if (kernels == sets.front()) {
          scalar = x;
          scalarTop = z;
        }
        CHECK(x == scalar);
        CHECK(z == scalarTop);
        for (std::size_t nonzero = 64; nonzero < degree; nonzero *= 2) {
          Words low(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(nonzero));
          low.resize(degree);
          Words whole = low;
          sets.front()->forward(tables, whole.data(), degree);
          std::fill(low.begin() + static_cast<std::ptrdiff_t>(nonzero), low.end(), p - 1);
          kernels->forward(tables, low.data(), nonzero);
          CHECK(low == whole);
        }
        // As many products as the accumulators take, all as large as can be, and what is left of
        // them to begin with.
        Words low(degree), high(degree), out(degree);
        const std::vector<const std::uint64_t *> tops(7, top.data());
        const Words numbers(7, p - 1);
        for (std::size_t i = 0; i < kMaxProducts / 16; ++i) {
          kernels->accumulate(top.data(), top.data(), low.data(), high.data(), degree);
          kernels->accumulateTerms(tops.data(), tops.data(), 7, low.data(), high.data(), degree);
          kernels->accumulateScaled(top.data(), p - 1, low.data(), high.data(), degree);
          kernels->accumulateScaledTerms(tops.data(), numbers.data(), 7, low.data(), high.data(),
                                         degree);
        }
        kernels->reduce(tables, low.data(), high.data(), low.data());
        CHECK(low == Words(degree, kMaxProducts)); // (-1)(-1) each time
        std::fill(high.begin(), high.end(), 0);
        // x y as x (y - 3) + 1 x + 2 x: different terms and factors.
        Words less(degree);
        for (std::size_t i = 0; i < degree; ++i)
          less[i] = (y[i] + p - 3) % p;
        const Words ones(degree, 1);
        const std::array<const std::uint64_t *, 2> first{x.data(), ones.data()};
        const std::array<const std::uint64_t *, 2> second{less.data(), x.data()};
        const std::array<const std::uint64_t *, 2> both{x.data(), top.data()};
        const std::array<std::uint64_t, 2> scales{2, p - 1};
        kernels->accumulateTerms(first.data(), second.data(), 2, low.data(), high.data(), degree);
        kernels->accumulateScaledTerms(both.data(), scales.data(), 2, low.data(), high.data(),
                                       degree);
        kernels->reduce(tables, low.data(), high.data(), out.data());
        kernels->inverse(tables, out.data());
        // The constant that was there comes back as one: values of a constant polynomial.
        out[0] = (out[0] + p - kMaxProducts - 1) % p; // and (-1)(-1)
        CHECK(std::equal(product.begin(), product.end(), out.begin()));
        kernels->inverse(tables, x.data());
        kernels->inverse(tables, z.data());
        CHECK(x == a);
        CHECK(z == top);
      }
    }
}

TEST_CASE("messages are encoded exactly and fractions of q come back", "[he][ring]") {
  std::mt19937_64 random(3);
  for (const unsigned id : {1U, 15U, 30U})
    for (const unsigned bits : {1U, 16U, 32U, 45U}) {
      const RingContext &ring = RingContext::of(parameterSet(id));
      const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits);
      Words message(ring.degree()), rounding(ring.degree());
      for (std::size_t j = 0; j < message.size(); ++j) {
        message[j] = random() & mask;
        rounding[j] = random() & mask;
      }
      message[0] = 0;
      message[1] = mask;
      rounding[1] = rounding[2] = 0;
      rounding[3] = mask;
      Polynomial x(ring.words());
      ring.addMessage(message, rounding, bits, x);
      std::uint64_t worst = 0;
      for (std::size_t j = 0; j < ring.degree(); ++j) {
        // Encoding rounds by at most a unit of q, far below 2^64; what is left are the fractions'
        // ends.
        const std::uint64_t off = ring.fraction(x, j) - (message[j] << (64 - bits));
        worst = std::max(worst, std::min(off, -off));
        // 2^bits x = q m + r - t with 0 <= t < 2^bits: also modulo a prime.
        const std::uint64_t p = ring.prime(0);
        const auto scaled =
            static_cast<std::uint64_t>((static_cast<Wide>(x[j]) << bits) % p); // r - t
        const std::uint64_t most = rounding[j] % p;
        const std::uint64_t t = (most + p - scaled) % p;
        std::uint64_t low = 1; // q m + r modulo 2^bits
        for (unsigned i = 0; i < ring.primes(); ++i)
          low *= ring.prime(i);
        CHECK(t == ((low * message[j] + rounding[j]) & mask) % p);
      }
      CHECK(worst <= 3 * ring.primes() + 1);
    }
}

TEST_CASE("small products modulo a power of two", "[he][ring]") {
  std::mt19937_64 random(4);
  for (const unsigned id : {0U, 12U, 20U})
    for (const unsigned bits : {25U, 41U, 55U}) {
      const RingContext &ring = RingContext::of(parameterSet(id));
      const std::size_t n = ring.degree();
      Words a(n);
      for (std::uint64_t &value : a)
        value = random() >> (64 - bits);
      a[0] = std::uint64_t{1} << (bits - 1);
      std::vector<std::int64_t> b(n);
      for (std::int64_t &value : b)
        value = static_cast<std::int64_t>(random() % 3) - 1;
      Polynomial transform = ring.fromSigned(b);
      ring.forward(transform);
      const Words c = ring.timesSmall(a, bits, transform);
      for (const std::size_t at : {std::size_t{0}, std::size_t{1}, n / 2, n - 1}) {
        std::uint64_t expected = 0;
        for (std::size_t i = 0; i < n; ++i) {
          const std::size_t j = (at + n - i) % n;
          const std::uint64_t term = a[i] * static_cast<std::uint64_t>(b[j]);
          expected += i <= at ? term : -term;
        }
        CHECK(c[at] == (expected & (~std::uint64_t{0} >> (64 - bits))));
      }
    }
}

TEST_CASE("samplers have the distributions they promise", "[he][sampler]") {
  Prg prg(TestSeed{5});
  constexpr std::size_t kCount = 1 << 18;
  const auto moments = [](const std::vector<std::int64_t> &x) {
    double sum = 0, square = 0;
    for (const std::int64_t value : x) {
      sum += static_cast<double>(value);
      square += static_cast<double>(value * value);
    }
    return std::pair(sum / static_cast<double>(x.size()), square / static_cast<double>(x.size()));
  };
  const auto [mean3, square3] = moments(ternary(prg, kCount));
  CHECK(std::abs(mean3) < 0.01);
  CHECK(square3 == Approx(2.0 / 3).margin(0.01));
  const auto [mean, square] = moments(binomial(prg, kCount));
  CHECK(std::abs(mean) < 0.05);
  CHECK(square == Approx(10.5).epsilon(0.02));

  // Flooding of few bits: the residue is the number itself, centred; variance 4 4^b / 12.
  const RingContext &ring = RingContext::of(parameterSet(5));
  const Words flood = flooding(prg, ring, kCount, 31, 15);
  std::vector<std::int64_t> centred(kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::uint64_t p = ring.prime(0);
    centred[i] = static_cast<std::int64_t>(flood[i] > p / 2 ? flood[i] - p : flood[i]);
    CHECK(std::abs(centred[i]) <= std::int64_t{62} << 15);
    const std::uint64_t p1 = ring.prime(1);
    const std::uint64_t other = flood[kCount + i];
    CHECK(centred[i] == static_cast<std::int64_t>(other > p1 / 2 ? other - p1 : other));
  }
  const auto [floodMean, floodSquare] = moments(centred);
  CHECK(std::abs(floodMean) < 5000);
  CHECK(floodSquare == Approx(std::ldexp(961.0, 30) / 3).epsilon(0.02));
}
