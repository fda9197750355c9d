// SPDX-License-Identifier: Apache-2.0
// The fx interpreter against integers worked out by hand, and its reports of values out of range.
#include "ir/eval/fx_interpreter.h"
#include "tests/ir/eval/module_fixture.h"

#include <catch2/catch.hpp>

using namespace dyad;

namespace {

using Integers = std::vector<std::int64_t>;

// x = [[1, -2, 3], [-4, 5, -7]] of 2 fraction bits and w = [[2, 3, -1], [1, 6, 4]] of 1.
struct Case {
  const char *operation; ///< computes %y
  const char *type;
  Integers expected;
};

// !x = s8 of fraction 2, !w = s8 of fraction 1, !p = s16 of fraction 3: their product.
const Case kCases[] = {
    {"%y = fx.add %x, %x : (tensor<2x3x!x>, tensor<2x3x!x>) -> tensor<2x3x!x>",
     "2x3x!x",
     {2, -4, 6, -8, 10, -14}},
    {"%y = fx.sub %x, %v : (tensor<2x3x!x>, tensor<2x3x!x>) -> tensor<2x3x!x>",
     "2x3x!x",
     {-3, -8, 5, -6, -7, -15}},
    {"%y = fx.mul %x, %w : (tensor<2x3x!x>, tensor<2x3x!w>) -> tensor<2x3x!p>",
     "2x3x!p",
     {2, -6, -3, -4, 30, -28}},
    {"%y = fx.min %x, %v : (tensor<2x3x!x>, tensor<2x3x!x>) -> tensor<2x3x!x>",
     "2x3x!x",
     {1, -2, -2, -4, 5, -7}},
    {"%y = fx.max %x, %v : (tensor<2x3x!x>, tensor<2x3x!x>) -> tensor<2x3x!x>",
     "2x3x!x",
     {4, 6, 3, 2, 12, 8}},
    {"%y = fx.neg %x : (tensor<2x3x!x>) -> tensor<2x3x!x>", "2x3x!x", {-1, 2, -3, 4, -5, 7}},
    {"%y = fx.abs %x : (tensor<2x3x!x>) -> tensor<2x3x!x>", "2x3x!x", {1, 2, 3, 4, 5, 7}},
    {"%y = fx.relu %x : (tensor<2x3x!x>) -> tensor<2x3x!x>", "2x3x!x", {1, 0, 3, 0, 5, 0}},
    {"%y = fx.clip %x {low = -3 : i64, high = 2 : i64} : (tensor<2x3x!x>) -> tensor<2x3x!x>",
     "2x3x!x",
     {1, -2, 2, -3, 2, -3}},
    {"%y = fx.prelu %x, %w : (tensor<2x3x!x>, tensor<2x3x!w>) -> tensor<2x3x!p>",
     "2x3x!p",
     {2, -6, 6, -4, 10, -28}},
    {"%y = fx.resize %x : (tensor<2x3x!x>) -> tensor<2x3x!fx.fixed<s4, 2, client>>",
     "2x3x!fx.fixed<s4, 2, client>",
     {1, -2, 3, -4, 5, -7}},
    {"%y = fx.truncate %x {shift = 1 : i64, rounding = #fx.rounding<floor>} : (tensor<2x3x!x>) -> "
     "tensor<2x3x!w>",
     "2x3x!w",
     {0, -1, 1, -2, 2, -4}},
    {"%y = fx.truncate %x {shift = 1 : i64, rounding = #fx.rounding<nearest>} : (tensor<2x3x!x>) "
     "-> "
     "tensor<2x3x!w>",
     "2x3x!w",
     {1, -1, 2, -2, 3, -3}},
    {"%y = fx.shift_left %w {shift = 1 : i64} : (tensor<2x3x!w>) -> tensor<2x3x!x>",
     "2x3x!x",
     {4, 6, -2, 2, 12, 8}},
    {"%y = fx.divide %x {divisor = 3 : i64, rounding = #fx.rounding<floor>} : (tensor<2x3x!x>) -> "
     "tensor<2x3x!x>",
     "2x3x!x",
     {0, -1, 1, -2, 1, -3}},
    {"%y = fx.divide %x {divisor = 3 : i64, rounding = #fx.rounding<nearest>} : (tensor<2x3x!x>) "
     "-> "
     "tensor<2x3x!x>",
     "2x3x!x",
     {0, -1, 1, -1, 2, -2}},
    {"%y = fx.assume %x in -7 to 5 <calibrated> : tensor<2x3x!x>", "2x3x!x", {1, -2, 3, -4, 5, -7}},
    {"%t = fx.transpose %w {permutation = array<i64: 1, 0>} : (tensor<2x3x!w>) -> tensor<3x2x!w> "
     "%y = fx.matmul %x, %t : (tensor<2x3x!x>, tensor<3x2x!w>) -> tensor<2x2x!p>",
     "2x2x!p",
     {-7, 1, 14, -2}},
    {"%i = fx.reshape %x : (tensor<2x3x!x>) -> tensor<1x1x2x3x!x> "
     "%k = fx.reshape %w : (tensor<2x3x!w>) -> tensor<2x1x1x3x!w> "
     "%b = fx.constant @b : tensor<2x!p> "
     "%y = fx.conv2d %i, %k bias %b {strides = array<i64: 1, 2>, pads = array<i64: 0, 1, 0, 1>, "
     "dilations = array<i64: 1, 1>, groups = 1 : i64} : "
     "(tensor<1x1x2x3x!x>, tensor<2x1x1x3x!w>, tensor<2x!p>) -> tensor<1x2x2x2x!p>",
     "1x2x2x2x!p",
     {105, 105, 83, 89, -102, -84, -104, -137}},
    {"%i = fx.reshape %x : (tensor<2x3x!x>) -> tensor<1x1x2x3x!x> "
     "%y = fx.max_pool2d %i {kernel = array<i64: 2, 2>, strides = array<i64: 1, 2>, pads = "
     "array<i64:"
     " 0, 1, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x2x3x!x>) -> tensor<1x1x1x2x!x>",
     "1x1x1x2x!x",
     {1, 5}},
    {"%i = fx.reshape %x : (tensor<2x3x!x>) -> tensor<1x1x2x3x!x> "
     "%y = fx.sum_pool2d %i {kernel = array<i64: 2, 2>, strides = array<i64: 1, 2>, pads = "
     "array<i64:"
     " 0, 1, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x2x3x!x>) -> tensor<1x1x1x2x!x>",
     "1x1x1x2x!x",
     {-3, -1}},
    {"%y = fx.reduce_sum %x {axes = array<i64: 1>} : (tensor<2x3x!x>) -> tensor<2x1x!x>",
     "2x1x!x",
     {2, -6}},
    {"%y = fx.reduce_max %x {axes = array<i64: 0>} : (tensor<2x3x!x>) -> tensor<1x3x!x>",
     "1x3x!x",
     {1, 5, 3}},
    {"%y = fx.reduce_min %x {axes = array<i64: 0>} : (tensor<2x3x!x>) -> tensor<1x3x!x>",
     "1x3x!x",
     {-4, -2, -7}},
    {"%y = fx.arg_max %x {axis = 1 : i64} : (tensor<2x3x!x>) -> tensor<2x1x!fx.fixed<u2, 0, "
     "client>>",
     "2x1x!fx.fixed<u2, 0, client>",
     {2, 1}},
    {"%y = fx.pad %x {low = array<i64: 0, 1>, high = array<i64: 0, 0>, interior = array<i64: 0, "
     "0>, "
     "value = -5 : i64} : (tensor<2x3x!x>) -> tensor<2x4x!x>",
     "2x4x!x",
     {-5, 1, -2, 3, -5, -4, 5, -7}},
    {"%y = fx.concat %x, %v {axis = 0 : i64} : (tensor<2x3x!x>, tensor<2x3x!x>) -> tensor<4x3x!x>",
     "4x3x!x",
     {1, -2, 3, -4, 5, -7, 4, 6, -2, 2, 12, 8}},
    {"%y = fx.slice %x {starts = array<i64: 1, 2>, steps = array<i64: 1, -2>} : (tensor<2x3x!x>) "
     "-> "
     "tensor<1x2x!x>",
     "1x2x!x",
     {-7, -4}},
    {"%s = fx.slice %x {starts = array<i64: 0, 0>, steps = array<i64: 1, 1>} : (tensor<2x3x!x>) -> "
     "tensor<1x3x!x> %y = fx.broadcast %s : (tensor<1x3x!x>) -> tensor<2x3x!x>",
     "2x3x!x",
     {1, -2, 3, 1, -2, 3}},
    {"%y = fx.gather %x {axis = 1 : i64, indices = array<i64: 2, 0>} : (tensor<2x3x!x>) -> "
     "tensor<2x2x!x>",
     "2x2x!x",
     {3, 1, -7, -4}},
    {"%y = fx.take %x {indices = array<i64: 5, 0>} : (tensor<2x3x!x>) -> tensor<2x!x>",
     "2x!x",
     {-7, 1}},
};

const char *const kSymbols = R"(
  !x = !fx.fixed<s8, 2, client>
  !w = !fx.fixed<s8, 1, client>
  !p = !fx.fixed<s16, 3, client>
  fx.weight @w : tensor<2x3x!w> = dense<[[2, 3, -1], [1, 6, 4]]> : tensor<2x3xi8>
  fx.weight @v : tensor<2x3x!x> = dense<[[4, 6, -2], [2, 12, 8]]> : tensor<2x3xi8>
  fx.weight @b : tensor<2x!p> = dense<[100, -100]> : tensor<2xi16>
)";
const char *const kInputs = R"(
  %x = fx.input "x" range -10.0 to 10.0 <declared> : tensor<2x3x!x>
  %w = fx.constant @w : tensor<2x3x!w>
  %v = fx.constant @v : tensor<2x3x!x>
)";
// Divided by 4; -7 comes from -1.7, which rounds away from -6.8.
const FloatTensors kX = {{"x", {{2, 3}, {.25F, -.5F, .75F, -1, 1.25F, -1.7F}}}};

