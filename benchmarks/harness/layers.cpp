// SPDX-License-Identifier: Apache-2.0
// See layers.h.
#include "benchmarks/harness/layers.h"

#include "runtime/clear/linear.h"
#include "runtime/he/keys.h"
#include "runtime/net/error.h"
#include "runtime/protocols/ring.h"
#include "runtime/tensor/linear.h"
#include "runtime/tensor/tensor_cost.h"

namespace dyad::bench {
namespace {

// Weights at a scale of 12 below 1, as networks have them.
constexpr clear::Format kWeightFormat{13, true};

Layer matrixProduct(std::string name, std::int64_t rows, std::int64_t inner, std::int64_t columns,
                    unsigned bits = 32) {
  Layer layer;
  layer.name = std::move(name);
  layer.bits = bits;
  layer.rows = rows;
  layer.inner = inner;
  layer.columns = columns;
  return layer;
}

Layer convolution(std::string name, std::int64_t channels, std::int64_t filters, std::int64_t size,
                  std::int64_t kernel, std::int64_t stride = 1) {
  Layer layer;
  layer.name = std::move(name);
  layer.input = {1, channels, size, size};
  layer.weight = {filters, channels, kernel, kernel};
  const std::int64_t pad = kernel / 2;
  layer.window.strides = {stride, stride};
  layer.window.pads = {pad, pad, pad, pad};
  return layer;
}

std::vector<Layer> allLayers() {
  return {
      matrixProduct("matmul-128x768x768", 128, 768, 768),
      matrixProduct("matmul-128x768x3072", 128, 768, 3072),
      matrixProduct("fc-2048x1000", 1, 2048, 1000),
      convolution("conv3x3-64-64-56", 64, 64, 56, 3),
      convolution("conv1x1-64-256-56", 64, 256, 56, 1),
      convolution("conv1x1-256-64-56", 256, 64, 56, 1),
      convolution("conv3x3-128-128-28", 128, 128, 28, 3),
      convolution("conv3x3-256-256-14", 256, 256, 14, 3),
      convolution("conv3x3-512-512-7", 512, 512, 7, 3),
      convolution("conv1x1-512-2048-7", 512, 2048, 7, 1),
      convolution("conv7x7s2-3-64-224", 3, 64, 224, 7, 2),
  };
}

clear::Shape inputShape(const Layer &layer) {
  return layer.isConvolution() ? layer.input : clear::Shape{layer.rows, layer.inner};
}
clear::Shape weightShape(const Layer &layer) {
  return layer.isConvolution() ? layer.weight : clear::Shape{layer.inner, layer.columns};
}

LinearProtocol protocolOf(bool packed) {
  return packed ? LinearProtocol::kHePacked : LinearProtocol::kHe;
}

Cost costOf(const Layer &layer, bool packed) {
  return layer.isConvolution() ? conv2dCost(layer.input, layer.weight, layer.window, layer.bits,
                                            kWeightFormat, protocolOf(packed))
                               : matmulCost(inputShape(layer), weightShape(layer), false,
                                            layer.bits, kWeightFormat, protocolOf(packed));
}

struct Numbers {
  Ring input;
  std::vector<std::int64_t> weights;
};

Numbers numbersOf(const Layer &layer) {
  Prg prg(TestSeed{7});
  Numbers numbers;
  numbers.input = prg.ring(static_cast<std::size_t>(clear::sizeOf(inputShape(layer))), layer.bits);
  const Ring weights =
      prg.ring(static_cast<std::size_t>(clear::sizeOf(weightShape(layer))), kWeightFormat.bits);
  for (const std::uint64_t weight : weights)
    numbers.weights.push_back(static_cast<std::int64_t>(weight << (64 - kWeightFormat.bits)) >>
                              (64 - kWeightFormat.bits));
  return numbers;
}

Ring shareOf(const Layer &layer, const Ring &input, Role role) {
  Prg prg(TestSeed{8});
  Ring server = prg.ring(input.size(), layer.bits);
  return role == Role::kServer ? server : subtracted(input, server, layer.bits);
}

// Modulo 2^64, of which the ring is a part.
Ring productInTheClear(const Layer &layer, const Ring &values,
                       const std::vector<std::int64_t> &weights) {
  const clear::Tensor<std::uint64_t> input{inputShape(layer), values};
  const clear::Tensor<std::uint64_t> weight{weightShape(layer), {weights.begin(), weights.end()}};
  return layer.isConvolution()
             ? clear::conv2d<std::uint64_t>(input, weight, nullptr, layer.window).data
             : clear::matmul(input, weight).data;
}

Task<Ring> layerTask(Session &session, const Layer &layer, bool packed, Share input,
                     const Plain &weight) {
  Share result =
      layer.isConvolution()
          ? co_await conv2d(session, std::move(input), weight, nullptr, layer.window, kWeightFormat,
                            protocolOf(packed))
          : co_await matmul(session, std::move(input), weight, kWeightFormat, protocolOf(packed));
  co_return std::move(result.values);
}

} // namespace

const std::vector<Layer> &layers() {
  static const std::vector<Layer> kAll = allLayers();
  return kAll;
}

std::optional<LayerPlan> planOf(const Layer &layer, bool packed) {
  const he::LinearSpec spec =
      layer.isConvolution()
          ? heConvSpec(layer.input, layer.weight, layer.window, layer.bits, kWeightFormat, packed)
          : heMatmulSpec(inputShape(layer), weightShape(layer), false, layer.bits, kWeightFormat,
                         packed);
  const std::optional<he::LinearPlan> plan = he::planFor(spec);
  if (!plan)
    return std::nullopt;
  return LayerPlan{spec, *plan};
}

TwoReports runLayer(const Layer &layer, const LayerPlan &plan, const RunOptions &options) {
  TwoReports reports = runTwoProcesses(options, [&](Session &session) {
    const Numbers numbers = numbersOf(layer);
    const bool packed = plan.spec.packed;
    const Share input{inputShape(layer), layer.bits, shareOf(layer, numbers.input, session.role())};
    Plain weight{weightShape(layer), Owner::kServer, {}};
    if (session.isServer())
      weight.values = numbers.weights;
    Work work;
    work.cost = costOf(layer, packed);
    work.keys = [&](Session &party) { return he::setup(party, {plan.plan.keys()}); };
    work.run = [&](Session &party) { return layerTask(party, layer, packed, input, weight); };
    work.measureStock = false;
    return measure(session, work, options.seconds);
  });
  const Numbers numbers = numbersOf(layer);
  const Ring got = added(reports.server.result, reports.client.result, layer.bits);
  DYAD_REQUIRE(got == reduced(productInTheClear(layer, numbers.input, numbers.weights), layer.bits),
               kProtocol, "{}: the result is wrong", layer.name);
  return reports;
}

} // namespace dyad::bench
