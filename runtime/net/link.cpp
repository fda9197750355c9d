// SPDX-License-Identifier: Apache-2.0
// See link.h.
#include "runtime/net/link.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>

namespace dyad {
namespace {

struct Unit {
  std::string_view suffix;
  double factor;
};

// Longer suffixes first: "ms" ends with "s".
constexpr std::array<Unit, 3> kBandwidths{{{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}}};
constexpr std::array<Unit, 3> kTimes{{{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}}};

std::optional<double> withUnit(std::string_view text, std::span<const Unit> units) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  for (const Unit &unit : units) {
    if (!std::string_view(lower).ends_with(unit.suffix))
      continue;
    const char *end = lower.data() + lower.size() - unit.suffix.size();
    double value = 0;
    const auto [stop, error] = std::from_chars(lower.data(), end, value);
    if (error != std::errc() || stop != end || !std::isfinite(value))
      return std::nullopt;
    return value * unit.factor;
  }
  return std::nullopt;
}

} // namespace

LinkProfile parseLink(std::string_view text) {
  if (text == "lan")
    return {};
  if (text == "wan")
    return {"wan", 400e6, 40e-3};
  const std::size_t comma = text.find(',');
  const auto bandwidth = withUnit(text.substr(0, comma), kBandwidths);
  const auto roundTrip =
      comma == std::string_view::npos ? std::nullopt : withUnit(text.substr(comma + 1), kTimes);
  DYAD_REQUIRE(bandwidth && roundTrip, kUsage,
               "'{}' should be lan, wan, or a bandwidth and a round-trip time with units, such as "
               "100Mbit,20ms",
               text);
  DYAD_REQUIRE(*bandwidth > 0 && *roundTrip >= 0, kUsage,
               "'{}': the bandwidth must be positive and the round-trip time not negative", text);
  return {std::string(text), *bandwidth, *roundTrip};
}

std::string describe(const LinkProfile &link) {
  const double megabits = link.bitsPerSecond / 1e6;
  const std::string rate = megabits >= 1000 ? fmt::format("{:g} Gbit/s", megabits / 1000)
                                            : fmt::format("{:g} Mbit/s", megabits);
  const std::string numbers = fmt::format("{}, {:g} ms", rate, link.roundTripSeconds * 1e3);
  const bool isNamed = link.name.find(',') == std::string::npos;
  return isNamed ? fmt::format("{} ({})", link.name, numbers) : numbers;
}

} // namespace dyad
