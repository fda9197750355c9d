// SPDX-License-Identifier: Apache-2.0
// See selection.h. All of it is additively correlated OT (ot/correlated.h) and local arithmetic.
#include "runtime/protocols/selection.h"

#include "runtime/ot/correlated.h"

#include <utility>

namespace dyad {
namespace {

Ring ringOf(const BitVec &bits) {
  Ring result(bits.size());
  for (std::size_t i = 0; i < bits.size(); ++i)
    result[i] = bits[i] ? 1 : 0;
  return result;
}

/// bit ? -x : x.
Ring negatedWhere(Ring x, const BitVec &bit, unsigned width) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::uint64_t all = -static_cast<std::uint64_t>(bit[i]);
    x[i] = ((x[i] ^ all) - all) & ringMask(width);
  }
  return x;
}
/// bit ? x : 0.
Ring keptWhere(Ring x, const BitVec &bit) {
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] &= -static_cast<std::uint64_t>(bit[i]);
  return x;
}

void requireOperand(const BitVec &bit, const Ring &value, unsigned width) {
  requireWidth(width);
  requireSameSize(bit.size(), value.size());
}

/// Shares of choice * offset, where `sender` has the offsets and the other party the choices.
Task<Ring> correlated(Session &session, Ring offset, BitVec choice, unsigned width, Role sender) {
  if (session.role() == sender)
    return sendCots(session, std::move(offset), width);
  return receiveCots(session, std::move(choice), width);
}

} // namespace

Task<Ring> bitToRing(Session &session, BitVec share, unsigned width) {
  requireWidth(width);
  Ring mine = ringOf(share);
  if (width == 1)
    co_return mine;
  // b = b0 + b1 - 2 b0 b1: the product is doubled, so its top bit does not count.
  const Ring both = co_await correlated(session, mine, std::move(share), width - 1, Role::kServer);
  co_return subtracted(std::move(mine), scaled(both, 2, width), width);
}

Task<Ring> productOfBits(Session &session, BitVec mine, unsigned width) {
  requireWidth(width);
  Ring offset = ringOf(mine);
  return correlated(session, std::move(offset), std::move(mine), width, Role::kServer);
}

Task<std::vector<Ring>> multiplex(Session &session, BitVec bit, std::vector<SelectedValue> values) {
  std::vector<unsigned> widths;
  std::vector<Ring> offsets, results;
  for (const SelectedValue &value : values) {
    requireOperand(bit, value.share, value.width);
    widths.push_back(value.width);
    offsets.push_back(negatedWhere(value.share, bit, value.width));
    results.push_back(keptWhere(value.share, bit));
  }
  // b x = b0 x0 + b1 x1 + b1 [x0 (1 - 2 b0)] + b0 [x1 (1 - 2 b1)], the server's offsets first.
  const std::vector<CotGroup> groups = selectionGroups(bit.size(), widths);
  std::vector<Task<std::vector<Ring>>> halves;
  if (session.isServer()) {
    halves.push_back(sendCots(session, groups, std::move(offsets)));
    halves.push_back(receiveCots(session, groups, std::move(bit)));
  } else {
    halves.push_back(receiveCots(session, groups, std::move(bit)));
    halves.push_back(sendCots(session, groups, std::move(offsets)));
  }
  const std::vector<std::vector<Ring>> shares = co_await whenAll(std::move(halves));
  for (const std::vector<Ring> &half : shares)
    for (std::size_t j = 0; j < results.size(); ++j)
      results[j] = added(std::move(results[j]), half[j], widths[j]);
  co_return results;
}

Task<Ring> multiplex(Session &session, BitVec bit, Ring value, unsigned width) {
  std::vector<SelectedValue> values;
  values.push_back({std::move(value), width});
  std::vector<Ring> results = co_await multiplex(session, std::move(bit), std::move(values));
  co_return std::move(results.front());
}

Task<Ring> multiplexKnownValue(Session &session, BitVec bit, Ring value, unsigned width,
                               Role owner) {
  requireWidth(width);
  if (session.role() != owner)
    co_return co_await correlated(session, {}, std::move(bit), width, owner);
  requireOperand(bit, value, width);
  Ring offset = negatedWhere(value, bit, width);
  const Ring kept = keptWhere(std::move(value), bit);
  co_return added(co_await correlated(session, std::move(offset), {}, width, owner), kept, width);
}

Task<Ring> multiplexKnownBit(Session &session, BitVec bit, Ring value, unsigned width, Role owner) {
  requireWidth(width);
  const Role sender = otherRole(owner);
  if (session.role() != owner)
    co_return co_await correlated(session, std::move(value), {}, width, sender);
  requireOperand(bit, value, width);
  const Ring kept = keptWhere(std::move(value), bit);
  co_return added(co_await correlated(session, {}, std::move(bit), width, sender), kept, width);
}

Task<Ring> select(Session &session, BitVec bit, Ring a, Ring b, unsigned width) {
  Ring chosen =
      co_await multiplex(session, std::move(bit), subtracted(std::move(a), b, width), width);
  co_return added(std::move(chosen), b, width);
}

} // namespace dyad
