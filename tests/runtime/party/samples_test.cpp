// SPDX-License-Identifier: Apache-2.0
// Inputs: rounding, ranges, shapes and names; outputs: floats, integers, batches.
#include "runtime/party/samples.h"
#include "tests/runtime/party/expect_error.h"
#include "tests/runtime/party/process.h"

#include <cmath>
#include <limits>

using namespace dyad;
using dyad::test::expectError;
using dyad::test::TemporaryFolder;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

InputInfo input(double low, double high, int fraction, unsigned bits, bool isSigned = true) {
  return {.name = "x",
          .shape = {2},
          .owner = Owner::kClient,
          .bits = bits,
          .isSigned = isSigned,
          .fraction = fraction,
          .low = low,
          .high = high};
}

std::vector<std::int64_t> quantized(const InputInfo &info, std::vector<double> values) {
  const auto n = static_cast<std::int64_t>(values.size() / 2);
  return quantizeInput(info, {{n, 2}, std::move(values)}, "x.npy").values;
}

bool clients(Owner owner) { return owner != Owner::kServer; }

constexpr InputInfo kInputs[] = {
    {.name = "w", .shape = {1}, .owner = Owner::kServer, .bits = 8, .low = -1, .high = 1},
    {.name = "x", .shape = {1}, .owner = Owner::kClient, .bits = 8, .low = -1, .high = 1},
    {.name = "x=y", .shape = {1}, .owner = Owner::kClient, .bits = 8, .low = -1, .high = 1}};

} // namespace

TEST_CASE("inputs are rounded to the nearest integer, halves away from zero", "[party][samples]") {
  const InputInfo info = input(-100, 100, 1, 16);
  CHECK(quantized(info, {0.25, -0.25, 0.2499, -0.2499, 1.25, -1.25, 0.75, -0.0}) ==
        std::vector<std::int64_t>{1, -1, 0, 0, 3, -3, 2, 0});
  // A negative fraction is a unit above one.
  CHECK(quantized(input(-100, 100, -2, 16), {6, 5.9, -6, 2}) ==
        std::vector<std::int64_t>{2, 1, -2, 1});
  // Large integers keep every digit.
  const std::int64_t large = INT64_MAX - 1;
  CHECK(quantizeInput(input(-kInfinity, kInfinity, 0, 64),
                      {{2}, std::vector<std::int64_t>{large, INT64_MIN}}, "x.npy")
            .values == std::vector<std::int64_t>{large, INT64_MIN});
}

TEST_CASE("inputs at the ends of the range pass, the next number does not", "[party][samples]") {
  const InputInfo info = input(-1.5, 0.7, 4, 16);
  CHECK(quantized(info, {-1.5, 0.7}) == std::vector<std::int64_t>{-24, 11});
  expectError(ErrorCode::kOutOfRange,
              {"'x'", "x.npy", "0.7000000000000001", "[1, 0]", "-1.5", "0.7"},
              [&] { quantized(info, {0, 0, std::nextafter(0.7, 1), 0}); });
  expectError(ErrorCode::kOutOfRange, {"[0, 1]"},
              [&] { quantized(info, {0, std::nextafter(-1.5, -2)}); });
  expectError(ErrorCode::kOutOfRange, {"nan", "[0, 1]"}, [&] { quantized(info, {0, NAN}); });
  expectError(ErrorCode::kOutOfRange, {"inf"}, [&] { quantized(info, {kInfinity, 0}); });
  expectError(ErrorCode::kOutOfRange, {"nan"},
              [&] { quantized(input(-kInfinity, kInfinity, 0, 8), {NAN, 0}); });
}

