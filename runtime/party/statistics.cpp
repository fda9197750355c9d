// SPDX-License-Identifier: Apache-2.0
// See statistics.h.
#include "runtime/party/statistics.h"

#include "runtime/party/files.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace dyad {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kKibibyte = 1024;

std::uint64_t peakMemory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * kKibibyte;
}

void addTraffic(Json &json, const NodeStats &row, Role role) {
  const bool isServer = role == Role::kServer;
  json["bytes_sent"] = isServer ? row.bytesToClient : row.bytesToServer;
  json["bytes_received"] = isServer ? row.bytesToServer : row.bytesToClient;
  json["flows"] = row.flows;
}

NodeStats totalOf(const std::vector<NodeStats> &rows) {
  NodeStats sum;
  for (const NodeStats &row : rows) {
    sum.bytesToServer += row.bytesToServer;
    sum.bytesToClient += row.bytesToClient;
    sum.flows += row.flows;
  }
  return sum;
}

// What windows cost once both parties are set up: correlated OTs and waiting for them included.
struct PerWindow {
  double seconds = 0;
  std::uint64_t bytes = 0;
  double factor = 0; ///< seconds by those that a window lasts
};

PerWindow perWindow(const RunStatistics &statistics) {
  PerWindow result;
  if (statistics.samples == 0)
    return result;
  for (const NodeStats &phase : statistics.phases)
    if (phase.name == "stock" || phase.name == "online") {
      result.seconds += phase.seconds;
      result.bytes += phase.bytesToServer + phase.bytesToClient;
    }
  result.seconds /= static_cast<double>(statistics.samples);
  result.bytes /= statistics.samples;
  if (statistics.windowSeconds > 0)
    result.factor = result.seconds / statistics.windowSeconds;
  return result;
}

} // namespace

void writeStatistics(const RunStatistics &statistics, const std::string &path) {
  Json json;
  addTraffic(json, totalOf(statistics.phases), statistics.role);
  json["seconds"] = statistics.seconds;
  json["clear_seconds"] = statistics.clearSeconds;
  json["peak_rss"] = peakMemory();
  json["samples"] = statistics.samples;
  json["threads"] = statistics.threads;
  if (statistics.isStream) {
    const PerWindow window = perWindow(statistics);
    Json &stream = json["stream"];
    stream["windows"] = statistics.samples;
    stream["seconds_per_window"] = window.seconds;
    stream["longest_window_seconds"] = statistics.longestSeconds;
    stream["bytes_per_window"] = window.bytes;
    if (statistics.windowSeconds > 0) {
      stream["window_seconds"] = statistics.windowSeconds;
      stream["real_time_factor"] = window.factor;
    }
  }
  json["phases"] = Json::object();
  for (const NodeStats &phase : statistics.phases) {
    Json &row = json["phases"][phase.name];
    addTraffic(row, phase, statistics.role);
    row["seconds"] = phase.seconds;
    row["cot_seconds"] = phase.cotSeconds;
    row["cpu_seconds"] = phase.cpuSeconds;
  }
  json["nodes"] = Json::array();
  for (const NodeStats &node : statistics.nodes) {
    Json row;
    row["name"] = node.name;
    row["op"] = node.op;
    addTraffic(row, node, statistics.role);
    row["seconds"] = node.seconds;
    row["cot_seconds"] = node.cotSeconds;
    row["cpu_seconds"] = node.cpuSeconds;
    row["cots"] = node.serverCots + node.clientCots;
    row["server_cots"] = node.serverCots;
    row["client_cots"] = node.clientCots;
    json["nodes"].push_back(std::move(row));
  }
  const std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  writeFile(path, "statistics file",
            {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()});
}

std::string summary(const RunStatistics &statistics) {
  const std::string samples =
      fmt::format("{} {}{}", statistics.samples, statistics.isStream ? "window" : "sample",
                  statistics.samples == 1 ? "" : "s");
  if (!statistics.twoParty)
    return fmt::format("{} in {:.2f} s", samples, statistics.seconds);
  const NodeStats total = totalOf(statistics.phases);
  double online = 0;
  for (const NodeStats &phase : statistics.phases)
    if (phase.name == "online")
      online = phase.seconds;
  std::string stream;
  if (statistics.isStream && statistics.samples > 0) {
    const PerWindow window = perWindow(statistics);
    stream = fmt::format("; a window {:.3f} s (the longest {:.3f} s), {:.3f} MB", window.seconds,
                         statistics.longestSeconds, static_cast<double>(window.bytes) / 1e6);
    if (statistics.windowSeconds > 0)
      stream += fmt::format(", {:.2f} times real time", window.factor);
  }
  return fmt::format("{} in {:.2f} s ({:.2f} s of it online), {:.3f} MB in {} flows{}", samples,
                     statistics.seconds, online,
                     static_cast<double>(total.bytesToServer + total.bytesToClient) / 1e6,
                     total.flows, stream);
}

} // namespace dyad
