// SPDX-License-Identifier: Apache-2.0
// The nn interpreter against values worked out by hand, one small program for each operation.
#include "ir/eval/nn_interpreter.h"
#include "tests/ir/eval/module_fixture.h"

#include <catch2/catch.hpp>

using namespace dyad;

namespace {

using Numbers = std::vector<float>;

// x = [[1, -2, 3], [-4, 5, -6]] and w = [[2, 3, -1], [1, 0.5, 4]] through one operation.
struct Case {
  const char *operation; ///< computes %y
  const char *type;
  clear::Shape shape;
  Numbers expected;
};

const Case kCases[] = {
    {"%y = nn.add %x, %w : tensor<2x3xf32>", "2x3xf32", {2, 3}, {3, 1, 2, -3, 5.5, -2}},
    {"%y = nn.sub %x, %w : tensor<2x3xf32>", "2x3xf32", {2, 3}, {-1, -5, 4, -5, 4.5, -10}},
    {"%y = nn.mul %x, %w : tensor<2x3xf32>", "2x3xf32", {2, 3}, {2, -6, -3, -4, 2.5, -24}},
    {"%y = nn.div %x, %w : tensor<2x3xf32>", "2x3xf32", {2, 3}, {.5, -2.F / 3, -3, -4, 10, -1.5}},
    {"%y = nn.min %x, %w : tensor<2x3xf32>", "2x3xf32", {2, 3}, {1, -2, -1, -4, .5, -6}},
    {"%y = nn.max %x, %w : tensor<2x3xf32>", "2x3xf32", {2, 3}, {2, 3, 3, 1, 5, 4}},
    {"%y = nn.neg %x : tensor<2x3xf32>", "2x3xf32", {2, 3}, {-1, 2, -3, 4, -5, 6}},
    {"%y = nn.abs %x : tensor<2x3xf32>", "2x3xf32", {2, 3}, {1, 2, 3, 4, 5, 6}},
    {"%y = nn.relu %x : tensor<2x3xf32>", "2x3xf32", {2, 3}, {1, 0, 3, 0, 5, 0}},
    {"%y = nn.leaky_relu %x {alpha = 0.5} : tensor<2x3xf32>",
     "2x3xf32",
     {2, 3},
     {1, -1, 3, -2, 5, -3}},
    {"%y = nn.prelu %x, %w : tensor<2x3xf32>", "2x3xf32", {2, 3}, {1, -6, 3, -4, 5, -24}},
    {"%y = nn.clip %x {low = -3.0, high = 2.0} : tensor<2x3xf32>",
     "2x3xf32",
     {2, 3},
     {1, -2, 2, -3, 2, -3}},
    {"%y = nn.clip %x {high = 2.0} : tensor<2x3xf32>", "2x3xf32", {2, 3}, {1, -2, 2, -4, 2, -6}},
    {"%y = nn.assume %x in -1.0 to 1.0 \"declared\" : tensor<2x3xf32>",
     "2x3xf32",
     {2, 3},
     {1, -2, 3, -4, 5, -6}},
    {"%y = nn.reshape %x : (tensor<2x3xf32>) -> tensor<3x2xf32>",
     "3x2xf32",
     {3, 2},
     {1, -2, 3, -4, 5, -6}},
    {"%y = nn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>",
     "3x2xf32",
     {3, 2},
     {1, -4, -2, 5, 3, -6}},
    {"%y = nn.concat %x, %w {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> "
     "tensor<2x6xf32>",
     "2x6xf32",
     {2, 6},
     {1, -2, 3, 2, 3, -1, -4, 5, -6, 1, .5, 4}},
    {"%y = nn.slice %x {starts = array<i64: 1, 2>, steps = array<i64: 1, -2>} : (tensor<2x3xf32>) "
     "-> tensor<1x2xf32>",
     "1x2xf32",
     {1, 2},
     {-6, -4}},
    {"%r = nn.reshape %x : (tensor<2x3xf32>) -> tensor<2x1x3xf32> "
     "%y = nn.broadcast %r : (tensor<2x1x3xf32>) -> tensor<2x2x3xf32>",
     "2x2x3xf32",
     {2, 2, 3},
     {1, -2, 3, 1, -2, 3, -4, 5, -6, -4, 5, -6}},
    {"%y = nn.gather %x {axis = 1 : i64, indices = array<i64: 2, 2>} : (tensor<2x3xf32>) -> "
     "tensor<2x2xf32>",
     "2x2xf32",
     {2, 2},
     {3, 3, -6, -6}},
    {"%y = nn.take %x {indices = array<i64: 5, 0>} : (tensor<2x3xf32>) -> tensor<2x1xf32>",
     "2x1xf32",
     {2, 1},
     {-6, 1}},
    {"%y = nn.pad %x {low = array<i64: 1, 0>, high = array<i64: 0, 0>, interior = array<i64: 0, 1>,"
     " value = 9.0} : (tensor<2x3xf32>) -> tensor<3x5xf32>",
     "3x5xf32",
     {3, 5},
     {9, 9, 9, 9, 9, 1, 9, -2, 9, 3, -4, 9, 5, 9, -6}},
    {"%t = nn.transpose %w {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32> "
     "%y = nn.matmul %x, %t : (tensor<2x3xf32>, tensor<3x2xf32>) -> tensor<2x2xf32>",
     "2x2xf32",
     {2, 2},
     {-7, 12, 13, -25.5}},
    {"%i = nn.reshape %x : (tensor<2x3xf32>) -> tensor<1x1x2x3xf32> "
     "%k = nn.reshape %w : (tensor<2x3xf32>) -> tensor<2x1x1x3xf32> "
     "%b = nn.constant @b : tensor<2xf32> "
     "%y = nn.conv2d %i, %k bias %b {strides = array<i64: 1, 2>, pads = array<i64: 0, 1, 0, 1>, "
     "dilations = array<i64: 1, 1>, groups = 1 : i64} : "
     "(tensor<1x1x2x3xf32>, tensor<2x1x1x3xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>",
     "1x2x2x2xf32",
     {1, 2, 2, 2},
     {15, 15, -7, 2, -17.5, -10.5, 8, -8}},
    {"%b = nn.constant @p : tensor<3xf32> "
     "%y = nn.batch_norm %x, %b, %b, %b, %b {epsilon = 0.0} : "
     "(tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> "
     "tensor<2x3xf32>",
     "2x3xf32",
     {2, 3},
     {1, -8, -9, -4, 6, -36}},
    {"%i = nn.reshape %x : (tensor<2x3xf32>) -> tensor<1x1x2x3xf32> "
     "%y = nn.max_pool2d %i {kernel = array<i64: 2, 2>, strides = array<i64: 1, 2>, pads = "
     "array<i64:"
     " 0, 1, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x2x3xf32>) -> tensor<1x1x1x2xf32>",
     "1x1x1x2xf32",
     {1, 1, 1, 2},
     {1, 5}},
    {"%i = nn.reshape %x : (tensor<2x3xf32>) -> tensor<1x1x2x3xf32> "
     "%y = nn.average_pool2d %i {kernel = array<i64: 2, 2>, strides = array<i64: 1, 2>, pads = "
     "array<i64: 0, 1, 0, 0>, ceil_pads = array<i64: 0, 0>, dilations = array<i64: 1, 1>, "
     "count_include_pad = false} : (tensor<1x1x2x3xf32>) -> tensor<1x1x1x2xf32>",
     "1x1x1x2xf32",
     {1, 1, 1, 2},
     {-1.5, 0}},
    {"%i = nn.reshape %x : (tensor<2x3xf32>) -> tensor<1x1x2x3xf32> "
     "%y = nn.average_pool2d %i {kernel = array<i64: 2, 2>, strides = array<i64: 1, 2>, pads = "
     "array<i64: 0, 0, 0, 0>, ceil_pads = array<i64: 0, 1>, dilations = array<i64: 1, 1>, "
     "count_include_pad = true} : (tensor<1x1x2x3xf32>) -> tensor<1x1x1x2xf32>",
     "1x1x1x2xf32",
     {1, 1, 1, 2},
     {0, -1.5}},
    {"%y = nn.reduce <sum> %x {axes = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x1xf32>",
     "2x1xf32",
     {2, 1},
     {2, -5}},
    {"%y = nn.reduce <mean> %x {axes = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<1x3xf32>",
     "1x3xf32",
     {1, 3},
     {-1.5, 1.5, -1.5}},
    {"%y = nn.reduce <max> %x {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<1x1xf32>",
     "1x1xf32",
     {1, 1},
     {5}},
    {"%y = nn.reduce <min> %x {axes = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x1xf32>",
     "2x1xf32",
     {2, 1},
     {-2, -6}},
    {"%y = nn.reduce <l1> %x {axes = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x1xf32>",
     "2x1xf32",
     {2, 1},
     {6, 15}},
    {"%z = nn.sub %x, %x : tensor<2x3xf32> %y = nn.softmax %z {axis = 0 : i64} : tensor<2x3xf32>",
     "2x3xf32",
     {2, 3},
     {.5, .5, .5, .5, .5, .5}},
    {"%z = nn.sub %x, %x : tensor<2x3xf32> %y = nn.softmax %z {axis = 0 : i64, log} : "
     "tensor<2x3xf32>",
     "2x3xf32",
     {2, 3},
     Numbers(6, -0.69314718F)},
};

const char *const kSymbols = R"(
  nn.weight @w : tensor<2x3xf32> = dense<[[2.0, 3.0, -1.0], [1.0, 0.5, 4.0]]> : tensor<2x3xf32>
  nn.weight @b : tensor<2xf32> = dense<[10.0, -10.0]> : tensor<2xf32>
  nn.weight @p : tensor<3xf32> = dense<[1.0, 4.0, 9.0]> : tensor<3xf32>
)";
const char *const kInputs = R"(
  %x = nn.input "x" owner "client" : tensor<2x3xf32>
  %w = nn.constant @w : tensor<2x3xf32>
)";
const FloatTensors kX = {{"x", {{2, 3}, {1, -2, 3, -4, 5, -6}}}};

} // namespace

