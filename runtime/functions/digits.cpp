// SPDX-License-Identifier: Apache-2.0
// See digits.h.
#include "runtime/functions/digits.h"

#include "runtime/functions/lookup.h"
#include "runtime/protocols/bit_planes.h"
#include "runtime/protocols/comparison.h"
#include "runtime/protocols/selection.h"

#include <bit>
#include <utility>

namespace dyad {
namespace {

/// The block's bits of a share; at the client 2^bits - 1 minus them, so that the carry is a
/// comparison and a sum of ones is equality.
Ring blockOf(const Session &session, const Ring &share, unsigned from, unsigned to) {
  Ring block(share.size());
  const std::uint64_t mask = ringMask(to - from);
  const std::uint64_t flip = session.isServer() ? 0 : mask;
  for (std::size_t i = 0; i < share.size(); ++i)
    block[i] = (share[i] >> from & mask) ^ flip;
  return block;
}

Task<OrderBits> orderOnly(Session &session, Ring mine, unsigned bits, Radix radix) {
  BitVec greater = co_await greaterThan(session, std::move(mine), bits, radix);
  co_return OrderBits{std::move(greater), {}};
}

/// ANDs of many pairs of bit vectors of the same length in one tick: a = x & y for each.
struct Pairs {
  BitVec x, y;
  std::size_t count = 0;
  void add(const BitVec &a, const BitVec &b) {
    x.append(a);
    y.append(b);
    ++count;
  }
};

Task<BitVec> andSingles(Session &session, Pairs pairs) {
  if (pairs.count == 0)
    co_return BitVec();
  co_return co_await andBits(session, std::move(pairs.x), std::move(pairs.y));
}

struct SharedPairs {
  BitVec shared, first, second;
};
Task<std::pair<BitVec, BitVec>> andDoubles(Session &session, SharedPairs pairs) {
  if (pairs.shared.empty())
    co_return std::pair<BitVec, BitVec>();
  co_return co_await andBits(session, std::move(pairs.shared), std::move(pairs.first),
                             std::move(pairs.second));
}

} // namespace

Task<CarryBlocks> carryBlocks(Session &session, Ring share, std::vector<unsigned> positions,
                              Radix radix) {
  std::vector<Task<OrderBits>> comparisons;
  for (std::size_t b = 0; b < positions.size(); ++b) {
    const unsigned from = b == 0 ? 0 : positions[b - 1];
    DYAD_REQUIRE(positions[b] > from && positions[b] <= 64, kOutOfRange,
                 "carry positions must ascend from 1 to 64");
    Ring block = blockOf(session, share, from, positions[b]);
    comparisons.push_back(
        b == 0 ? orderOnly(session, std::move(block), positions[b], radix)
               : greaterAndEqual(session, std::move(block), positions[b] - from, radix));
  }
  std::vector<OrderBits> found = co_await whenAll(std::move(comparisons));
  CarryBlocks blocks;
  for (OrderBits &bits : found) {
    blocks.carry.push_back(std::move(bits.greater));
    blocks.equal.push_back(std::move(bits.equal));
  }
  co_return blocks;
}

Task<std::vector<BitVec>> prefixCarries(Session &session, CarryBlocks blocks) {
  std::vector<BitVec> &carry = blocks.carry;
  std::vector<BitVec> &equal = blocks.equal;
  if (carry.size() < 2)
    co_return std::move(carry);
  const std::size_t n = carry.front().size();
  for (const std::vector<PrefixStep> &level : prefixNetwork(static_cast<unsigned>(carry.size()))) {
    Pairs singles;
    SharedPairs doubles;
    for (const PrefixStep &step : level) {
      if (!step.pair) {
        singles.add(equal[step.high], carry[step.low]);
        continue;
      }
      doubles.shared.append(equal[step.high]);
      doubles.first.append(carry[step.low]);
      doubles.second.append(equal[step.low]);
    }
    auto [single, both] = co_await whenAll(andSingles(session, std::move(singles)),
                                           andDoubles(session, std::move(doubles)));
    std::size_t singleAt = 0;
    std::size_t pairAt = 0;
    for (const PrefixStep &step : level) {
      if (!step.pair) {
        carry[step.high] ^= single.slice(singleAt, n);
        singleAt += n;
        continue;
      }
      carry[step.high] ^= both.first.slice(pairAt, n);
      equal[step.high] = both.second.slice(pairAt, n);
      pairAt += n;
    }
  }
  co_return std::move(carry);
}

Task<std::vector<BitVec>> carries(Session &session, Ring share, std::vector<unsigned> positions,
                                  Radix radix) {
  CarryBlocks blocks = co_await carryBlocks(session, std::move(share), std::move(positions), radix);
  co_return co_await prefixCarries(session, std::move(blocks));
}

Task<BitVec> sumIsZeroOrOnes(Session &session, Ring share, unsigned from, unsigned width,
                             Radix radix) {
  const std::size_t n = share.size();
  const std::uint64_t mask = ringMask(width - from);
  Ring both(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t high = share[i] >> from & mask;
    both[i] = session.isServer() ? high : (0 - high) & mask;
    both[n + i] = session.isServer() ? high : high ^ mask;
  }
  return equal(session, std::move(both), width - from, radix);
}

Task<std::vector<Ring>> digits(Session &session, Ring share, unsigned width, unsigned digitBits,
                               unsigned from, Radix radix) {
  requireWidth(width);
  DYAD_REQUIRE(digitBits >= 1 && from < width, kOutOfRange, "digits of {} bits from bit {} of {}",
               digitBits, from, width);
  const std::vector<unsigned> widths = digitWidths(width - from, digitBits);
  const std::vector<unsigned> positions = digitPositions(width, digitBits, from);
  std::vector<Ring> result(widths.size(), Ring(share.size()));
  for (unsigned j = 0; j < widths.size(); ++j)
    for (std::size_t i = 0; i < share.size(); ++i)
      result[j][i] = share[i] >> (from + j * digitBits) & ringMask(widths[j]);
  std::vector<BitVec> carried = co_await carries(session, std::move(share), positions, radix);
  const std::size_t first = widths.size() - positions.size(); // digit that a carry comes into
  std::vector<Task<Ring>> conversions;
  for (std::size_t j = first; j < widths.size(); ++j)
    conversions.push_back(bitToRing(session, std::move(carried[j - first]), widths[j]));
  const std::vector<Ring> numbers = co_await whenAll(std::move(conversions));
  for (std::size_t j = first; j < widths.size(); ++j)
    result[j] = added(std::move(result[j]), numbers[j - first], widths[j]);
  co_return result;
}

namespace {

/// One-hot leading one of a digit in the low bits, and above them [digit = 0].
LookupTable leadingTable(unsigned bits) {
  LookupTable table{{bits, {{bits + 1, LookupField::Kind::kBits}}}, {}};
  for (unsigned v = 0; v < 1U << bits; ++v)
    table.values.push_back(v == 0 ? std::uint64_t{1} << bits
                                  : std::uint64_t{1} << (std::bit_width(v) - 1));
  return table;
}

} // namespace

Task<std::vector<BitVec>> leadingOne(Session &session, Ring share, unsigned width, unsigned from,
                                     Radix radix) {
  DYAD_REQUIRE(from < width, kOutOfRange, "leading one from bit {} of {}", from, width);
  const std::vector<unsigned> widths = digitWidths(width - from, kLeadingDigitBits);
  const auto count = static_cast<unsigned>(widths.size());
  const std::size_t n = share.size();
  std::vector<Ring> parts =
      co_await digits(session, std::move(share), width, kLeadingDigitBits, from, radix);
  std::vector<Task<LookupResult>> lookups;
  lookups.reserve(count);
  for (unsigned j = 0; j < count; ++j)
    lookups.push_back(lookup(session, leadingTable(widths[j]), std::move(parts[j])));
  const std::vector<LookupResult> found = co_await whenAll(std::move(lookups));
  std::vector<std::vector<BitVec>> planes;
  planes.reserve(count);
  for (unsigned j = 0; j < count; ++j)
    planes.push_back(bitPlanes(found[j].values.front(), widths[j] + 1));

  if (count > 1) {
    // above[i]: whether digits count - 1 down to count - 1 - i are zero.
    std::vector<BitVec> above;
    for (unsigned i = 0; i + 1 < count; ++i)
      above.push_back(planes[count - 1 - i].back());
    for (const std::vector<PrefixStep> &level : prefixNetwork(count - 1)) {
      Pairs pairs;
      for (const PrefixStep &step : level)
        pairs.add(above[step.high], above[step.low]);
      const BitVec products = co_await andSingles(session, std::move(pairs));
      for (std::size_t s = 0; s < level.size(); ++s)
        above[level[s].high] = products.slice(s * n, n);
    }
    Pairs gates;
    for (unsigned j = 0; j + 1 < count; ++j)
      for (unsigned b = 0; b < widths[j]; ++b)
        gates.add(planes[j][b], above[count - 2 - j]);
    const BitVec gated = co_await andSingles(session, std::move(gates));
    std::size_t at = 0;
    for (unsigned j = 0; j + 1 < count; ++j)
      for (unsigned b = 0; b < widths[j]; ++b, at += n)
        planes[j][b] = gated.slice(at, n);
  }
  std::vector<BitVec> result;
  for (unsigned j = 0; j < count; ++j)
    for (unsigned b = 0; b < widths[j]; ++b)
      result.push_back(std::move(planes[j][b]));
  co_return result;
}

} // namespace dyad
