// SPDX-License-Identifier: Apache-2.0
// See measure.h.
#include "runtime/calibrate/measure.h"

#include "runtime/functions/lookup.h"
#include "runtime/he/keys.h"
#include "runtime/net/task.h"
#include "runtime/ot/work_cost.h"
#include "runtime/protocols/multiplication.h"
#include "runtime/protocols/nonlinear.h"
#include "runtime/protocols/selection.h"
#include "runtime/protocols/truncation.h"
#include "runtime/tensor/linear.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <limits>
#include <utility>
#include <vector>

namespace dyad {
namespace {

using P = MachineProfile;

double cpuSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// This party's number and the peer's.
Task<std::pair<double, double>> exchanged(Session &session, double mine) {
  std::array<std::uint8_t, sizeof(double)> bytes{};
  std::memcpy(bytes.data(), &mine, bytes.size());
  session.flows().send(bytes);
  const std::span<const std::uint8_t> received = co_await session.flows().tick(bytes.size());
  double theirs = 0;
  std::memcpy(&theirs, received.data(), sizeof(theirs));
  co_return std::pair(mine, theirs);
}

// Seconds of one core while both work at once, or of both while one waits for the other.
enum class Parties { kTogether, kInTurn };

/// A protocol by OT on n elements.
struct OtCase {
  const char *name;
  WorkKind kind;
  std::uint64_t elements;
  std::function<Cost(std::uint64_t)> cost;
  std::function<Task<Ring>(Session &, std::uint64_t)> run;
};

constexpr unsigned kBits = 32;
constexpr unsigned kNarrow = 20;
constexpr unsigned kShift = 12;
constexpr unsigned kIndexBits = 6;

Ring numbers(std::uint64_t count, unsigned bits) {
  Prg prg(TestSeed{count});
  return prg.ring(count, bits);
}

BitVec someBits(std::uint64_t count) {
  const Ring ring = numbers(count, 1);
  BitVec bits(count);
  for (std::size_t i = 0; i < count; ++i)
    bits.set(i, ring[i] != 0);
  return bits;
}

LookupTable someTable() {
  LookupTable table{{kIndexBits, {{kBits}}}, {}};
  table.values = numbers(table.shape.entries(), kBits);
  return table;
}

Task<Ring> lookupTask(Session &session, std::uint64_t n) {
  LookupResult result = co_await lookup(session, someTable(), numbers(n, kIndexBits));
  co_return std::move(result.values[0]);
}

std::vector<OtCase> otCases(bool quick) {
  const std::uint64_t n = quick ? 1 << 11 : 1 << 14;
  const auto ring = [](std::uint64_t count) { return numbers(count, kBits); };
  return {
      {"ReLU", WorkKind::kComparison, n, [](auto k) { return reluCost(k, kBits); },
       [=](Session &s, auto k) { return relu(s, ring(k), kBits); }},
      {"ReLU of few", WorkKind::kComparison, 16, [](auto k) { return reluCost(k, kBits); },
       [=](Session &s, auto k) { return relu(s, ring(k), kBits); }},
      {"truncation", WorkKind::kComparison, n,
       [](auto k) { return truncateReduceCost(k, kBits, kShift); },
       [=](Session &s, auto k) {
         return truncateReduce(s, ring(k), kBits, kShift, Rounding::kFloor);
       }},
      {"extension", WorkKind::kComparison, n,
       [](auto k) { return extendSignedCost(k, kNarrow, kBits, SignFact::kUnknown); },
       [](Session &s, auto k) {
         return extendSigned(s, numbers(k, kNarrow), kNarrow, kBits, SignFact::kUnknown);
       }},
      {"multiplexer", WorkKind::kProduct, 4 * n, [](auto k) { return multiplexCost(k, {kBits}); },
       [=](Session &s, auto k) { return multiplex(s, someBits(k), ring(k), kBits); }},
      {"conversion of bits", WorkKind::kProduct, 4 * n,
       [](auto k) { return bitToRingCost(k, kBits); },
       [](Session &s, auto k) { return bitToRing(s, someBits(k), kBits); }},
      {"product", WorkKind::kProduct, n, [](auto k) { return productCost(k, kBits); },
       [=](Session &s, auto k) { return product(s, ring(k), ring(k), kBits); }},
      {"product of few", WorkKind::kProduct, 16, [](auto k) { return productCost(k, kBits); },
       [=](Session &s, auto k) { return product(s, ring(k), ring(k), kBits); }},
      {"look-up", WorkKind::kFunction, n, [](auto k) { return lookupCost(k, someTable().shape); },
       lookupTask},
  };
}

/// A layer by RLWE, of 32-bit shares and 13-bit weights.
struct HeCase {
  const char *name;
  clear::Shape input;
  clear::Shape weight;
  std::int64_t pad = 0;
  bool packed = false;

