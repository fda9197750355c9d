// SPDX-License-Identifier: Apache-2.0
// Galois keys: what the server needs to bring an automorphism's image back to the client's secret.
#pragma once

#include "runtime/he/ring.h"

#include <cstdint>
#include <map>
#include <vector>

namespace dyad::he {

/// What the server needs for one automorphism X -> X^(degree / 2^step + 1). Its key is an
/// encryption (k0, k1) of P s(X^(degree / 2^step + 1)) modulo q P, as transforms, with what key
/// switching multiplies residues by already in it.
struct GaloisKey {
  std::vector<std::uint32_t> index; ///< the value at i of the image is that at index[i]
  Polynomial key0, key1;
  Polynomial monomial; ///< X^(2^step) modulo all primes
  Polynomial negative; ///< -X^(2^step) modulo the primes of q
};
using GaloisKeys = std::map<unsigned, GaloisKey>;

/// Where the automorphism of a step takes the values of a transform.
std::vector<std::uint32_t> automorphismIndex(const RingContext &ring, unsigned step);

/// From the key that the client sent, modulo all primes.
GaloisKey makeGaloisKey(const RingContext &ring, unsigned step, Polynomial key0, Polynomial key1);

} // namespace dyad::he
