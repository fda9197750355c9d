// SPDX-License-Identifier: Apache-2.0
#include "compiler/search/evaluations.h"

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

namespace dyad::compiler {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;

Json toJson(const SearchPoint &point) {
  const Accuracy &accuracy = point.accuracy;
  return {{"spent", accuracy.spent},
          {"error", accuracy.error},
          {"decisions", accuracy.decisions},
          {"differing", accuracy.differing},
          {"violations", accuracy.violations},
          {"seconds", point.seconds},
          {"bytes", point.bytes},
          {"flows", point.flows}};
}

SearchPoint pointOf(const Json &json) {
  SearchPoint point;
  json.at("spent").get_to(point.accuracy.spent);
  json.at("error").get_to(point.accuracy.error);
  json.at("decisions").get_to(point.accuracy.decisions);
  json.at("differing").get_to(point.accuracy.differing);
  json.at("violations").get_to(point.accuracy.violations);
  json.at("seconds").get_to(point.seconds);
  json.at("bytes").get_to(point.bytes);
  json.at("flows").get_to(point.flows);
  return point;
}

} // namespace

Evaluations::Evaluations(std::string path, std::string fingerprint)
    : path_(std::move(path)), fingerprint_(std::move(fingerprint)) {
  std::ifstream file(path_);
  if (path_.empty() || !file)
    return;
  // A file that was cut off, or is of another program, is no error: its evaluations are made again.
  try {
    const Json json = Json::parse(file);
    if (json.at("version") != kVersion || json.at("fingerprint") != fingerprint_)
      return;
    for (const Json &entry : json.at("evaluations"))
      points_[entry.at("candidate").get<std::vector<int>>()] =
          entry.contains("point") ? std::optional(pointOf(entry.at("point"))) : std::nullopt;
  } catch (const Json::exception &) {
    points_.clear();
  }
  restored_ = points_.size();
}

const std::optional<SearchPoint> *Evaluations::find(const std::vector<int> &candidate) const {
  const auto found = points_.find(candidate);
  return found == points_.end() ? nullptr : &found->second;
}

void Evaluations::add(const std::vector<int> &candidate, std::optional<SearchPoint> point) {
  points_[candidate] = std::move(point);
}

bool Evaluations::save() const {
  if (path_.empty())
    return true;
  Json json = {{"version", kVersion}, {"fingerprint", fingerprint_}};
  Json &entries = json["evaluations"] = Json::array();
  for (const auto &[candidate, point] : points_) {
    Json entry = {{"candidate", candidate}};
    if (point)
      entry["point"] = toJson(*point);
    entries.push_back(std::move(entry));
  }
  // Whole or not at all, since the search may be interrupted here too.
  const std::string partial = path_ + ".partial";
  {
    std::ofstream file(partial);
    file << json.dump() << "\n";
    file.close();
    if (!file)
      return false;
  }
  return std::rename(partial.c_str(), path_.c_str()) == 0;
}

} // namespace dyad::compiler
