// SPDX-License-Identifier: Apache-2.0
// See comparison.h. Leaves are look-ups (ot/table.h), ANDs use triples (ot/random_ot.h).
#include "runtime/protocols/comparison.h"

#include "runtime/ot/random_ot.h"
#include "runtime/ot/table.h"
#include "runtime/protocols/bit_planes.h"

#include <utility>
#include <vector>

namespace dyad {
namespace {

/// Shares of [x > y] and [x = y] of a group of digits; empty where not wanted.
struct Group {
  BitVec greater, equal;
};

unsigned valuesOf(const ComparisonPlan &plan, unsigned j) {
  return plan.leafPlanes(j) / ((1U << plan.digitBits[j]) - 1);
}

/// Entries of the server's table for a digit: how it compares with each value v of the client's.
void appendEntries(const ComparisonPlan &plan, unsigned j, std::span<const BitVec> digit,
                   std::vector<BitVec> &entries) {
  const bool wantsEqual = !plan.leafHasOrder || valuesOf(plan, j) == 2;
  for (unsigned v = 0; v < 1U << plan.digitBits[j]; ++v) {
    BitVec greater(digit.front().size());
    BitVec same = ~greater;
    for (unsigned s = 0; s < plan.digitBits[j]; ++s) {
      const BitVec &x = digit[s];
      if ((v >> s & 1) != 0) { // the higher bit decides, unless it is the same
        greater &= x;
        same &= x;
      } else {
        greater = ~(~greater & ~x);
        same &= ~x;
      }
    }
    if (plan.leafHasOrder)
      entries.push_back(std::move(greater));
    if (wantsEqual)
      entries.push_back(std::move(same));
  }
}

/// Groups of one digit each, from the leaves.
Task<std::vector<Group>> compareDigits(Session &session, const ComparisonPlan &plan,
                                       const std::vector<BitVec> &bits) {
  const auto digits = static_cast<unsigned>(plan.digitBits.size());
  std::vector<BitVec> leaves;
  if (std::vector<BitTable> tables = plan.tables(bits.front().size()); !tables.empty()) {
    std::vector<BitVec> operands; // the server's entries, the client's choices
    for (unsigned j = 0, low = 0; j < digits; low += plan.digitBits[j++]) {
      if (plan.leafPlanes(j) == 0)
        continue;
      const std::span<const BitVec> digit = std::span(bits).subspan(low, plan.digitBits[j]);
      if (session.isServer())
        appendEntries(plan, j, digit, operands);
      else
        operands.insert(operands.end(), digit.begin(), digit.end());
    }
    if (session.isServer())
      leaves = co_await sendBitTables(session, std::move(tables), std::move(operands));
    else
      leaves = co_await receiveBitTables(session, std::move(tables), std::move(operands));
  }
  std::vector<Group> groups(digits);
  std::size_t leaf = 0;
  for (unsigned j = 0, low = 0; j < digits; low += plan.digitBits[j++]) {
    const bool wantsEqual = j != 0 || plan.lowestHasEquality;
    if (plan.leafHasOrder)
      groups[j].greater = std::move(leaves[leaf++]);
    if (wantsEqual && plan.digitBits[j] > 1)
      groups[j].equal = std::move(leaves[leaf++]);
    else if (wantsEqual) // two bits are equal iff 1 ^ x ^ y: the parties have shares of that
                         // already
      groups[j].equal = session.isServer() ? ~bits[low] : bits[low];
  }
  co_return groups;
}

/// Shares of shared & others[k] for each merge, in one tick: the openings of all go together.
struct Merge {
  BitVec shared;
  std::vector<BitVec> others;
};
Task<std::vector<std::vector<BitVec>>> andTogether(Session &session, std::vector<Merge> merges) {
  FlowScheduler &flows = session.flows();
  std::vector<AndPairs> triples;
  std::size_t planes = 0;
  std::size_t planeBytes = 0;
  for (Merge &merge : merges) {
    const std::size_t n = merge.shared.size();
    if (merge.others.size() == 2) {
      triples.push_back(andPairs(session, n));
    } else {
      AndTriples single = andTriples(session, n);
      triples.push_back({std::move(single.a), std::move(single.b), {}, std::move(single.c), {}});
    }
    const AndPairs &triple = triples.back();
    merge.shared ^= triple.a;
    merge.others[0] ^= triple.b0;
    if (merge.others.size() == 2)
      merge.others[1] ^= triple.b1;
    planeBytes = merge.shared.byteCount();
    planes += 1 + merge.others.size();
    merge.shared.toBytes(flows.sendBuffer(planeBytes));
    for (const BitVec &other : merge.others)
      other.toBytes(flows.sendBuffer(planeBytes));
  }
  const std::span<const std::uint8_t> received = co_await flows.tick(planes * planeBytes);

  std::size_t at = 0;
  const auto open = [&](BitVec &masked) {
    masked ^= BitVec::fromBytes(masked.size(), received.subspan(at, planeBytes));
    at += planeBytes;
  };
  std::vector<std::vector<BitVec>> products(merges.size());
  for (std::size_t m = 0; m < merges.size(); ++m) {
    BitVec &e = merges[m].shared;
    open(e);
    for (std::size_t k = 0; k < merges[m].others.size(); ++k) {
      BitVec &f = merges[m].others[k];
      open(f);
      // (a ^ e)(b ^ f) = ab ^ e b ^ f a ^ e f
      const AndPairs &triple = triples[m];
      BitVec product = (k == 0 ? triple.c0 : triple.c1) ^ (e & (k == 0 ? triple.b0 : triple.b1)) ^
                       (f & triple.a);
      if (session.isServer())
        product ^= e & f;
      products[m].push_back(std::move(product));
    }
  }
  co_return products;
}

/// One level: neighbours (low, high) become one group.
Task<std::vector<Group>> mergeNeighbours(Session &session, const ComparisonPlan &plan,
                                         std::vector<Group> groups) {
  std::vector<Merge> merges;
  std::vector<bool> wantsEqual;
  for (std::size_t p = 0; 2 * p + 1 < groups.size(); ++p) {
    Group &low = groups[2 * p];
    wantsEqual.push_back(p != 0 || plan.lowestHasEquality);
    Merge merge{std::move(groups[2 * p + 1].equal), {}};
    if (plan.leafHasOrder)
      merge.others.push_back(std::move(low.greater));
    if (wantsEqual[p])
      merge.others.push_back(std::move(low.equal));
    merges.push_back(std::move(merge));
  }
  auto products = co_await andTogether(session, std::move(merges));
  std::vector<Group> merged(products.size());
  for (std::size_t p = 0; p < products.size(); ++p) {
    if (plan.leafHasOrder)
      merged[p].greater = groups[2 * p + 1].greater ^ products[p].front();
    if (wantsEqual[p])
      merged[p].equal = std::move(products[p].back());
  }
  if (groups.size() % 2 != 0)
    merged.push_back(std::move(groups.back()));
  co_return merged;
}

Task<Group> compare(Session &session, Ring mine, unsigned bits, ComparisonPlan plan) {
  std::uint64_t above = 0;
  for (const std::uint64_t value : mine)
    above |= value & ~ringMask(bits);
  DYAD_REQUIRE(above == 0, kOutOfRange, "an operand of a comparison has more than {} bits", bits);

  if (bits == 0) { // nothing to compare: equal, and not greater
    const BitVec none(mine.size());
    co_return Group{none, session.isServer() ? ~none : none};
  }
  const std::vector<BitVec> planes = bitPlanes(mine, bits);
  std::vector<Group> groups = co_await compareDigits(session, plan, planes);
  while (groups.size() > 1)
    groups = co_await mergeNeighbours(session, plan, std::move(groups));
  co_return std::move(groups.front());
}

// Before a plan is made of them.
void requireBits(unsigned bits) {
  DYAD_REQUIRE(bits <= 64, kOutOfRange, "comparison of {} bits; the limit is 64", bits);
}

Ring lowBits(Ring share, unsigned bits) { return reduced(std::move(share), bits); }

/// The client's side of x0 + x1 >= 2^bits as a comparison: 2^bits - 1 - x1.
Ring complementedAtClient(const Session &session, Ring share, unsigned bits) {
  if (!session.isServer())
    for (std::uint64_t &value : share)
      value = ringMask(bits) - value;
  return share;
}

} // namespace

Task<BitVec> greaterThan(Session &session, Ring mine, unsigned bits, Radix radix) {
  requireBits(bits);
  Group group =
      co_await compare(session, std::move(mine), bits, ComparisonPlan::order(bits, false, radix));
  co_return std::move(group.greater);
}

Task<OrderBits> greaterAndEqual(Session &session, Ring mine, unsigned bits, Radix radix) {
  requireBits(bits);
  Group group =
      co_await compare(session, std::move(mine), bits, ComparisonPlan::order(bits, true, radix));
  co_return OrderBits{std::move(group.greater), std::move(group.equal)};
}

Task<BitVec> equal(Session &session, Ring mine, unsigned bits, Radix radix) {
  requireBits(bits);
  Group group =
      co_await compare(session, std::move(mine), bits, ComparisonPlan::equality(bits, radix));
  co_return std::move(group.equal);
}

Task<BitVec> wrap(Session &session, Ring share, unsigned width, Radix radix) {
  requireWidth(width);
  return greaterThan(session, complementedAtClient(session, std::move(share), width), width, radix);
}

Task<BitVec> carry(Session &session, Ring share, unsigned shift, Radix radix) {
  DYAD_REQUIRE(shift <= 64, kOutOfRange, "carry of {} bits; the limit is 64", shift);
  Ring low = complementedAtClient(session, lowBits(std::move(share), shift), shift);
  return greaterThan(session, std::move(low), shift, radix);
}

Task<BitVec> msb(Session &session, Ring share, unsigned width, Radix radix) {
  requireWidth(width);
  BitVec result = bitPlane(share, width - 1);
  result ^= co_await carry(session, std::move(share), width - 1, radix);
  co_return result;
}

Task<BitVec> nonNegative(Session &session, Ring share, unsigned width, Radix radix) {
  BitVec sign = co_await msb(session, std::move(share), width, radix);
  co_return notBits(session, std::move(sign));
}

Task<BitVec> atLeast(Session &session, Ring share, std::uint64_t bound, unsigned width,
                     Radix radix) {
  requireWidth(width);
  return nonNegative(session, plusPublic(session, std::move(share), -bound, width), width, radix);
}

Task<BitVec> isZero(Session &session, Ring share, unsigned width, Radix radix) {
  requireWidth(width);
  if (!session.isServer())
    share = scaled(std::move(share), ~std::uint64_t{0}, width);
  return equal(session, std::move(share), width, radix);
}

Task<BitVec> wrapFromMsb(Session &session, Ring share, BitVec msbShare, unsigned width) {
  requireWidth(width);
  requireSameSize(share.size(), msbShare.size());
  // Two bits a party: the top bit m of its share, and its share b of the value's top bit. The wrap
  // is (m0 & m1) ^ (~b & (m0 ^ m1)); the client chooses with (m1, b1).
  const BitVec top = bitPlane(share, width - 1);
  const std::vector<BitTable> tables{{share.size(), 2, 1}};
  std::vector<BitVec> result;
  if (session.isServer()) {
    const BitVec zero(top.size());
    std::vector<BitVec> entries;
    for (unsigned v = 0; v < 4; ++v) {
      const BitVec &clientTop = (v & 1) != 0 ? ~zero : zero;
      const BitVec &sign = (v & 2) != 0 ? ~msbShare : msbShare;
      entries.push_back((top & clientTop) ^ (~sign & (top ^ clientTop)));
    }
    result = co_await sendBitTables(session, tables, std::move(entries));
  } else {
    std::vector<BitVec> choices{top, std::move(msbShare)};
    result = co_await receiveBitTables(session, tables, std::move(choices));
  }
  co_return std::move(result.front());
}

Task<BitVec> andBits(Session &session, BitVec a, BitVec b) {
  requireSameSize(a.size(), b.size());
  std::vector<Merge> merges(1);
  merges[0].shared = std::move(a);
  merges[0].others.push_back(std::move(b));
  auto products = co_await andTogether(session, std::move(merges));
  co_return std::move(products.front().front());
}

Task<std::pair<BitVec, BitVec>> andBits(Session &session, BitVec a, BitVec b0, BitVec b1) {
  requireSameSize(a.size(), b0.size());
  requireSameSize(a.size(), b1.size());
  std::vector<Merge> merges(1);
  merges[0].shared = std::move(a);
  merges[0].others.push_back(std::move(b0));
  merges[0].others.push_back(std::move(b1));
  auto products = co_await andTogether(session, std::move(merges));
  co_return std::pair(std::move(products.front().front()), std::move(products.front().back()));
}

BitVec notBits(const Session &session, BitVec share) {
  return session.isServer() ? ~share : std::move(share);
}

} // namespace dyad
