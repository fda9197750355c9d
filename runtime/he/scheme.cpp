// SPDX-License-Identifier: Apache-2.0
// See scheme.h.
#include "runtime/he/scheme.h"

#include "runtime/he/sampler.h"

#include <algorithm>
#include <utility>

namespace dyad::he {
namespace {

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
  Sum sum(ring.degree());
  for (unsigned i = 0; i < ring.primes(); ++i) {
    const std::size_t at = i * ring.degree();
    const std::uint64_t p = ring.prime(i);
    sum.clear().add(a.data() + at, secret.data() + at).into(ring.tables(i), product.data());
    for (std::size_t j = 0; j < ring.degree(); ++j)
      c0[at + j] = belowModulus(c0[at + j] + p - product[j], p);
    writer.put(c0.data() + at, ring.degree(), ring.set().primeBits[i]);
  }
}

void encryptPart(const RingContext &ring, const Polynomial &secret,
                 std::span<const std::uint64_t> message, std::span<const std::uint32_t> sent,
                 unsigned bits, Prg &stream, Prg &noise, BitWriter &writer) {
  const Polynomial a = uniform(stream, ring);
  Polynomial part = ring.fromSigned(binomial(noise, sent.size()));
  ring.addMessage(message, noise.ring(message.size(), bits), bits, part);
  std::vector<std::uint64_t> product(ring.degree());
  Sum sum(ring.degree());
  for (unsigned i = 0; i < ring.primes(); ++i) {
    const std::size_t at = i * ring.degree();
    const std::uint64_t p = ring.prime(i);
    sum.clear().add(a.data() + at, secret.data() + at).into(ring.tables(i), product.data());
    ringKernels().inverse(ring.tables(i), product.data());
    for (std::size_t j = 0; j < sent.size(); ++j)
      part[at + j] = belowModulus(part[at + j] + p - product[sent[j]], p);
    writer.put(part.data() + at, sent.size(), ring.primeBits(i));
  }
}

Ciphertext receivePart(const RingContext &ring, std::span<const std::uint32_t> sent, Prg &stream,
                       BitReader &reader) {
  Ciphertext result{Polynomial(ring.words()), uniform(stream, ring)};
  std::vector<std::uint64_t> part(sent.size());
  for (unsigned i = 0; i < ring.primes(); ++i) {
    std::uint64_t *const c0 = result.c0.data() + i * ring.degree();
    reader.get(part.data(), part.size(), ring.primeBits(i));
    for (std::size_t j = 0; j < sent.size(); ++j)
      c0[sent[j]] = belowModulus(part[j], ring.prime(i));
  }
  ring.forward(result.c0);
  return result;
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

void addZero(const RingContext &ring, const KeyHalf &keys, Prg &prg, Ciphertext &ciphertext) {
  Polynomial u = ring.fromSigned(ternary(prg, ring.degree()));
  ring.forward(u);
  const std::size_t degree = ring.degree();
  Sum product(degree);
  for (unsigned i = 0; i < ring.primes(); ++i)
    for (const auto &[key, sum] :
         {std::pair(&keys.public0, &ciphertext.c0), std::pair(&keys.public1, &ciphertext.c1)}) {
      const std::size_t at = i * degree;
      product.set(sum->data() + at).add(key->data() + at, u.data() + at);
      product.into(ring.tables(i), sum->data() + at);
    }
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