std::string outputOf(const std::string &type) {
  return "\nfx.output \"y\" %y : tensor<" + type + ">";
}

} // namespace

TEST_CASE("each fx operation computes what its description says", "[eval][fx]") {
  for (const Case &example : kCases) {
    ModuleFixture fixture;
    INFO(example.operation);
    auto module =
        fixture.parse(kSymbols, std::string(kInputs) + example.operation + outputOf(example.type));
    INFO(fixture.errors);
    REQUIRE(module);
    auto program = FxInterpreter::create(module);
    REQUIRE(succeeded(program));
    auto run = program->run(kX, FxMode::kStop);
    REQUIRE(succeeded(run));
    CHECK(run->outputs.at("y").integers.data == example.expected);
    CHECK(run->violations.empty());
  }
}

TEST_CASE("an output is read with its fraction", "[eval][fx]") {
  ModuleFixture fixture;
  auto module = fixture.parse(kSymbols, std::string(kInputs) +
                                            "%y = fx.reveal %x : (tensor<2x3x!x>) -> tensor<2x3x"
                                            "!fx.fixed<s8, 2, public>>" +
                                            outputOf("2x3x!fx.fixed<s8, 2, public>"));
  auto program = FxInterpreter::create(module);
  REQUIRE(succeeded(program));
  auto run = program->run(kX, FxMode::kStop);
  REQUIRE(succeeded(run));
  CHECK(run->outputs.at("y").floats().data ==
        std::vector<float>{.25F, -.5F, .75F, -1, 1.25F, -1.75F});
}

