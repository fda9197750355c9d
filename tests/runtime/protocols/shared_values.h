// SPDX-License-Identifier: Apache-2.0
// Shares of test values, and a protocol run on them that checks its declared cost: both parties get
// exactly the COTs that the cost says, and what crosses the wire must be what it says.
#pragma once

#include "runtime/protocols/clear_reference.h"
#include "runtime/protocols/ring.h"
#include "tests/runtime/two_party.h"

#include <catch2/catch.hpp>

#include <array>
#include <cstdint>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace dyad::test {

namespace spec = dyad::functionality;

struct Shares {
  Ring server, client;
  unsigned width = 0;

  std::size_t size() const { return server.size(); }
  void add(std::uint64_t x, std::uint64_t serverShare) {
    server.push_back(serverShare & ringMask(width));
    client.push_back((x - serverShare) & ringMask(width));
  }
  Ring values() const { return added(server, client, width); }
  const Ring &of(const Session &session) const { return session.isServer() ? server : client; }
};

struct BitShares {
  BitVec server, client;
  BitVec values() const { return server ^ client; }
  const BitVec &of(const Session &session) const { return session.isServer() ? server : client; }
};

inline Shares shared(const Ring &x, unsigned width, std::uint64_t seed = 7) {
  std::mt19937_64 random(seed);
  Shares shares{{}, {}, width};
  for (const std::uint64_t value : x)
    shares.add(value, random());
  return shares;
}

inline BitShares sharedBits(const BitVec &bits, std::uint64_t seed = 8) {
  std::mt19937_64 random(seed);
  BitShares shares{BitVec(bits.size()), BitVec(bits.size())};
  for (std::size_t i = 0; i < bits.size(); ++i) {
    const bool mine = (random() & 1) != 0;
    shares.server.set(i, mine);
    shares.client.set(i, mine != bits[i]);
  }
  return shares;
}

/// Every value with every share of it.
inline Shares everything(unsigned width) {
  Shares shares{{}, {}, width};
  for (std::uint64_t x = 0; x <= ringMask(width); ++x)
    for (std::uint64_t share = 0; share <= ringMask(width); ++share)
      shares.add(x, share);
  return shares;
}

/// Values at the borders of a ring, next to multiples of 2^shift, and random ones.
inline Ring edgeValues(unsigned width, unsigned shift, std::size_t random = 40) {
  std::set<std::uint64_t> values;
  const std::uint64_t top = std::uint64_t{1} << (width - 1);
  for (const std::uint64_t base :
       {std::uint64_t{0}, top, top / 2, -(top / 2), std::uint64_t{1} << shift,
        std::uint64_t{3} << shift, -(std::uint64_t{1} << shift), -(std::uint64_t{5} << shift)})
    for (const std::uint64_t step : {-2, -1, 0, 1, 2})
      values.insert((base + step) & ringMask(width));
  std::mt19937_64 generator(width * 64 + shift);
  for (std::size_t i = 0; i < random; ++i)
    values.insert(generator() >> (generator() % 64) & ringMask(width));
  return {values.begin(), values.end()};
}

/// The same, each with shares at the borders of the ring, at the wrap and random ones.
inline Shares edgeShares(const Ring &values, unsigned width, unsigned shift) {
  Shares shares{{}, {}, width};
  std::mt19937_64 generator(width * 64 + shift + 1);
  const std::uint64_t top = std::uint64_t{1} << (width - 1);
  for (const std::uint64_t x : values)
    for (const std::uint64_t share :
         {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, top, top - 1, x, x + 1, x - 1,
          std::uint64_t{1} << shift, (std::uint64_t{1} << shift) - 1, generator(), generator()})
      shares.add(x, share);
  return shares;
}

/// Keeps the shares whose value passes.
template <typename Predicate> Shares only(const Shares &all, Predicate keep) {
  Shares shares{{}, {}, all.width};
  const Ring values = all.values();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (keep(values[i]))
      shares.add(values[i], all.server[i]);
  return shares;
}

inline Shares joined(std::pair<Ring, Ring> results, unsigned width) {
  return {std::move(results.first), std::move(results.second), width};
}
inline BitShares joined(std::pair<BitVec, BitVec> results) {
  return {std::move(results.first), std::move(results.second)};
}

/// Runs `protocol(session)` at both parties and checks that it costs what `cost` says.
template <typename Protocol>
auto runCosting(const Cost &cost, Protocol protocol, std::uint64_t seed = 1) {
  TwoParty pair(seed);
  pair.deal(cost);
  const auto party = [&](Session &session) { return session.run(protocol(session)); };
  auto results = pair.run(party, party);
  const TwoParty::Measured measured = pair.measured();
  const TwoParty::Measured expected = TwoParty::expected(cost);
  CHECK(measured.bytesToServer == expected.bytesToServer);
  CHECK(measured.bytesToClient == expected.bytesToClient);
  CHECK(measured.flows == expected.flows);
  CHECK(measured.serverCots == expected.serverCots);
  CHECK(measured.clientCots == expected.clientCots);
  CHECK(pair.matches(cost));
  return results;
}

/// Bits per element: of a run over 64 elements, in which no padding is left.
inline double bitsPerElement(const Cost &costOf64) {
  std::uint64_t bytes = 0;
  for (const Tick &tick : costOf64.ticks)
    bytes += tick.toServer + tick.toClient;
  return static_cast<double>(bytes) * 8 / 64;
}

/// Fails once, naming the first wrong element: thousands of CHECKs would be slow and unreadable.
template <typename Expected>
void checkEach(const Shares &result, const Ring &inputs, Expected expected) {
  REQUIRE(result.size() == inputs.size());
  const Ring values = result.values();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] != expected(inputs[i])) {
      CAPTURE(i, inputs[i], values[i], expected(inputs[i]));
      FAIL_CHECK("wrong result");
      return;
    }
}
template <typename Expected>
void checkEach(const BitShares &result, const Ring &inputs, Expected expected) {
  const BitVec values = result.values();
  REQUIRE(values.size() == inputs.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] != expected(inputs[i])) {
      CAPTURE(i, inputs[i], expected(inputs[i]));
      FAIL_CHECK("wrong bit");
      return;
    }
}

} // namespace dyad::test
