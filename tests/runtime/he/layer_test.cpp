// SPDX-License-Identifier: Apache-2.0
// Layers between two parties: exact results, costs, noise against its budget, and replies that do
// not show the weights.
#include "runtime/clear/linear.h"
#include "runtime/he/keys.h"
#include "runtime/he/linear_layer.h"
#include "runtime/he/sampler.h"
#include "runtime/he/scheme.h"
#include "runtime/protocols/ring.h"
#include "tests/runtime/two_party.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

using namespace dyad;
using namespace dyad::he;
using namespace dyad::test;

namespace {

struct Layer {
  LinearSpec spec;
  Ring values;
  std::vector<std::int64_t> weights;
};

enum class Operands { kRandom, kExtreme };

Layer layer(LinearSpec spec, Operands operands, std::mt19937_64 &random) {
  Layer result{spec, {}, {}};
  result.values.resize(spec.images * spec.groups * spec.channels * spec.input[0] * spec.input[1]);
  result.weights.resize(spec.groups * spec.filters * spec.channels * spec.kernel[0] *
                        spec.kernel[1]);
  for (std::uint64_t &x : result.values)
    x = operands == Operands::kRandom ? random() & ringMask(spec.bits)
                                      : std::uint64_t{1} << (spec.bits - 1);
  const std::int64_t low = spec.weightSigned ? -(std::int64_t{1} << (spec.weightBits - 1)) : 0;
  for (std::int64_t &w : result.weights)
    w = operands == Operands::kExtreme
            ? low
            : low + static_cast<std::int64_t>(random() & ringMask(spec.weightBits));
  return result;
}

Ring inTheClear(const Layer &layer) {
  const LinearSpec &s = layer.spec;
  const auto size = [](std::uint64_t x) { return static_cast<std::int64_t>(x); };
  clear::Tensor<std::uint64_t> x{
      {size(s.images), size(s.groups * s.channels), size(s.input[0]), size(s.input[1])},
      layer.values};
  clear::Tensor<std::uint64_t> w{
      {size(s.groups * s.filters), size(s.channels), size(s.kernel[0]), size(s.kernel[1])},
      Ring(layer.weights.begin(), layer.weights.end())};
  clear::ConvWindow window;
  for (int axis = 0; axis < 2; ++axis) {
    window.strides[axis] = size(s.strides[axis]);
    window.dilations[axis] = size(s.dilations[axis]);
    window.pads[axis] = size(s.pads[axis]);
    // Whatever the output's size needs at the far end.
    window.pads[axis + 2] = size((s.output[axis] - 1) * s.strides[axis] +
                                 (s.kernel[axis] - 1) * s.dilations[axis] + 1) -
                            size(s.input[axis] + s.pads[axis]);
  }
  window.groups = size(s.groups);
  for (int axis = 0; axis < 2; ++axis)
    if (window.pads[axis + 2] < 0)
      window.pads[axis + 2] = 0;
  return reduced(clear::conv2d<std::uint64_t>(x, w, nullptr, window).data, s.bits);
}

std::vector<unsigned> allSets() {
  std::vector<unsigned> sets;
  for (const ParameterSet &set : parameterSets())
    sets.push_back(set.id);
  return sets;
}

void setUp(TwoParty &pair, std::vector<unsigned> sets) {
  const auto party = [&](Session &s) {
    s.run(setup(s, sets));
    return 0;
  };
  pair.run(party, party);
}

Ring run(TwoParty &pair, const Layer &layer) {
  const auto party = [&](Session &s) {
    return s.run(s.isServer() ? linear(s, layer.spec, {}, layer.weights)
                              : linear(s, layer.spec, layer.values, {}));
  };
  const auto [server, client] = pair.run(party, party);
  return added(server, client, layer.spec.bits);
}

LinearSpec conv(std::uint64_t channels, std::uint64_t filters, std::array<std::uint64_t, 2> input,
                std::array<std::uint64_t, 2> kernel, std::array<std::uint64_t, 2> output,
                unsigned bits, unsigned weightBits) {
  LinearSpec spec;
  spec.channels = channels;
  spec.filters = filters;
  spec.input = input;
  spec.kernel = kernel;
  spec.output = output;
  spec.bits = bits;
  spec.weightBits = weightBits;
  return spec;
}

} // namespace

