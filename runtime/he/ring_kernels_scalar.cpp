// SPDX-License-Identifier: Apache-2.0
// Kernels for any 64-bit processor. Butterflies stay below 4p, as Harvey (J. Symbolic Computation
// 2014) has them; accumulators are kept as the vector kernels need them.
#include "runtime/he/ring_kernels.h"

namespace dyad::he {
namespace {

constexpr std::uint64_t kLow52 = (std::uint64_t{1} << 52) - 1;

void forward(const TransformTables &tables, std::uint64_t *x, std::size_t nonzero) {
  const std::uint64_t p = tables.p;
  for (std::size_t i = nonzero; i < tables.degree; ++i)
    x[i] = x[i - nonzero];
  std::size_t half = nonzero;
  for (std::size_t m = tables.degree / nonzero; m < tables.degree; m *= 2) {
    half /= 2;
    for (std::size_t i = 0; i < m; ++i) {
      const Factor root{tables.forward.roots[m + i], tables.forward.quotients[m + i]};
      std::uint64_t *const a = x + 2 * i * half;
      for (std::size_t j = 0; j < half; ++j) {
        const std::uint64_t u = belowModulus(a[j], 2 * p);
        const std::uint64_t v = timesLazy(a[j + half], root, p);
        a[j] = u + v;
        a[j + half] = u - v + 2 * p;
      }
    }
  }
  for (std::size_t i = 0; i < tables.degree; ++i)
    x[i] = belowModulus(belowModulus(x[i], 2 * p), p);
}

void inverse(const TransformTables &tables, std::uint64_t *x) {
  const std::uint64_t p = tables.p;
  std::size_t half = 1;
  for (std::size_t m = tables.degree / 2; m >= 1; m /= 2) {
    for (std::size_t i = 0; i < m; ++i) {
      const Factor root{tables.inverse.roots[m + i], tables.inverse.quotients[m + i]};
      std::uint64_t *const a = x + 2 * i * half;
      for (std::size_t j = 0; j < half; ++j) {
        const std::uint64_t u = a[j];
        const std::uint64_t v = a[j + half];
        a[j] = belowModulus(u + v, 2 * p);
        a[j + half] = timesLazy(u - v + 2 * p, root, p);
      }
    }
    half *= 2;
  }
  for (std::size_t i = 0; i < tables.degree; ++i)
    x[i] = times(x[i], tables.byDegree, p);
}

void gather(const std::uint64_t *from, const std::uint32_t *index, std::uint64_t *out,
            std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    out[i] = from[index[i]];
}

void addProduct(std::uint64_t a, std::uint64_t b, std::uint64_t &low, std::uint64_t &high) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  low += static_cast<std::uint64_t>(product) & kLow52;
  high += static_cast<std::uint64_t>(product >> 52);
}

void accumulateTerms(const std::uint64_t *const *a, const std::uint64_t *const *b,
                     std::size_t terms, std::uint64_t *low, std::uint64_t *high,
                     std::size_t count) {
  for (std::size_t t = 0; t < terms; ++t)
    for (std::size_t i = 0; i < count; ++i)
      addProduct(a[t][i], b[t][i], low[i], high[i]);
}

void accumulateScaledTerms(const std::uint64_t *const *a, const std::uint64_t *b, std::size_t terms,
                           std::uint64_t *low, std::uint64_t *high, std::size_t count) {
  for (std::size_t t = 0; t < terms; ++t)
    for (std::size_t i = 0; i < count; ++i)
      addProduct(a[t][i], b[t], low[i], high[i]);
}

void reduce(const TransformTables &tables, const std::uint64_t *low, const std::uint64_t *high,
            std::uint64_t *out) {
  const std::uint64_t p = tables.p;
  for (std::size_t i = 0; i < tables.degree; ++i) {
    const std::uint64_t sum = timesLazy(low[i], tables.one, p) + timesLazy(high[i], tables.by52, p);
    out[i] = belowModulus(belowModulus(sum, 2 * p), p);
  }
}

} // namespace

extern const RingKernels kScalarRingKernels;
const RingKernels kScalarRingKernels{
    "scalar", forward, inverse, gather, accumulateTerms, accumulateScaledTerms, reduce};

} // namespace dyad::he