  clear::ConvWindow window() const {
    const std::vector<std::int64_t> ones{1, 1};
    const std::vector<std::int64_t> pads{pad, pad, pad, pad};
    return clear::ConvWindow::of(ones, pads, ones, 1);
  }
  LinearProtocol protocol() const {
    return packed ? LinearProtocol::kHePacked : LinearProtocol::kHe;
  }
  static constexpr clear::Format kWeight{.bits = 13, .isSigned = true};
  he::LinearSpec spec() const {
    return heConvSpec(input, weight, window(), kBits, kWeight, packed);
  }
};

std::vector<HeCase> heCases(bool quick) {
  if (quick)
    return {{"convolution of few", {1, 16, 8, 8}, {16, 16, 3, 3}, 1}};
  return {
      {"3x3 convolution", {1, 64, 28, 28}, {64, 64, 3, 3}, 1},
      {"3x3 convolution, few channels", {1, 16, 32, 32}, {16, 16, 3, 3}, 1},
      {"3x3 convolution, small image", {1, 128, 7, 7}, {128, 128, 3, 3}, 1},
      {"1x1 convolution, many results", {1, 32, 56, 56}, {128, 32, 1, 1}},
      {"1x1 convolution, many inputs", {1, 256, 28, 28}, {64, 256, 1, 1}},
      {"1x1 convolution, many products", {1, 256, 14, 14}, {512, 256, 1, 1}},
      {"dense layer", {1, 512, 1, 1}, {256, 512, 1, 1}},
      {"small convolution", {1, 8, 12, 12}, {16, 8, 3, 3}, 1},
      {"packed 3x3 convolution", {1, 128, 14, 14}, {128, 128, 3, 3}, 1, true},
      {"packed dense layer", {1, 512, 1, 1}, {256, 512, 1, 1}, 0, true},
  };
}

Task<Ring> layerTask(Session &session, const HeCase &layer, const Plain &weight) {
  Share input{layer.input, kBits,
              numbers(static_cast<std::uint64_t>(clear::sizeOf(layer.input)), kBits)};
  Share result = co_await conv2d(session, std::move(input), weight, nullptr, layer.window(),
                                 HeCase::kWeight, layer.protocol());
  co_return std::move(result.values);
}

/// The measurements of one session, one after another.
class Calibration {
public:
  Calibration(Session &session, const CalibrationOptions &options)
      : session_(session), options_(options), repetitions_(options.quick ? 2 : 5),
        ots_(otCases(options.quick)), layers_(heCases(options.quick)),
        steps_(2 + ots_.size() + layers_.size()) {}

  MachineProfile run() {
    MachineProfile profile;
    profile.flow = picoseconds(measureHandOver(options_.quick ? 100 : 1000));
    measureStock(profile);
    measureProtocols(profile);
    measureLayers(profile);
    return profile;
  }

private:
  static std::uint64_t picoseconds(double seconds) {
    return std::min(kMaxPicoseconds, static_cast<std::uint64_t>(std::max(0.0, seconds) * 1e12));
  }

  void step(const std::string &what) {
    if (options_.progress)
      options_.progress(what, static_cast<double>(done_) / static_cast<double>(steps_));
    ++done_;
  }

  template <typename Body> double timed(Body &&body, Parties parties) {
    const double begin = cpuSeconds();
    body();
    const auto [mine, theirs] = session_.run(exchanged(session_, cpuSeconds() - begin));
    return parties == Parties::kTogether ? std::max(mine, theirs) : mine + theirs;
  }

  void takeAll() {
    constexpr std::uint64_t kTaken = std::uint64_t{1} << 18;
    CotStock &stock = session_.stock();
    while (stock.serverCotsLeft() != 0) {
      const std::uint64_t some = std::min(stock.serverCotsLeft(), kTaken);
      if (session_.isServer())
        stock.takeSent(some);
      else
        stock.takeReceived(some);
    }
  }

  double timedSetup(const StockOptions &options) {
    return timed([&] { session_.run(session_.stock().setup(options)); }, Parties::kTogether);
  }

  double timedFilling(std::uint64_t cots) {
    return timed([&] { session_.run(session_.stock().prepare(cots, 0)); }, Parties::kTogether);
  }

