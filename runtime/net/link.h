// SPDX-License-Identifier: Apache-2.0
// A network link in two numbers, and the one way in which users write it: what the cost model
// optimises for (--network) and what the relay imitates (--simulate).
#pragma once

#include <string>
#include <string_view>

namespace dyad {

/// Bits a second in each direction, and the seconds of a round trip.
struct LinkProfile {
  std::string name = "lan";
  double bitsPerSecond = 3e9;
  double roundTripSeconds = 0.3e-3;
};

/// "lan" (3 Gbit/s, 0.3 ms), "wan" (400 Mbit/s, 40 ms) or BANDWIDTH,RTT with units, such as
/// "100Mbit,20ms" (kbit, Mbit, Gbit; us, ms, s). kUsage for anything else, with what is allowed.
LinkProfile parseLink(std::string_view text);

/// "wan (400 Mbit/s, 40 ms)", "100 Mbit/s, 20 ms".
std::string describe(const LinkProfile &link);

} // namespace dyad
