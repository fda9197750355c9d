// SPDX-License-Identifier: Apache-2.0
#include "ir/eval/nn_interpreter.h"

#include "ir/nn/functions.h"
#include "ir/weights.h"
#include "runtime/clear/elementwise.h"
#include "runtime/clear/linear.h"
#include "runtime/clear/normalize.h"
#include "runtime/clear/reduce.h"
#include "runtime/net/error.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace dyad {

namespace {

using Floats = clear::Tensor<float>;

Floats evaluateClip(nn::ClipOp op, const Floats &x) {
  constexpr float kUnbounded = std::numeric_limits<float>::infinity();
  float low = op.getLow() ? static_cast<float>(op.getLow()->convertToDouble()) : -kUnbounded;
  float high = op.getHigh() ? static_cast<float>(op.getHigh()->convertToDouble()) : kUnbounded;
  return clear::clip(x, low, high);
}

template <typename F> Floats mapped(Floats x, F &&function) {
  for (float &element : x.data)
    element = function(element);
  return x;
}

Floats evaluateFunction(nn::FunctionOp op, const Floats &x) {
  const double parameter = op.getParameter().convertToDouble();
  return mapped(x, [&](float a) {
    return static_cast<float>(nn::evaluateFunction(op.getKind(), parameter, a));
  });
}

Floats evaluateReduce(nn::ReduceOp op, const Floats &x) {
  std::vector<std::int64_t> axes = op.getAxes().vec();
  switch (op.getKind()) {
  case nn::ReduceKind::kSum: {
    const double factor = std::ldexp(1.0, -static_cast<int>(op.getHalvings()));
    return mapped(clear::reduceSum(x, axes),
                  [&](float a) { return static_cast<float>(a * factor); });
  }
  case nn::ReduceKind::kMean:
    return clear::reduceMean(x, axes);
  case nn::ReduceKind::kMax:
    return clear::reduceMax(x, axes);
  case nn::ReduceKind::kMin:
    return clear::reduceMin(x, axes);
  case nn::ReduceKind::kL1:
    return clear::reduceL1(x, axes);
  }
  return {};
}

// Operations with one float result on float operands.
Floats evaluateFloat(Operation *op, const std::vector<const Floats *> &x) {
  if (isStructure(op))
    return evaluateStructure(op, x);
  return TypeSwitch<Operation *, Floats>(op)
      .Case([&](nn::AssumeOp) { return *x[0]; })
      .Case([&](nn::AddOp) { return clear::add(*x[0], *x[1]); })
      .Case([&](nn::SubOp) { return clear::sub(*x[0], *x[1]); })
      .Case([&](nn::MulOp) { return clear::mul(*x[0], *x[1]); })
      .Case([&](nn::DivOp) { return clear::div(*x[0], *x[1]); })
      .Case([&](nn::MinOp) { return clear::min(*x[0], *x[1]); })
      .Case([&](nn::MaxOp) { return clear::max(*x[0], *x[1]); })
      .Case([&](nn::NegOp) { return clear::neg(*x[0]); })
      .Case([&](nn::AbsOp) { return clear::abs(*x[0]); })
      .Case([&](nn::ReluOp) { return clear::relu(*x[0]); })
      .Case([&](nn::LeakyReluOp leaky) {
        return clear::leakyRelu(*x[0], static_cast<float>(leaky.getAlpha().convertToDouble()));
      })
      .Case([&](nn::PReluOp) { return clear::prelu(*x[0], *x[1]); })
      .Case([&](nn::SignedReluOp) {
        return clear::add(clear::relu(*x[0]), clear::mul(*x[0], *x[1]));
      })
      .Case([&](nn::StepOp step) {
        return mapped(*x[0], [&](float a) { return (step.getStrict() ? a > 0 : a >= 0) ? 1 : 0; });
      })
      .Case([&](nn::RoundOp) { return mapped(*x[0], [](float a) { return std::nearbyint(a); }); })
      .Case([&](nn::FunctionOp function) { return evaluateFunction(function, *x[0]); })
      .Case([&](nn::ClipOp clip) { return evaluateClip(clip, *x[0]); })
      .Case([&](nn::Conv2DOp conv) {
        return clear::conv2d(*x[0], *x[1], x.size() > 2 ? x[2] : nullptr,
                             clear::ConvWindow::of(conv.getStrides(), conv.getPads(),
                                                   conv.getDilations(),
                                                   static_cast<std::int64_t>(conv.getGroups())));
      })
      .Case([&](nn::MatMulOp) { return clear::matmul(*x[0], *x[1]); })
      .Case([&](nn::BatchNormOp norm) {
        return clear::batchNorm(*x[0], *x[1], *x[2], *x[3], *x[4],
                                norm.getEpsilon().convertToDouble());
      })
      .Case([&](nn::MaxPool2DOp pool) {
        return clear::maxPool2d(*x[0], clear::PoolWindow::of(pool.getKernel(), pool.getStrides(),
                                                             pool.getPads(), pool.getDilations()));
      })
      .Case([&](nn::AveragePool2DOp pool) {
        return clear::averagePool2d(*x[0],
                                    clear::PoolWindow::of(pool.getKernel(), pool.getStrides(),
                                                          pool.getPads(), pool.getDilations()),
                                    {pool.getCeilPads()[0], pool.getCeilPads()[1]},
                                    pool.getCountIncludePad());
      })
      .Case([&](nn::ReduceOp reduce) { return evaluateReduce(reduce, *x[0]); })
      .Case([&](nn::NormalizeOp norm) {
        return clear::normalize(*x[0], norm.getAxes().vec(), norm.getEpsilon().convertToDouble(),
                                norm.getCenter());
      })
      .Case([&](nn::SoftmaxOp softmax) {
        return clear::softmax(*x[0], static_cast<std::int64_t>(softmax.getAxis()),
                              softmax.getLog());
      })
      .Default([](Operation *other) -> Floats {
        fail(ErrorCode::kBadInput, "the nn interpreter does not know {}",
             other->getName().getStringRef().str());
      });
}

// What the last run left, or the initial value.
Floats stateOf(nn::StateOp state, const FloatTensors *states) {
  if (states != nullptr)
    if (auto kept = states->find(state.getName().str()); kept != states->end())
      return kept->second;
  clear::Shape shape = shapeOf(state.getResult());
  if (state.getInitial())
    return {shape, floatValues(*state.getInitial())};
  return {shape, std::vector<float>(static_cast<std::size_t>(clear::sizeOf(shape)), 0)};
}

template <typename T>
std::vector<const clear::Tensor<T> *> allOf(const std::vector<const NnValue *> &values) {
  std::vector<const clear::Tensor<T> *> result;
  for (const NnValue *value : values) {
    result.push_back(std::get_if<clear::Tensor<T>>(value));
    DYAD_REQUIRE(result.back() != nullptr, kBadInput, "an operand has another element type");
  }
  return result;
}

} // namespace

