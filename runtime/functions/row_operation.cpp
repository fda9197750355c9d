// SPDX-License-Identifier: Apache-2.0
// See row_operation.h. No crypto.
#include "runtime/functions/row_operation.h"

#include "runtime/functions/function_numbers.h"
#include "runtime/net/error.h"

#include <utility>

namespace dyad {
namespace {

using numbers::Is;
using numbers::Reader;
using numbers::requireKnown;
using numbers::walk;
using numbers::Writer;

template <typename Walker, Is<SoftmaxFunction> F> void walkRow(Walker &walker, F &f) {
  walk(walker, f.exponential);
  walker.field(f.exponentialBits);
  walk(walker, f.reciprocal);
  walker.field(f.productBits);
  walker.field(f.drop);
  walker.field(f.outputBits);
}

template <typename Walker, Is<LogSoftmaxFunction> F> void walkRow(Walker &walker, F &f) {
  walk(walker, f.exponential);
  walk(walker, f.logarithm);
}

template <typename Walker, Is<NormalizationFunction> F> void walkRow(Walker &walker, F &f) {
  walker.field(f.inputBits);
  walker.field(f.meanBits);
  walker.field(f.columns);
  walker.field(f.subtractMean);
  walker.field(f.deviationBits);
  walker.field(f.squareBits);
  walker.field(f.epsilon);
  walker.field(f.varianceDrop);
  walk(walker, f.rsqrt);
  walker.field(f.productBits);
  walker.field(f.drop);
  walker.field(f.outputBits);
}

template <typename Walker, Is<QuotientFunction> F> void walkRow(Walker &walker, F &f) {
  walker.field(f.numeratorBits);
  walk(walker, f.reciprocal);
  walker.field(f.productBits);
  walker.field(f.drop);
  walker.field(f.outputBits);
}

void requireKnownParts(const SoftmaxFunction &f) {
  requireKnown(f.exponential.lowPart);
  requireKnown(f.reciprocal.mantissa);
}
void requireKnownParts(const LogSoftmaxFunction &f) {
  requireKnown(f.exponential.lowPart);
  requireKnown(f.logarithm.mantissa);
}
void requireKnownParts(const NormalizationFunction &f) { requireKnown(f.rsqrt.mantissa); }
void requireKnownParts(const QuotientFunction &f) { requireKnown(f.reciprocal.mantissa); }

template <typename Function> RowFunction read(Reader &reader) {
  Function f;
  walkRow(reader, f);
  requireKnownParts(f);
  requireValid(f);
  return f;
}

} // namespace

unsigned inputBits(const RowFunction &f) {
  if (const auto *softmax = std::get_if<SoftmaxFunction>(&f))
    return softmax->exponential.inputBits;
  if (const auto *logSoftmax = std::get_if<LogSoftmaxFunction>(&f))
    return logSoftmax->exponential.inputBits;
  if (const auto *normalization = std::get_if<NormalizationFunction>(&f))
    return normalization->inputBits;
  return std::get<QuotientFunction>(f).numeratorBits;
}

unsigned divisorBits(const RowFunction &f) {
  const auto *quotient = std::get_if<QuotientFunction>(&f);
  return quotient == nullptr ? 0 : quotient->reciprocal.inputBits;
}

unsigned outputBits(const RowFunction &f) {
  if (const auto *softmax = std::get_if<SoftmaxFunction>(&f))
    return softmax->outputBits;
  if (const auto *logSoftmax = std::get_if<LogSoftmaxFunction>(&f))
    return logSoftmax->logarithm.outputBits;
  if (const auto *normalization = std::get_if<NormalizationFunction>(&f))
    return normalization->outputBits;
  return std::get<QuotientFunction>(f).outputBits;
}

void requireColumns(const RowFunction &f, std::uint64_t columns) {
  const auto *normalization = std::get_if<NormalizationFunction>(&f);
  DYAD_REQUIRE(columns != 0 && (normalization == nullptr || normalization->columns == columns),
               kShapeMismatch, "rows of {} numbers, which the function is not for", columns);
}

std::vector<std::int64_t> evaluate(const RowFunction &f, std::span<const std::int64_t> row,
                                   std::span<const std::int64_t> divisor) {
  DYAD_REQUIRE(divisor.size() == (divisorBits(f) == 0 ? 0U : 1U), kShapeMismatch,
               "{} divisors of a row", divisor.size());
  if (const auto *softmax = std::get_if<SoftmaxFunction>(&f))
    return evaluate(*softmax, row);
  if (const auto *logSoftmax = std::get_if<LogSoftmaxFunction>(&f))
    return evaluate(*logSoftmax, row);
  if (const auto *normalization = std::get_if<NormalizationFunction>(&f))
    return evaluate(*normalization, row);
  return evaluate(std::get<QuotientFunction>(f), row, divisor.front());
}

Cost rowFunctionCost(std::uint64_t rows, std::uint64_t columns, const RowFunction &f, Radix radix) {
  requireColumns(f, columns);
  if (const auto *softmax = std::get_if<SoftmaxFunction>(&f))
    return softmaxCost(rows, columns, *softmax, radix);
  if (const auto *logSoftmax = std::get_if<LogSoftmaxFunction>(&f))
    return logSoftmaxCost(rows, columns, *logSoftmax, radix);
  if (const auto *normalization = std::get_if<NormalizationFunction>(&f))
    return normalizeRowsCost(rows, *normalization, radix);
  return quotientCost(rows, columns, std::get<QuotientFunction>(f), radix);
}

// The kind is the variant's index.
std::vector<std::int64_t> numbersOf(const RowFunction &f) {
  Writer writer;
  writer.field(f.index());
  std::visit([&](const auto &kind) { walkRow(writer, kind); }, f);
  return std::move(writer.numbers);
}

RowFunction rowFunctionFrom(std::span<const std::int64_t> numbers) {
  Reader reader{numbers};
  std::uint8_t kind = 0;
  reader.field(kind);
  DYAD_REQUIRE(kind < std::variant_size_v<RowFunction>, kOutOfRange, "an unknown kind of function");
  RowFunction result = kind == 0   ? read<SoftmaxFunction>(reader)
                       : kind == 1 ? read<LogSoftmaxFunction>(reader)
                       : kind == 2 ? read<NormalizationFunction>(reader)
                                   : read<QuotientFunction>(reader);
  DYAD_REQUIRE(reader.numbers.empty(), kOutOfRange, "the numbers of a function go on too long");
  return result;
}

} // namespace dyad
