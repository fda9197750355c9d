// SPDX-License-Identifier: Apache-2.0
// Encodings in the clear: products of the polynomials of arbitrary plans hold the layer's results,
// whatever stands where uploads are cut off. And packing against its definition.
#include "runtime/he/encoding.h"
#include "runtime/he/packing.h"
#include "runtime/he/sampler.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <bit>
#include <random>

using namespace dyad;
using namespace dyad::he;

namespace {

using Words = std::vector<std::uint64_t>;

std::uint64_t ceilDiv(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

/// A plan for a degree of 4096, or of 8192 where it packs.
LinearPlan planOf(const LinearSpec &spec, std::array<std::uint64_t, 2> tile, std::uint64_t channels,
                  std::uint64_t filters, unsigned packing) {
  const PhaseAxis rows = phaseAxis(spec.kernel[0], spec.strides[0], spec.dilations[0]);
  const PhaseAxis columns = phaseAxis(spec.kernel[1], spec.strides[1], spec.dilations[1]);
  LinearPlan plan;
  plan.set = packing == 0 ? 0 : 33;
  plan.phases = rows.phases.size() * columns.phases.size();
  plan.channelsAtOnce = channels;
  plan.filtersAtOnce = filters;
  plan.packing = packing;
  plan.tile = tile;
  plan.window = {tile[0] + rows.extent - 1, tile[1] + columns.extent - 1};
  plan.tiles = {ceilDiv(spec.output[0], tile[0]), ceilDiv(spec.output[1], tile[1])};
  plan.shared = sharedPadding(spec, plan);
  plan.inputs = ceilDiv(spec.channels * plan.phases, channels);
  plan.outputs = ceilDiv(spec.filters, filters);
  return plan;
}

// The convolution, modulo 2^64.
std::uint64_t resultAt(const LinearSpec &spec, const Words &values,
                       const std::vector<std::int64_t> &weights, std::uint64_t element) {
  const std::uint64_t column = element % spec.output[1];
  const std::uint64_t row = element / spec.output[1] % spec.output[0];
  const std::uint64_t filter = element / spec.output[1] / spec.output[0];
  std::uint64_t sum = 0;
  for (std::uint64_t c = 0; c < spec.channels; ++c)
    for (std::uint64_t p = 0; p < spec.kernel[0]; ++p)
      for (std::uint64_t r = 0; r < spec.kernel[1]; ++r) {
        const std::uint64_t i = row * spec.strides[0] + p * spec.dilations[0] - spec.pads[0];
        const std::uint64_t j = column * spec.strides[1] + r * spec.dilations[1] - spec.pads[1];
        if (i < spec.input[0] && j < spec.input[1])
          sum += values[(c * spec.input[0] + i) * spec.input[1] + j] *
                 static_cast<std::uint64_t>(
                     weights[((filter * spec.channels + c) * spec.kernel[0] + p) * spec.kernel[1] +
                             r]);
      }
  return sum;
}

// The coefficient of a product modulo X^n + 1 of an image with a sparse polynomial.
std::uint64_t coefficient(const Words &image,
                          const std::vector<std::pair<std::uint64_t, std::int64_t>> &kernel,
                          std::uint64_t at) {
  std::uint64_t sum = 0;
  for (const auto &[power, weight] : kernel) {
    const std::uint64_t term =
        image[(at + image.size() - power) % image.size()] * static_cast<std::uint64_t>(weight);
    sum += power <= at ? term : -term;
  }
  return sum;
}

void checkPlan(const LinearSpec &spec, const LinearPlan &plan, std::mt19937_64 &random) {
  const std::size_t degree = parameterSet(plan.set).degree;
  REQUIRE(plan.size() <= degree);
  Words values(spec.channels * spec.input[0] * spec.input[1]);
  std::generate(values.begin(), values.end(), std::ref(random));
  std::vector<std::int64_t> weights(spec.filters * spec.channels * spec.kernel[0] * spec.kernel[1]);
  for (std::int64_t &w : weights)
    w = static_cast<std::int64_t>(random());
  const Encoding encoding(spec, plan);
  const std::uint64_t step = plan.packing == 0 ? 1 : plan.channelsAtOnce;
  std::size_t results = 0, wrong = 0, tooLong = 0, notAll = 0;
  for (const Position &position : encoding.positionsOf(0)) {
    std::vector<Words> images;
    for (std::uint64_t input = 0; input < plan.inputs; ++input) {
      Words image = encoding.image(values, position, input);
      image.resize(degree);
      if (plan.truncated()) {
        Words cut(degree); // anything where nothing is sent
        std::generate(cut.begin(), cut.end(), std::ref(random));
        const std::vector<std::uint32_t> sent = encoding.sent(input);
        notAll += sent.size() != plan.sentCoefficients(spec, input);
        for (const std::uint32_t at : sent)
          cut[at] = image[at];
        image = std::move(cut);
      }
      images.push_back(std::move(image));
    }
    for (std::uint64_t reply = 0; reply < plan.replies(); ++reply) {
      const Encoding::Results found = encoding.results(position, reply);
      for (std::size_t k = 0; k < found.elements.size(); ++k) {
        // Where it stood before packing, and in which product.
        const std::uint64_t filter =
            found.elements[k] / (spec.output[0] * spec.output[1]) % spec.filters;
        const std::uint64_t product = filter / plan.filtersAtOnce;
        const std::uint64_t place = product % plan.productsPerReply() * (step >> plan.packing);
        std::uint64_t sum = 0;
        for (std::uint64_t input = 0; input < plan.inputs; ++input) {
          std::vector<std::pair<std::uint64_t, std::int64_t>> kernel;
          encoding.kernel(weights, 0, input, product, [&](std::uint64_t at, std::int64_t w) {
            kernel.emplace_back(at, w);
            tooLong += at >= encoding.kernelSize();
          });
          sum += coefficient(images[input], kernel, found.coefficients[k] - place + step - 1);
        }
        ++results;
        wrong += sum != resultAt(spec, values, weights, found.elements[k]);
        wrong += (found.coefficients[k] - place) % step != 0;
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(tooLong == 0);
  CHECK(notAll == 0);
  CHECK(results == spec.filters * spec.output[0] * spec.output[1]);
}

} // namespace

TEST_CASE("results stand where encodings say, and cut off uploads do not touch them",
          "[he][encoding]") {
  std::mt19937_64 random(1);
  LinearSpec spec;
  spec.channels = 7;
  spec.filters = 5;
  spec.input = {11, 9};
  spec.kernel = {3, 2};
  spec.strides = {2, 1};
  spec.dilations = {1, 2};
  spec.pads = {1, 1};
  spec.output = {6, 9};
  for (const auto &tile : {std::array<std::uint64_t, 2>{6, 9}, {4, 5}, {1, 1}})
    for (const auto &[channels, filters, packing] : {std::tuple{4U, 1U, 0U},
                                                     {14U, 1U, 0U},
                                                     {3U, 2U, 0U},
                                                     {4U, 1U, 2U},
                                                     {16U, 1U, 3U},
                                                     {8U, 2U, 2U},
                                                     {2U, 3U, 1U}})
      checkPlan(spec, planOf(spec, tile, channels, filters, packing), random);
  LinearSpec pointwise;
  pointwise.channels = 5;
  pointwise.filters = 9;
  pointwise.input = pointwise.output = {6, 6};
  for (const auto &[channels, filters, packing] :
       {std::tuple{1U, 1U, 0U}, {5U, 4U, 0U}, {4U, 1U, 2U}, {8U, 3U, 2U}, {2U, 1U, 1U}})
    checkPlan(pointwise, planOf(pointwise, {6, 5}, channels, filters, packing), random);
}

TEST_CASE("padding between rows and between channels is encoded once", "[he][encoding]") {
  std::mt19937_64 random(5);
  struct Case {
    std::array<std::uint64_t, 2> input, kernel, strides, pads, dilations, output, tile, shared;
  };
  const Case cases[] = {
      {{6, 5}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {6, 5}, {6, 5}, {1, 1}},
      // Rows in tiles; padding at one end only; less padding at the end.
      {{6, 5}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {6, 5}, {3, 5}, {0, 1}},
      {{6, 5}, {3, 3}, {1, 1}, {0, 0}, {1, 1}, {6, 5}, {6, 5}, {0, 0}},
      {{7, 6}, {5, 5}, {1, 1}, {2, 2}, {1, 1}, {6, 6}, {6, 6}, {1, 2}},
      // A kernel wider than the image: a row of it has to fit into a row.
      {{2, 1}, {5, 3}, {1, 1}, {2, 1}, {1, 1}, {2, 1}, {2, 1}, {1, 0}},
      // Phases: the second of a stride of two has no padding at the start but with two of it.
      {{8, 8}, {3, 5}, {2, 2}, {1, 2}, {1, 1}, {4, 4}, {4, 4}, {0, 1}},
      {{6, 9}, {3, 2}, {1, 1}, {2, 3}, {2, 3}, {6, 12}, {6, 12}, {2, 3}},
  };
  for (const Case &c : cases) {
    LinearSpec spec;
    spec.channels = 7;
    spec.filters = 5;
    spec.input = c.input;
    spec.kernel = c.kernel;
    spec.strides = c.strides;
    spec.pads = c.pads;
    spec.dilations = c.dilations;
    spec.output = c.output;
    for (const auto &[channels, filters, packing] : {std::tuple{4U, 1U, 0U},
                                                     {5U, 1U, 0U},
                                                     {3U, 3U, 0U},
                                                     {4U, 1U, 2U},
                                                     {8U, 1U, 3U},
                                                     {4U, 2U, 1U}}) {
      const LinearPlan plan = planOf(spec, c.tile, channels, filters, packing);
      CHECK(plan.shared == c.shared);
      checkPlan(spec, plan, random);
    }
  }
  // Up to the last coefficient: 4096 = 63 63 + 63 + 64.
  LinearSpec large;
  large.channels = large.filters = 1;
  large.kernel = {3, 3};
  large.pads = {1, 1};
  large.input = large.output = {62, 62};
  const LinearPlan plan = planOf(large, large.output, 1, 1, 0);
  CHECK(plan.size() == 63 * 63 + 63 + 1);
  checkPlan(large, plan, random);
}

// Packing of phases known in the clear: c1 of zero makes c0 the phase, and keys of zero switch it
// to itself.
TEST_CASE("packing brings sparse coefficients side by side and the rest to nothing",
          "[he][packing]") {
  std::mt19937_64 random(2);
  for (const unsigned set : {32U, 33U, 34U}) {
    const RingContext &ring = RingContext::of(parameterSet(set));
    const std::size_t n = ring.degree();
    constexpr unsigned kLog = 3, kLevels = 3; // products of multiples of 8
    GaloisKeys keys;
    for (unsigned step = 0; step < kLog; ++step)
      keys.emplace(step, makeGaloisKey(ring, step, Polynomial(ring.allPrimes() * n),
                                       Polynomial(ring.allPrimes() * n)));
    const Packer packer(ring, keys);
    Packer::Scratch scratch(ring);
    for (const std::size_t count : {std::size_t{8}, std::size_t{5}, std::size_t{1}}) {
      std::vector<std::vector<std::int64_t>> numbers(count, std::vector<std::int64_t>(n));
      std::vector<Ciphertext> nodes;
      for (auto &of : numbers) {
        for (std::int64_t &x : of)
          x = static_cast<std::int64_t>(random() >> 44) - (1 << 19);
        nodes.push_back({ring.fromSigned(of), Polynomial(ring.words())});
        ring.forward(nodes.back().c0);
        packer.prepare(nodes.back(), kLevels, 7);
      }
      for (unsigned level = kLevels; level-- > 0;)
        for (std::size_t i = 0; i < std::size_t{1} << level && i < nodes.size(); ++i) {
          const std::size_t other = i + (std::size_t{1} << level);
          packer.merge(nodes[i], other < nodes.size() ? &nodes[other] : nullptr, level, scratch);
        }
      packer.finish(nodes[0], scratch);
      ring.inverse(nodes[0].c0);
      std::size_t wrong = 0;
      for (std::size_t product = 0; product < count; ++product)
        for (std::size_t at = 0; at + 7 < n; at += 8) {
          const std::int64_t x = numbers[product][at + 7];
          for (unsigned i = 0; i < ring.primes(); ++i) {
            const std::uint64_t expected = x < 0 ? ring.prime(i) - static_cast<std::uint64_t>(-x)
                                                 : static_cast<std::uint64_t>(x);
            wrong += nodes[0].c0[i * n + at + product] != expected;
          }
        }
      CHECK(wrong == 0);
      CHECK(std::all_of(nodes[0].c1.begin(), nodes[0].c1.end(), [](auto x) { return x == 0; }));
    }
  }
}

TEST_CASE("base conversion takes the representative nearest to zero", "[he][packing]") {
  Prg prg(TestSeed{3});
  const RingContext &ring = RingContext::of(parameterSet(33));
  const std::size_t n = ring.degree();
  // Numbers of 60 bits either way, as residues times p_i / q modulo p_i; converted to the special
  // primes.
  const Words numbers = prg.ring(n, 61);
  Polynomial x(ring.words());
  for (unsigned i = 0; i < ring.primes(); ++i) {
    const std::uint64_t p = ring.prime(i);
    std::uint64_t cofactor = 1;
    for (unsigned j = 0; j < ring.primes(); ++j)
      if (j != i)
        cofactor = times(cofactor, factorFor(ring.prime(j), p), p);
    const Factor inverse = factorFor(powerModulo(cofactor, p - 2, p), p);
    for (std::size_t j = 0; j < n; ++j) {
      const std::int64_t number = static_cast<std::int64_t>(numbers[j]) - (std::int64_t{1} << 60);
      const auto residue = static_cast<std::uint64_t>(number % static_cast<std::int64_t>(p) +
                                                      static_cast<std::int64_t>(p));
      x[i * n + j] = times(residue, inverse, p);
    }
  }
  const std::vector<std::uint64_t> ones(ring.set().specials, 1);
  const BaseConversion convert(ring, 0, ring.primes(), ring.primes(), ones);
  Polynomial out(ring.set().specials * n);
  Sum sum(n);
  Words memory(n);
  convert(x.data(), out.data(), sum, memory);
  std::size_t wrong = 0;
  for (unsigned k = 0; k < ring.set().specials; ++k) {
    const auto p = static_cast<std::int64_t>(ring.prime(ring.primes() + k));
    for (std::size_t j = 0; j < n; ++j) {
      const std::int64_t number = static_cast<std::int64_t>(numbers[j]) - (std::int64_t{1} << 60);
      wrong += out[k * n + j] != static_cast<std::uint64_t>((number % p + p) % p);
    }
  }
  CHECK(wrong == 0);
}
