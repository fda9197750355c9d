// SPDX-License-Identifier: Apache-2.0
// The distributions of RLWE. Those of secrets take the same time for every outcome.
#pragma once

#include "runtime/crypto/prg.h"
#include "runtime/he/ring.h"

#include <cstdint>
#include <vector>

namespace dyad::he {

/// Uniform in {-1, 0, 1}, up to 2^-62.
std::vector<std::int64_t> ternary(Prg &prg, std::size_t count);

/// Centered binomial of 21 coins a side: variance 10.5, standard deviation 3.24.
std::vector<std::int64_t> binomial(Prg &prg, std::size_t count);

/// Residues uniform modulo each of the first `primes` primes, by rejection: for public polynomials
/// only.
Polynomial uniform(Prg &prg, const RingContext &ring, unsigned primes);
inline Polynomial uniform(Prg &prg, const RingContext &ring) {
  return uniform(prg, ring, ring.primes());
}

/// Sums of four uniform numbers of width B = factor 2^shift, from -B / 2 on, as residues modulo
/// each prime: word i * count + j for prime i. factor <= 31, 1 <= shift <= 115.
std::vector<std::uint64_t> flooding(Prg &prg, const RingContext &ring, std::size_t count,
                                    unsigned factor, unsigned shift);

} // namespace dyad::he
