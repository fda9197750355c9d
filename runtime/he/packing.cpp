// SPDX-License-Identifier: Apache-2.0
// See packing.h.
#include "runtime/he/packing.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace dyad::he {
namespace {

// Product of `count` primes from `first` on, but for one of them, modulo p.
std::uint64_t productOf(const RingContext &ring, unsigned first, unsigned count, unsigned without,
                        std::uint64_t p) {
  std::uint64_t product = 1;
  for (unsigned i = first; i < first + count; ++i)
    if (i != without)
      product = timesModulo(product, ring.prime(i) % p, p);
  return product;
}
constexpr unsigned kAll = ~0U;

std::uint64_t specialProduct(const RingContext &ring, std::uint64_t p) {
  return productOf(ring, ring.primes(), ring.set().specials, kAll, p);
}

// Transform of X^power, power below 2 degree, modulo each of the first `primes` primes.
Polynomial monomial(const RingContext &ring, std::uint64_t power, unsigned primes) {
  Polynomial x(primes * ring.degree());
  for (unsigned i = 0; i < primes; ++i)
    x[i * ring.degree() + power % ring.degree()] = power < ring.degree() ? 1 : ring.prime(i) - 1;
  ring.forward(x);
  return x;
}

std::vector<std::uint64_t> minusInverses(const RingContext &ring, bool scaled) {
  std::vector<std::uint64_t> scale;
  for (unsigned i = 0; i < ring.primes(); ++i) {
    const std::uint64_t p = ring.prime(i);
    std::uint64_t inverse = specialProduct(ring, p);
    if (scaled)
      inverse = timesModulo(inverse, productOf(ring, 0, ring.primes(), i, p), p);
    scale.push_back(p - inverseModulo(inverse, p));
  }
  return scale;
}

} // namespace

std::vector<std::uint32_t> automorphismIndex(const RingContext &ring, unsigned step) {
  const auto bits = static_cast<unsigned>(std::countr_zero(ring.degree()));
  const std::uint64_t exponent = (ring.degree() >> step) + 1;
  std::vector<std::uint32_t> index(ring.degree());
  for (std::size_t i = 0; i < index.size(); ++i) {
    const std::uint64_t power = (2 * bitReversed(i, bits) + 1) * exponent % (2 * ring.degree());
    index[i] = static_cast<std::uint32_t>(bitReversed(power / 2, bits));
  }
  return index;
}

GaloisKey makeGaloisKey(const RingContext &ring, unsigned step, Polynomial key0, Polynomial key1) {
  GaloisKey key;
  key.index = automorphismIndex(ring, step);
  key.monomial = monomial(ring, std::uint64_t{1} << step, ring.allPrimes());
  key.negative = monomial(ring, (std::uint64_t{1} << step) + ring.degree(), ring.primes());
  for (unsigned i = 0; i < ring.allPrimes(); ++i) {
    const std::uint64_t p = ring.prime(i);
    // Digits are q / p_i too small modulo the primes of q, where results are divided by P; modulo
    // special primes they become what BaseConversion takes.
    std::uint64_t scale0, scale1;
    if (i < ring.primes()) {
      scale1 = inverseModulo(specialProduct(ring, p), p);
      scale0 = timesModulo(scale1, productOf(ring, 0, ring.primes(), i, p), p);
    } else {
      scale0 = scale1 = inverseModulo(productOf(ring, ring.primes(), ring.set().specials, i, p), p);
    }
    Sum sum(ring.degree());
    const std::size_t at = i * ring.degree();
    sum.clear().addScaled(key0.data() + at, scale0).into(ring.tables(i), key0.data() + at);
    sum.clear().addScaled(key1.data() + at, scale1).into(ring.tables(i), key1.data() + at);
  }
  key.key0 = std::move(key0);
  key.key1 = std::move(key1);
  return key;
}

BaseConversion::BaseConversion(const RingContext &ring, unsigned firstFrom, unsigned from,
                               unsigned firstTo, std::span<const std::uint64_t> scale)
    : ring_(ring), firstFrom_(firstFrom), from_(from), firstTo_(firstTo) {
  for (unsigned k = 0; k < scale.size(); ++k) {
    const std::uint64_t p = ring.prime(firstTo + k);
    std::vector<std::uint64_t> &factors = factors_.emplace_back();
    for (unsigned i = firstFrom; i < firstFrom + from; ++i)
      factors.push_back(timesModulo(productOf(ring, firstFrom, from, i, p), scale[k], p));
    factors.push_back(timesModulo(p - productOf(ring, firstFrom, from, kAll, p), scale[k], p));
  }
}

