// SPDX-License-Identifier: Apache-2.0
// Noise of the RLWE layers as the client sees it, who knows the secret: within its budget for the
// worst operands, drowned by flooding of the promised distribution, and the same for all weights.
#include "runtime/he/sampler.h"
#include "runtime/he/scheme.h"
#include "runtime/protocols/ring.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

using namespace dyad;
using namespace dyad::he;

namespace {

using Wide = __int128;

/// The smallest set of this ring with a modulus of so many bits.
const ParameterSet &setOf(unsigned degree, unsigned modulusBits) {
  const ParameterSet *best = nullptr;
  for (const ParameterSet &set : parameterSets())
    if (set.degree == degree && set.modulusBits() >= modulusBits &&
        (best == nullptr || set.modulusBits() < best->modulusBits()))
      best = &set;
  return *best;
}

std::vector<std::uint32_t> everyCoefficient(const RingContext &ring) {
  std::vector<std::uint32_t> used(ring.degree());
  std::iota(used.begin(), used.end(), 0U);
  return used;
}

/// The integer from -q / 2 on with these residues, q < 2^120, one for each j below count: residue
/// i at x[i * count + j].
std::vector<Wide> integers(const RingContext &ring, const Polynomial &x) {
  const std::size_t count = x.size() / ring.primes();
  std::vector<Wide> result(count);
  Wide modulus = 1;
  for (unsigned i = 0; i < ring.primes(); ++i) {
    const auto p = static_cast<Wide>(ring.prime(i));
    const auto inverse = static_cast<Wide>(
        powerModulo(static_cast<std::uint64_t>(modulus % p), ring.prime(i) - 2, ring.prime(i)));
    for (std::size_t j = 0; j < count; ++j) {
      const Wide missing = (static_cast<Wide>(x[i * count + j]) - result[j] % p + p) % p;
      result[j] += modulus * (missing * inverse % p);
    }
    modulus *= p;
  }
  for (Wide &value : result)
    value -= value > modulus / 2 ? modulus : 0;
  return result;
}

std::vector<double> asDoubles(const std::vector<Wide> &x) { return {x.begin(), x.end()}; }

/// What one reply shows: the noise of its product modulo q before and after flooding, what the
/// client computes from the reply less 2^g times its message, and c1 as it was sent.
struct Seen {
  std::vector<double> product, flooded, reply;
  Ring c1;
  bool exact = true;
  void add(const Seen &more) {
    const auto append = [](auto &to, const auto &from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    append(product, more.product);
    append(flooded, more.flooded);
    append(reply, more.reply);
    append(c1, more.c1);
    exact = exact && more.exact;
  }
};

/// Both parties of a layer, with one message polynomial and one weight polynomial repeated
/// `repeats` times (with fresh encryptions): as many terms as there are weights, times that.
class Parties {
public:
  Parties(const ParameterSet &set, unsigned bits, const Budget &budget, std::uint64_t seed)
      : ring_(RingContext::of(set)), bits_(bits), budget_(budget), prg_(TestSeed{seed}),
        secret_(ring_.fromSigned(ternary(prg_, ring_.degree()))) {
    ring_.forward(secret_);
    key_ = encrypted({});
  }
  const RingContext &ring() const { return ring_; }

  Seen replyTo(const Ring &message, const std::vector<std::int64_t> &weights,
               std::uint64_t repeats) {
    Polynomial factor = ring_.fromSigned(weights);
    ring_.forward(factor);
    Sum c0(ring_), c1(ring_);
    for (std::uint64_t k = 0; k < repeats; ++k) {
      const Ciphertext one = encrypted(message);
      c0.add(one.c0, factor);
      c1.add(one.c1, factor);
    }
    Polynomial zero = ring_.fromSigned(ternary(prg_, ring_.degree()));
    ring_.forward(zero);
    c0.add(key_.c0, zero);
    c1.add(key_.c1, zero);
    Ciphertext sum{c0.total(), c1.total()};

    Ring expected = productOf(message, weights);
    for (std::uint64_t &y : expected)
      y = y * repeats & ringMask(bits_);
    Seen seen;
    measureProduct(sum, expected, seen);
    measureReply(std::move(sum), expected, seen);
    return seen;
  }

private:
  // A sum of products of transforms.
  struct Sum {
    const RingContext &ring;
    Polynomial low, high;
    explicit Sum(const RingContext &of) : ring(of), low(of.words()), high(of.words()) {}
    void add(const Polynomial &a, const Polynomial &b) {
      ringKernels().accumulate(a.data(), b.data(), low.data(), high.data(), low.size());
    }
    Polynomial total() {
      Polynomial out(ring.words());
      for (unsigned i = 0; i < ring.primes(); ++i)
        ringKernels().reduce(ring.tables(i), low.data() + i * ring.degree(),
                             high.data() + i * ring.degree(), out.data() + i * ring.degree());
      return out;
    }
  };

