// SPDX-License-Identifier: Apache-2.0
// See ring.h.
#include "runtime/he/ring.h"

#include "runtime/net/error.h"

#include <bit>
#include <memory>
#include <mutex>

namespace dyad::he {
namespace {

using Wide = unsigned __int128;

// The layers that vectors of `lanes` take on square blocks: calls add(first, step) for each vector,
// made of roots[first + lane * step].
template <typename Add> void forEachTail(std::size_t degree, std::size_t lanes, Add &&add) {
  for (std::size_t row = 0; row < degree / lanes; row += lanes) // a block has as many rows
    for (std::size_t groups = 1; groups < lanes; groups *= 2)
      for (std::size_t group = 0; group < groups; ++group)
        add((degree / lanes + row) * groups + group, groups);
}

TransformTables::Direction directionFor(std::size_t degree, std::uint64_t root, std::uint64_t p) {
  TransformTables::Direction tables;
  tables.roots.resize(degree);
  tables.quotients.resize(degree);
  const auto bits = static_cast<unsigned>(std::countr_zero(degree));
  std::uint64_t power = 1;
  for (std::size_t i = 0; i < degree; ++i) {
    const Factor factor = factorFor(power, p);
    const std::size_t at = bitReversed(i, bits);
    tables.roots[at] = factor.value;
    tables.quotients[at] = factor.quotient;
    power = timesModulo(power, root, p);
  }
  for (std::size_t i = 0; i < degree / 4; ++i)
    tables.centred.push_back(centred(tables.roots[i], p));
  forEachTail(degree, 4, [&](std::size_t first, std::size_t step) {
    for (std::size_t lane = 0; lane < 4; ++lane)
      tables.centredTail4.push_back(centred(tables.roots[first + lane * step], p));
  });
  forEachTail(degree, 8, [&](std::size_t first, std::size_t step) {
    for (std::size_t lane = 0; lane < 8; ++lane)
      tables.centredTail8.push_back(centred(tables.roots[first + lane * step], p));
    for (std::size_t lane = 0; lane < 8; ++lane)
      tables.tail.push_back(tables.roots[first + lane * step]);
    for (std::size_t lane = 0; lane < 8; ++lane)
      tables.tail.push_back(tables.quotients[first + lane * step] >> 12);
  });
  return tables;
}

} // namespace

std::size_t bitReversed(std::size_t x, unsigned bits) {
  std::size_t result = 0;
  for (unsigned i = 0; i < bits; ++i)
    result |= (x >> i & 1) << (bits - 1 - i);
  return result;
}

// An element of order 2 degree: x^((p-1) / 2 degree) whose degree-th power is -1.
std::uint64_t primitiveRoot(std::size_t degree, std::uint64_t p) {
  for (std::uint64_t x = 2;; ++x) {
    const std::uint64_t root = powerModulo(x, (p - 1) / (2 * degree), p);
    if (powerModulo(root, degree, p) == p - 1)
      return root;
  }
}

std::uint64_t powerModulo(std::uint64_t x, std::uint64_t exponent, std::uint64_t p) {
  std::uint64_t result = 1;
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1)
      result = timesModulo(result, x, p);
    x = timesModulo(x, x, p);
  }
  return result;
}

Factor factorFor(std::uint64_t value, std::uint64_t p) {
  value %= p;
  return {value, static_cast<std::uint64_t>((static_cast<Wide>(value) << 64) / p)};
}

TransformTables makeTables(std::size_t degree, std::uint64_t p, std::uint64_t root) {
  TransformTables tables;
  tables.p = p;
  tables.degree = degree;
  tables.forward = directionFor(degree, root, p);
  tables.inverse = directionFor(degree, inverseModulo(root, p), p);
  tables.byDegree = factorFor(inverseModulo(degree, p), p);
  tables.by49 = factorFor(powerModulo(2, 49, p), p);
  tables.by98 = factorFor(powerModulo(2, 98, p), p);
  tables.by52 = factorFor(powerModulo(2, 52, p), p);
  tables.by104 = factorFor(powerModulo(2, 104, p), p);
  tables.one = factorFor(1, p);
  return tables;
}

const RingContext &RingContext::of(const ParameterSet &set) {
  static std::mutex mutex;
  static std::array<std::unique_ptr<const RingContext>, 64> contexts;
  const std::lock_guard lock(mutex);
  std::unique_ptr<const RingContext> &context = contexts.at(set.id);
  if (!context)
    context.reset(new RingContext(set));
  return *context;
}