// r = sum of x_i m / p_i - u m with u the sum of x_i / p_i, rounded: 20 bits of each quotient, the
// primes being hardly smaller than powers of two.
void BaseConversion::operator()(const std::uint64_t *x, std::uint64_t *out, Sum &sum,
                                std::vector<std::uint64_t> &multiple) const {
  constexpr unsigned kFraction = 20;
  const std::size_t degree = ring_.degree();
  std::fill(multiple.begin(), multiple.end(), std::uint64_t{1} << (kFraction - 1));
  for (unsigned i = 0; i < from_; ++i) {
    const unsigned shift = ring_.primeBits(firstFrom_ + i) - kFraction;
    for (std::size_t j = 0; j < degree; ++j)
      multiple[j] += x[i * degree + j] >> shift;
  }
  for (std::uint64_t &u : multiple)
    u >>= kFraction;
  std::array<const std::uint64_t *, kMaxPrimes + 1> terms{};
  for (unsigned i = 0; i < from_; ++i)
    terms[i] = x + i * degree;
  terms[from_] = multiple.data();
  for (unsigned k = 0; k < factors_.size(); ++k) {
    sum.clear().addScaledTerms(terms.data(), factors_[k].data(), from_ + 1);
    sum.into(ring_.tables(firstTo_ + k), out + k * degree);
  }
}

Packer::Scratch::Scratch(const RingContext &ring)
    : sum(ring.degree()), image(ring.degree()), digit(ring.allPrimes() * ring.degree()),
      coefficients(ring.words()), special(ring.set().specials * ring.degree()) {}

Packer::Packer(const RingContext &ring, const GaloisKeys &keys)
    : ring_(ring), keys_(keys), raise_(ring, 0, ring.primes(), ring.primes(),
                                       std::vector<std::uint64_t>(ring.set().specials, 1)),
      lower0_(ring, ring.primes(), ring.set().specials, 0, minusInverses(ring, false)),
      lower1_(ring, ring.primes(), ring.set().specials, 0, minusInverses(ring, true)) {
  for (unsigned i = 0; i < ring.primes(); ++i)
    cofactor_.push_back(productOf(ring, 0, ring.primes(), i, ring.prime(i)));
}

void Packer::prepare(Ciphertext &input, unsigned levels, std::uint64_t origin) const {
  const std::size_t degree = ring_.degree();
  Sum sum(ring_.degree());
  for (unsigned i = 0; i < ring_.primes(); ++i) {
    const std::uint64_t p = ring_.prime(i);
    Polynomial factor(degree); // X^-origin / 2^levels modulo this prime
    const std::uint64_t half = inverseModulo(std::uint64_t{1} << levels, p);
    factor[(degree - origin) % degree] = origin == 0 ? half : p - half;
    ringKernels().forward(ring_.tables(i), factor.data(), degree);
    std::uint64_t *const c0 = input.c0.data() + i * degree;
    std::uint64_t *const c1 = input.c1.data() + i * degree;
    sum.clear().add(c0, factor.data()).into(ring_.tables(i), c0);
    sum.clear().add(c1, factor.data()).into(ring_.tables(i), c1);
    sum.clear().addScaled(c1, inverseModulo(cofactor_[i], p)).into(ring_.tables(i), c1);
  }
}

