// SPDX-License-Identifier: Apache-2.0
// Bounds against values: random programs of all operations on random inputs, where every element
// has to be within its channel's interval and within what the affine form leaves; and signs and
// zeros that the bounds have to know.
#include "ir/eval/fx_interpreter.h"
#include "ir/eval/nn_interpreter.h"
#include "passes/analysis/float_ranges.h"
#include "passes/analysis/integer_ranges.h"
#include "tests/ir/eval/module_fixture.h"
#include "tests/passes/program_generator.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <random>
#include <set>

using namespace dyad;

namespace {

// Values of each channel against bounds, and what the terms leave of them against the rest.
class Checker {
public:
  Checker(const BoundsMap &bounds, double tolerance) : bounds_(bounds), tolerance_(tolerance) {}

  void see(mlir::Value value, std::vector<double> values) {
    values_[value] = std::move(values);
    const Bounds &bounds = bounds_.at(value);
    const Shape shape = shapeOf(value);
    const ChannelShape at = channelShape(shape, bounds.axis);
    REQUIRE((bounds.axis < 0 || static_cast<std::int64_t>(bounds.each.size()) == at.channels));
    narrow_ += bounds.each.size() > 1 ? 1 : 0;
    const std::vector<double> &own = values_[value];
    const auto inner = static_cast<std::size_t>(at.inner);
    for (std::size_t i = 0; i < own.size(); ++i) {
      const std::size_t c = i / inner % static_cast<std::size_t>(at.channels);
      within(value, own[i], bounds.at(c), own[i], "interval");
      if (bounds.terms.empty() || (bounds.terms.size() == 1 && bounds.terms[0].base == value))
        continue;
      ++forms_;
      double left = own[i];
      double size = std::abs(own[i]);
      for (const AffineTerm &term : bounds.terms) {
        const std::vector<double> &base = values_[term.base];
        auto take = [&](double factor, double x) {
          left -= factor * x;
          size += std::abs(factor * x);
        };
        if (!term.matrix) {
          take(term.factors[c], base[i]);
          continue;
        }
        const std::size_t rows = term.matrix->size() / bounds.each.size();
        const std::size_t outer = i / inner / static_cast<std::size_t>(at.channels);
        for (std::size_t j = 0; j < rows; ++j)
          take((*term.matrix)[j * bounds.each.size() + c],
               base[(outer * rows + j) * inner + i % inner]);
      }
      within(value, left, bounds.rest[c], size, "rest of the form");
    }
  }

  int forms() const { return forms_; }
  int narrow() const { return narrow_; }

private:
  void within(mlir::Value value, double x, const FloatRange &range, double size, const char *what) {
    const double slack = tolerance_ * (1 + std::abs(size));
    if (x >= range.low - slack && x <= range.high + slack)
      return;
    std::string text;
    llvm::raw_string_ostream stream(text);
    value.print(stream);
    FAIL(fmt::format("{} is outside of [{}, {}], the {} of {}", x, range.low, range.high, what,
                     text));
  }

  const BoundsMap &bounds_;
  double tolerance_;
  llvm::DenseMap<mlir::Value, std::vector<double>> values_;
  int forms_ = 0;
  int narrow_ = 0;
};

FloatTensors drawInputs(const Generator &program, std::mt19937 &random, int run) {
  FloatTensors inputs;
  for (const auto &[name, known] : program.inputs()) {
    const auto [low, high] = known.second;
    clear::Tensor<float> tensor{known.first, {}};
    std::int64_t count = 1;
    for (std::int64_t size : known.first)
      count *= size;
    // Ends, mostly: that is where bounds are reached.
    std::uniform_real_distribution<float> inside(static_cast<float>(low), static_cast<float>(high));
    for (std::int64_t i = 0; i < count; ++i) {
      const bool isEnd = run % 3 != 0;
      tensor.data.push_back(isEnd ? static_cast<float>(random() % 2 == 0 ? low : high)
                                  : inside(random));
    }
    inputs[name] = std::move(tensor);
  }
  return inputs;
}

constexpr unsigned kPrograms = 300;
constexpr int kRuns = 6;

/// Draws programs and gives each to `see`; the operations that they had.
template <typename See> std::set<std::string> forEachProgram(bool areIntegers, const See &see) {
  std::set<std::string> used;
  for (unsigned seed = 0; seed < kPrograms; ++seed) {
    ModuleFixture fixture;
    Generator program(areIntegers, seed);
    program.build();
    INFO(fmt::format("seed {}\n{}{}", seed, program.symbols(), program.body()));
    mlir::ModuleOp module = fixture.parse(program.symbols(), program.body());
    INFO(fixture.errors);
    REQUIRE(module);
    const mlir::SymbolTable symbols(module);
    std::mt19937 random(seed);
    see(program, module, symbols, random);
    used.insert(program.used().begin(), program.used().end());
  }
  return used;
}

void requireAll(const std::set<std::string> &used, std::initializer_list<const char *> operations) {
  for (const char *op : operations)
    CHECK((used.count(op) != 0 ? "" : op) == std::string());
}

} // namespace

