// SPDX-License-Identifier: Apache-2.0
#include "passes/numbers/config.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "llvm/ADT/STLExtras.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace dyad {
namespace {

using Json = nlohmann::ordered_json;
using Report = llvm::function_ref<void(const std::string &)>;

struct IntegerKey {
  const char *name;
  std::optional<int64_t> NodeNumbers::*member;
  int64_t low, high;
};

constexpr int64_t kMaxWidth = 64;
constexpr int64_t kMaxFraction = 200; // of floats near 1e-38

const IntegerKey kKeys[] = {
    {"scale", &NodeNumbers::scale, -kMaxFraction, kMaxFraction},
    {"bitwidth", &NodeNumbers::bitwidth, 2, kMaxWidth},
    {"accumulator_bitwidth", &NodeNumbers::accumulatorBitwidth, 2, kMaxWidth},
    {"weight_scale", &NodeNumbers::weightScale, -kMaxFraction, kMaxFraction},
    {"weight_bitwidth", &NodeNumbers::weightBitwidth, 2, kMaxWidth},
};

// Keys of nodes that passes/protocols reads and checks.
bool isProtocolKey(llvm::StringRef key) {
  return key == "protocol" || key == "fused" || key == "radix";
}

bool parseEntry(const std::string &where, const Json &json, bool isInput, NodeNumbers &numbers,
                Report report) {
  if (!json.is_object()) {
    report(where + " must be an object of scales and widths");
    return false;
  }
  bool ok = true;
  for (const auto &[key, value] : json.items()) {
    if (isInput && (key == "low" || key == "high")) {
      if (!value.is_number()) {
        report(fmt::format("{}: '{}' must be a number", where, key));
        ok = false;
      } else {
        (key == "low" ? numbers.low : numbers.high) = value.get<double>();
      }
      continue;
    }
    if (where.starts_with("node ") && isProtocolKey(key))
      continue;
    if (key == kChannelShifts) {
      constexpr int64_t kMostShift = 40;
      bool isList =
          value.is_array() && llvm::all_of(value, [&](const Json &shift) {
            return shift.is_number_integer() && std::abs(shift.get<int64_t>()) <= kMostShift;
          });
      if (isList)
        numbers.channelShifts = value.get<std::vector<int64_t>>();
      else
        report(fmt::format("{}: '{}' must be a list of integers of -{} to {}", where, key,
                           kMostShift, kMostShift));
      ok &= isList;
      continue;
    }
    const IntegerKey *known = nullptr;
    for (const IntegerKey &candidate : kKeys)
      if (key == candidate.name && !(isInput && key.starts_with("weight")))
        known = &candidate;
    if (known == nullptr) {
      report(fmt::format("{}: unknown key '{}'; known are scale, bitwidth, {}", where, key,
                         isInput ? "low, high, channel_shifts"
                                 : "accumulator_bitwidth, weight_scale, weight_bitwidth, "
                                   "channel_shifts, and for nodes protocol, fused, radix"));
      ok = false;
    } else if (!value.is_number_integer() || value.get<int64_t>() < known->low ||
               value.get<int64_t>() > known->high) {
      report(fmt::format("{}: '{}' must be an integer of {} to {}", where, key, known->low,
                         known->high));
      ok = false;
    } else {
      numbers.*known->member = value.get<int64_t>();
    }
  }
  if (numbers.low.has_value() != numbers.high.has_value() ||
      (numbers.low && *numbers.low > *numbers.high)) {
    report(where + ": a range needs low <= high");
    ok = false;
  }
  return ok;
}

Json toJson(const NodeNumbers &numbers) {
  Json json = Json::object();
  for (const IntegerKey &key : kKeys)
    if (numbers.*key.member)
      json[key.name] = *(numbers.*key.member);
  if (numbers.channelShifts)
    json[kChannelShifts] = *numbers.channelShifts;
  if (numbers.low)
    json["low"] = *numbers.low;
  if (numbers.high)
    json["high"] = *numbers.high;
  return json;
}

// Fills what `numbers` leaves open from `from`.
NodeNumbers completed(NodeNumbers numbers, const NodeNumbers &from) {
  for (const IntegerKey &key : kKeys)
    if (!(numbers.*key.member))
      numbers.*key.member = from.*key.member;
  if (!numbers.channelShifts)
    numbers.channelShifts = from.channelShifts;
  return numbers;
}

llvm::StringRef baseName(llvm::StringRef key) {
  auto [name, index] = key.rsplit('#');
  unsigned k = 0;
  return !index.empty() && !index.getAsInteger(10, k) ? name : key;
}

} // namespace