// a + X^h b + phi(a - X^h b), h = 2^step, phi switched back to the client's key. As phi(X^h b) is
// -X^h phi(b), c0 becomes a + phi(a) + X^h (b + phi(b)) and the key's part; only c1 has to be taken
// to its coefficients. c0 stays modulo q P, its part modulo q divided by P, until the end.
void Packer::merge(Ciphertext &a, const Ciphertext *b, unsigned step, Scratch &scratch) const {
  const std::size_t degree = ring_.degree();
  const unsigned primes = ring_.primes();
  const unsigned all = ring_.allPrimes();
  if (b == nullptr) {
    for (Polynomial *half : {&a.c0, &a.c1})
      for (std::size_t i = 0; i * degree < half->size(); ++i) {
        std::uint64_t *const x = half->data() + i * degree;
        const std::uint64_t p = ring_.prime(static_cast<unsigned>(i));
        for (std::size_t j = 0; j < degree; ++j)
          x[j] = belowModulus(2 * x[j], p);
      }
    return;
  }
  const auto at = keys_.find(step);
  DYAD_REQUIRE(at != keys_.end(), kOutOfRange,
               "the session has no Galois key for step {}: its set-up has to make it", step);
  const GaloisKey &key = at->second;
  auto &[sum, image, digit, coefficients, special] = scratch;
  // The digit: c1 of phi(a - X^h b) modulo all primes, one number modulo q.
  for (unsigned i = 0; i < primes; ++i) {
    const std::size_t from = i * degree;
    sum.set(a.c1.data() + from).add(b->c1.data() + from, key.negative.data() + from);
    sum.into(ring_.tables(i), image.data());
    ringKernels().gather(image.data(), key.index.data(), digit.data() + from, degree);
  }
  std::copy_n(digit.begin(), primes * degree, coefficients.begin());
  ring_.inverse(coefficients);
  raise_(coefficients.data(), digit.data() + primes * degree, sum, image);
  for (unsigned k = primes; k < all; ++k)
    ringKernels().forward(ring_.tables(k), digit.data() + k * degree, degree);

  // c1: what the key gives modulo the special primes goes away with the division by P.
  for (unsigned k = primes; k < all; ++k) {
    std::uint64_t *const x = special.data() + (k - primes) * degree;
    sum.clear().add(digit.data() + k * degree, key.key1.data() + k * degree);
    sum.into(ring_.tables(k), x);
    ringKernels().inverse(ring_.tables(k), x);
  }
  lower1_(special.data(), coefficients.data(), sum, image);
  ring_.forward(coefficients);
  for (unsigned i = 0; i < primes; ++i) {
    const std::size_t from = i * degree;
    const std::array from1{b->c1.data() + from, std::as_const(digit).data() + from};
    const std::array by1{key.monomial.data() + from, key.key1.data() + from};
    sum.set(a.c1.data() + from).addTerms(from1.data(), by1.data(), 2);
    sum.addScaled(coefficients.data() + from, 1).into(ring_.tables(i), a.c1.data() + from);
  }

  const bool leaves = a.c0.size() == primes * degree && b->c0.size() == a.c0.size();
  a.c0.resize(all * degree);
  for (unsigned i = 0; i < all; ++i) {
    const std::size_t from = i * degree;
    std::uint64_t *const c0 = a.c0.data() + from;
    std::array<const std::uint64_t *, 3> terms{digit.data() + from};
    std::array<const std::uint64_t *, 3> by{key.key0.data() + from};
    std::size_t count = 1;
    sum.set(c0);
    if (i < primes || !leaves) {
      ringKernels().gather(c0, key.index.data(), image.data(), degree);
      sum.addScaled(image.data(), 1);
      if (from < b->c0.size()) {
        ringKernels().gather(b->c0.data() + from, key.index.data(), image.data(), degree);
        terms = {terms[0], b->c0.data() + from, image.data()};
        by = {by[0], key.monomial.data() + from, key.monomial.data() + from};
        count = 3;
      }
    }
    sum.addTerms(terms.data(), by.data(), count).into(ring_.tables(i), c0);
  }
}

void Packer::finish(Ciphertext &packed, Scratch &scratch) const {
  const std::size_t degree = ring_.degree();
  const unsigned primes = ring_.primes();
  Sum &sum = scratch.sum;
  Polynomial &down = scratch.coefficients;
  std::fill(down.begin(), down.end(), 0);
  if (packed.c0.size() > down.size()) {
    std::uint64_t *const special = packed.c0.data() + down.size();
    for (unsigned k = primes; k < ring_.allPrimes(); ++k)
      ringKernels().inverse(ring_.tables(k), special + (k - primes) * degree);
    lower0_(special, down.data(), sum, scratch.image);
    ring_.forward(down);
    packed.c0.resize(down.size());
  }
  for (unsigned i = 0; i < primes; ++i) {
    const std::size_t from = i * degree;
    sum.set(packed.c0.data() + from).addScaled(down.data() + from, 1);
    sum.into(ring_.tables(i), packed.c0.data() + from);
    sum.clear().addScaled(packed.c1.data() + from, cofactor_[i]);
    sum.into(ring_.tables(i), packed.c1.data() + from);
  }
}

} // namespace dyad::he
