// SPDX-License-Identifier: Apache-2.0
// See plan.h.
#include "runtime/he/plan.h"

#include <algorithm>
#include <bit>
#include <map>
#include <mutex>
#include <tuple>

namespace dyad::he {
namespace {

// Computing counts as so many bytes a microsecond: what a network of 112 Mbit/s moves.
constexpr std::uint64_t kBytesPerMicrosecond = 14;
// Of a fixed machine, so that all parties plan alike; what no plan changes is left out.
constexpr MachineProfile kUsual{.clearProduct = 0};
// Seed of the uniform halves of all ciphertexts.
constexpr std::uint64_t kSeedBytes = 16;

std::uint64_t ceilDiv(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

unsigned floorLog2(std::uint64_t x) { return static_cast<unsigned>(std::bit_width(x)) - 1; }

// The sizes that cut `total` into n pieces as evenly as possible, for all n; descending.
std::vector<std::uint64_t> evenSizes(std::uint64_t total, std::uint64_t most) {
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t size = std::min(total, most); size > 0;) {
    size = ceilDiv(total, ceilDiv(total, size));
    sizes.push_back(size);
    --size;
  }
  return sizes;
}

// Channels of packed plans: powers of two, the last one perhaps above the number of channels.
std::vector<std::uint64_t> powersOfTwo(std::uint64_t total, std::uint64_t most) {
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t size = 2; size <= most; size *= 2) {
    sizes.push_back(size);
    if (size >= total)
      break;
  }
  return sizes;
}

/// Goes through the plans of a layer.
class Search {
public:
  explicit Search(const LinearSpec &spec)
      : spec_(spec), rows_(phaseAxis(spec.kernel[0], spec.strides[0], spec.dilations[0])),
        columns_(phaseAxis(spec.kernel[1], spec.strides[1], spec.dilations[1])),
        phases_(rows_.phases.size() * columns_.phases.size()) {}

  std::optional<LinearPlan> run() {
    for (const ParameterSet &set : parameterSets()) {
      if (!budget(set, 1, set.specials == 0 ? 0 : 1) || (set.specials != 0 && !spec_.packed))
        continue;
      for (const std::uint64_t tileRows : evenSizes(spec_.output[0], set.degree))
        for (const std::uint64_t tileColumns : evenSizes(spec_.output[1], set.degree))
          tile(set, {tileRows, tileColumns});
    }
    return best_;
  }

private:
  const std::optional<Budget> &budget(const ParameterSet &set, std::uint64_t filters,
                                      unsigned packing) {
    const auto at = budgets_.find({set.id, filters, packing});
    if (at != budgets_.end())
      return at->second;
    const unsigned magnitude =
        spec_.weightSigned ? std::max(spec_.weightBits, 1U) - 1 : spec_.weightBits;
    const std::uint64_t terms = spec_.channels * spec_.kernel[0] * spec_.kernel[1] * filters;
    return budgets_
        .emplace(std::tuple{set.id, filters, packing},
                 budgetFor(set, {spec_.bits, magnitude, terms, packing}))
        .first->second;
  }

  void tile(const ParameterSet &set, std::array<std::uint64_t, 2> size) {
    LinearPlan plan;
    plan.set = set.id;
    plan.phases = phases_;
    plan.tile = size;
    plan.window = {size[0] + rows_.extent - 1, size[1] + columns_.extent - 1};
    plan.tiles = {ceilDiv(spec_.output[0], size[0]), ceilDiv(spec_.output[1], size[1])};
    plan.shared = sharedPadding(spec_, plan);
    // With slow channels one overhang follows the last filter's last channel, with fast ones one
    // of each channel follows the last filter.
    const bool packs = set.specials != 0;
    const std::uint64_t plane = plan.plane();
    const std::uint64_t overhang = plan.overhang();
    if (plane + overhang > set.degree)
      return;
    const std::uint64_t channels = spec_.channels * phases_;
    if (best_ && leastPrice(set, plan) >= bestPrice_)
      return;
    const std::uint64_t room =
        packs ? set.degree / (plane + overhang) : (set.degree - overhang) / plane;
    for (const std::uint64_t together :
         packs ? powersOfTwo(channels, room) : evenSizes(channels, room)) {
      plan.channelsAtOnce = together;
      plan.inputs = ceilDiv(channels, together);
      // As many filters as fit; or one, which leaves more of the upload out.
      const std::uint64_t fitting =
          packs ? (set.degree / together - overhang) / plane : room / together;
      const std::uint64_t most = std::min(spec_.filters, fitting);
      bool fits = false;
      for (std::uint64_t filters = most; filters > 1 && (packs || !fits); filters /= 2)
        fits = filtersOf(set, plan, filters);
      filtersOf(set, plan, 1);
    }
  }