TEST_CASE("unsigned weights are zero extended", "[eval][fx]") {
  ModuleFixture fixture;
  auto module = fixture.parse(
      "fx.weight @u : tensor<2x!fx.fixed<u8, 0, client>> = dense<[-1, 1]> : tensor<2xi8>",
      "%y = fx.constant @u : tensor<2x!fx.fixed<u8, 0, client>>" +
          outputOf("2x!fx.fixed<u8, 0, client>"));
  auto program = FxInterpreter::create(module);
  REQUIRE(succeeded(program));
  auto run = program->run({}, FxMode::kStop);
  REQUIRE(succeeded(run));
  CHECK(run->outputs.at("y").integers.data == Integers{255, 1});
}

TEST_CASE("all violations of a sample are collected, with exact values", "[eval][fx]") {
  ModuleFixture fixture;
  auto module = fixture.parse(kSymbols, std::string(kInputs) + R"(
    %s = fx.mul %x, %w : (tensor<2x3x!x>, tensor<2x3x!w>)
      -> tensor<2x3x!fx.fixed<s5, 3, client>> loc("product")
    %a = fx.assume %s in -5 to 29 <calibrated> : tensor<2x3x!fx.fixed<s5, 3, client>> loc("range")
    %u = fx.resize %a : (tensor<2x3x!fx.fixed<s5, 3, client>>)
      -> tensor<2x3x!fx.fixed<u6, 3, client>> loc("unsigned")
    %y = fx.neg %u : (tensor<2x3x!fx.fixed<u6, 3, client>>) -> tensor<2x3x!p>
  )" + outputOf("2x3x!p"));
  INFO(fixture.errors);
  // The range of an assumption is checked against its type when the module is read.
  REQUIRE_FALSE(module);
  module = fixture.parse(kSymbols, std::string(kInputs) + R"(
    %s = fx.mul %x, %w : (tensor<2x3x!x>, tensor<2x3x!w>)
      -> tensor<2x3x!fx.fixed<s5, 3, client>> loc("product")
    %a = fx.assume %s in -5 to 15 <calibrated> : tensor<2x3x!fx.fixed<s5, 3, client>> loc("range")
    %u = fx.resize %a : (tensor<2x3x!fx.fixed<s5, 3, client>>)
      -> tensor<2x3x!fx.fixed<u6, 3, client>> loc("unsigned")
    %y = fx.neg %u : (tensor<2x3x!fx.fixed<u6, 3, client>>) -> tensor<2x3x!p>
  )" + outputOf("2x3x!p"));
  REQUIRE(module);
  auto program = FxInterpreter::create(module);
  REQUIRE(succeeded(program));
  auto run = program->run(kX, FxMode::kCollect); // the product is 2 -6 -3 -4 30 -28
  REQUIRE(succeeded(run));
  REQUIRE(run->violations.size() == 3);

  const FxViolation &width = run->violations[0];
  CHECK(width.kind == FxViolation::Kind::kWidth);
  CHECK(width.node == "product");
  CHECK(width.worst == 30);
  CHECK(width.count == 2);
  CHECK(width.bitsGiven == 5);
  CHECK(width.bitsNeeded == 6);
  CHECK(width.message == "fx.mul: 30 does not fit s5 (-16 to 15)");

  const FxViolation &assume = run->violations[1];
  CHECK(assume.kind == FxViolation::Kind::kAssume);
  CHECK(assume.node == "range");
  CHECK(assume.worst == -28);
  CHECK(assume.count == 3);
  CHECK(assume.low == -5);
  CHECK(assume.high == 15);

  const FxViolation &negative = run->violations[2];
  CHECK(negative.node == "unsigned");
  CHECK(negative.worst == -28);
  CHECK(negative.count == 4);

  CHECK(run->outputs.at("y").integers.data == Integers{-2, 6, 3, 4, -30, 28});

  CHECK(failed(program->run(kX, FxMode::kStop)));
  CHECK(fixture.errors.find("fx.mul: 30 does not fit s5") != std::string::npos);
}

