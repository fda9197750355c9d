// SPDX-License-Identifier: Apache-2.0
// Layers between two parties: exact results, costs, and what is refused.
#include "runtime/clear/linear.h"
#include "runtime/he/keys.h"
#include "runtime/he/linear_layer.h"
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

TEST_CASE("what cannot be computed is refused before a byte", "[he][error]") {
  TwoParty pair;
  Session &s = pair.server();
  const LinearSpec spec = conv(2, 2, {4, 4}, {1, 1}, {4, 4}, 28, 8);
  const std::vector<std::int64_t> weights(4, 1);
  CHECK_THROWS_WITH(s.run(linear(s, spec, {}, weights)), Catch::Contains("keys"));
  setUp(pair, {{31, 0}});
  CHECK_THROWS_WITH(s.run(linear(s, spec, {}, weights)), Catch::Contains("keys"));
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
