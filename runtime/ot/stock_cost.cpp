// SPDX-License-Identifier: Apache-2.0
// See stock_cost.h; the messages are in softspoken.cpp, ferret.cpp and stock.cpp.
#include "runtime/ot/stock_cost.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <fmt/format.h>

namespace dyad {
namespace {

constexpr std::uint64_t kPoint = 32;
constexpr std::uint64_t kBaseOts = 128;
constexpr std::uint64_t kBlock = 16;

std::uint64_t inBlocks(std::uint64_t cots) {
  return (cots + kExtensionBlock - 1) / kExtensionBlock * kExtensionBlock;
}

// One direction: the server sends.
Cost extensionCost(std::uint64_t cots, unsigned k) {
  Cost cost;
  for (std::uint64_t at = 0; at < cots; at += kExtensionChunk)
    cost.ticks.push_back({std::min(kExtensionChunk, cots - at) / 8 * (kBaseOts / k - 1), 0});
  return cost;
}

// Smallest set whose round leaves so many COTs, else the largest set.
unsigned setFor(std::uint64_t missing, unsigned largest) {
  unsigned set = 0;
  while (set < largest && kFerretSets[set].usable() < missing)
    ++set;
  return set;
}

std::vector<StockStep> planFerret(StockLevel level, std::uint64_t wanted, unsigned largest) {
  std::vector<StockStep> steps;
  // Two rounds of a set send little more than one of the next larger set, whose sums are slower.
  if (wanted > level.left)
    largest = setFor((wanted - level.left + 1) / 2, largest);
  const auto add = [&](const StockStep &step) {
    steps.push_back(step);
    level.apply(step);
  };
  while (level.left < wanted) {
    const FerretSet &smallest = kFerretSets.front();
    const unsigned set = setFor(wanted - level.left, largest);
    if (level.reserve < smallest.base())
      add({StockStep::Kind::kBase, inBlocks(smallest.base() - level.reserve), 0, 0});
    // A larger set starts from the outputs of the smallest one.
    const std::uint64_t reserve = std::max(level.reserve, kFerretSets[set].base());
    add({StockStep::Kind::kRound, 0, level.reserve < kFerretSets[set].base() ? 0 : set, reserve});
  }
  return steps;
}

// Picoseconds of a COT of SoftSpoken, measured with the largest trees; smaller ones take half.
std::uint64_t softSpokenWork(const StockOptions &options) {
  return options.softSpoken.k == 8 ? options.softSpokenCot : options.softSpokenCot / 2;
}

// Work of the steps; the outputs of their rounds are made as far as `expanded`.
std::uint64_t workPicoseconds(const std::vector<StockStep> &steps, std::uint64_t expanded,
                              const StockOptions &options) {
  std::uint64_t sum = expanded * options.silentCot;
  for (const StockStep &step : steps)
    if (step.kind == StockStep::Kind::kRound)
      sum += kFerretSets[step.set].outputs() * options.silentLeaf;
    else
      sum += step.count * softSpokenWork(options);
  return sum;
}

std::uint64_t picoseconds(const std::vector<StockStep> &steps, std::uint64_t expanded,
                          const StockOptions &options) {
  std::uint64_t sum = workPicoseconds(steps, expanded, options);
  for (const Tick &tick : stepsCost(steps, options).ticks)
    sum += (tick.toServer + tick.toClient) * 8 * 1'000'000 / options.megabitsPerSecond +
           options.oneWayMicroseconds * 1'000'000;
  return sum;
}

// Outputs of the rounds that have to be made for `missing` COTs: what a round puts aside has to be
// made at once.
std::uint64_t expandedOutputs(const std::vector<StockStep> &steps, std::uint64_t reserve,
                              std::uint64_t missing) {
  bool anyRound = false;
  for (const StockStep &step : steps)
    if (step.kind == StockStep::Kind::kRound) {
      missing += step.reserve - (reserve - std::min(reserve, kFerretSets[step.set].base()));
      reserve = step.reserve;
      anyRound = true;
    } else {
      reserve += step.count;
    }
  return anyRound ? missing : 0;
}

} // namespace

void requireValid(SoftSpokenParameters parameters) {
  const unsigned k = parameters.k;
  DYAD_REQUIRE(k == 1 || k == 2 || k == 4 || k == 8, kOutOfRange,
               "SoftSpoken with trees of {} levels; 1, 2, 4 and 8 are possible", k);
}

std::string StockOptions::describe() const {
  DYAD_REQUIRE(largestSet < kFerretSets.size(), kOutOfRange,
               "set number {} of silent OT; there are {}", largestSet, kFerretSets.size());
  const std::string softSpokenName = fmt::format("softspoken-{}", softSpoken.k);
  switch (method) {
  case CotMethod::kSoftSpoken:
    return softSpokenName;
  case CotMethod::kFerret:
    return fmt::format("ferret-{} {}", kFerretSets[largestSet].name, softSpokenName);
  case CotMethod::kByDemand:
    break;
  }
  const std::string link =
      fmt::format("by-demand {} ferret-{} {} Mbit/s {} us", softSpokenName,
                  kFerretSets[largestSet].name, megabitsPerSecond, oneWayMicroseconds);
  const StockOptions usual;
  const bool isUsual = softSpokenCot == usual.softSpokenCot && silentCot == usual.silentCot &&
                       silentLeaf == usual.silentLeaf;
  return isUsual ? link : fmt::format("{} {}/{}/{} ps", link, softSpokenCot, silentCot, silentLeaf);
}

void StockLevel::apply(const StockStep &step) {
  switch (step.kind) {
  case StockStep::Kind::kStock:
    left += step.count;
    break;
  case StockStep::Kind::kBase:
    reserve += step.count;
    break;
  case StockStep::Kind::kRound: {
    const FerretSet &set = kFerretSets[step.set];
    left += reserve + set.usable() - step.reserve;
    reserve = step.reserve;
    break;
  }
  }
}

std::vector<StockStep> planStock(const StockLevel &level, std::uint64_t wanted,
                                 const StockOptions &options) {
  requireValid(options.softSpoken);
  DYAD_REQUIRE(options.megabitsPerSecond > 0, kOutOfRange, "a link of 0 Mbit/s");
  DYAD_REQUIRE(options.largestSet < kFerretSets.size(), kOutOfRange,
               "set number {} of silent OT; there are {}", options.largestSet, kFerretSets.size());
  if (wanted <= level.left)
    return {};
  const std::uint64_t missing = wanted - level.left;
  const std::vector<StockStep> plain = {{StockStep::Kind::kStock, inBlocks(missing), 0, 0}};
  if (options.method == CotMethod::kSoftSpoken)
    return plain;
  std::vector<StockStep> silent = planFerret(level, wanted, options.largestSet);
  if (options.method == CotMethod::kFerret)
    return silent;
  const std::uint64_t expanded = expandedOutputs(silent, level.reserve, missing);
  return picoseconds(plain, 0, options) <= picoseconds(silent, expanded, options) ? plain : silent;
}

Cost stepsCost(const std::vector<StockStep> &steps, const StockOptions &options) {
  Cost cost;
  for (const StockStep &step : steps)
    if (step.kind == StockStep::Kind::kRound)
      cost.ticks.push_back({0, kFerretSets[step.set].messageBytes()});
    else
      cost.then(extensionCost(step.count, options.softSpoken.k));
  return cost;
}

Cost setupCost(const StockOptions &) {
  // The COT receiver announces, the COT sender responds, the COT receiver sends the trees.
  const Cost fromServer{{{kPoint, 0}, {0, kBaseOts * kPoint}, {2 * kBaseOts * kBlock, 0}}, 0, 0};
  const Cost nonces{{{}, {}, {kBlock, kBlock}}, 0, 0};
  return Cost(fromServer).beside(mirrored(fromServer)).beside(nonces);
}

Cost stockCost(std::uint64_t serverCots, std::uint64_t clientCots, const StockOptions &options) {
  return StockModel(options).prepare(serverCots, clientCots);
}

double stockWorkSeconds(std::uint64_t serverCots, std::uint64_t clientCots,
                        const StockOptions &options) {
  std::uint64_t sum = 0;
  for (const std::uint64_t wanted : {serverCots, clientCots}) {
    const std::vector<StockStep> steps = planStock({}, wanted, options);
    sum += workPicoseconds(steps, expandedOutputs(steps, 0, wanted), options);
  }
  return static_cast<double>(sum) * 1e-12;
}

Cost StockModel::prepare(std::uint64_t serverCots, std::uint64_t clientCots) {
  const auto direction = [&](StockLevel &level, std::uint64_t wanted) {
    const std::vector<StockStep> steps = planStock(level, wanted, options_);
    for (const StockStep &step : steps)
      level.apply(step);
    return stepsCost(steps, options_);
  };
  return direction(server_, serverCots).beside(mirrored(direction(client_, clientCots)));
}

void StockModel::take(std::uint64_t serverCots, std::uint64_t clientCots) {
  DYAD_REQUIRE(serverCots <= server_.left && clientCots <= client_.left, kOutOfRange,
               "a model of {} + {} COTs has {} + {} taken from it", server_.left, client_.left,
               serverCots, clientCots);
  server_.left -= serverCots;
  client_.left -= clientCots;
}

} // namespace dyad