  Ciphertext encrypted(const Ring &message) {
    std::vector<std::uint8_t> wire(ring_.degree() * ring_.set().modulusBits() / 8 + 8);
    const Block seed = prg_.block();
    Prg here(seed), there(seed);
    BitWriter writer(wire);
    encrypt(ring_, secret_, message, bits_, here, prg_, writer);
    writer.flush();
    BitReader reader(wire);
    return receive(ring_, there, reader);
  }

  // Modulo X^degree + 1 and 2^64.
  static Ring productOf(const Ring &message, const std::vector<std::int64_t> &weights) {
    const std::size_t n = weights.size();
    Ring product(n);
    for (std::size_t i = 0; i < n; ++i) {
      const auto w = static_cast<std::uint64_t>(weights[i]);
      for (std::size_t j = 0; w != 0 && j < n; ++j)
        product[(i + j) % n] += i + j < n ? w * message[j] : -(w * message[j]);
    }
    return product;
  }

  void measureProduct(const Ciphertext &sum, const Ring &expected, Seen &seen) {
    const std::size_t n = ring_.degree();
    Sum phase(ring_);
    phase.add(sum.c1, secret_);
    Polynomial noise = phase.total();
    Polynomial encoded(ring_.words());
    const Ring half(expected.size(), std::uint64_t{1} << (bits_ - 1));
    ring_.addMessage(expected, half, bits_, encoded);
    ring_.forward(encoded);
    for (unsigned i = 0; i < ring_.primes(); ++i)
      for (std::size_t j = i * n; j < (i + 1) * n; ++j)
        noise[j] = (noise[j] + sum.c0[j] + ring_.prime(i) - encoded[j]) % ring_.prime(i);
    ring_.inverse(noise);
    seen.product = asDoubles(integers(ring_, noise));
    const Polynomial flood = flooding(prg_, ring_, n, budget_.factor, budget_.floodShift);
    for (unsigned i = 0; i < ring_.primes(); ++i)
      for (std::size_t j = i * n; j < (i + 1) * n; ++j)
        noise[j] = (noise[j] + flood[j]) % ring_.prime(i);
    seen.flooded = asDoubles(integers(ring_, noise));
  }

  void measureReply(Ciphertext sum, const Ring &expected, Seen &seen) {
    const std::size_t n = ring_.degree();
    const unsigned wide = bits_ + budget_.extraBits;
    const std::vector<std::uint32_t> used = everyCoefficient(ring_);
    ring_.inverse(sum.c0);
    ring_.inverse(sum.c1);
    std::vector<std::uint8_t> wire(n * (wide + bits_ + kKeptBits) / 8 + 8);
    BitWriter writer(wire);
    const Ring shares = reply(ring_, std::move(sum), used, bits_, budget_, prg_, writer);
    writer.flush();
    BitReader reader(wire), again(wire);
    const Ring opened = openReply(ring_, secret_, used, bits_, budget_, reader);
    seen.c1.resize(n);
    again.get(seen.c1.data(), n, wide);
    for (std::size_t j = 0; j < n; ++j) {
      const std::uint64_t mine = (expected[j] - shares[j]) & ringMask(bits_);
      const std::uint64_t off = (opened[j] - (mine << budget_.extraBits)) & ringMask(wide);
      seen.reply.push_back(
          static_cast<double>(static_cast<std::int64_t>(off << (64 - wide)) >> (64 - wide)));
      seen.exact = seen.exact && decode(opened[j], bits_, budget_) == mine;
    }
  }

  const RingContext &ring_;
  unsigned bits_;
  Budget budget_;
  Prg prg_;
  Polynomial secret_;
  Ciphertext key_;
};

double largest(const std::vector<double> &x) {
  double most = 0;
  for (const double value : x)
    most = std::max(most, std::abs(value));
  return most;
}

double deviation(const std::vector<double> &x) {
  double square = 0;
  for (const double value : x)
    square += value * value / static_cast<double>(x.size());
  return std::sqrt(square);
}

double correlation(const std::vector<double> &x, const std::vector<double> &y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    sum += x[i] * y[i] / static_cast<double>(x.size());
  return sum / (deviation(x) * deviation(y));
}

// The distance of Kolmogorov and Smirnov between two samples of one size, in units of what chance
// makes of it: above 2.7 once in 10^6.
double distance(std::vector<double> a, std::vector<double> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  const auto size = static_cast<double>(a.size());
  double most = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double at = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= at)
      ++i;
    while (j < b.size() && b[j] <= at)
      ++j;
    most = std::max(most, std::abs(static_cast<double>(i) - static_cast<double>(j)) / size);
  }
  return most * std::sqrt(size / 2);
}
constexpr double kDistance = 2.7;