  // Base OTs twice: each extension begins with its own.
  void measureStock(MachineProfile &profile) {
    constexpr unsigned kRepetitions = 2;
    step("base OTs, SoftSpoken");
    double setup = timedSetup(SoftSpokenParameters{8});
    const std::uint64_t some = options_.quick ? 1 << 14 : 1 << 19;
    double making = std::numeric_limits<double>::infinity();
    for (unsigned i = 0; i < kRepetitions; ++i) {
      making = std::min(making, timedFilling(some));
      takeAll();
    }
    profile.softSpokenCot = picoseconds(making / static_cast<double>(some));

    step("base OTs, silent OT");
    setup = std::min(setup, timedSetup(CotMethod::kFerret));
    profile.setup = picoseconds(setup);
    const FerretSet &set = options_.quick ? kFerretSets.front() : kFerretSets.back();
    timedFilling(1); // starts it
    takeAll();
    making = std::numeric_limits<double>::infinity();
    for (unsigned i = 0; i < kRepetitions; ++i) {
      const double filling = timedFilling(set.usable());
      making = std::min(making, filling + timed([&] { takeAll(); }, Parties::kTogether));
    }
    // Trees are a small part, and take a share of it as built in.
    const double each = making / static_cast<double>(set.outputs());
    const MachineProfile usual;
    const double ratio = static_cast<double>(usual.silentLeaf) /
                         static_cast<double>(usual.silentLeaf + usual.silentCot);
    profile.silentLeaf = picoseconds(each * ratio);
    profile.silentCot = picoseconds(each * (1 - ratio));
  }

  void measureProtocols(MachineProfile &profile) {
    std::vector<Measurement> measurements;
    for (const OtCase &ot : ots_) {
      step(ot.name);
      const Cost cost = ot.cost(ot.elements);
      double best = std::numeric_limits<double>::infinity();
      for (unsigned i = 0; i < repetitions_; ++i) {
        session_.run(session_.stock().prepare(cost.serverCots, cost.clientCots));
        best = std::min(
            best, timed([&] { session_.run(ot.run(session_, ot.elements)); }, Parties::kTogether));
      }
      measurements.push_back({ot.name, best, [cost, kind = ot.kind](const MachineProfile &p) {
                                return workSeconds(cost, kind, p);
                              }});
    }
    profile = fitted(measurements,
                     {&P::byte, &P::operation, &P::comparisonCot, &P::productCot, &P::functionCot},
                     profile);
  }

  void measureLayers(MachineProfile &profile) {
    std::vector<Measurement> measurements;
    std::vector<he::KeyNeed> needs;
    for (const HeCase &layer : layers_)
      if (const auto plan = he::planFor(layer.spec()))
        needs.push_back(plan->keys());
    needs = he::merged(needs);
    const double keys = timed([&] { session_.run(he::setup(session_, needs)); }, Parties::kInTurn);
    measurements.push_back(
        {"keys", keys, [needs](const MachineProfile &p) { return he::keySeconds(needs, p); }});
    for (const HeCase &layer : layers_) {
      step(layer.name);
      const auto size = static_cast<std::uint64_t>(clear::sizeOf(layer.weight));
      Plain weight{layer.weight, Owner::kServer, {}};
      if (session_.isServer())
        for (const std::uint64_t value : numbers(size, HeCase::kWeight.bits - 1))
          weight.values.push_back(static_cast<std::int64_t>(value) - (1 << 11));
      double best = std::numeric_limits<double>::infinity();
      for (unsigned i = 0; i < repetitions_; ++i)
        best = std::min(best, timed([&] { session_.run(layerTask(session_, layer, weight)); },
                                    Parties::kInTurn));
      measurements.push_back({layer.name, best, [spec = layer.spec()](const MachineProfile &p) {
                                return he::computeSeconds(spec, p);
                              }});
    }
    profile = fitted(measurements,
                     {&P::heLayer, &P::heProduct, &P::heSpread, &P::heInput, &P::heOutput,
                      &P::heAutomorphism, &P::heKey, &P::clearProduct},
                     profile);
  }

  Session &session_;
  const CalibrationOptions &options_;
  unsigned repetitions_;
  std::vector<OtCase> ots_;
  std::vector<HeCase> layers_;
  std::size_t steps_;
  std::size_t done_ = 0;
};

} // namespace

MachineProfile measureMachine(Session &session, const CalibrationOptions &options) {
  return Calibration(session, options).run();
}

} // namespace dyad