TEST_CASE("floats stay within their bounds, whatever the program") {
  int forms = 0;
  auto used = forEachProgram(false, [&](const Generator &program, mlir::ModuleOp module,
                                        const mlir::SymbolTable &symbols, std::mt19937 &random) {
    const FloatRanges ranges(*module.getOps<mlir::func::FuncOp>().begin(), symbols);
    auto interpreter = NnInterpreter::create(module);
    REQUIRE(succeeded(interpreter));
    for (int run = 0; run < kRuns; ++run) {
      Checker checker(ranges.bounds(), 3e-5);
      auto observe = [&](mlir::Value value, const clear::Tensor<float> &tensor) {
        checker.see(value, {tensor.data.begin(), tensor.data.end()});
      };
      REQUIRE(succeeded(interpreter->run(drawInputs(program, random, run), observe)));
      forms += checker.forms();
    }
  });
  CHECK(forms > 10000); // else it says nothing of them
  requireAll(used, {"add",    "sub",        "mul",        "div",        "min",
                    "max",    "neg",        "abs",        "relu",       "step",
                    "round",  "leaky_relu", "prelu",      "clip",       "function",
                    "conv2d", "matmul",     "batch_norm", "max_pool2d", "average_pool2d",
                    "reduce", "softmax",    "normalize",  "reshape",    "transpose",
                    "concat", "slice",      "broadcast",  "gather",     "take",
                    "pad"});
}

TEST_CASE("integers stay within their bounds, whatever the program") {
  int forms = 0;
  auto used = forEachProgram(true, [&](const Generator &program, mlir::ModuleOp module,
                                       const mlir::SymbolTable &symbols, std::mt19937 &random) {
    auto function = *module.getOps<mlir::func::FuncOp>().begin();
    const IntegerRanges own(function, /*strict=*/false, &symbols);
    const IntegerRanges known(function, /*strict=*/true); // by both parties, proved
    auto interpreter = FxInterpreter::create(module);
    REQUIRE(succeeded(interpreter));
    for (int run = 0; run < kRuns; ++run) {
      Checker ownChecker(own.bounds(), 1e-12);
      Checker knownChecker(known.bounds(), 1e-12);
      auto observe = [&](mlir::Value value, const clear::Tensor<std::int64_t> &tensor) {
        ownChecker.see(value, {tensor.data.begin(), tensor.data.end()});
        knownChecker.see(value, {tensor.data.begin(), tensor.data.end()});
        for (std::int64_t x : tensor.data) {
          REQUIRE((x >= own.at(value).low && x <= own.at(value).high));
          REQUIRE((x >= known.at(value).low && x <= known.at(value).high));
        }
      };
      auto result = interpreter->run(drawInputs(program, random, run), FxMode::kCollect, observe);
      REQUIRE(succeeded(result));
      REQUIRE(result->violations.empty());
      forms += ownChecker.forms();
    }
  });
  CHECK(forms > 10000);
  requireAll(used,
             {"add",      "sub",        "mul",        "min",        "max",        "neg",
              "abs",      "relu",       "step",       "prelu",      "clip",       "conv2d",
              "matmul",   "max_pool2d", "sum_pool2d", "reduce_sum", "reduce_max", "reduce_min",
              "truncate", "shift_left", "divide",     "reshape",    "transpose",  "concat",
              "slice",    "broadcast",  "gather",     "take",       "pad"});
}

