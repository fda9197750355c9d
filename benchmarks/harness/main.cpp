// SPDX-License-Identifier: Apache-2.0
// dyad-bench: measures one primitive, linear layer or way of making COTs between two processes, and
// prints one JSON object. benchmarks/run calls it for all of them and makes tables of the answers.
#include "benchmarks/harness/layers.h"
#include "benchmarks/harness/primitives.h"

#include "runtime/he/parameters.h"
#include "runtime/net/error.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace dyad::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char *kPackedSuffix = "-packed";

struct CotSource {
  const char *name;
  StockOptions options;
  std::uint64_t count;
};

StockOptions silentOt(unsigned set) {
  StockOptions options{CotMethod::kFerret};
  options.largestSet = set;
  return options;
}

const std::vector<CotSource> &cotSources() {
  constexpr std::uint64_t kMillion = 1'000'000;
  static const std::vector<CotSource> kAll = {
      {"cot-iknp", SoftSpokenParameters{1}, 4 * kMillion},
      {"cot-softspoken-2", SoftSpokenParameters{2}, 8 * kMillion},
      {"cot-softspoken-4", SoftSpokenParameters{4}, 8 * kMillion},
      {"cot-softspoken-8", SoftSpokenParameters{8}, 8 * kMillion},
      {"cot-silent-b10", silentOt(0), 15 * kMillion},
      {"cot-silent-b11", silentOt(1), 30 * kMillion},
      {"cot-silent-b12", silentOt(2), 60 * kMillion},
      {"cot-silent-b13", silentOt(3), 120 * kMillion},
  };
  return kAll;
}

/// Bits that a COT costs at the steady state of silent OT: a round's traffic over its usable COTs.
double cotBits() {
  const FerretSet &set = kFerretSets.back();
  return 8.0 * static_cast<double>(bytesOnWire(set.messageBytes())) /
         static_cast<double>(set.usable());
}

Json asJson(const Primitive &primitive, std::uint64_t n, const TwoReports &reports,
            const Cost &cost) {
  const PartyReport &client = reports.client;
  const auto count = static_cast<double>(n);
  const auto bytes = static_cast<double>(client.bytesToServer + client.bytesToClient);
  const std::uint64_t cots = client.serverCots + client.clientCots;
  // Of the party that takes longer; with the making of the COTs that an element uses.
  const double used =
      client.cotsMade == 0 ? 0 : static_cast<double>(cots) / static_cast<double>(client.cotsMade);
  const auto perElement = [&](double PartyReport::*online, double PartyReport::*stock) {
    const auto of = [&](const PartyReport &party) { return party.*online + party.*stock * used; };
    return std::max(of(reports.server), of(client)) / count;
  };
  constexpr double kNano = 1e9;
  return {{"name", primitive.name},
          {"kind", "primitive"},
          {"bits", primitive.bits},
          {"n", n},
          {"bits_per_element", 8 * bytes / count + cotBits() * static_cast<double>(cots) / count},
          {"online_bits_per_element", 8 * bytes / count},
          {"bytes_to_server", client.bytesToServer},
          {"bytes_to_client", client.bytesToClient},
          {"predicted_bytes", cost.bytes()},
          {"flows", client.flows},
          {"predicted_flows", cost.flows()},
          {"cots", cots},
          {"predicted_cots", cost.serverCots + cost.clientCots},
          {"ns_per_element", kNano * perElement(&PartyReport::seconds, &PartyReport::stockSeconds)},
          {"cpu_ns_per_element",
           kNano * perElement(&PartyReport::cpuSeconds, &PartyReport::stockCpuSeconds)},
          {"repetitions", client.repetitions},
          {"peak_rss", std::max(reports.server.peakMemory, client.peakMemory)}};
}

Json runPrimitiveNamed(const std::string &name, unsigned bits, std::uint64_t elements,
                       const RunOptions &options) {
  for (const Primitive &primitive : primitives())
    if (primitive.name == name && (bits == 0 || primitive.bits == bits)) {
      std::uint64_t n = 0;
      const TwoReports reports = runPrimitive(primitive, elements, options, n);
      return asJson(primitive, n, reports, primitive.cost(n));
    }
  return {};
}

Json asJson(const Layer &layer, const LayerPlan &plan, bool packed, const TwoReports &reports) {
  const PartyReport &client = reports.client;
  const he::ParameterSet &set = he::parameterSet(plan.plan.set);
  return {{"name", layer.name + (packed ? kPackedSuffix : "")},
          {"kind", "layer"},
          {"bits", layer.bits},
          {"packed", packed},
          {"bytes", client.bytesToServer + client.bytesToClient},
          {"bytes_to_server", client.bytesToServer},
          {"bytes_to_client", client.bytesToClient},
          {"setup_bytes", client.setupBytes},
          {"flows", client.flows},
          {"products", plan.plan.products(plan.spec)},
          {"automorphisms", plan.plan.automorphisms(plan.spec)},
          {"degree", set.degree},
          {"modulus_bits", set.modulusBits()},
          {"seconds", std::max(reports.server.seconds, client.seconds)},
          {"cpu_seconds_server", reports.server.cpuSeconds},
          {"cpu_seconds_client", client.cpuSeconds},
          {"repetitions", client.repetitions},
          {"peak_rss", std::max(reports.server.peakMemory, client.peakMemory)},
          {"peak_rss_server", reports.server.peakMemory},
          {"peak_rss_client", client.peakMemory}};
}