// Chi-square in standard deviations from its mean, of `bins` counts: below 6 but once in 10^6.
double surprise(double chiSquare, std::size_t bins) {
  const auto freedom = static_cast<double>(bins - 1);
  return (chiSquare - freedom) / std::sqrt(2 * freedom);
}
constexpr double kSurprise = 6;

std::vector<double> counts(const Ring &x, unsigned shift, unsigned bits) {
  std::vector<double> result(std::size_t{1} << bits);
  for (const std::uint64_t value : x)
    ++result[value >> shift & ringMask(bits)];
  return result;
}
Ring words(const std::vector<double> &x) {
  Ring result;
  for (const double value : x)
    result.push_back(static_cast<std::uint64_t>(static_cast<std::int64_t>(value)));
  return result;
}
double fromUniform(const std::vector<double> &counts) {
  const double expected =
      std::accumulate(counts.begin(), counts.end(), 0.0) / static_cast<double>(counts.size());
  double sum = 0;
  for (const double count : counts)
    sum += (count - expected) * (count - expected) / expected;
  return surprise(sum, counts.size());
}
double fromEachOther(const std::vector<double> &a, const std::vector<double> &b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] + b[i] != 0)
      sum += (a[i] - b[i]) * (a[i] - b[i]) / (a[i] + b[i]);
  return surprise(sum, a.size());
}

/// The widest weights of a set for two dense polynomials, and as many terms as these then take.
Demand limitOf(const ParameterSet &set, unsigned bits) {
  Demand demand{bits, 1, 2 * std::uint64_t{set.degree}};
  while (budgetFor(set, {bits, demand.magnitudeBits + 1, demand.terms}))
    ++demand.magnitudeBits;
  for (std::uint64_t step = 8 * set.degree; step != 0; step /= 2)
    while (budgetFor(set, {bits, demand.magnitudeBits, demand.terms + step}))
      demand.terms += step;
  return demand;
}

} // namespace

TEST_CASE("noise is within its budget at the limit of widths and terms", "[he][noise]") {
  std::mt19937_64 random(1);
  for (const auto &[degree, modulusBits, bits] :
       {std::tuple{4096U, 88U, 16U}, {4096U, 100U, 24U}, {4096U, 106U, 28U}, {8192U, 111U, 32U}}) {
    const ParameterSet &set = setOf(degree, modulusBits);
    const Demand demand = limitOf(set, bits);
    const Budget budget = budgetFor(set, demand).value();
    REQUIRE_FALSE(budgetFor(set, {bits, demand.magnitudeBits, demand.terms + 1}));
    const double errorBound = std::ldexp(budget.factor, static_cast<int>(budget.errorShift));
    const double replyBound = std::ldexp(1.0, static_cast<int>(budget.extraBits) - 1);
    Parties parties(set, bits, budget, bits);
    const std::int64_t top = std::int64_t{1} << demand.magnitudeBits;
    const std::size_t n = set.degree;
    enum Case { kAligned, kExtreme, kRandom };
    for (const Case operands : {kAligned, kExtreme, kRandom}) {
      // q 2^(bits-1) / 2^bits is off the next integer by one half, which must not add up.
      Ring message(n, std::uint64_t{1} << (bits - 1));
      std::vector<std::int64_t> weights(n, -top);
      for (std::size_t i = 0; i < n && operands != kAligned; ++i) {
        message[i] = random() & ringMask(bits);
        weights[i] = operands == kExtreme
                         ? (random() % 2 == 0 ? top : -top)
                         : static_cast<std::int64_t>(random() % (2 * top + 1)) - top;
      }
      const Seen seen = parties.replyTo(message, weights, demand.terms / n);
      const double margin = std::log2(errorBound / largest(seen.product));
      const double replyMargin = std::log2(replyBound / largest(seen.reply));
      INFO("set " << set.id << ", " << bits << " bits, weights of " << demand.magnitudeBits << ", "
                  << demand.terms << " terms, case " << operands << ": product "
                  << std::log2(errorBound) << " bits of noise, margin " << margin << "; reply "
                  << std::log2(replyBound) << ", margin " << replyMargin);
      CHECK(seen.exact);
      CHECK(margin > 0);
      CHECK(replyMargin > 0);
      // Eight standard deviations are allowed. Weights of one sign add up neighbours' noise, so
      // that few of the coefficients are independent; the others show the deviation itself.
      if (operands != kAligned) {
        const double expected = errorBound / 8 / (operands == kRandom ? std::sqrt(3) : 1);
        CHECK(deviation(seen.product) < expected * 1.03);
        CHECK(deviation(seen.product) > expected * 0.87); // the bound is rounded up by up to 1/16
      }
    }
  }
}

