// SPDX-License-Identifier: Apache-2.0
#include "ir/eval/program.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace dyad {

FailureOr<StraightLine> StraightLine::of(ModuleOp module) {
  func::FuncOp function;
  for (auto candidate : module.getOps<func::FuncOp>()) {
    if (candidate.isExternal())
      continue;
    if (function)
      return module.emitError("has more than one function; a program is one");
    function = candidate;
  }
  if (!function)
    return module.emitError("has no function to execute");
  if (!function.getBody().hasOneBlock() || function.getNumArguments() != 0)
    return function.emitError("must be one block without arguments; inputs are operations");

  StraightLine program;
  for (Operation &op : function.front().without_terminator()) {
    if (op.getNumRegions() != 0)
      return op.emitError("has a region, which no interpreter executes");
    program.operations_.push_back(&op);
  }
  program.lastUses_.resize(program.operations_.size());
  llvm::DenseSet<Value> needed;
  for (std::size_t i = program.operations_.size(); i-- > 0;) {
    Operation *op = program.operations_[i];
    // A result nobody uses is dropped right after its operation.
    for (Value value : op->getResults())
      if (needed.insert(value).second)
        program.lastUses_[i].push_back(value);
    for (Value value : op->getOperands())
      if (needed.insert(value).second)
        program.lastUses_[i].push_back(value);
  }
  return program;
}

clear::Shape shapeOf(Value value) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  return {shape.begin(), shape.end()};
}

std::vector<std::int64_t> listOf(Operation *op, StringRef attribute) {
  return cast<DenseI64ArrayAttr>(op->getAttr(attribute)).asArrayRef().vec();
}

namespace {

// nn.pad's value is a float, that of the other dialects an integer; absent means zero.
template <typename T> T padValue(Operation *op) {
  Attribute value = op->getAttr("value");
  if (auto number = dyn_cast_or_null<FloatAttr>(value))
    return static_cast<T>(number.getValueAsDouble());
  if (auto number = dyn_cast_or_null<IntegerAttr>(value))
    return static_cast<T>(number.getInt());
  return T{};
}

} // namespace

template <typename T>
clear::Tensor<T> evaluateStructure(Operation *op,
                                   const std::vector<const clear::Tensor<T> *> &operands) {
  const clear::Tensor<T> &x = *operands.at(0);
  StringRef mnemonic = op->getName().stripDialect();
  clear::Shape shape = shapeOf(op->getResult(0));
  auto axis = [&] { return cast<IntegerAttr>(op->getAttr("axis")).getInt(); };
  if (mnemonic == "reshape")
    return clear::reshape(x, shape);
  if (mnemonic == "transpose")
    return clear::transpose(x, listOf(op, "permutation"));
  if (mnemonic == "concat")
    return clear::concat(operands, axis());
  if (mnemonic == "slice")
    return clear::slice(x, listOf(op, "starts"), listOf(op, "steps"), shape);
  if (mnemonic == "broadcast")
    return clear::broadcast(x, shape);
  if (mnemonic == "gather")
    return clear::gather(x, axis(), listOf(op, "indices"));
  if (mnemonic == "take")
    return clear::take(x, listOf(op, "indices"), shape);
  return clear::pad(x, listOf(op, "low"), listOf(op, "high"), listOf(op, "interior"),
                    padValue<T>(op));
}

template clear::Tensor<float> evaluateStructure(Operation *,
                                                const std::vector<const clear::Tensor<float> *> &);
template clear::Tensor<std::int64_t>
evaluateStructure(Operation *, const std::vector<const clear::Tensor<std::int64_t> *> &);
template clear::Tensor<clear::Wide>
evaluateStructure(Operation *, const std::vector<const clear::Tensor<clear::Wide> *> &);

} // namespace dyad