  // What no plan of these tiles is below: ciphertexts hold no more than the ring has coefficients.
  std::uint64_t leastPrice(const ParameterSet &set, const LinearPlan &plan) const {
    const std::uint64_t most = set.degree / plan.plane();
    const std::uint64_t replies = ceilDiv(spec_.filters, most);
    const std::uint64_t picoseconds =
        set.degree * set.primes *
        (ceilDiv(spec_.channels * phases_, most) * kUsual.heInput + replies * kUsual.heOutput);
    return plan.positions(spec_) * (replies * (set.degree * spec_.bits / 8) +
                                    kBytesPerMicrosecond * picoseconds / 1'000'000);
  }

  // Whether there is such a plan.
  bool filtersOf(const ParameterSet &set, LinearPlan plan, std::uint64_t filters) {
    plan.outputs = ceilDiv(spec_.filters, filters);
    plan.filtersAtOnce = ceilDiv(spec_.filters, plan.outputs);
    if (set.specials != 0) {
      if (plan.outputs == 1)
        return false;
      plan.packing = std::min(floorLog2(plan.channelsAtOnce), floorLog2(plan.outputs - 1) + 1);
    }
    const std::optional<Budget> &budget = this->budget(set, plan.filtersAtOnce, plan.packing);
    if (!budget)
      return false;
    plan.budget = *budget;
    const std::uint64_t price = plan.price(spec_);
    if (!best_ || price < bestPrice_) {
      best_ = plan;
      bestPrice_ = price;
    }
    return true;
  }

  const LinearSpec &spec_;
  PhaseAxis rows_, columns_;
  std::uint64_t phases_;
  std::map<std::tuple<unsigned, std::uint64_t, unsigned>, std::optional<Budget>> budgets_;
  std::optional<LinearPlan> best_;
  std::uint64_t bestPrice_ = 0;
};

} // namespace

PhaseAxis phaseAxis(std::uint64_t kernel, std::uint64_t stride, std::uint64_t dilation) {
  PhaseAxis axis;
  for (std::uint64_t k = 0; k < kernel; ++k) {
    const std::uint64_t phase = k * dilation % stride;
    const auto at = std::find(axis.phases.begin(), axis.phases.end(), phase);
    axis.phaseOf.push_back(static_cast<std::size_t>(at - axis.phases.begin()));
    if (at == axis.phases.end())
      axis.phases.push_back(phase);
    axis.offset.push_back(k * dilation / stride);
    axis.extent = std::max(axis.extent, axis.offset.back() + 1);
  }
  return axis;
}

std::array<std::uint64_t, 2> sharedPadding(const LinearSpec &spec, const LinearPlan &plan) {
  std::array<std::uint64_t, 2> shared{};
  for (std::size_t k = 0; k < 2; ++k) {
    if (plan.tiles[k] != 1)
      continue;
    // Of all phases, what is padding at the start and at the end of the window; less where a row
    // of the kernel would not fit into a row of the image any more.
    const std::uint64_t stride = spec.strides[k], pad = spec.pads[k], window = plan.window[k];
    shared[k] = plan.tile[k] - 1;
    for (const std::uint64_t phase : phaseAxis(spec.kernel[k], stride, spec.dilations[k]).phases) {
      const std::uint64_t start = pad > phase ? ceilDiv(pad - phase, stride) : 0;
      const std::uint64_t end =
          spec.input[k] + pad > phase ? ceilDiv(spec.input[k] + pad - phase, stride) : 0;
      shared[k] = std::min({shared[k], start, window - std::min(end, window)});
    }
  }
  return shared;
}

std::uint64_t LinearPlan::origin() const {
  const std::uint64_t taps = pitch() * (window[0] - tile[0]) + window[1] - tile[1];
  return packing != 0 ? taps * channelsAtOnce + channelsAtOnce - 1
                      : plane() * (channelsAtOnce - 1) + taps;
}

KeyNeed LinearPlan::keys() const {
  const unsigned top = floorLog2(channelsAtOnce);
  return {set, packing == 0 ? 0 : (1U << top) - (1U << (top - packing))};
}