TEST_CASE("keys cost what the formula says", "[he]") {
  TwoParty pair;
  const std::vector<unsigned> sets{0, 5, 7};
  setUp(pair, sets);
  CHECK(pair.matches(keyCost(sets)));
  CHECK(keyCost({}).ticks.empty());
}

TEST_CASE("layers are exact and cost what the formula says", "[he][layer]") {
  std::mt19937_64 random(1);
  std::vector<LinearSpec> specs;
  specs.push_back(conv(3, 4, {7, 6}, {3, 3}, {7, 6}, 28, 12));
  specs.back().pads = {1, 1};
  specs.push_back(conv(5, 7, {9, 8}, {1, 1}, {9, 8}, 16, 8));    // pointwise
  specs.push_back(conv(3, 5, {13, 15}, {3, 3}, {7, 8}, 32, 10)); // stride phases
  specs.back().strides = {2, 2};
  specs.back().pads = {1, 1};
  specs.push_back(conv(4, 3, {14, 14}, {1, 1}, {7, 7}, 24, 9)); // strided 1x1: one phase
  specs.back().strides = {2, 2};
  specs.push_back(conv(2, 3, {12, 11}, {3, 2}, {8, 3}, 20, 11)); // dilated, strided, uneven
  specs.back().strides = {1, 3};
  specs.back().dilations = {2, 2};
  specs.push_back(conv(2, 3, {20, 20}, {7, 7}, {10, 10}, 27, 9));
  specs.back().strides = {2, 2};
  specs.back().pads = {3, 3};
  specs.push_back(conv(1, 1, {5, 5}, {3, 3}, {3, 3}, 40, 12)); // depthwise, two images
  specs.back().groups = 3;
  specs.back().images = 2;
  specs.push_back(conv(2, 3, {90, 80}, {3, 3}, {90, 80}, 28, 10)); // tiles
  specs.back().pads = {1, 1};
  specs.push_back(conv(2, 2, {64, 64}, {1, 1}, {64, 64}, 28, 8)); // scalar weights
  specs.push_back(conv(300, 50, {1, 1}, {1, 1}, {1, 1}, 30, 9));  // a row by a matrix
  specs.push_back(conv(70, 60, {40, 1}, {1, 1}, {40, 1}, 36, 16));
  specs.back().weightSigned = false;
  specs.push_back(conv(4, 600, {3, 3}, {3, 3}, {1, 1}, 25, 6));
  specs.push_back(conv(1, 1, {1, 1}, {1, 1}, {1, 1}, 1, 2));
  TwoParty pair;
  setUp(pair, allSets());
  for (std::size_t i = 0; i < specs.size(); ++i)
    for (const Operands operands : {Operands::kRandom, Operands::kExtreme}) {
      INFO("layer " << i);
      const Layer one = layer(specs[i], operands, random);
      const Ring result = run(pair, one);
      CHECK(result == inTheClear(one));
      CHECK(pair.matches(linearCost(specs[i])));
    }
}

TEST_CASE("what cannot be computed is refused before a byte", "[he][error]") {
  TwoParty pair;
  Session &s = pair.server();
  const LinearSpec spec = conv(2, 2, {4, 4}, {1, 1}, {4, 4}, 28, 8);
  const std::vector<std::int64_t> weights(4, 1);
  CHECK_THROWS_WITH(s.run(linear(s, spec, {}, weights)), Catch::Contains("keys"));
  setUp(pair, {10});
  CHECK_THROWS_WITH(s.run(linear(s, spec, {}, weights)), Catch::Contains("keys"));
  LinearSpec wide = spec;
  wide.bits = 60;
  CHECK_THROWS_WITH(s.run(linear(s, wide, {}, weights)), Catch::Contains("2^60"));
  setUp(pair, {planFor(spec)->set});
  const auto sent = s.flows().traffic().bytesSent;
  CHECK_THROWS_AS(s.run(linear(s, spec, {}, std::span(weights).first(3))), Error);
  CHECK(s.flows().traffic().bytesSent == sent);
  LinearSpec nothing = spec;
  nothing.images = 0;
  CHECK(s.run(linear(s, nothing, {}, weights)).empty());
}

