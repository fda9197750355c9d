// SPDX-License-Identifier: Apache-2.0
// See scheme.h.
#include "runtime/he/scheme.h"

#include "runtime/he/sampler.h"

namespace dyad::he {
namespace {

// a b for transforms of one prime.
void multiply(const RingContext &ring, unsigned prime, const std::uint64_t *a,
              const std::uint64_t *b, std::uint64_t *out) {
  std::vector<std::uint64_t> low(ring.degree());
  std::vector<std::uint64_t> high(ring.degree());
  ringKernels().accumulate(a, b, low.data(), high.data(), ring.degree());
  ringKernels().reduce(ring.tables(prime), low.data(), high.data(), out);
}

// The top `bits` of a fraction of 2^64, rounded; modulo 2^bits.
std::uint64_t rounded(std::uint64_t fraction, unsigned bits) {
  return (((fraction >> (63 - bits)) + 1) >> 1) & (~std::uint64_t{0} >> (64 - bits));
}

} // namespace

void encrypt(const RingContext &ring, const Polynomial &secret,
             std::span<const std::uint64_t> message, unsigned bits, Prg &stream, Prg &noise,
             BitWriter &writer) {
  const Polynomial a = uniform(stream, ring);
  Polynomial c0 = ring.fromSigned(binomial(noise, ring.degree()));
  ring.addMessage(message, noise.ring(message.size(), bits), bits, c0);
  ring.forward(c0);
  std::vector<std::uint64_t> product(ring.degree());
  for (unsigned i = 0; i < ring.primes(); ++i) {
    const std::size_t at = i * ring.degree();
    const std::uint64_t p = ring.prime(i);
    multiply(ring, i, a.data() + at, secret.data() + at, product.data());
    for (std::size_t j = 0; j < ring.degree(); ++j)
      c0[at + j] = belowModulus(c0[at + j] + p - product[j], p);
    writer.put(c0.data() + at, ring.degree(), ring.set().primeBits[i]);
  }
}

Ciphertext receive(const RingContext &ring, Prg &stream, BitReader &reader) {
  Ciphertext result{Polynomial(ring.words()), uniform(stream, ring)};
  for (unsigned i = 0; i < ring.primes(); ++i) {
    std::uint64_t *const c0 = result.c0.data() + i * ring.degree();
    reader.get(c0, ring.degree(), ring.set().primeBits[i]);
    for (std::size_t j = 0; j < ring.degree(); ++j)
      c0[j] = belowModulus(c0[j], ring.prime(i));
  }
  return result;
}

Polynomial zeroFactor(const RingContext &ring, Prg &prg) {
  Polynomial u = ring.fromSigned(ternary(prg, ring.degree()));
  ring.forward(u);
  return u;
}

std::vector<std::uint64_t> reply(const RingContext &ring, Ciphertext product,
                                 std::span<const std::uint32_t> used, unsigned bits,
                                 const Budget &budget, Prg &prg, BitWriter &writer) {
  const std::size_t degree = ring.degree();
  const Polynomial error = ring.fromSigned(binomial(prg, degree));
  const std::vector<std::uint64_t> flood =
      flooding(prg, ring, used.size(), budget.factor, budget.floodShift);
  for (unsigned i = 0; i < ring.primes(); ++i) {
    const std::uint64_t p = ring.prime(i);
    for (std::size_t j = 0; j < degree; ++j) {
      std::uint64_t &c1 = product.c1[i * degree + j];
      c1 = belowModulus(c1 + error[i * degree + j], p);
    }
    for (std::size_t k = 0; k < used.size(); ++k) {
      std::uint64_t &c0 = product.c0[i * degree + used[k]];
      c0 = belowModulus(c0 + flood[i * used.size() + k], p);
    }
  }
  for (std::size_t j = 0; j < degree; ++j)
    writer.put(rounded(ring.fraction(product.c1, j), bits + budget.extraBits),
               bits + budget.extraBits);
  // The mask may come after the switch: the message moves the switched value by whole steps.
  std::vector<std::uint64_t> shares = prg.ring(used.size(), bits);
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits - kKeptBits);
  for (std::size_t k = 0; k < used.size(); ++k)
    writer.put(
        (rounded(ring.fraction(product.c0, used[k]), bits + kKeptBits) - (shares[k] << kKeptBits)) &
            mask,
        bits + kKeptBits);
  return shares;
}

std::vector<std::uint64_t> openReply(const RingContext &ring, const Polynomial &secret,
                                     std::span<const std::uint32_t> used, unsigned bits,
                                     const Budget &budget, BitReader &reader) {
  const unsigned wide = bits + budget.extraBits;
  std::vector<std::uint64_t> c1(ring.degree());
  reader.get(c1.data(), c1.size(), wide);
  const std::vector<std::uint64_t> product = ring.timesSmall(c1, wide, secret);
  std::vector<std::uint64_t> opened(used.size());
  for (std::size_t k = 0; k < used.size(); ++k) {
    const std::uint64_t c0 = reader.get(bits + kKeptBits);
    opened[k] = ((c0 << (budget.extraBits - kKeptBits)) + product[used[k]]) &
                (~std::uint64_t{0} >> (64 - wide));
  }
  return opened;
}

} // namespace dyad::he
