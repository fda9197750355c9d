// SPDX-License-Identifier: Apache-2.0
// Shared tensors for tests: values in the clear, their shares, and an operation run by both parties
// with exactly the COTs that its cost states, which must be exactly what it takes.
#pragma once

#include "runtime/clear/shape.h"
#include "runtime/he/keys.h"
#include "runtime/protocols/clear_reference.h"
#include "runtime/protocols/ring.h"
#include "runtime/tensor/tensor.h"
#include "tests/runtime/two_party.h"

#include <catch2/catch.hpp>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace dyad::test {

using Integers = clear::Tensor<std::int64_t>;

inline Integers integers(const Shape &shape, std::int64_t low, std::int64_t high,
                         std::mt19937_64 &random) {
  std::uniform_int_distribution<std::int64_t> value(low, high);
  Integers x{shape, std::vector<std::int64_t>(clear::sizeOf(shape))};
  for (std::int64_t &element : x.data)
    element = value(random);
  return x;
}
/// All that `bits` signed bits hold.
inline Integers integers(const Shape &shape, unsigned bits, std::mt19937_64 &random) {
  const std::int64_t top = std::int64_t{1} << (bits - 1);
  return integers(shape, -top, top - 1, random);
}

/// Both parties' shares of a tensor.
struct SharedTensor {
  Share server, client;
  const Share &of(const Session &session) const { return session.isServer() ? server : client; }
};

inline SharedTensor shared(const Integers &x, unsigned bits, std::mt19937_64 &random) {
  SharedTensor shares{{x.shape, bits, {}}, {x.shape, bits, {}}};
  for (const std::int64_t value : x.data) {
    const std::uint64_t mine = random() & ringMask(bits);
    shares.server.values.push_back(mine);
    shares.client.values.push_back((static_cast<std::uint64_t>(value) - mine) & ringMask(bits));
  }
  return shares;
}
/// A value only the owner has.
inline Plain held(const Session &session, const Integers &x, Owner owner) {
  return {x.shape, owner, knows(session, owner) ? x.data : std::vector<std::int64_t>{}};
}

inline Integers opened(const Share &a, const Share &b) {
  REQUIRE(a.shape == b.shape);
  REQUIRE(a.bits == b.bits);
  REQUIRE(a.values.size() == static_cast<std::size_t>(clear::sizeOf(a.shape)));
  Integers x{a.shape, {}};
  for (const std::uint64_t value : added(a.values, b.values, a.bits))
    x.data.push_back(functionality::toSigned(value, a.bits));
  return x;
}
/// What remains of integers in a ring, read as signed.
inline Integers wrapped(Integers x, unsigned bits) {
  for (std::int64_t &value : x.data)
    value = functionality::toSigned(static_cast<std::uint64_t>(value) & ringMask(bits), bits);
  return x;
}

/// Runs `operation(session)` (a Task<Share>) at both parties and returns the value. A layer that is
/// to run by RLWE gets its keys first.
template <typename Operation>
Integers runWithCost(const Cost &cost, Operation operation, const std::string &what = {},
                     const std::optional<he::LinearSpec> &layer = {}) {
  TwoParty pair;
  pair.deal(cost);
  if (const auto plan = layer ? he::planFor(*layer) : std::nullopt) {
    const auto keys = [&](Session &session) {
      session.run(he::setup(session, {plan->keys()}));
      return true;
    };
    pair.run(keys, keys);
  }
  const auto party = [&](Session &session) { return session.run(operation(session)); };
  const auto [server, client] = pair.run(party, party);
  INFO(what);
  const TwoParty::Measured measured = pair.measured();
  const TwoParty::Measured expected = TwoParty::expected(cost);
  CHECK(measured.bytesToServer == expected.bytesToServer);
  CHECK(measured.bytesToClient == expected.bytesToClient);
  CHECK(measured.flows == expected.flows);
  CHECK(pair.matches(cost));
  return opened(server, client);
}

} // namespace dyad::test