/// Whether packed replies are part of the layer's best plan where they are allowed.
bool packs(const Layer &layer) {
  const std::optional<LayerPlan> plan = planOf(layer, true);
  return plan && plan->plan.packing > 0;
}

Json runLayerNamed(const std::string &name, const RunOptions &options) {
  for (const Layer &layer : layers())
    for (const bool packed : {false, true}) {
      if (name != layer.name + (packed ? kPackedSuffix : ""))
        continue;
      const std::optional<LayerPlan> plan = planOf(layer, packed);
      DYAD_REQUIRE(plan, kOutOfRange, "{}: no RLWE parameters are exact for {} bits", layer.name,
                   layer.bits);
      DYAD_REQUIRE(!packed || plan->plan.packing > 0, kOutOfRange,
                   "{}: its best plan does not pack replies", layer.name);
      return asJson(layer, *plan, packed, runLayer(layer, *plan, options));
    }
  return {};
}

Json runCots(const std::string &name, const RunOptions &options) {
  for (const CotSource &source : cotSources())
    if (name == source.name) {
      const TwoReports reports = runTwoProcesses(options, [&](Session &session) {
        return measureCots(session, source.options, source.count);
      });
      const double seconds = std::max(reports.server.seconds, reports.client.seconds);
      const auto made = static_cast<double>(reports.client.cotsMade);
      return {{"name", source.name},
              {"kind", "cot"},
              {"n", reports.client.cotsMade},
              {"bits_per_element", 8 * static_cast<double>(reports.client.stockBytes) / made},
              {"ns_per_element", 1e9 * seconds / made},
              {"cots_per_second", made / seconds},
              {"cots_per_cpu_second",
               made / std::max(reports.server.cpuSeconds, reports.client.cpuSeconds)},
              {"peak_rss", std::max(reports.server.peakMemory, reports.client.peakMemory)}};
    }
  return {};
}

Json list() {
  Json all = Json::array();
  for (const CotSource &source : cotSources())
    all.push_back({{"name", source.name}, {"kind", "cot"}});
  for (const Primitive &primitive : primitives())
    all.push_back({{"name", primitive.name},
                   {"kind", "primitive"},
                   {"bits", primitive.bits},
                   {"what", primitive.what}});
  for (const Layer &layer : layers()) {
    all.push_back({{"name", layer.name}, {"kind", "layer"}, {"bits", layer.bits}});
    if (packs(layer))
      all.push_back(
          {{"name", layer.name + kPackedSuffix}, {"kind", "layer"}, {"bits", layer.bits}});
  }
  return all;
}

int run(int argc, char **argv) {
  CLI::App app("Measures one thing between two processes on this machine; prints JSON.",
               "dyad-bench");
  std::string name;
  std::string link;
  unsigned bits = 0;
  std::uint64_t elements = 65536;
  RunOptions options;
  bool onlyList = false;
  app.add_option("name", name, "What to measure");
  app.add_flag("--list", onlyList, "What there is");
  app.add_option("--bits", bits, "Ring of a primitive; default: the first there is");
  app.add_option("--elements", elements, "Elements of a primitive, about")
      ->check(CLI::Range(1, 1 << 24));
  app.add_option("--threads", options.threads, "Threads of each party")->check(CLI::Range(1, 64));
  app.add_option("--seconds", options.seconds, "About how long to repeat");
  app.add_option("--link", link, "Imitated link; default: bare loopback")
      ->type_name("lan|wan|BANDWIDTH,RTT");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : exitStatus(ErrorCode::kUsage);
  }
  if (onlyList) {
    fmt::print("{}\n", list().dump());
    return 0;
  }
  if (!link.empty())
    options.link = parseLink(link);
  Json result = runPrimitiveNamed(name, bits, elements, options);
  if (result.is_null())
    result = runLayerNamed(name, options);
  if (result.is_null())
    result = runCots(name, options);
  DYAD_REQUIRE(!result.is_null(), kUsage, "there is nothing named '{}' of that width; see --list",
               name);
  result["network"] = options.link ? options.link->name : "loopback";
  result["threads"] = options.threads;
  fmt::print("{}\n", result.dump());
  return 0;
}

} // namespace
} // namespace dyad::bench

int main(int argc, char **argv) {
  try {
    return dyad::bench::run(argc, argv);
  } catch (const dyad::Error &error) {
    fmt::print(stderr, "dyad-bench: {}\n", error.what());
    return dyad::exitStatus(error.code());
  }
}
