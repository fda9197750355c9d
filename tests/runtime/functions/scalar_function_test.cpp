// SPDX-License-Identifier: Apache-2.0
// Functions of all forms as lists of integers and back, and lists that are none.
#include "runtime/functions/scalar_function.h"

#include "passes/approximation/approximate.h"
#include "passes/approximation/exponential.h"
#include "passes/approximation/normalize.h"
#include "runtime/net/error.h"

#include <catch2/catch.hpp>

using namespace dyad;
using namespace dyad::approximation;

namespace {

Request request(std::int64_t low, std::int64_t high) {
  Request r;
  r.inputBits = 18;
  r.outputBits = 18;
  r.low = low;
  r.high = high;
  r.maxUlp = 2;
  return r;
}

std::vector<ScalarFunction> someOfEachForm() {
  std::vector<ScalarFunction> result;
  for (const SmoothFunction &f : knownFunctions())
    if (const auto found = approximate(f, request(-8192, 8191)))
      result.emplace_back(found->polynomial);
  for (const double exponent : {-1.0, -0.5, 0.5})
    if (const auto found = approximatePower(exponent, request(512, 32767)))
      result.emplace_back(found->function);
  if (const auto found = approximateExponential(request(-65536, 0)))
    result.emplace_back(found->function);
  return result;
}

} // namespace

TEST_CASE("functions of all forms survive as lists of integers", "[scalar]") {
  const std::vector<ScalarFunction> functions = someOfEachForm();
  bool seen[3] = {};
  for (const ScalarFunction &f : functions) {
    seen[f.index()] = true;
    CHECK(functionFrom(numbersOf(f)) == f);
    CHECK(numbersOf(functionFrom(numbersOf(f))) == numbersOf(f));
  }
  CHECK((seen[0] && seen[1] && seen[2]));
  CHECK(functions.size() > 12);
}

TEST_CASE("lists that stand for no function are refused", "[scalar]") {
  const std::vector<std::int64_t> numbers = numbersOf(someOfEachForm().front());
  std::vector<std::int64_t> wrong = numbers;
  wrong.push_back(0);
  CHECK_THROWS_AS(functionFrom(wrong), Error);
  wrong = numbers;
  wrong.pop_back();
  CHECK_THROWS_AS(functionFrom(wrong), Error);
  wrong = numbers;
  wrong[0] = 9;
  CHECK_THROWS_AS(functionFrom(wrong), Error);
  wrong = numbers;
  wrong[1] = std::int64_t{1} << 40;
  CHECK_THROWS_AS(functionFrom(wrong), Error);
  CHECK_THROWS_AS(functionFrom({}), Error);
}

TEST_CASE("the extremes of a function's results", "[scalar]") {
  const ScalarFunction sigmoid =
      approximate(*findFunction("sigmoid"), request(-8192, 8191))->polynomial;
  const auto [low, high] = resultsOf(sigmoid, -8192, 8191);
  CHECK(low == evaluate(sigmoid, -8192));
  CHECK(high == evaluate(sigmoid, 8191));
  CHECK(low < high);
  const auto [none, above] = resultsOf(sigmoid, 0, std::int64_t{1} << 21);
  CHECK(none > above);
}