TEST_CASE("flooding has the promised deviation, range and shape", "[he][noise]") {
  const RingContext &ring = RingContext::of(setOf(4096, 106));
  const Budget budget = budgetFor(ring.set(), {28, 12, 4608}).value();
  CHECK(budget.floodShift == budget.errorShift + 50);
  Prg prg(TestSeed{2});
  constexpr std::size_t kCount = 1 << 18;
  const std::vector<Wide> flood =
      integers(ring, flooding(prg, ring, kCount, budget.factor, budget.floodShift));
  const double width = std::ldexp(budget.factor, static_cast<int>(budget.floodShift));
  std::vector<double> relative, uniform;
  Ring low, middle;
  for (const Wide x : flood) {
    relative.push_back(static_cast<double>(x) / width);
    low.push_back(static_cast<std::uint64_t>(x));
    middle.push_back(static_cast<std::uint64_t>(x >> (budget.floodShift - 8)));
  }
  CHECK(largest(relative) <= 2);
  CHECK(largest(relative) > 1.8); // 2 (1 - u) for four at once: P(|x| > 1.8) = 2 0.2^4 / 24
  CHECK(deviation(relative) == Approx(1 / std::sqrt(3)).epsilon(0.005));
  CHECK(std::abs(std::accumulate(relative.begin(), relative.end(), 0.0) / kCount) < 0.006);
  CHECK(fromUniform(counts(low, 0, 8)) < kSurprise);
  CHECK(fromUniform(counts(middle, 0, 8)) < kSurprise);
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> one(-0.5, 0.5);
  for (std::size_t i = 0; i < kCount; ++i)
    uniform.push_back(one(random) + one(random) + one(random) + one(random));
  CHECK(distance(relative, uniform) < kDistance);
}

TEST_CASE("replies do not tell weights apart", "[he][noise]") {
  std::mt19937_64 random(4);
  const auto sample = [&](const ParameterSet &set, unsigned bits, std::int64_t weight,
                          const Budget &budget, std::uint64_t seed) {
    Parties parties(set, bits, budget, seed);
    const std::size_t n = parties.ring().degree();
    const std::vector<std::int64_t> weights(n, weight);
    Seen all;
    while (all.reply.size() < 1 << 16) {
      Ring message(n);
      for (std::uint64_t &m : message)
        m = random() & ringMask(bits);
      all.add(parties.replyTo(message, weights, 1));
    }
    return all;
  };
  constexpr unsigned kBits = 28, kMagnitude = 12;
  const ParameterSet &set = setOf(4096, 106);
  const Budget budget = budgetFor(set, {kBits, kMagnitude, 4096}).value();
  const Seen none = sample(set, kBits, 0, budget, 1);
  const Seen all = sample(set, kBits, -(1 << kMagnitude), budget, 2);
  // What the client computes, and the same modulo q, before the switch.
  CHECK(distance(none.reply, all.reply) < kDistance);
  CHECK(distance(none.flooded, all.flooded) < kDistance);
  for (const unsigned shift : {0U, budget.extraBits - 6})
    CHECK(fromEachOther(counts(words(none.reply), shift, 6), counts(words(all.reply), shift, 6)) <
          kSurprise);
  // The statistic sees what is not flooded.
  CHECK(distance(none.product, all.product) > 4 * kDistance);
  // Nor does a reply follow the noise of its product.
  const double chance = 5 / std::sqrt(static_cast<double>(all.reply.size()));
  CHECK(std::abs(correlation(all.reply, all.product)) < chance);
  CHECK(std::abs(correlation(all.flooded, all.product)) < chance);
  // The other half is uniform whatever the weights are.
  const unsigned wide = kBits + budget.extraBits;
  for (const Seen *seen : {&none, &all})
    for (const unsigned shift : {0U, wide / 2, wide - 8})
      CHECK(fromUniform(counts(seen->c1, shift, 8)) < kSurprise);

  // On the wire too it sees what is not flooded: a flood of six bits, and weights so large that
  // their noise survives the switch.
  const Budget dry{16, 1, 1, 10};
  const Seen small = sample(setOf(4096, 88), 40, 0, dry, 3);
  const Seen large = sample(setOf(4096, 88), 40, std::int64_t{1} << 37, dry, 4);
  CHECK(distance(small.reply, large.reply) > 4 * kDistance);
  CHECK(fromEachOther(counts(words(small.reply), dry.extraBits - 6, 6),
                      counts(words(large.reply), dry.extraBits - 6, 6)) > kSurprise);
  CHECK(std::abs(correlation(large.reply, large.product)) > 0.5);
}
