// SPDX-License-Identifier: Apache-2.0
// See machine_file.h.
#include "runtime/calibrate/machine_file.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>

namespace dyad {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;

/// A profile while it is read: all mistakes name the file.
class Reader {
public:
  explicit Reader(const std::string &path) : path_(path) {}

  MachineFile read() const {
    std::ifstream stream(path_);
    require(stream.good(), "cannot be read");
    const Json json = Json::parse(stream, nullptr, /*allow_exceptions=*/false);
    require(json.is_object(), "is not a JSON object");
    only(json, "", {"version", "machine", "picoseconds", "link"});
    require(json.contains("version") && json["version"] == kVersion,
            fmt::format("should have \"version\": {}; `dyad calibrate` writes one", kVersion));
    MachineFile file;
    if (json.contains("machine")) {
      require(json["machine"].is_string(), "'machine' should be a text");
      file.machine = json["machine"].get<std::string>();
    }
    if (json.contains("picoseconds"))
      readConstants(json["picoseconds"], file.profile);
    if (json.contains("link"))
      file.link = readLink(json["link"]);
    return file;
  }

private:
  void require(bool holds, const std::string &what) const {
    DYAD_REQUIRE(holds, kBadInput, "machine profile '{}': {}", path_, what);
  }

  void only(const Json &json, const std::string &where,
            std::initializer_list<std::string_view> keys) const {
    for (const auto &[key, value] : json.items())
      require(std::find(keys.begin(), keys.end(), key) != keys.end(),
              fmt::format("'{}{}' is no key of a machine profile", where, key));
  }

  void readConstants(const Json &json, MachineProfile &profile) const {
    require(json.is_object(), "'picoseconds' should be an object");
    for (const auto &[key, value] : json.items()) {
      const auto fields = machineFields();
      const auto field = std::find_if(fields.begin(), fields.end(),
                                      [&key = key](const MachineField &f) { return key == f.key; });
      require(field != fields.end(),
              fmt::format("'picoseconds.{}' is no key of a machine profile", key));
      require(value.is_number_unsigned() && value.get<std::uint64_t>() <= kMaxPicoseconds,
              fmt::format("'picoseconds.{}' should be a whole number of 0 to {}", key,
                          kMaxPicoseconds));
      profile.*field->member = value.get<std::uint64_t>();
    }
  }

  double number(const Json &json, const char *key) const {
    require(json.contains(key) && json[key].is_number() && std::isfinite(json[key].get<double>()),
            fmt::format("'link.{}' should be a number", key));
    return json[key].get<double>();
  }

  LinkProfile readLink(const Json &json) const {
    require(json.is_object(), "'link' should be an object");
    only(json, "link.", {"bits_per_second", "round_trip_seconds"});
    const double bits = number(json, "bits_per_second");
    const double roundTrip = number(json, "round_trip_seconds");
    require(bits >= 1000 && bits <= 1e13, "'link.bits_per_second' should be 1e3 to 1e13");
    require(roundTrip >= 0 && roundTrip <= 60, "'link.round_trip_seconds' should be 0 to 60");
    return measuredLink(bits, roundTrip);
  }

  const std::string &path_;
};

double rounded(double value) {
  if (value <= 0)
    return 0;
  const double unit = std::pow(10.0, std::floor(std::log10(value)) - 2);
  return std::round(value / unit) * unit;
}

} // namespace

LinkProfile measuredLink(double bitsPerSecond, double roundTripSeconds) {
  return parseLink(fmt::format("{:.6g}Mbit,{:.6g}us", rounded(bitsPerSecond) / 1e6,
                               rounded(roundTripSeconds) * 1e6));
}

MachineFile readMachineFile(const std::string &path) { return Reader(path).read(); }

void writeMachineFile(const std::string &path, const MachineFile &file) {
  Json json;
  json["version"] = kVersion;
  json["machine"] = file.machine;
  for (const MachineField &field : machineFields())
    json["picoseconds"][field.key] = file.profile.*field.member;
  if (file.link) {
    json["link"]["bits_per_second"] = file.link->bitsPerSecond;
    json["link"]["round_trip_seconds"] = file.link->roundTripSeconds;
  }
  std::ofstream stream(path);
  stream << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  stream.close();
  DYAD_REQUIRE(stream.good(), kBadInput, "machine profile '{}': cannot be written", path);
}

} // namespace dyad