namespace {

enum class Sign { kNonNegative, kNonPositive, kZero, kPositive };

bool has(const FloatRange &range, Sign sign) {
  switch (sign) {
  case Sign::kNonNegative:
    return range.low >= 0;
  case Sign::kNonPositive:
    return range.high <= 0;
  case Sign::kZero:
    return range.low == 0 && range.high == 0;
  case Sign::kPositive:
    return range.low > 0;
  }
  return false;
}

// Computes %y, of any shape, from %x of -3 to 3, %p of 0 to 3 and %n of -3 to 0.
struct Fact {
  const char *operation;
  Sign sign;
};

const Fact kFloatFacts[] = {
    {"%y = nn.add %p, %p : !t", Sign::kNonNegative},
    {"%y = nn.sub %n, %p : !t", Sign::kNonPositive},
    {"%y = nn.mul %x, %x : !t", Sign::kNonNegative},
    {"%y = nn.mul %n, %n : !t", Sign::kNonNegative},
    {"%y = nn.mul %n, %p : !t", Sign::kNonPositive},
    {"%y = nn.mul %x, %zero : !t", Sign::kZero},
    {"%y = nn.div %p, %three : !t", Sign::kNonNegative},
    {"%y = nn.min %x, %n : !t", Sign::kNonPositive},
    {"%y = nn.max %x, %p : !t", Sign::kNonNegative},
    {"%y = nn.neg %p : !t", Sign::kNonPositive},
    {"%y = nn.abs %x : !t", Sign::kNonNegative},
    {"%y = nn.relu %x : !t", Sign::kNonNegative},
    {"%y = nn.relu %n : !t", Sign::kZero},
    {"%y = nn.leaky_relu %p {alpha = 0.1 : f64} : !t", Sign::kNonNegative},
    {"%y = nn.leaky_relu %n {alpha = 0.1 : f64} : !t", Sign::kNonPositive},
    {"%y = nn.leaky_relu %x {alpha = -0.1 : f64} : !t", Sign::kNonNegative},
    {"%y = nn.prelu %p, %three : !t", Sign::kNonNegative},
    {"%y = nn.step %x : !t", Sign::kNonNegative},
    {"%y = nn.round %p : !t", Sign::kNonNegative},
    {"%y = nn.clip %x {low = 0.0 : f64} : !t", Sign::kNonNegative},
    {"%y = nn.clip %x {low = -4.0 : f64, high = -1.0 : f64} : !t", Sign::kNonPositive},
    {"%y = nn.function #nn.function<sigmoid> %x : !t", Sign::kPositive},
    {"%y = nn.function #nn.function<exp> %x : !t", Sign::kPositive},
    {"%y = nn.function #nn.function<softplus> %x : !t", Sign::kPositive},
    {"%y = nn.function #nn.function<sqrt> %p : !t", Sign::kNonNegative},
    {"%y = nn.function #nn.function<tanh> %n : !t", Sign::kNonPositive},
    {"%y = nn.function #nn.function<erf> %p : !t", Sign::kNonNegative},
    {"%y = nn.function #nn.function<gelu> %p : !t", Sign::kNonNegative},
    {"%y = nn.function #nn.function<gelu> %n : !t", Sign::kNonPositive},
    {"%y = nn.function #nn.function<gelu_tanh> %p : !t", Sign::kNonNegative},
    {"%y = nn.function #nn.function<silu> %p : !t", Sign::kNonNegative},
    {"%y = nn.function #nn.function<mish> %n : !t", Sign::kNonPositive},
    {"%y = nn.function #nn.function<softsign> %n : !t", Sign::kNonPositive},
    {"%y = nn.function #nn.function<elu> %p {parameter = 1.0 : f64} : !t", Sign::kNonNegative},
    {"%y = nn.function #nn.function<celu> %n {parameter = 1.0 : f64} : !t", Sign::kNonPositive},
    {"%y = nn.function #nn.function<power> %x {parameter = 2.0 : f64} : !t", Sign::kNonNegative},
    {"%y = nn.softmax %x {axis = 1 : i64} : !t", Sign::kNonNegative},
    {"%y = nn.softmax %x {axis = 1 : i64, log} : !t", Sign::kNonPositive},
    {"%y = nn.reduce #nn.reduce<sum> %p {axes = array<i64: 1>} : (!t) -> tensor<1x1x2x2xf32>",
     Sign::kNonNegative},
    {"%y = nn.reduce #nn.reduce<mean> %n {axes = array<i64: 2>} : (!t) -> tensor<1x2x1x2xf32>",
     Sign::kNonPositive},
    {"%y = nn.reduce #nn.reduce<l1> %x {axes = array<i64: 1>} : (!t) -> tensor<1x1x2x2xf32>",
     Sign::kNonNegative},
    {"%y = nn.reduce #nn.reduce<max> %p {axes = array<i64: 1>} : (!t) -> tensor<1x1x2x2xf32>",
     Sign::kNonNegative},
    {"%y = nn.pad %p {low = array<i64: 0, 1, 0, 0>, high = array<i64: 0, 0, 1, 0>, interior = "
     "array<i64: 0, 0, 0, 0>} : (!t) -> tensor<1x3x3x2xf32>",
     Sign::kNonNegative},
    {"%y = nn.concat %p, %p {axis = 1 : i64} : (!t, !t) -> tensor<1x4x2x2xf32>",
     Sign::kNonNegative},
    // Channels: those of weights that are zero, of constants, and one taken out.
    {"%y = nn.matmul %x, %zeros : (!t, tensor<2x2xf32>) -> !t", Sign::kZero},
    {"%c = nn.concat %x, %zero {axis = 1 : i64} : (!t, !t) -> tensor<1x4x2x2xf32>\n"
     "%r = nn.relu %c : tensor<1x4x2x2xf32>\n"
     "%y = nn.slice %r {starts = array<i64: 0, 2, 0, 0>, steps = array<i64: 1, 1, 1, 1>} : "
     "(tensor<1x4x2x2xf32>) -> !t",
     Sign::kZero},
    // 3 p - p + 3: terms that depend on each other.
    {"%a = nn.mul %p, %three : !t\n%b = nn.sub %a, %p : !t\n%y = nn.add %b, %three : !t",
     Sign::kPositive},
};

const Fact kIntegerFacts[] = {
    {"%y = fx.add %p, %p : (!t, !t) -> !t", Sign::kNonNegative},
    {"%y = fx.sub %n, %p : (!t, !t) -> !t", Sign::kNonPositive},
    {"%y = fx.sub %x, %x : (!t, !t) -> !t", Sign::kZero},
    {"%y = fx.mul %x, %x : (!t, !t) -> !t", Sign::kNonNegative},
    {"%y = fx.mul %n, %p : (!t, !t) -> !t", Sign::kNonPositive},
    {"%y = fx.mul %x, %zero : (!t, !t) -> !t", Sign::kZero},
    {"%y = fx.min %x, %n : (!t, !t) -> !t", Sign::kNonPositive},
    {"%y = fx.max %x, %p : (!t, !t) -> !t", Sign::kNonNegative},
    {"%y = fx.neg %p : (!t) -> !t", Sign::kNonPositive},
    {"%y = fx.abs %x : (!t) -> !t", Sign::kNonNegative},
    {"%y = fx.relu %n : (!t) -> !t", Sign::kZero},
    {"%y = fx.step %x : (!t) -> !t", Sign::kNonNegative},
    {"%y = fx.prelu %p, %zero : (!t, !t) -> !t", Sign::kNonNegative},
    {"%y = fx.clip %x {low = 0 : i64, high = 9 : i64} : (!t) -> !t", Sign::kNonNegative},
    {"%y = fx.resize %p : (!t) -> !t", Sign::kNonNegative},
    {"%y = fx.divide %p {divisor = 3 : i64, rounding = #fx.rounding<floor>} : (!t) -> !t",
     Sign::kNonNegative},
    {"%y = fx.truncate %p {shift = 1 : i64, rounding = #fx.rounding<nearest>} : (!t) -> !h",
     Sign::kNonNegative},
    {"%y = fx.requantize %p : (!t) -> !h", Sign::kNonNegative},
    {"%y = fx.reduce_sum %p {axes = array<i64: 1>} : (!t) -> tensor<1x1x2x2x!e>",
     Sign::kNonNegative},
    {"%y = fx.reduce_max %p {axes = array<i64: 2>} : (!t) -> tensor<1x2x1x2x!e>",
     Sign::kNonNegative},
    {"%y = fx.reduce_min %n {axes = array<i64: 2>} : (!t) -> tensor<1x2x1x2x!e>",
     Sign::kNonPositive},
    {"%y = fx.matmul %x, %zeros : (!t, tensor<2x2x!e>) -> !t", Sign::kZero},
    {"%c = fx.concat %x, %zero {axis = 1 : i64} : (!t, !t) -> tensor<1x4x2x2x!e>\n"
     "%y = fx.slice %c {starts = array<i64: 0, 2, 0, 0>, steps = array<i64: 1, 1, 1, 1>} : "
     "(tensor<1x4x2x2x!e>) -> !t",
     Sign::kZero},
    // x + x - 2 x, by two ways to double it.
    {"%a = fx.add %x, %x : (!t, !t) -> !t\n%b = fx.mul %x, %two : (!t, !t) -> !t\n"
     "%y = fx.sub %a, %b : (!t, !t) -> !t",
     Sign::kZero},
};

} // namespace

