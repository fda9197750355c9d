// SPDX-License-Identifier: Apache-2.0
#include "ir/eval/fx_interpreter.h"

#include "ir/fx/fx.h"
#include "ir/fx/owner.h"
#include "ir/weights.h"
#include "runtime/clear/checked.h"
#include "runtime/clear/elementwise.h"
#include "runtime/clear/functions.h"
#include "runtime/clear/linear.h"
#include "runtime/clear/reduce.h"
#include "runtime/functions/scalar_function.h"
#include "runtime/net/error.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;

namespace dyad {

namespace {

using Integers = clear::Tensor<std::int64_t>;
using clear::Wide;
using WideIntegers = clear::Tensor<Wide>;
using Kind = FxViolation::Kind;

Rounding rounding(fx::Rounding rounding) {
  return rounding == fx::Rounding::kNearest ? Rounding::kNearest : Rounding::kFloor;
}

// Ranges as int64: an unsigned type of 64 bits is cut at what the interpreter can hold.
std::int64_t clampTo64(__int128 value) {
  constexpr auto kHighest = std::numeric_limits<std::int64_t>::max();
  constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();
  return value > kHighest ? kHighest : value < kLowest ? kLowest : static_cast<std::int64_t>(value);
}

// The ONNX node's name, or what stands in for it.
std::string nodeOf(Operation *op) {
  StringRef name = nodeName(op);
  return name.empty() ? std::string("(unnamed)") : name.str();
}

// The element farthest outside [low, high], and how many are outside.
struct Excess {
  Wide worst = 0;
  std::int64_t count = 0;
};

template <typename T>
Excess outside(const clear::Tensor<T> &x, std::int64_t low, std::int64_t high) {
  if (x.data.empty())
    return {};
  Excess result;
  Wide farthest = 0;
  for (T value : x.data) {
    if (value >= low && value <= high)
      continue;
    ++result.count;
    // Far from overflow: sums of 128 bits end below 2^126 (evaluateWide).
    Wide distance = value < low ? Wide{low} - value : Wide{value} - high;
    if (distance > farthest) {
      farthest = distance;
      result.worst = value;
    }
  }
  return result;
}

std::string typeName(fx::FixedType type) {
  return fmt::format("{}{}", type.getIsSigned() ? 's' : 'u', type.getWidth());
}

FxViolation widthViolation(Operation *op, Excess found) {
  fx::FixedType type = fx::fixedType(op->getResult(0));
  FxViolation violation;
  violation.kind = Kind::kWidth;
  violation.op = op;
  violation.node = nodeOf(op);
  violation.worst = found.worst;
  violation.count = found.count;
  violation.bitsGiven = type.getWidth();
  violation.bitsNeeded = std::max(
      type.getWidth() + 1, clear::bitsOf(found.worst, type.getIsSigned() || found.worst < 0));
  violation.low = clampTo64(type.lowest());
  violation.high = clampTo64(type.highest());
  violation.message =
      fmt::format("{}: {} does not fit {} ({} to {})", op->getName().getStringRef().str(),
                  found.worst, typeName(type), violation.low, violation.high);
  return violation;
}

FxViolation assumeViolation(fx::AssumeOp op, Excess found) {
  fx::FixedType type = fx::fixedType(op.getResult());
  FxViolation violation;
  violation.kind = Kind::kAssume;
  violation.op = op;
  violation.node = nodeOf(op);
  violation.worst = found.worst;
  violation.count = found.count;
  violation.bitsGiven = type.getWidth();
  violation.bitsNeeded = clear::bitsOf(found.worst, type.getIsSigned() || found.worst < 0);
  violation.low = static_cast<std::int64_t>(op.getLow());
  violation.high = static_cast<std::int64_t>(op.getHigh());
  violation.message =
      fmt::format("{} ({}) is outside its {} range {} to {} ({} to {})", found.worst,
                  std::ldexp(static_cast<double>(found.worst), -type.getFraction()),
                  fx::stringifyRangeKind(op.getKind()).str(), violation.low, violation.high,
                  std::ldexp(static_cast<double>(violation.low), -type.getFraction()),
                  std::ldexp(static_cast<double>(violation.high), -type.getFraction()));
  return violation;
}

FxViolation errorViolation(Kind kind, Operation *op, std::string node, const std::string &message) {
  FxViolation violation;
  violation.kind = kind;
  violation.op = op;
  violation.node = std::move(node);
  violation.count = 1;
  violation.bitsGiven = fx::fixedType(op->getResult(0)).getWidth();
  violation.bitsNeeded = kind == Kind::kKernel ? 65 : violation.bitsGiven;
  violation.message = message;
  return violation;
}

// What the last run left, or the initial value.
Integers stateOf(fx::StateOp state, const FxStates *states) {
  if (states != nullptr)
    if (auto kept = states->find(state.getName().str()); kept != states->end())
      return kept->second;
  clear::Shape shape = shapeOf(state.getResult());
  if (state.getInitial())
    return {shape, integerValues(*state.getInitial())};
  return {shape, std::vector<std::int64_t>(static_cast<std::size_t>(clear::sizeOf(shape)), 0)};
}

clear::PoolWindow windowOf(Operation *op) {
  return clear::PoolWindow::of(listOf(op, "kernel"), listOf(op, "strides"), listOf(op, "pads"),
                               listOf(op, "dilations"));
}

} // namespace

clear::Tensor<float> FxOutput::floats() const { return clear::dequantize(integers, fraction); }

Integers fxWeightValue(Operation *op) {
  auto weight = cast<fx::WeightOp>(op);
  auto type = cast<RankedTensorType>(weight.getType());
  auto fixed = cast<fx::FixedType>(type.getElementType());
  Integers result{{type.getShape().begin(), type.getShape().end()}, {}};
  if (type.getNumElements() == 0)
    return result;
  DYAD_REQUIRE(weight.getValueAttr(), kBadInput,
               "weight '{}' has no values; read them with --weights", weight.getSymName().str());
  result.data = integerValues(weight.getValueAttr());
  DYAD_REQUIRE(result.data.size() == static_cast<std::size_t>(type.getNumElements()), kBadInput,
               "weight '{}' has {} values for {} elements", weight.getSymName().str(),
               result.data.size(), type.getNumElements());
  if (!fixed.getIsSigned() && fixed.getWidth() < 64)
    for (std::int64_t &value : result.data)
      value &= (std::int64_t{1} << fixed.getWidth()) - 1;
  Excess found = outside(result, clampTo64(fixed.lowest()), clampTo64(fixed.highest()));
  DYAD_REQUIRE(found.count == 0, kBadInput, "weight '{}': {} does not fit {}",
               weight.getSymName().str(), found.worst, typeName(fixed));
  return result;
}

namespace {

// Functions and rows are tables of what 64 bits hold.
template <typename T> const Integers &narrow(const clear::Tensor<T> &x, Integers &storage) {
  if constexpr (std::is_same_v<T, std::int64_t>) {
    return x;
  } else {
    DYAD_REQUIRE(llvm::all_of(x.data, clear::isNarrow), kOutOfRange,
                 "a function of numbers beyond 64 bits");
    storage = {x.shape, {x.data.begin(), x.data.end()}};
    return storage;
  }
}

template <typename T> clear::Tensor<T> as(Integers x) {
  if constexpr (std::is_same_v<T, std::int64_t>)
    return x;
  else
    return {x.shape, {x.data.begin(), x.data.end()}};
}

template <typename T>
clear::Tensor<T> evaluateAs(Operation *op, const std::vector<const clear::Tensor<T> *> &x) {
  using Result = clear::Tensor<T>;
  if (isStructure(op))
    return evaluateStructure(op, x);
  return TypeSwitch<Operation *, Result>(op)
      .template Case<fx::AssumeOp, fx::RevealOp, fx::ResizeOp>([&](auto) { return *x[0]; })
      .Case([&](fx::TruncateOp truncate) {
        return clear::truncate(*x[0], static_cast<unsigned>(truncate.getShift()),
                               rounding(truncate.getRounding()));
      })
      .Case([&](fx::ShiftLeftOp shift) {
        return clear::shiftLeft(*x[0], static_cast<unsigned>(shift.getShift()));
      })
      .Case([&](fx::DivideOp divide) {
        return clear::divide(*x[0], static_cast<std::int64_t>(divide.getDivisor()),
                             rounding(divide.getRounding()));
      })
      .Case([&](fx::AddOp) { return clear::add(*x[0], *x[1]); })
      .Case([&](fx::SubOp) { return clear::sub(*x[0], *x[1]); })
      .Case([&](fx::MulOp) { return clear::mul(*x[0], *x[1]); })
      .Case([&](fx::MinOp) { return clear::min(*x[0], *x[1]); })
      .Case([&](fx::MaxOp) { return clear::max(*x[0], *x[1]); })
      .Case([&](fx::NegOp) { return clear::neg(*x[0]); })
      .Case([&](fx::AbsOp) { return clear::abs(*x[0]); })
      .Case([&](fx::ReluOp) { return clear::relu(*x[0]); })
      .Case([&](fx::StepOp op) { return clear::step(*x[0], op.getStrict()); })
      .Case([&](fx::ClipOp clip) {
        return clear::clip(*x[0], T{static_cast<std::int64_t>(clip.getLow())},
                           T{static_cast<std::int64_t>(clip.getHigh())});
      })
      .Case([&](fx::FunctionOp op) {
        Integers input;
        return as<T>(clear::function(narrow(*x[0], input), functionFrom(op.getNumbers())));
      })
      .Case([&](fx::RowsOp op) {
        Integers rows, divisors;
        return as<T>(clear::rows(narrow(*x[0], rows),
                                 x.size() > 1 ? &narrow(*x[1], divisors) : nullptr,
                                 rowFunctionFrom(op.getNumbers())));
      })
      .Case([&](fx::PReluOp prelu) {
        int fraction = fx::fixedType(prelu.getSlope()).getFraction();
        DYAD_REQUIRE(fraction >= 0, kOutOfRange, "the slope's fraction {} is negative", fraction);
        return clear::prelu(*x[0], *x[1], static_cast<unsigned>(fraction));
      })
      .Case([&](fx::Conv2DOp conv) {
        return clear::conv2d(*x[0], *x[1], x.size() > 2 ? x[2] : nullptr,
                             clear::ConvWindow::of(conv.getStrides(), conv.getPads(),
                                                   conv.getDilations(),
                                                   static_cast<std::int64_t>(conv.getGroups())));
      })
      .Case([&](fx::MatMulOp) { return clear::matmul(*x[0], *x[1]); })
      .Case([&](fx::MaxPool2DOp) { return clear::maxPool2d(*x[0], windowOf(op)); })
      .Case([&](fx::SumPool2DOp) { return clear::sumPool2d(*x[0], windowOf(op)); })
      .Case([&](fx::ReduceSumOp reduce) { return clear::reduceSum(*x[0], reduce.getAxes().vec()); })
      .Case([&](fx::ReduceMaxOp reduce) { return clear::reduceMax(*x[0], reduce.getAxes().vec()); })
      .Case([&](fx::ReduceMinOp reduce) { return clear::reduceMin(*x[0], reduce.getAxes().vec()); })
      .Case([&](fx::ArgMaxOp argMax) {
        return as<T>(
            clear::argMax(*x[0], static_cast<std::int64_t>(argMax.getAxis()), argMax.getLast()));
      })
      .Default([](Operation *other) -> Result {
        fail(ErrorCode::kBadInput, "the fx interpreter does not execute {}",
             other->getName().getStringRef().str());
      });
}

// As far as sums and products stay below 2^126; kOutOfRange beyond.
WideIntegers evaluateWide(Operation *op, const std::vector<const WideIntegers *> &operands) {
  WideIntegers result = evaluateAs<Wide>(op, operands);
  constexpr Wide kMost = Wide{1} << 126;
  DYAD_REQUIRE(
      llvm::all_of(result.data, [](Wide value) { return value > -kMost && value < kMost; }),
      kOutOfRange, "a result beyond 126 bits");
  return result;
}

} // namespace

Integers evaluateFx(Operation *op, const std::vector<const Integers *> &operands) {
  return evaluateAs<std::int64_t>(op, operands);
}

FailureOr<FxInterpreter> FxInterpreter::create(ModuleOp module) {
  FailureOr<StraightLine> program = StraightLine::of(module);
  if (failed(program))
    return failure();
  FxInterpreter interpreter;
  interpreter.program_ = std::move(*program);
  SymbolTable symbols(module);
  llvm::DenseMap<Operation *, Shared> byWeight;
  for (Operation *op : interpreter.program_.operations()) {
    if (isa<fx::RequantizeOp>(op))
      return op->emitError("cannot be executed; run the pass insert-truncations first");
    if (op->getName().getDialectNamespace() != "fx")
      return op->emitError("is no operation of an fx program");
    auto constant = dyn_cast<fx::ConstantOp>(op);
    if (!constant)
      continue;
    Operation *weight = symbols.lookup(constant.getWeight());
    Shared &value = byWeight[weight];
    try {
      if (!value)
        value = std::make_shared<const Integers>(fxWeightValue(weight));
    } catch (const Error &error) {
      return op->emitError(error.what());
    }
    interpreter.constants_[op] = value;
  }
  return interpreter;
}

FailureOr<FxRun> FxInterpreter::run(const FloatTensors &inputs, FxMode mode,
                                    const Observer &observer, FxStates *states) const {
  FxRun run;
  FxStates next;
  // A value that is missing could not be computed, or is in `wide`: beyond 64 bits.
  llvm::DenseMap<Value, Shared> values;
  llvm::DenseMap<Value, std::shared_ptr<const WideIntegers>> wide;
  auto report = [&](FxViolation violation) -> LogicalResult {
    if (mode == FxMode::kStop)
      return violation.op->emitError(violation.message);
    run.violations.push_back(std::move(violation));
    return success();
  };
  auto check = [&](Operation *op, const auto &value) -> LogicalResult {
    fx::FixedType type = fx::fixedType(op->getResult(0));
    if (auto assume = dyn_cast<fx::AssumeOp>(op)) {
      Excess found = outside(value, static_cast<std::int64_t>(assume.getLow()),
                             static_cast<std::int64_t>(assume.getHigh()));
      return found.count == 0 ? success() : report(assumeViolation(assume, found));
    }
    Excess found = outside(value, clampTo64(type.lowest()), clampTo64(type.highest()));
    return found.count == 0 ? success() : report(widthViolation(op, found));
  };
  // The same beyond 64 bits: how far a value leaves its type is known, and what follows from it.
  // The result is in `wide`, or returned where 64 bits hold it.
  auto executeWide = [&](Operation *op) -> Shared {
    std::vector<WideIntegers> widened;
    widened.reserve(op->getNumOperands());
    std::vector<const WideIntegers *> operands;
    for (Value operand : op->getOperands()) {
      if (auto value = wide.find(operand); value != wide.end()) {
        operands.push_back(value->second.get());
        continue;
      }
      auto value = values.find(operand);
      if (value == values.end())
        return {};
      const Integers &given = *value->second;
      widened.push_back({given.shape, {given.data.begin(), given.data.end()}});
      operands.push_back(&widened.back());
    }
    auto result = std::make_shared<const WideIntegers>(evaluateWide(op, operands));
    if (!llvm::all_of(result->data, clear::isNarrow)) {
      wide[op->getResult(0)] = std::move(result);
      return {};
    }
    return std::make_shared<const Integers>(
        Integers{result->shape, {result->data.begin(), result->data.end()}});
  };
  // The integers of one operation's result; null when it depends on a value that is missing, or is
  // wide.
  auto execute = [&](Operation *op) -> FailureOr<Shared> {
    std::vector<const Integers *> operands;
    bool isWide = false;
    for (Value operand : op->getOperands()) {
      auto value = values.find(operand);
      isWide |= wide.contains(operand);
      if (value == values.end() && !wide.contains(operand))
        return Shared();
      operands.push_back(value == values.end() ? nullptr : value->second.get());
    }
    try {
      try {
        if (!isWide)
          return std::make_shared<const Integers>(evaluateFx(op, operands));
      } catch (const Error &error) {
        if (error.code() != ErrorCode::kOutOfRange || mode == FxMode::kStop)
          throw;
      }
      return executeWide(op);
    } catch (const Error &error) {
      if (error.code() != ErrorCode::kOutOfRange)
        return op->emitError(error.what());
      if (failed(report(errorViolation(
              Kind::kKernel, op, nodeOf(op),
              fmt::format("{}: {}", op->getName().getStringRef().str(), error.what())))))
        return failure();
      return Shared();
    }
  };
  auto read = [&](fx::InputOp input) -> FailureOr<Shared> {
    std::string name = input.getName().str();
    auto given = inputs.find(name);
    if (given == inputs.end())
      return input.emitError("no value for input '") << name << "'";
    if (given->second.shape != shapeOf(input.getResult()))
      return input.emitError("input '")
             << name << "' has shape " << clear::describe(given->second.shape) << " instead of "
             << clear::describe(shapeOf(input.getResult()));
    try {
      return std::make_shared<const Integers>(clear::quantize(
          name, given->second, input.getLow().convertToDouble(), input.getHigh().convertToDouble(),
          fx::fixedType(input.getResult()).getFraction()));
    } catch (const Error &error) {
      if (failed(report(errorViolation(Kind::kInput, input, name, error.what()))))
        return failure();
      return Shared();
    }
  };

  const std::vector<Operation *> &operations = program_.operations();
  for (std::size_t i = 0; i < operations.size(); ++i) {
    Operation *op = operations[i];
    if (auto output = dyn_cast<fx::OutputOp>(op)) {
      if (auto value = values.find(output.getValue()); value != values.end())
        run.outputs[output.getName().str()] = {*value->second,
                                               fx::fixedType(output.getValue()).getFraction()};
    } else if (auto set = dyn_cast<fx::SetStateOp>(op)) {
      if (auto value = values.find(set.getValue()); value != values.end())
        next[set.getName().str()] = *value->second;
    } else {
      FailureOr<Shared> result = Shared();
      if (auto constant = constants_.find(op); constant != constants_.end())
        result = constant->second;
      else if (auto input = dyn_cast<fx::InputOp>(op))
        result = read(input);
      else if (auto state = dyn_cast<fx::StateOp>(op))
        result = std::make_shared<const Integers>(stateOf(state, states));
      else
        result = execute(op);
      if (failed(result))
        return failure();
      if (*result) {
        if (failed(check(op, **result)))
          return failure();
        if (observer)
          observer(op->getResult(0), **result);
        values[op->getResult(0)] = *result;
      } else if (auto value = op->getNumResults() == 1 ? wide.find(op->getResult(0)) : wide.end();
                 value != wide.end() && failed(check(op, *value->second))) {
        return failure();
      }
    }
    for (Value value : program_.lastUses(i)) {
      values.erase(value);
      wide.erase(value);
    }
  }
  if (states != nullptr)
    for (auto &[name, value] : next)
      (*states)[name] = std::move(value);
  return run;
}

} // namespace dyad