RingContext::RingContext(const ParameterSet &set) : set_(set) {
  modulusLow_ = 1;
  for (unsigned i = 0; i < allPrimes(); ++i) {
    const std::uint64_t p = prime(i);
    std::uint64_t root = primitiveRoot(set.degree, p);
    tables_.push_back(makeTables(set.degree, p, root));
    if (i >= set.primes)
      continue;
    for (std::size_t degree = set.degree / 2; degree >= 64; degree /= 2) {
      root = timesModulo(root, root, p);
      smaller_[i].push_back(makeTables(degree, p, root));
    }
    modulusLow_ *= p;
    std::uint64_t cofactor = 1;
    for (unsigned j = 0; j < set.primes; ++j)
      if (j != i)
        cofactor = timesModulo(cofactor, set.prime[j] % p, p);
    cofactorInverse_[i] = factorFor(inverseModulo(cofactor, p), p);
    scale_[i] = static_cast<std::uint64_t>((Wide{1} << (63 + set.primeBits[i])) / p);
  }
  firstInverse_ = factorFor(inverseModulo(set.prime[0] % set.prime[1], set.prime[1]), set.prime[1]);
}

void RingContext::forward(Polynomial &x) const {
  for (unsigned i = 0; i * degree() < x.size(); ++i)
    ringKernels().forward(tables_[i], x.data() + i * degree(), degree());
}
void RingContext::inverse(Polynomial &x) const {
  for (unsigned i = 0; i * degree() < x.size(); ++i)
    ringKernels().inverse(tables_[i], x.data() + i * degree());
}

// floor((q m + r) / 2^l) = (q m + r - t) / 2^l with t = (q m + r) mod 2^l, and q = 0 modulo each
// prime: (r - t) / 2^l, where 2^l is added first for r - t not to be negative.
void RingContext::addMessage(std::span<const std::uint64_t> message,
                             std::span<const std::uint64_t> rounding, unsigned bits,
                             Polynomial &x) const {
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits);
  for (unsigned i = 0; i < primes(); ++i) {
    const std::uint64_t p = prime(i);
    const Factor scale = factorFor(inverseModulo(powerModulo(2, bits, p), p), p);
    std::uint64_t *const into = x.data() + i * degree();
    for (std::size_t j = 0; j < message.size(); ++j) {
      const std::uint64_t t = (modulusLow_ * message[j] + rounding[j]) & mask;
      const std::uint64_t part = times(rounding[j] + mask + 1 - t, scale, p);
      into[j] = belowModulus(into[j] + belowModulus(part + p - 1, p), p);
    }
  }
}

Polynomial RingContext::fromSigned(std::span<const std::int64_t> values, unsigned primes) const {
  Polynomial x(primes * degree());
  for (unsigned i = 0; i < primes; ++i)
    for (std::size_t j = 0; j < values.size(); ++j)
      x[i * degree() + j] = static_cast<std::uint64_t>(values[j]) +
                            (prime(i) & static_cast<std::uint64_t>(values[j] >> 63));
  return x;
}

std::uint64_t RingContext::fraction(const Polynomial &x, std::size_t at) const {
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < primes(); ++i) {
    const std::uint64_t y = times(x[at + i * degree()], cofactorInverse_[i], prime(i));
    sum += static_cast<std::uint64_t>(static_cast<Wide>(y) * scale_[i] >> (set_.primeBits[i] - 1));
  }
  return sum;
}

std::vector<std::uint64_t> RingContext::timesSmall(std::span<const std::uint64_t> a, unsigned bits,
                                                   const Polynomial &other) const {
  Polynomial residues(2 * degree());
  const std::uint64_t half = std::uint64_t{1} << (bits - 1);
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits);
  Sum sum(degree());
  for (unsigned i = 0; i < 2; ++i) {
    const std::uint64_t p = prime(i);
    std::uint64_t *const x = residues.data() + i * degree();
    // Centred: a - 2^bits where a is at least half of that.
    const std::uint64_t wrap = powerModulo(2, bits, p);
    for (std::size_t j = 0; j < degree(); ++j) {
      const std::uint64_t large = -(a[j] / half);
      x[j] = belowModulus(times(a[j], tables_[i].one, p) + p - (wrap & large), p);
    }
    ringKernels().forward(tables_[i], x, degree());
    sum.clear().add(x, other.data() + i * degree()).into(tables_[i], x);
    ringKernels().inverse(tables_[i], x);
  }
  // Garner: x = x0 + p0 k, with k above p1 / 2 for negative ones.
  const std::uint64_t p0 = prime(0);
  const std::uint64_t p1 = prime(1);
  std::vector<std::uint64_t> product(degree());
  for (std::size_t j = 0; j < degree(); ++j) {
    const std::uint64_t x0 = residues[j];
    const std::uint64_t difference =
        belowModulus(residues[degree() + j] + p1 - times(x0, tables_[1].one, p1), p1);
    const std::uint64_t k = times(difference, firstInverse_, p1);
    const std::uint64_t negative = -((p1 / 2 - k) >> 63);
    product[j] = (x0 + p0 * (k - (p1 & negative))) & mask;
  }
  return product;
}

} // namespace dyad::he