TEST_CASE("bounds know signs and zeros of floats") {
  const std::string symbols = "!t = tensor<1x2x2x2xf32>\n"
                              "nn.weight @zero : !t = dense<0.0> : tensor<1x2x2x2xf32>\n"
                              "nn.weight @three : !t = dense<3.0> : tensor<1x2x2x2xf32>\n"
                              "nn.weight @zeros : tensor<2x2xf32> = dense<0.0> : tensor<2x2xf32>\n";
  const std::string inputs = "%x = nn.input \"x\" owner \"client\" range -3.0 to 3.0 : !t\n"
                             "%p = nn.input \"p\" owner \"client\" range 0.0 to 3.0 : !t\n"
                             "%n = nn.input \"n\" owner \"client\" range -3.0 to 0.0 : !t\n"
                             "%zero = nn.constant @zero : !t\n%three = nn.constant @three : !t\n"
                             "%zeros = nn.constant @zeros : tensor<2x2xf32>\n";
  for (const Fact &fact : kFloatFacts) {
    ModuleFixture fixture;
    mlir::ModuleOp module = fixture.parse(symbols, inputs + fact.operation);
    INFO(fact.operation << "\n" << fixture.errors);
    REQUIRE(module);
    auto function = *module.getOps<mlir::func::FuncOp>().begin();
    const mlir::SymbolTable table(module);
    const FloatRanges ranges(function, table);
    mlir::Operation *last = function.getBody().front().getTerminator()->getPrevNode();
    const FloatRange range = ranges.at(last->getResult(0));
    INFO(range.low << " to " << range.high);
    CHECK(has(range, fact.sign));
  }
}