NnValue nnWeightValue(Operation *op) {
  auto weight = cast<nn::WeightOp>(op);
  auto type = cast<RankedTensorType>(weight.getType());
  clear::Shape shape(type.getShape().begin(), type.getShape().end());
  auto value = weight.getValueAttr();
  bool isEmpty = type.getNumElements() == 0;
  DYAD_REQUIRE(value || isEmpty, kBadInput, "weight '{}' has no values; read them with --weights",
               weight.getSymName().str());
  NnValue result;
  if (type.getElementType().isF32())
    result = clear::Tensor<float>{shape, isEmpty ? std::vector<float>{} : floatValues(value)};
  else
    result = clear::Tensor<std::int64_t>{shape, isEmpty ? std::vector<std::int64_t>{}
                                                        : integerValues(value)};
  auto size = std::visit([](const auto &x) { return x.data.size(); }, result);
  DYAD_REQUIRE(size == static_cast<std::size_t>(type.getNumElements()), kBadInput,
               "weight '{}' has {} values for {} elements", weight.getSymName().str(), size,
               type.getNumElements());
  return result;
}

NnValue evaluateNn(Operation *op, const std::vector<const NnValue *> &operands) {
  if (auto argMax = dyn_cast<nn::ArgMaxOp>(op))
    return clear::argMax(*allOf<float>(operands)[0], static_cast<std::int64_t>(argMax.getAxis()),
                         argMax.getLast());
  if (isStructure(op) && !operands.empty() &&
      std::holds_alternative<clear::Tensor<std::int64_t>>(*operands[0]))
    return evaluateStructure(op, allOf<std::int64_t>(operands));
  return evaluateFloat(op, allOf<float>(operands));
}

