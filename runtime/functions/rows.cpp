// SPDX-License-Identifier: Apache-2.0
// See rows.h.
#include "runtime/functions/rows.h"

#include "runtime/functions/exponential.h"
#include "runtime/functions/mixed_product.h"
#include "runtime/functions/normalized.h"
#include "runtime/functions/resize.h"
#include "runtime/protocols/nonlinear.h"
#include "runtime/protocols/truncation.h"

#include <utility>

namespace dyad {
namespace {

std::size_t rowsOf(const Ring &x, std::size_t columns) {
  DYAD_REQUIRE(columns != 0 && x.size() % columns == 0, kShapeMismatch,
               "{} numbers do not make rows of {}", x.size(), columns);
  return x.size() / columns;
}

/// x minus its row's number.
Ring minusRow(Ring x, const Ring &ofRow, std::size_t columns, unsigned width) {
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = (x[i] - ofRow[i / columns]) & ringMask(width);
  return x;
}

Ring rowSums(const Ring &x, std::size_t columns, unsigned width) {
  Ring sums(x.size() / columns, 0);
  for (std::size_t i = 0; i < x.size(); ++i)
    sums[i / columns] = (sums[i / columns] + x[i]) & ringMask(width);
  return sums;
}

} // namespace

Task<Ring> quotient(Session &session, QuotientFunction f, Ring a, Ring b, Radix radix) {
  requireValid(f);
  DYAD_REQUIRE(b.empty() ? a.empty() : a.size() % b.size() == 0, kShapeMismatch,
               "{} numerators for {} divisors", a.size(), b.size());
  Ring factor = co_await normalized(session, f.reciprocal, std::move(b), radix);
  Ring products = co_await rowProduct(
      session, std::move(factor), {f.reciprocal.outputBits, false, SignFact::kNonNegative},
      std::move(a), {f.numeratorBits, true, SignFact::kSmall}, f.productBits, radix);
  co_return co_await truncateExtend(session, std::move(products), f.productBits, f.drop,
                                    f.outputBits, SignFact::kSmall, Rounding::kNearest, radix);
}

Task<Ring> softmax(Session &session, SoftmaxFunction f, Ring x, std::size_t columns, Radix radix) {
  requireValid(f);
  rowsOf(x, columns);
  const unsigned width = f.exponential.inputBits;
  const Ring top = co_await maximumOver(session, x, columns, width, radix);
  const Ring e = co_await exponential(session, f.exponential,
                                      minusRow(std::move(x), top, columns, width), radix);
  const unsigned sumBits = f.exponential.outputBits;
  Ring factor = co_await normalized(session, f.reciprocal, rowSums(e, columns, sumBits), radix);
  Ring products = co_await rowProduct(
      session, std::move(factor), {f.reciprocal.outputBits, false, SignFact::kNonNegative}, e,
      {sumBits, false, SignFact::kNonNegative}, f.productBits, radix);
  co_return co_await truncateExtend(session, std::move(products), f.productBits, f.drop,
                                    f.outputBits, SignFact::kNonNegative, Rounding::kNearest,
                                    radix);
}

Task<Ring> logSoftmax(Session &session, LogSoftmaxFunction f, Ring x, std::size_t columns,
                      Radix radix) {
  requireValid(f);
  rowsOf(x, columns);
  const unsigned width = f.exponential.inputBits;
  const Ring top = co_await maximumOver(session, x, columns, width, radix);
  x = minusRow(std::move(x), top, columns, width);
  const Ring e = co_await exponential(session, f.exponential, x, radix);
  const Ring logarithm = co_await normalized(session, f.logarithm,
                                             rowSums(e, columns, f.exponential.outputBits), radix);
  co_return minusRow(std::move(x), logarithm, columns, f.logarithm.outputBits);
}

Task<Ring> normalizeRows(Session &session, NormalizationFunction f, Ring x, Radix radix) {
  requireValid(f);
  rowsOf(x, f.columns);
  // Shares shifted to the left are shares of the shifted number in a ring that is as much wider.
  const unsigned width = f.inputBits + f.meanBits;
  x = scaled(std::move(x), std::uint64_t{1} << f.meanBits, width);
  if (f.subtractMean) {
    const Ring mean = co_await divide(session, rowSums(x, f.columns, width), width, f.columns,
                                      Rounding::kNearest, radix);
    x = minusRow(std::move(x), mean, f.columns, width);
  }
  const NumberFormat deviation{f.deviationBits, true, SignFact::kSmall};
  const Ring d = reduced(std::move(x), f.deviationBits);
  const Ring squares = co_await mixedSquare(session, d, deviation, f.squareBits, radix);
  Ring variance = co_await divide(session, rowSums(squares, f.columns, f.squareBits), f.squareBits,
                                  f.columns, Rounding::kNearest, radix);
  variance =
      plusPublic(session, std::move(variance), static_cast<std::uint64_t>(f.epsilon), f.squareBits);
  variance =
      co_await truncateExtend(session, std::move(variance), f.squareBits, f.varianceDrop,
                              f.rsqrt.inputBits, SignFact::kNonNegative, Rounding::kNearest, radix);
  Ring factor = co_await normalized(session, f.rsqrt, std::move(variance), radix);
  Ring products = co_await rowProduct(session, std::move(factor),
                                      {f.rsqrt.outputBits, false, SignFact::kNonNegative}, d,
                                      deviation, f.productBits, radix);
  co_return co_await truncateExtend(session, std::move(products), f.productBits, f.drop,
                                    f.outputBits, SignFact::kSmall, Rounding::kNearest, radix);
}

} // namespace dyad