TEST_CASE("bounds know signs and zeros of integers") {
  const std::string symbols = "!e = !fx.fixed<s20, 0, client>\n!t = tensor<1x2x2x2x!e>\n"
                              "!h = tensor<1x2x2x2x!fx.fixed<s20, -1, client>>\n"
                              "fx.weight @zero : !t = dense<0> : tensor<1x2x2x2xi32>\n"
                              "fx.weight @two : !t = dense<2> : tensor<1x2x2x2xi32>\n"
                              "fx.weight @zeros : tensor<2x2x!e> = dense<0> : tensor<2x2xi32>\n";
  const std::string inputs = "%x = fx.input \"x\" range -3.0 to 3.0 <declared> : !t\n"
                             "%p = fx.input \"p\" range 0.0 to 3.0 <declared> : !t\n"
                             "%n = fx.input \"n\" range -3.0 to 0.0 <declared> : !t\n"
                             "%zero = fx.constant @zero : !t\n%two = fx.constant @two : !t\n"
                             "%zeros = fx.constant @zeros : tensor<2x2x!e>\n";
  for (const Fact &fact : kIntegerFacts) {
    ModuleFixture fixture;
    mlir::ModuleOp module = fixture.parse(symbols, inputs + fact.operation);
    INFO(fact.operation << "\n" << fixture.errors);
    REQUIRE(module);
    auto function = *module.getOps<mlir::func::FuncOp>().begin();
    const mlir::SymbolTable table(module);
    const IntegerRanges ranges(function, /*strict=*/false, &table);
    mlir::Operation *last = function.getBody().front().getTerminator()->getPrevNode();
    const FloatRange range = floatsAround(ranges.at(last->getResult(0)));
    INFO(range.low << " to " << range.high);
    CHECK(has(range, fact.sign));
  }
}