TEST_CASE("an input that does not fit its bits is refused, whatever its range",
          "[party][samples]") {
  CHECK(quantized(input(-1000, 1000, 0, 8), {-128, 127.49}) ==
        std::vector<std::int64_t>{-128, 127});
  expectError(ErrorCode::kOutOfRange, {"8 bits"},
              [&] { quantized(input(-1000, 1000, 0, 8), {0, 127.5}); });
  CHECK(quantized(input(-1000, 1000, 0, 8, false), {0, 255}) == std::vector<std::int64_t>{0, 255});
  expectError(ErrorCode::kOutOfRange, {"8 bits"},
              [&] { quantized(input(-1000, 1000, 0, 8, false), {-1, 0}); });
  expectError(ErrorCode::kOutOfRange, {"64 bits"},
              [&] { quantized(input(-kInfinity, kInfinity, 0, 64), {std::ldexp(1.0, 63), 0}); });
}

TEST_CASE("an input has the model's shape or a leading axis of samples", "[party][samples]") {
  const InputInfo info = input(-1, 1, 0, 8);
  const auto shaped = [&](clear::Shape shape) {
    const auto size = static_cast<std::size_t>(clear::sizeOf(shape));
    return quantizeInput(info, {std::move(shape), std::vector<double>(size)}, "x.npy");
  };
  CHECK(shaped({2}).count == 1);
  CHECK_FALSE(shaped({2}).batched);
  CHECK(shaped({3, 2}).count == 3);
  CHECK(shaped({1, 2}).batched);
  for (const clear::Shape &shape :
       {clear::Shape{3}, clear::Shape{2, 3}, clear::Shape{}, clear::Shape{1, 1, 2}})
    expectError(ErrorCode::kBadInput, {"shape", "takes 2", "Nx2"}, [&] { shaped(shape); });
  expectError(ErrorCode::kBadInput, {"no sample"}, [&] { shaped({0, 2}); });
}

TEST_CASE("files find their inputs by name, or the party's first one", "[party][samples]") {
  const TemporaryFolder folder;
  const std::string one = folder / "one.npy";
  const std::string three = folder / "three.npy";
  writeNpy(one, {1}, std::vector<float>{1});
  writeNpy(three, {3, 1}, std::vector<float>{0, 1, -1});
  const auto read = [&](const std::vector<std::string> &options) {
    return readInputs(kInputs, options, clients);
  };

  const PartyInputs inputs = read({three, "x=y=" + three});
  REQUIRE(inputs.inputs.size() == 2);
  CHECK(inputs.inputs[0].first == "x");
  CHECK(inputs.inputs[1].first == "x=y");
  CHECK(inputs.count == 3);
  CHECK(inputs.batched);

  expectError(ErrorCode::kBadInput, {"'x=y'", "--input"}, [&] { read({one}); });
  expectError(ErrorCode::kBadInput, {"'z'", "'x'"}, [&] { read({"z=" + one}); });
  expectError(ErrorCode::kBadInput, {"'w'", "the server's"}, [&] { read({"w=" + one}); });
  expectError(ErrorCode::kUsage, {"'x'", "twice"}, [&] { read({one, "x=" + one}); });
  expectError(ErrorCode::kBadInput, {"samples"}, [&] { read({one, "x=y=" + three}); });
  CHECK(readInputs({}, {}, clients).count == 0);
}

TEST_CASE("outputs are floats, or integers on request", "[party][samples]") {
  const TemporaryFolder folder;
  const std::string file = folder / "y.npy";
  OutputInfo output{.name = "y", .shape = {2}, .bits = 16, .fraction = 2};
  const OutputSamples samples{1, -6, 0, 32767};

  writeOutput(output, samples, 2, true, false, file);
  NpyArray array = readNpy(file);
  CHECK(array.shape == clear::Shape{2, 2});
  CHECK(std::get<std::vector<double>>(array.values) == std::vector<double>{0.25, -1.5, 0, 8191.75});

  writeOutput(output, samples, 2, true, true, file);
  CHECK(std::get<std::vector<std::int64_t>>(readNpy(file).values) == samples);
  output.integer = true;
  writeOutput(output, {7, 8}, 1, false, false, file);
  array = readNpy(file);
  CHECK(array.shape == clear::Shape{2});
  CHECK(std::get<std::vector<std::int64_t>>(array.values) == std::vector<std::int64_t>{7, 8});
}