namespace {

/// One reply to an encryption of zeros, times a weight polynomial: its noise before the flooding
/// (modulo q) and what the client sees after it, less the message.
struct Noise {
  std::vector<double> product;
  std::vector<double> reply;
};

Noise noiseOf(const ParameterSet &set, unsigned bits, const Budget &budget,
              const std::vector<std::int64_t> &weights, std::uint64_t terms, std::uint64_t seed) {
  Prg prg(TestSeed{seed});
  const RingContext &ring = RingContext::of(set);
  const std::size_t n = ring.degree();
  Polynomial secret = ring.fromSigned(ternary(prg, n));
  ring.forward(secret);
  const auto encryptOnce = [&](std::span<const std::uint64_t> message) {
    std::vector<std::uint8_t> wire(n * set.modulusBits() / 8 + 8);
    const Block at = prg.block();
    Prg one(at), two(at);
    BitWriter writer(wire);
    encrypt(ring, secret, message, bits, one, prg, writer);
    writer.flush();
    BitReader reader(wire);
    return receive(ring, two, reader);
  };
  const Ciphertext key = encryptOnce({});
  Polynomial factor = ring.fromSigned(weights);
  ring.forward(factor);
  Ciphertext sum{Polynomial(ring.words()), Polynomial(ring.words())};
  const auto addTimes = [&](const Ciphertext &c, const Polynomial &w) {
    for (unsigned i = 0; i < ring.primes(); ++i)
      for (std::size_t j = i * n; j < (i + 1) * n; ++j) {
        const auto times = [&](std::uint64_t x) {
          return static_cast<std::uint64_t>(static_cast<unsigned __int128>(x) * w[j] %
                                            ring.prime(i));
        };
        sum.c0[j] = (sum.c0[j] + times(c.c0[j])) % ring.prime(i);
        sum.c1[j] = (sum.c1[j] + times(c.c1[j])) % ring.prime(i);
      }
  };
  for (std::uint64_t k = 0; k < terms; ++k)
    addTimes(encryptOnce({}), factor);
  addTimes(key, zeroFactor(ring, prg));
  Noise noise;
  Polynomial open(ring.words());
  for (unsigned i = 0; i < ring.primes(); ++i)
    for (std::size_t j = i * n; j < (i + 1) * n; ++j)
      open[j] = (sum.c0[j] + static_cast<std::uint64_t>(static_cast<unsigned __int128>(sum.c1[j]) *
                                                        secret[j] % ring.prime(i))) %
                ring.prime(i);
  ring.inverse(open);
  for (std::size_t j = 0; j < n; ++j) {
    const auto p = static_cast<std::int64_t>(ring.prime(0));
    const auto x = static_cast<std::int64_t>(open[j]);
    noise.product.push_back(static_cast<double>(x > p / 2 ? x - p : x));
  }
  ring.inverse(sum.c0);
  ring.inverse(sum.c1);
  std::vector<std::uint32_t> used(n);
  std::iota(used.begin(), used.end(), 0U);
  std::vector<std::uint8_t> wire((n * (2 * bits + budget.extraBits + kKeptBits)) / 8 + 8);
  BitWriter writer(wire);
  const Ring shares = reply(ring, std::move(sum), used, bits, budget, prg, writer);
  writer.flush();
  BitReader reader(wire);
  const std::vector<std::uint64_t> opened = openReply(ring, secret, used, bits, budget, reader);
  const unsigned wide = bits + budget.extraBits;
  for (std::size_t j = 0; j < n; ++j) {
    const std::uint64_t off = (opened[j] + (shares[j] << budget.extraBits)) & ringMask(wide);
    noise.reply.push_back(
        static_cast<double>(static_cast<std::int64_t>(off << (64 - wide)) >> (64 - wide)));
  }
  return noise;
}

double largest(const std::vector<double> &x) {
  double most = 0;
  for (const double value : x)
    most = std::max(most, std::abs(value));
  return most;
}

// Kolmogorov and Smirnov's distance between two samples.
double distance(std::vector<double> a, std::vector<double> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double most = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double at = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= at)
      ++i;
    while (j < b.size() && b[j] <= at)
      ++j;
    most = std::max(most, std::abs(static_cast<double>(i) / static_cast<double>(a.size()) -
                                   static_cast<double>(j) / static_cast<double>(b.size())));
  }
  return most;
}

} // namespace

