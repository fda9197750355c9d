// SPDX-License-Identifier: Apache-2.0
// See sampler.h.
#include "runtime/he/sampler.h"

#include <bit>

namespace dyad::he {
namespace {

using Wide = unsigned __int128;

std::vector<std::uint64_t> words(Prg &prg, std::size_t count) { return prg.ring(count, 64); }

} // namespace

std::vector<std::int64_t> ternary(Prg &prg, std::size_t count) {
  std::vector<std::int64_t> result(count);
  const std::vector<std::uint64_t> random = words(prg, count);
  for (std::size_t i = 0; i < count; ++i)
    result[i] = static_cast<std::int64_t>(static_cast<Wide>(random[i]) * 3 >> 64) - 1;
  return result;
}

std::vector<std::int64_t> binomial(Prg &prg, std::size_t count) {
  constexpr std::uint64_t kCoins = (std::uint64_t{1} << 21) - 1;
  std::vector<std::int64_t> result(count);
  const std::vector<std::uint64_t> random = words(prg, count);
  for (std::size_t i = 0; i < count; ++i)
    result[i] = std::popcount(random[i] & kCoins) - std::popcount(random[i] >> 21 & kCoins);
  return result;
}

Polynomial uniform(Prg &prg, const RingContext &ring, unsigned primes) {
  Polynomial result(primes * ring.degree());
  std::vector<std::uint64_t> random;
  for (unsigned i = 0; i < primes; ++i) {
    const std::uint64_t p = ring.prime(i);
    std::size_t next = random.size();
    for (std::size_t j = 0; j < ring.degree();) {
      if (next == random.size()) {
        random = prg.ring(ring.degree() - j, ring.primeBits(i));
        next = 0;
      }
      const std::uint64_t x = random[next++];
      if (x < p)
        result[i * ring.degree() + j++] = x;
    }
    random.clear();
  }
  return result;
}

std::vector<std::uint64_t> flooding(Prg &prg, const RingContext &ring, std::size_t count,
                                    unsigned factor, unsigned shift) {
  std::vector<std::uint64_t> result(ring.primes() * count);
  const std::vector<std::uint64_t> random = words(prg, 12 * count);
  const Wide mask = (Wide{1} << shift) - 1;
  std::array<Factor, kMaxPrimes> high;
  std::array<std::uint64_t, kMaxPrimes> middle{};
  for (unsigned i = 0; i < ring.primes(); ++i) {
    high[i] = factorFor(powerModulo(2, 64, ring.prime(i)), ring.prime(i));
    const Wide half = factor * static_cast<Wide>(powerModulo(2, shift + 1, ring.prime(i)));
    middle[i] = static_cast<std::uint64_t>(half % ring.prime(i)); // of each of the four
  }
  for (std::size_t j = 0; j < count; ++j) {
    Wide sum = 0;
    for (const std::uint64_t *from = &random[12 * j]; from != &random[12 * j] + 12; from += 3)
      sum += (static_cast<Wide>(from[0]) * factor >> 64 << shift) +
             ((static_cast<Wide>(from[1]) << 64 | from[2]) & mask);
    for (unsigned i = 0; i < ring.primes(); ++i) {
      const std::uint64_t p = ring.prime(i);
      const std::uint64_t residue =
          timesLazy(static_cast<std::uint64_t>(sum >> 64), high[i], p) +
          timesLazy(static_cast<std::uint64_t>(sum), ring.tables(i).one, p);
      result[i * count + j] =
          belowModulus(belowModulus(belowModulus(residue, 2 * p), p) + p - middle[i], p);
    }
  }
  return result;
}

} // namespace dyad::he