FailureOr<NnInterpreter> NnInterpreter::create(ModuleOp module) {
  FailureOr<StraightLine> program = StraightLine::of(module);
  if (failed(program))
    return failure();
  NnInterpreter interpreter;
  interpreter.program_ = std::move(*program);
  SymbolTable symbols(module);
  llvm::DenseMap<Operation *, Shared> byWeight;
  for (Operation *op : interpreter.program_.operations()) {
    auto constant = dyn_cast<nn::ConstantOp>(op);
    if (!constant)
      continue;
    Operation *weight = symbols.lookup(constant.getWeight());
    Shared &value = byWeight[weight];
    try {
      if (!value)
        value = std::make_shared<const NnValue>(nnWeightValue(weight));
    } catch (const Error &error) {
      return op->emitError(error.what());
    }
    interpreter.constants_[op] = value;
  }
  return interpreter;
}

FailureOr<NnValues> NnInterpreter::run(const FloatTensors &inputs, const Observer &observer,
                                       FloatTensors *states) const {
  NnValues outputs;
  FloatTensors next;
  llvm::DenseMap<Value, Shared> values;
  const std::vector<Operation *> &operations = program_.operations();
  for (std::size_t i = 0; i < operations.size(); ++i) {
    Operation *op = operations[i];
    if (auto output = dyn_cast<nn::OutputOp>(op)) {
      outputs[output.getName().str()] = *values.at(output.getValue());
    } else if (auto input = dyn_cast<nn::InputOp>(op)) {
      auto given = inputs.find(input.getName().str());
      if (given == inputs.end())
        return op->emitError("no value for input '") << input.getName() << "'";
      if (given->second.shape != shapeOf(input.getResult()))
        return op->emitError("input '")
               << input.getName() << "' has shape " << clear::describe(given->second.shape)
               << " instead of " << clear::describe(shapeOf(input.getResult()));
      values[input.getResult()] = std::make_shared<const NnValue>(given->second);
    } else if (auto state = dyn_cast<nn::StateOp>(op)) {
      values[state.getResult()] = std::make_shared<const NnValue>(stateOf(state, states));
    } else if (auto set = dyn_cast<nn::SetStateOp>(op)) {
      next[set.getName().str()] = std::get<Floats>(*values.at(set.getValue()));
    } else if (auto constant = constants_.find(op); constant != constants_.end()) {
      values[op->getResult(0)] = constant->second;
    } else {
      std::vector<const NnValue *> operands;
      for (Value operand : op->getOperands())
        operands.push_back(values.at(operand).get());
      try {
        values[op->getResult(0)] = std::make_shared<const NnValue>(evaluateNn(op, operands));
      } catch (const Error &error) {
        return op->emitError(error.what());
      }
    }
    if (observer && op->getNumResults() == 1)
      if (const auto *floats = std::get_if<Floats>(values.at(op->getResult(0)).get()))
        observer(op->getResult(0), *floats);
    for (Value value : program_.lastUses(i))
      values.erase(value);
  }
  if (states != nullptr)
    for (auto &[name, value] : next)
      (*states)[name] = std::move(value);
  return outputs;
}

} // namespace dyad