TEST_CASE("noise stays within its budget with the worst weights", "[he][noise]") {
  std::mt19937_64 random(2);
  for (const auto &[id, bits, magnitude] :
       {std::tuple{3U, 24U, 10U}, {5U, 28U, 12U}, {9U, 40U, 12U}}) {
    const ParameterSet &set = parameterSet(id);
    constexpr std::uint64_t kTerms = 4;
    const Demand demand{bits, magnitude, kTerms * 256};
    const Budget budget = budgetFor(set, demand).value();
    for (const bool extreme : {true, false}) {
      std::vector<std::int64_t> weights(set.degree);
      for (std::size_t i = 0; i < 256; ++i)
        weights[i * (set.degree / 256)] =
            extreme ? -(std::int64_t{1} << magnitude)
                    : static_cast<std::int64_t>(random() >> (64 - magnitude));
      const Noise noise = noiseOf(set, bits, budget, weights, kTerms, 7 + extreme);
      const double bound = std::ldexp(budget.factor, static_cast<int>(budget.errorShift));
      INFO("set " << id << ": " << std::log2(largest(noise.product)) << " of " << std::log2(bound)
                  << " bits, reply " << largest(noise.reply) << " of "
                  << std::ldexp(1.0, static_cast<int>(budget.extraBits) - 1));
      CHECK(largest(noise.product) < bound);
      CHECK(largest(noise.reply) < std::ldexp(1.0, static_cast<int>(budget.extraBits) - 1));
      // The flooding is there: its standard deviation, in units of the reply, or what switching
      // adds to it.
      double square = 0;
      for (const double value : noise.reply)
        square += value * value / static_cast<double>(noise.reply.size());
      const double flood =
          std::ldexp(budget.factor, static_cast<int>(budget.floodShift + bits + budget.extraBits) -
                                        static_cast<int>(set.modulusBits()));
      const double dropped = std::ldexp(1.0, static_cast<int>(budget.extraBits - kKeptBits));
      const double variance = flood * flood / 3 + set.degree / 18.0 + dropped * dropped / 12;
      CHECK(std::sqrt(square) == Approx(std::sqrt(variance)).epsilon(0.1));
    }
  }
}

TEST_CASE("replies of different weights have the same noise", "[he][noise]") {
  const ParameterSet &set = parameterSet(5);
  const Budget budget = budgetFor(set, {28, 12, 4096}).value();
  const std::vector<std::int64_t> zeros(set.degree);
  const std::vector<std::int64_t> extreme(set.degree, -4096);
  std::vector<double> none, all, noneBefore, allBefore;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const Noise a = noiseOf(set, 28, budget, zeros, 1, 100 + seed);
    const Noise b = noiseOf(set, 28, budget, extreme, 1, 200 + seed);
    none.insert(none.end(), a.reply.begin(), a.reply.end());
    all.insert(all.end(), b.reply.begin(), b.reply.end());
    noneBefore.insert(noneBefore.end(), a.product.begin(), a.product.end());
    allBefore.insert(allBefore.end(), b.product.begin(), b.product.end());
  }
  // The distance that chance exceeds once in 10^4: 2.23 sqrt(2 / n).
  const double chance = 2.23 * std::sqrt(2.0 / static_cast<double>(none.size()));
  CHECK(distance(none, all) < chance);
  CHECK(distance(noneBefore, allBefore) > 4 * chance); // the test sees what is not flooded
}
