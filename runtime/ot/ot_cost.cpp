// SPDX-License-Identifier: Apache-2.0
// See ot_cost.h.
#include "runtime/ot/ot_cost.h"

namespace dyad {
namespace {

constexpr std::uint64_t bytesOf(std::uint64_t bits) { return (bits + 7) / 8; }

Cost twoTicks(Role sender, std::uint64_t choices, std::uint64_t payload, std::uint64_t cots) {
  const Cost fromServer{{{choices, 0}, {0, payload}}, cots, 0};
  return sender == Role::kServer ? fromServer : mirrored(fromServer);
}

} // namespace

Cost cotsCost(Role sender, const std::vector<CotGroup> &groups) {
  std::uint64_t count = 0;
  std::uint64_t payload = 0;
  for (const CotGroup &group : groups) {
    count += group.count;
    payload += group.count * group.payloadBits();
  }
  return twoTicks(sender, bytesOf(count), bytesOf(payload), count);
}

Cost cotsCost(Role sender, std::uint64_t count, unsigned bits) {
  return cotsCost(sender, {{count, {{bits, 1}}}});
}

Cost otsCost(Role sender, std::uint64_t count, unsigned bits) {
  return twoTicks(sender, bytesOf(count), bytesOf(2 * bits * count), count);
}

Cost bitTablesCost(Role sender, const std::vector<BitTable> &tables) {
  std::uint64_t choices = 0;
  std::uint64_t payload = 0;
  std::uint64_t cots = 0;
  for (const BitTable &table : tables) {
    choices += table.choiceBits * bytesOf(table.count);
    payload += (table.entries() - 1) * table.planes * bytesOf(table.count);
    cots += table.choiceBits * table.count;
  }
  return twoTicks(sender, choices, payload, cots);
}

Cost ringTablesCost(Role sender, std::uint64_t count, unsigned choiceBits, unsigned bits) {
  const std::uint64_t messages = (std::uint64_t{1} << choiceBits) - 1;
  return twoTicks(sender, choiceBits * bytesOf(count), bytesOf(count * messages * bits),
                  choiceBits * count);
}

Cost randomOtsCost(Role sender, std::uint64_t count) {
  return sender == Role::kServer ? Cost{{}, count, 0} : Cost{{}, 0, count};
}

Cost andTriplesCost(std::uint64_t count) { return {{}, count, count}; }

} // namespace dyad
