// SPDX-License-Identifier: Apache-2.0
// See normalized.h.
#include "runtime/functions/normalized.h"

#include "runtime/functions/digits.h"
#include "runtime/functions/piecewise.h"
#include "runtime/functions/resize.h"
#include "runtime/protocols/selection.h"
#include "runtime/protocols/truncation.h"

#include <bit>
#include <utility>

namespace dyad {
namespace {

/// One bit for each group: whether x is in it.
Task<std::vector<BitVec>> groupsOf(Session &session, const NormalizedFunction &f, const Ring &x,
                                   Radix radix) {
  const unsigned from = leadingFrom(f);
  const unsigned width = f.highestLead + 1;
  const std::vector<BitVec> leads =
      co_await leadingOne(session, reduced(x, width), width, from, radix);
  std::vector<BitVec> groups(f.groups(), BitVec(x.size()));
  for (std::size_t k = 0; k < leads.size(); ++k)
    groups[(f.highestLead - from - k) / f.step] ^= leads[k];
  co_return groups;
}

/// Sum over the groups of bit ? x * factors[j] : 0 modulo 2^width.
Task<Ring> selectedMultiples(Session &session, const std::vector<BitVec> &groups, const Ring &x,
                             std::vector<std::uint64_t> factors, unsigned width) {
  std::vector<Task<Ring>> parts;
  std::vector<unsigned> zeros;
  for (std::size_t j = 0; j < groups.size(); ++j) {
    const unsigned bits = factorWidth(factors[j], width);
    if (bits == 0)
      continue;
    zeros.push_back(width - bits);
    Ring multiple = scaled(reduced(x, bits), factors[j] >> zeros.back(), bits);
    parts.push_back(multiplex(session, groups[j], std::move(multiple), bits));
  }
  const std::vector<Ring> chosen = co_await whenAll(std::move(parts));
  Ring sum(x.size(), 0);
  for (std::size_t j = 0; j < chosen.size(); ++j)
    sum = added(std::move(sum), scaled(chosen[j], std::uint64_t{1} << zeros[j], width), width);
  co_return sum;
}

/// termStep times the number of the group.
Task<Ring> groupTerm(Session &session, const NormalizedFunction &f,
                     const std::vector<BitVec> &groups, std::size_t n) {
  Ring sum(n, 0);
  if (f.termStep == 0 || f.groups() == 1)
    co_return sum;
  std::vector<Task<Ring>> parts;
  for (unsigned b = 0; (f.groups() - 1) >> b != 0; ++b) {
    BitVec bit(n);
    for (std::size_t j = 0; j < groups.size(); ++j)
      if ((j >> b & 1) != 0)
        bit ^= groups[j];
    parts.push_back(bitToRing(session, std::move(bit), f.sumBits - b));
  }
  const std::vector<Ring> bits = co_await whenAll(std::move(parts));
  for (std::size_t b = 0; b < bits.size(); ++b)
    sum = added(std::move(sum),
                scaled(bits[b], static_cast<std::uint64_t>(f.termStep) << b, f.sumBits), f.sumBits);
  co_return sum;
}

/// Of a number whose leading one is where it belongs, modulo 2^shiftedBits.
Task<Ring> mantissaValue(Session &session, const NormalizedFunction &f, Ring x, Radix radix) {
  Ring mantissa = co_await truncateReduce(session, std::move(x), f.shiftedBits(), f.mantissaDrop,
                                          Rounding::kFloor, radix);
  co_return co_await piecewise(session, f.mantissa, std::move(mantissa), radix);
}

} // namespace

Task<Ring> normalized(Session &session, NormalizedFunction f, Ring x, Radix radix) {
  requireValid(f);
  for (const std::uint64_t share : x)
    DYAD_REQUIRE((share & ~ringMask(f.inputBits)) == 0, kOutOfRange, "share above {} bits",
                 f.inputBits);
  const std::size_t n = x.size();
  const unsigned width = f.shiftedBits();
  std::vector<BitVec> groups;
  Ring mantissa = reduced(x, width);
  if (f.groups() > 1) {
    groups = co_await groupsOf(session, f, x, radix);
    std::vector<std::uint64_t> shifts;
    shifts.reserve(f.groups());
    for (unsigned j = 0; j < f.groups(); ++j)
      shifts.push_back(f.step * j < width ? std::uint64_t{1} << (f.step * j) : 0);
    mantissa = co_await selectedMultiples(session, groups, mantissa, shifts, width);
  }
  auto [value, term] = co_await whenAll(mantissaValue(session, f, std::move(mantissa), radix),
                                        groupTerm(session, f, groups, n));
  if (!f.factors.empty()) {
    if (f.groups() > 1)
      value = co_await selectedMultiples(session, groups, value, f.factors, f.sumBits);
    else
      value = scaled(std::move(value), f.factors[0], f.sumBits);
  }
  value = added(std::move(value), term, f.sumBits);
  value = plusPublic(session, std::move(value), static_cast<std::uint64_t>(f.termBase), f.sumBits);
  co_return co_await truncateExtend(session, std::move(value), f.sumBits, f.drop, f.outputBits,
                                    f.sumFact, Rounding::kNearest, radix);
}

} // namespace dyad