TEST_CASE("each nn operation computes what its description says", "[eval][nn]") {
  for (const Case &example : kCases) {
    ModuleFixture fixture;
    INFO(example.operation);
    auto module = fixture.parse(kSymbols, std::string(kInputs) + example.operation +
                                              "\nnn.output \"y\" %y to \"client\" : tensor<" +
                                              example.type + ">");
    INFO(fixture.errors);
    REQUIRE(module);
    auto program = NnInterpreter::create(module);
    REQUIRE(succeeded(program));
    auto outputs = program->run(kX);
    REQUIRE(succeeded(outputs));
    const auto &y = std::get<clear::Tensor<float>>(outputs->at("y"));
    CHECK(y.shape == example.shape);
    REQUIRE(y.data.size() == example.expected.size());
    for (std::size_t i = 0; i < y.data.size(); ++i)
      CHECK(y.data[i] == Approx(example.expected[i]));
  }
}

TEST_CASE("arg-max gives integers, which structure operations move", "[eval][nn]") {
  ModuleFixture fixture;
  auto module = fixture.parse(kSymbols, std::string(kInputs) + R"(
    %i = nn.arg_max %x {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x1xi64>
    %y = nn.transpose %i {permutation = array<i64: 1, 0>} : (tensor<2x1xi64>) -> tensor<1x2xi64>
    nn.output "y" %y to "client" : tensor<1x2xi64>
  )");
  auto program = NnInterpreter::create(module);
  REQUIRE(succeeded(program));
  auto outputs = program->run(kX);
  REQUIRE(succeeded(outputs));
  const auto &y = std::get<clear::Tensor<std::int64_t>>(outputs->at("y"));
  CHECK(y.shape == clear::Shape{1, 2});
  CHECK(y.data == std::vector<std::int64_t>{2, 1});
}

TEST_CASE("the observer sees every float value, several runs and outputs work", "[eval][nn]") {
  ModuleFixture fixture;
  auto module = fixture.parse(kSymbols, std::string(kInputs) + R"(
    %s = nn.add %x, %w : tensor<2x3xf32>
    nn.output "s" %s to "client" : tensor<2x3xf32>
    %r = nn.relu %s : tensor<2x3xf32>
    %unused = nn.neg %r : tensor<2x3xf32>
    nn.output "r" %r to "client" : tensor<2x3xf32>
  )");
  auto program = NnInterpreter::create(module);
  REQUIRE(succeeded(program));
  for (int repeat = 0; repeat < 2; ++repeat) {
    std::vector<float> firsts;
    auto outputs = program->run(kX, [&](mlir::Value, const clear::Tensor<float> &value) {
      firsts.push_back(value.data[3]);
    });
    REQUIRE(succeeded(outputs));
    CHECK(outputs->size() == 2);
    CHECK(firsts == std::vector<float>{-4, 1, -3, 0, 0}); // x, w, s, r, unused
  }
}

TEST_CASE("what cannot be executed is a diagnostic", "[eval][nn]") {
  ModuleFixture fixture;
  const std::string output = "nn.output \"y\" %x to \"client\" : tensor<2x3xf32>";
  auto module = fixture.parse(kSymbols, kInputs + output);
  auto program = NnInterpreter::create(module);
  REQUIRE(succeeded(program));
  CHECK(failed(program->run({})));
  CHECK(fixture.errors == "no value for input 'x'\n");
  fixture.errors.clear();
  CHECK(failed(program->run({{"x", {{3, 2}, Numbers(6)}}})));
  CHECK(fixture.errors == "input 'x' has shape 3x2 instead of 2x3\n");
  fixture.errors.clear();

  module = fixture.parse("nn.weight @w : tensor<2x3xf32>", kInputs + output);
  CHECK(failed(NnInterpreter::create(module)));
  CHECK(fixture.errors == "weight 'w' has no values; read them with --weights\n");
}
