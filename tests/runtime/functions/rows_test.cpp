// SPDX-License-Identifier: Apache-2.0
// Softmax, log-softmax and normalisation of rows: errors, and the protocols bit for bit.
#include "passes/approximation/rows.h"
#include "runtime/functions/rows.h"
#include "tests/runtime/protocols/shared_values.h"

#include <catch2/catch.hpp>

using namespace dyad;
using namespace dyad::approximation;
using namespace dyad::test;

namespace {

Request rowRequest(unsigned bits, unsigned scale, double low, double high, double maxUlp) {
  Request request;
  request.inputBits = request.outputBits = bits;
  request.inputScale = request.outputScale = scale;
  request.low = std::llround(std::ldexp(low, static_cast<int>(scale)));
  request.high = std::llround(std::ldexp(high, static_cast<int>(scale)));
  request.maxUlp = maxUlp;
  return request;
}

/// Rows over the range, some narrow, one of equal numbers, one from end to end.
std::vector<std::vector<std::int64_t>> someRows(std::size_t rows, std::size_t columns,
                                                const Request &request, bool equalOnes) {
  std::mt19937_64 random(columns);
  std::vector<std::vector<std::int64_t>> result(rows, std::vector<std::int64_t>(columns));
  const std::int64_t span = request.high - request.low;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      result[r][c] =
          r == 0 && equalOnes ? request.high
          : r == 1            ? (c % 2 == 0 ? request.low : request.high)
                              : request.low +
                         static_cast<std::int64_t>(random()) % (span / (r % 2 == 0 ? 1 : 4)) / 2 +
                         span / 2;
  return result;
}

template <typename Function, typename Protocol>
void checkRows(const Function &f, const std::vector<std::vector<std::int64_t>> &rows,
               unsigned inputBits, unsigned outputBits, const Cost &cost, Protocol protocol) {
  Ring flat, expected;
  for (const std::vector<std::int64_t> &row : rows) {
    for (const std::int64_t x : row)
      flat.push_back(spec::toRing(x, inputBits));
    for (const std::int64_t y : evaluate(f, row))
      expected.push_back(spec::toRing(y, outputBits));
  }
  const Shares x = shared(flat, inputBits);
  const Ring found =
      joined(runCosting(cost, [&](Session &s) { return protocol(s, x.of(s)); }), outputBits)
          .values();
  CHECK(found == expected);
}

} // namespace

TEST_CASE("quotients of shares, one by one and by a row's divisor", "[functions][rows]") {
  const Request request = rowRequest(16, 10, 0.5, 20, 1);
  const std::int64_t numerator = 4 << 10;
  const auto found = approximateQuotient(numerator, request);
  REQUIRE(found);
  CHECK(found->error.maxUlp <= 1);
  const QuotientFunction &f = found->function;
  constexpr std::size_t kRows = 41;
  const std::size_t columns = GENERATE(1U, 6U);
  std::mt19937_64 random(columns);
  Ring a, b, expected;
  for (std::size_t r = 0; r < kRows; ++r) {
    const std::int64_t divisor =
        request.low + static_cast<std::int64_t>(random() >> (1 + random() % 12)) %
                          (request.high - request.low + 1);
    b.push_back(static_cast<std::uint64_t>(divisor));
    std::vector<std::int64_t> row(columns);
    for (std::int64_t &value : row) {
      value = static_cast<std::int64_t>(random() % (2 * numerator + 1)) - numerator;
      a.push_back(spec::toRing(value, f.numeratorBits));
    }
    for (const std::int64_t y : evaluate(f, row, divisor))
      expected.push_back(spec::toRing(y, f.outputBits));
  }
  const Shares as = shared(a, f.numeratorBits);
  const Shares bs = shared(b, 16, 11);
  const Ring y = joined(runCosting(quotientCost(kRows, columns, f),
                                   [&](Session &s) { return quotient(s, f, as.of(s), bs.of(s)); }),
                        f.outputBits)
                     .values();
  CHECK(y == expected);
}

TEST_CASE("softmax of rows", "[functions][rows]") {
  const std::size_t columns = GENERATE(2U, 7U, 33U);
  CAPTURE(columns);
  const Request request = rowRequest(16, 10, -6, 7, 1);
  const auto found = approximateSoftmax(static_cast<unsigned>(columns), request);
  REQUIRE(found);
  CHECK(found->error.maxUlp <= 1);
  const SoftmaxFunction &f = found->function;
  checkRows(f, someRows(5, columns, request, true), 16, 16, softmaxCost(5, columns, f),
            [&](Session &s, Ring x) { return softmax(s, f, std::move(x), columns); });
}

TEST_CASE("log-softmax of rows", "[functions][rows]") {
  const Request request = rowRequest(18, 12, -6, 7, 1.5);
  const auto found = approximateLogSoftmax(10, request);
  REQUIRE(found);
  CHECK(found->error.maxUlp <= 1.5);
  const LogSoftmaxFunction &f = found->function;
  checkRows(f, someRows(5, 10, request, true), 18, 18, logSoftmaxCost(5, 10, f),
            [&](Session &s, Ring x) { return logSoftmax(s, f, std::move(x), 10); });
}

TEST_CASE("layer and RMS normalisation of rows", "[functions][rows]") {
  const bool subtractMean = GENERATE(true, false);
  const unsigned columns = GENERATE(8U, 21U);
  CAPTURE(subtractMean, columns);
  const Request request = rowRequest(16, 10, -4, 4, 2);
  const auto found = approximateNormalization(
      {.columns = columns, .epsilon = 1e-3, .subtractMean = subtractMean, .leastVariance = 0.01},
      request);
  REQUIRE(found);
  CHECK(found->error.maxUlp <= 2);
  const NormalizationFunction &f = found->function;
  checkRows(f, someRows(5, columns, request, false), f.inputBits, 16, normalizeRowsCost(5, f),
            [&](Session &s, Ring x) { return normalizeRows(s, f, std::move(x)); });
  CHECK_THROWS_AS(evaluate(f, std::vector<std::int64_t>(columns, std::int64_t{1} << 22)), Error);
}