std::uint64_t LinearPlan::sentCoefficients(const LinearSpec &spec, std::uint64_t input) const {
  if (!truncated())
    return parameterSet(set).degree;
  const std::uint64_t channels =
      std::min(spec.channels * phases - input * channelsAtOnce, channelsAtOnce);
  return channels * plane() + overhang() * (packing != 0 ? channels : 1);
}

std::uint64_t LinearPlan::inputBytes(const LinearSpec &spec, std::uint64_t input) const {
  return (sentCoefficients(spec, input) * parameterSet(set).modulusBits() + 7) / 8;
}

std::uint64_t LinearPlan::outputBytes(const LinearSpec &spec, std::uint64_t results) const {
  return (parameterSet(set).degree * std::uint64_t{spec.bits + budget.extraBits} +
          results * (spec.bits + kKeptBits) + 7) /
         8;
}

std::uint64_t LinearPlan::uploadBytes(const LinearSpec &spec) const {
  return kSeedBytes +
         positions(spec) * ((inputs - 1) * inputBytes(spec, 0) + inputBytes(spec, inputs - 1));
}

std::uint64_t LinearPlan::replyBytes(const LinearSpec &spec) const {
  // All tiles but the last of an axis are full, and so are all replies but the last.
  const auto ends = [](std::uint64_t total, std::uint64_t piece) {
    const std::uint64_t pieces = ceilDiv(total, piece);
    return std::array<std::array<std::uint64_t, 2>, 2>{
        {{pieces - 1, piece}, {1, total - (pieces - 1) * piece}}};
  };
  std::uint64_t bytes = 0;
  for (const auto &[rows, height] : ends(spec.output[0], tile[0]))
    for (const auto &[columns, width] : ends(spec.output[1], tile[1]))
      for (const auto &[count, filters] : ends(spec.filters, filtersAtOnce << packing))
        bytes += rows * columns * count * outputBytes(spec, height * width * filters);
  return spec.groups * spec.images * bytes;
}

std::uint64_t LinearPlan::price(const LinearSpec &spec) const {
  return uploadBytes(spec) + replyBytes(spec) +
         kBytesPerMicrosecond * picoseconds(spec, kUsual) / 1000000;
}

std::uint64_t LinearPlan::picoseconds(const LinearSpec &spec, const MachineProfile &machine) const {
  const ParameterSet &parameters = parameterSet(set);
  const std::uint64_t degree = parameters.degree;
  const std::uint64_t primes = parameters.primes;
  const std::uint64_t words = degree * primes;
  const std::uint64_t transform = floorLog2(degree) * machine.heLayer;
  std::uint64_t weight = transform;
  if (window == tile && packing == 0) // of one tap: smaller transforms, or none
    weight = block() * filtersAtOnce == plane()
                 ? 0
                 : (transform >> std::countr_zero(plane())) + machine.heSpread;
  else if (filtersAtOnce == 1) // low coefficients only: as many layers as those have
    weight =
        (floorLog2(std::max<std::uint64_t>(origin(), 32)) + 1) * machine.heLayer + machine.heSpread;
  std::uint64_t sum =
      words * (spec.groups * inputs * outputs * weight + products(spec) * machine.heProduct);
  sum += words * positions(spec) * (inputs * machine.heInput + replies() * machine.heOutput);
  sum += automorphisms(spec) * degree *
         (2 * (primes + parameters.specials) * transform +
          (2 * primes + parameters.specials) * machine.heAutomorphism);
  const std::uint64_t terms = spec.channels * spec.kernel[0] * spec.kernel[1];
  const std::uint64_t results =
      spec.groups * spec.images * spec.filters * spec.output[0] * spec.output[1];
  return sum + results * terms * machine.clearProduct;
}

std::optional<LinearPlan> planFor(const LinearSpec &spec) {
  if (spec.empty())
    return std::nullopt;
  // Asked for again and again by cost models, and by both a program's set-up and its steps.
  static std::mutex mutex;
  static std::map<LinearSpec, std::optional<LinearPlan>> known;
  {
    const std::lock_guard lock(mutex);
    if (const auto at = known.find(spec); at != known.end())
      return at->second;
  }
  std::optional<LinearPlan> plan = Search(spec).run();
  const std::lock_guard lock(mutex);
  return known.emplace(spec, plan).first->second;
}

} // namespace dyad::he
