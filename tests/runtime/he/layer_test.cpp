// SPDX-License-Identifier: Apache-2.0
// Layers between two parties: exact results, costs, and what is refused.
#include "runtime/clear/linear.h"
#include "runtime/he/keys.h"
#include "runtime/he/linear_layer.h"
#include "runtime/he/packing.h"
#include "runtime/he/sampler.h"
#include "runtime/parallel/thread_pool.h"
#include "runtime/protocols/ring.h"
#include "tests/runtime/two_party.h"

#include <catch2/catch.hpp>

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

void setUp(TwoParty &pair, std::vector<KeyNeed> needs) {
  const auto party = [&](Session &s) {
    s.run(setup(s, needs));
    return 0;
  };
  pair.run(party, party);
}
void setUpFor(TwoParty &pair, const std::vector<LinearSpec> &specs) {
  std::vector<KeyNeed> needs;
  for (const LinearSpec &spec : specs)
    needs.push_back(planFor(spec).value().keys());
  setUp(pair, merged(needs));
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
  const std::vector<KeyNeed> needs{{0, 0}, {5, 0}, {33, 0b101}, {34, 0b10}};
  setUp(pair, needs);
  CHECK(pair.matches(keyCost(needs)));
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
  for (std::size_t i = 0, count = specs.size(); i < count; ++i) {
    specs.push_back(specs[i]);
    specs.back().packed = true;
  }
  TwoParty pair;
  setUpFor(pair, specs);
  for (std::size_t i = 0; i < specs.size(); ++i)
    for (const Operands operands : {Operands::kRandom, Operands::kExtreme}) {
      INFO("layer " << i << ", packing " << planFor(specs[i])->packing);
      const Layer one = layer(specs[i], operands, random);
      const Ring result = run(pair, one);
      CHECK(result == inTheClear(one));
      CHECK(pair.matches(linearCost(specs[i])));
    }
}

namespace {

// Layers whose best plans pack, in all ways: channels and filters that fill no power of two,
// several filters a product or one, groups of fewer levels than channels, several replies and
// tiles.
std::vector<LinearSpec> packedSpecs() {
  std::vector<LinearSpec> specs;
  const auto add = [&](const LinearSpec &spec) -> LinearSpec & {
    specs.push_back(spec);
    specs.back().packed = true;
    return specs.back();
  };
  add(conv(20, 70, {7, 7}, {1, 1}, {7, 7}, 28, 10));
  add(conv(100, 37, {7, 6}, {3, 3}, {7, 6}, 28, 12)).pads = {1, 1};
  LinearSpec &strided = add(conv(40, 45, {13, 15}, {3, 3}, {7, 8}, 30, 10));
  strided.strides = {2, 2};
  strided.pads = {1, 1};
  add(conv(30, 90, {14, 14}, {1, 1}, {7, 7}, 24, 9)).strides = {2, 2};
  LinearSpec &dilated = add(conv(20, 33, {12, 11}, {3, 2}, {8, 3}, 20, 11));
  dilated.strides = {1, 3};
  dilated.dilations = {2, 2};
  LinearSpec &grouped = add(conv(12, 40, {9, 9}, {3, 3}, {7, 7}, 28, 12));
  grouped.groups = 2;
  grouped.images = 2;
  add(conv(200, 30, {20, 1}, {1, 1}, {20, 1}, 31, 13));
  add(conv(768, 12, {5, 1}, {1, 1}, {5, 1}, 32, 13));
  add(conv(24, 50, {28, 28}, {1, 1}, {28, 28}, 29, 13));
  add(conv(16, 300, {3, 3}, {3, 3}, {1, 1}, 25, 6));
  add(conv(600, 500, {1, 1}, {1, 1}, {1, 1}, 30, 12)).weightSigned = false;
  add(conv(10, 20, {40, 40}, {3, 3}, {40, 40}, 28, 10)).pads = {1, 1};
  add(conv(64, 64, {7, 7}, {3, 3}, {7, 7}, 30, 13)).pads = {1, 1};
  return specs;
}

} // namespace

TEST_CASE("packed replies are exact and cost what the formula says", "[he][layer][packing]") {
  std::mt19937_64 random(2);
  const std::vector<LinearSpec> specs = packedSpecs();
  TwoParty pair;
  setUpFor(pair, specs);
  for (std::size_t i = 0; i < specs.size(); ++i)
    for (const Operands operands : {Operands::kRandom, Operands::kExtreme}) {
      INFO("layer " << i);
      REQUIRE(planFor(specs[i])->packing > 0);
      const Layer one = layer(specs[i], operands, random);
      const Ring result = run(pair, one);
      CHECK(result == inTheClear(one));
      CHECK(pair.matches(linearCost(specs[i])));
    }
}

