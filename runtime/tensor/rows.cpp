// SPDX-License-Identifier: Apache-2.0
#include "runtime/tensor/rows.h"

#include "runtime/functions/rows.h"
#include "runtime/tensor/ring_tensor.h"

#include <utility>

namespace dyad {
namespace {

/// The length of a row.
std::size_t columnsOf(const Share &x, const RowFunction &f) {
  DYAD_REQUIRE(x.shape.size() == 2, kShapeMismatch, "rows in a tensor of rank {}", x.shape.size());
  DYAD_REQUIRE(x.bits == inputBits(f), kOutOfRange, "shares modulo 2^{} for a function of {} bits",
               x.bits, inputBits(f));
  const auto columns = static_cast<std::size_t>(x.shape[1]);
  requireColumns(f, columns);
  return columns;
}

} // namespace

Task<Share> rowFunction(Session &session, Share x, RowFunction f, Radix radix) {
  const std::size_t columns = columnsOf(x, f);
  DYAD_REQUIRE(divisorBits(f) == 0, kShapeMismatch, "a quotient without divisors");
  x.bits = outputBits(f);
  if (auto *s = std::get_if<SoftmaxFunction>(&f))
    x.values = co_await softmax(session, std::move(*s), std::move(x.values), columns, radix);
  else if (auto *l = std::get_if<LogSoftmaxFunction>(&f))
    x.values = co_await logSoftmax(session, std::move(*l), std::move(x.values), columns, radix);
  else
    x.values = co_await normalizeRows(session, std::get<NormalizationFunction>(std::move(f)),
                                      std::move(x.values), radix);
  co_return x;
}

Task<Share> rowFunction(Session &session, Share x, Share divisor, RowFunction f, Radix radix) {
  columnsOf(x, f);
  DYAD_REQUIRE(divisor.shape.size() == 2 && divisor.shape[0] == x.shape[0] && divisor.shape[1] == 1,
               kShapeMismatch, "not one divisor for each of {} rows", x.shape[0]);
  DYAD_REQUIRE(divisorBits(f) != 0 && divisor.bits == divisorBits(f), kOutOfRange,
               "divisors modulo 2^{} for a function of {} bits", divisor.bits, divisorBits(f));
  x.bits = outputBits(f);
  x.values = co_await quotient(session, std::get<QuotientFunction>(std::move(f)),
                               std::move(x.values), std::move(divisor.values), radix);
  co_return x;
}

} // namespace dyad