TEST_CASE("inputs outside their range end what depends on them, results beyond 64 bits do not",
          "[eval][fx]") {
  ModuleFixture fixture;
  auto module = fixture.parse(kSymbols, std::string(kInputs) + R"(
    %y = fx.neg %x : (tensor<2x3x!x>) -> tensor<2x3x!x>
    %big = fx.shift_left %w {shift = 62 : i64} : (tensor<2x3x!w>)
      -> tensor<2x3x!fx.fixed<s64, 63, client>> loc("shift")
    fx.output "big" %big : tensor<2x3x!fx.fixed<s64, 63, client>>
    %back = fx.truncate %big {shift = 62 : i64, rounding = #fx.rounding<floor>} :
      (tensor<2x3x!fx.fixed<s64, 63, client>>) -> tensor<2x3x!w>
    fx.output "back" %back : tensor<2x3x!w>
    fx.output "w" %w : tensor<2x3x!w>
  )" + outputOf("2x3x!x"));
  auto program = FxInterpreter::create(module);
  REQUIRE(succeeded(program));
  FloatTensors outside = kX;
  outside["x"].data[1] = 10.5F;
  auto run = program->run(outside, FxMode::kCollect);
  REQUIRE(succeeded(run));
  REQUIRE(run->violations.size() == 2);
  CHECK(run->violations[0].kind == FxViolation::Kind::kInput);
  CHECK(run->violations[0].node == "x");
  CHECK(run->violations[1].kind == FxViolation::Kind::kWidth);
  CHECK(run->violations[1].node == "shift");
  CHECK(run->violations[1].bitsNeeded > 64);
  CHECK(run->outputs.size() == 2);
  CHECK(run->outputs.at("back").integers.data == run->outputs.at("w").integers.data);
}

TEST_CASE("what an fx program may not hold is a diagnostic", "[eval][fx]") {
  ModuleFixture fixture;
  auto module =
      fixture.parse(kSymbols, std::string(kInputs) +
                                  "%y = fx.requantize %x : (tensor<2x3x!x>) -> tensor<2x3x!w>" +
                                  outputOf("2x3x!w"));
  CHECK(failed(FxInterpreter::create(module)));
  CHECK(fixture.errors == "cannot be executed; run the pass insert-truncations first\n");
}