TEST_CASE("any number of threads sends the same bytes", "[he][layer][threads]") {
  std::vector<LinearSpec> specs{conv(9, 21, {20, 20}, {3, 3}, {20, 20}, 28, 10),
                                conv(100, 37, {7, 6}, {3, 3}, {7, 6}, 28, 12),
                                conv(30, 300, {9, 1}, {1, 1}, {9, 1}, 24, 8)};
  for (LinearSpec &spec : specs)
    spec.packed = true;
  specs[0].pads = specs[1].pads = {1, 1};
  specs[2].packed = false;
  std::string expected;
  for (const unsigned threads : {1U, 2U, 4U}) {
    std::mt19937_64 random(3);
    TwoParty pair;
    setUpFor(pair, specs);
    for (const LinearSpec &spec : specs) {
      const Layer one = layer(spec, Operands::kRandom, random);
      const auto party = [&](Session &s) {
        ThreadPool pool(threads);
        const UsePool use(pool);
        return s.run(s.isServer() ? linear(s, spec, {}, one.weights)
                                  : linear(s, spec, one.values, {}));
      };
      const auto [server, client] = pair.run(party, party);
      CHECK(added(server, client, spec.bits) == inTheClear(one));
    }
    if (threads == 1)
      expected = pair.wireHash();
    CHECK(pair.wireHash() == expected);
  }
}

TEST_CASE("what cannot be computed is refused before a byte", "[he][error]") {
  TwoParty pair;
  Session &s = pair.server();
  const LinearSpec spec = conv(2, 2, {4, 4}, {1, 1}, {4, 4}, 28, 8);
  const std::vector<std::int64_t> weights(4, 1);
  CHECK_THROWS_WITH(s.run(linear(s, spec, {}, weights)), Catch::Contains("keys"));
  setUp(pair, {{31, 0}});
  CHECK_THROWS_WITH(s.run(linear(s, spec, {}, weights)), Catch::Contains("keys"));
  LinearSpec packed = packedSpecs().front();
  setUp(pair, {{planFor(packed)->set, 0}}); // but no Galois keys
  const std::vector<std::int64_t> many(packed.filters * packed.channels);
  CHECK_THROWS_WITH(s.run(linear(s, packed, {}, many)), Catch::Contains("packed"));
  LinearSpec wide = spec;
  wide.bits = 60;
  CHECK_THROWS_WITH(s.run(linear(s, wide, {}, weights)), Catch::Contains("2^60"));
  setUpFor(pair, {spec});
  const auto sent = s.flows().traffic().bytesSent;
  CHECK_THROWS_AS(s.run(linear(s, spec, {}, std::span(weights).first(3))), Error);
  CHECK(s.flows().traffic().bytesSent == sent);
  LinearSpec nothing = spec;
  nothing.images = 0;
  CHECK(s.run(linear(s, nothing, {}, weights)).empty());
}

TEST_CASE("key switching adds the noise that budgets count", "[he][packing][noise]") {
  for (const unsigned set : {32U, 33U, 34U}) {
    TwoParty pair;
    constexpr unsigned kLevels = 4;
    const KeyNeed need{set, (1U << kLevels) - 1};
    setUp(pair, {need});
    const KeyHalf &server = pair.server().heKeys()->of(need);
    const Polynomial &secret = pair.client().heKeys()->of(need).secret;
    const RingContext &ring = RingContext::of(parameterSet(set));
    const std::size_t n = ring.degree();
    Prg prg(TestSeed{set});
    const Packer packer(ring, server.galois);
    Packer::Scratch scratch(ring);
    // Ciphertexts of zero without noise: what is left is that of the keys.
    std::vector<Ciphertext> nodes;
    for (unsigned i = 0; i < 1U << kLevels; ++i) {
      Ciphertext zero{Polynomial(ring.words()), uniform(prg, ring)};
      for (std::size_t j = 0; j < ring.words(); ++j) {
        const std::uint64_t p = ring.prime(static_cast<unsigned>(j / n));
        zero.c0[j] = p - static_cast<std::uint64_t>(static_cast<unsigned __int128>(zero.c1[j]) *
                                                    secret[j] % p);
        zero.c0[j] = belowModulus(zero.c0[j], p);
      }
      packer.prepare(zero, kLevels, 0);
      nodes.push_back(std::move(zero));
    }
    for (unsigned level = kLevels; level-- > 0;)
      for (std::size_t i = 0; i < std::size_t{1} << level; ++i)
        packer.merge(nodes[i], &nodes[i + (std::size_t{1} << level)], level, scratch);
    packer.finish(nodes[0], scratch);
    Polynomial phase(n); // modulo the first prime, far above it
    const std::uint64_t p = ring.prime(0);
    for (std::size_t j = 0; j < n; ++j)
      phase[j] =
          (nodes[0].c0[j] + static_cast<std::uint64_t>(
                                static_cast<unsigned __int128>(nodes[0].c1[j]) * secret[j] % p)) %
          p;
    ring.inverse(phase);
    double most = 0, square = 0;
    for (const std::uint64_t x : phase) {
      const double noise = centred(x, p);
      most = std::max(most, std::abs(noise));
      square += noise * noise / static_cast<double>(n);
    }
    // What the budget counts for it: digits at their extremes, q / 2, instead of uniform, of a
    // third of that variance.
    const double ratio = std::ldexp(1.0, static_cast<int>(ring.set().modulusBits()) -
                                             static_cast<int>(ring.set().specialModulusBits()));
    const double counted = (std::pow(4.0, kLevels) - 1) / 3 * static_cast<double>(n) *
                           (10.5 / 4 * std::max(ratio * ratio, 1.0) + 1.0 / 6);
    INFO("set " << set << ": " << std::sqrt(square) << " of " << std::sqrt(counted));
    CHECK(square < counted);
    CHECK(square > counted / 6);
    CHECK(most < 8 * std::sqrt(counted));
  }
}