bool NodeNumbers::empty() const { return dyad::toJson(*this).empty(); }

bool NumbersConfig::givesChannelShifts() const {
  auto gives = [](const NodeNumbers &numbers) {
    return numbers.channelShifts || numbers.weightScale || numbers.weightBitwidth;
  };
  return gives(defaults) ||
         llvm::any_of(nodes, [&](const auto &node) { return gives(node.second); });
}

bool readNumbersConfig(const std::string &path, NumbersConfig &config, Report report) {
  if (path.empty())
    return true;
  std::ifstream file(path);
  if (!file) {
    report("cannot be read; check the path");
    return false;
  }
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return config.parse(text, report);
}

bool NumbersConfig::parse(llvm::StringRef text, Report report) {
  given_ = true;
  // No exceptions here: a syntax error is a discarded value.
  Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) {
    report("is not a JSON object");
    return false;
  }
  bool ok = true;
  for (const auto &[section, entries] : json.items()) {
    if (section == "defaults") {
      ok &= parseEntry("'defaults'", entries, false, defaults, report);
      continue;
    }
    if (section == "search" && entries.is_object())
      continue;
    if (section == "weight_widths" && (entries == "values" || entries == "fixed")) {
      weightWidths = entries == "values" ? WeightWidths::kValues : WeightWidths::kFixed;
      continue;
    }
    if ((section != "nodes" && section != "inputs") || !entries.is_object()) {
      report(fmt::format("unknown section '{}'; known are the objects defaults, inputs, nodes, "
                         "search, and weight_widths, which is \"fixed\" or \"values\"",
                         section));
      ok = false;
      continue;
    }
    bool isInput = section == "inputs";
    for (const auto &[name, entry] : entries.items())
      ok &= parseEntry(fmt::format("{} '{}'", isInput ? "input" : "node", name), entry, isInput,
                       (isInput ? inputs : nodes)[name], report);
  }
  return ok;
}

std::vector<std::string>
NumbersConfig::unknownNames(llvm::function_ref<bool(llvm::StringRef)> isNode,
                            llvm::function_ref<bool(llvm::StringRef)> isInput) const {
  std::vector<std::string> unknown;
  for (const auto &[name, numbers] : nodes)
    if (!isNode(name) && !isNode(baseName(name)))
      unknown.push_back("node '" + name + "'");
  for (const auto &[name, numbers] : inputs)
    if (!isInput(name))
      unknown.push_back("input '" + name + "'");
  return unknown;
}

std::string NumbersConfig::nodeKey(llvm::StringRef name, unsigned k) {
  return k == 0 ? name.str() : fmt::format("{}#{}", name.str(), k);
}

NodeNumbers NumbersConfig::node(llvm::StringRef name, unsigned k) const {
  auto found = nodes.find(nodeKey(name, k));
  if (found == nodes.end())
    found = nodes.find(name.str());
  return completed(found == nodes.end() ? NodeNumbers() : found->second, defaults);
}

NodeNumbers NumbersConfig::input(llvm::StringRef name) const {
  auto found = inputs.find(name.str());
  return completed(found == inputs.end() ? NodeNumbers() : found->second, defaults);
}

std::string NumbersConfig::toJson() const {
  Json json = Json::object();
  if (weightWidths == WeightWidths::kValues)
    json["weight_widths"] = "values";
  if (!defaults.empty())
    json["defaults"] = dyad::toJson(defaults);
  for (const auto &[name, numbers] : inputs)
    json["inputs"][name] = dyad::toJson(numbers);
  for (const auto &[name, numbers] : nodes)
    json["nodes"][name] = dyad::toJson(numbers);
  return json.dump(2) + "\n";
}

} // namespace dyad
