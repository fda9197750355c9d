// SPDX-License-Identifier: Apache-2.0
#include "compiler/driver/own_error.h"

#include "ir/fx/owner.h"
#include "ir/nn/nn.h"
#include "runtime/net/error.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <cmath>

using namespace mlir;

namespace dyad::compiler {
namespace {

clear::Tensor<float> floatsOf(const clear::Shape &shape, const FixedResult &result) {
  const int fraction = fx::fixedType(result.op->getResult(0)).getFraction();
  clear::Tensor<float> tensor{shape, {}};
  tensor.data.reserve(result.integers.size());
  for (const std::int64_t integer : result.integers)
    tensor.data.push_back(static_cast<float>(std::ldexp(static_cast<double>(integer), -fraction)));
  return tensor;
}

const FixedResult *find(const FixedResults &fixed, const std::string &name,
                        const clear::Shape &shape) {
  const auto node = fixed.find(name);
  if (name.empty() || node == fixed.end())
    return nullptr;
  const auto at = node->second.find(shape);
  return at == node->second.end() ? nullptr : &at->second;
}

} // namespace

NodeByNode::NodeByNode(ModuleOp floats) {
  auto main = floats.lookupSymbol<func::FuncOp>("main");
  for (Operation &op : main.getBody().front()) {
    if (op.getNumResults() != 1)
      continue;
    operations_.push_back(&op);
    if (auto constant = dyn_cast<nn::ConstantOp>(op))
      constants_[&op] = nnWeightValue(
          SymbolTable::lookupNearestSymbolFrom<nn::WeightOp>(constant, constant.getWeightAttr()));
    else
      last_[{nodeName(&op).str(), shapeOf(op.getResult(0))}] = op.getResult(0);
  }
}

void NodeByNode::run(const FloatTensors &inputs, const FixedResults &fixed, Visitor visit) const {
  llvm::DenseMap<Value, NnValue> values;
  llvm::DenseMap<Value, NnValue> dequantised;
  for (Operation *op : operations_) {
    const Value result = op->getResult(0);
    const std::string name = nodeName(op).str();
    if (constants_.contains(op))
      continue;
    if (isa<nn::InputOp, nn::StateOp>(op)) {
      if (const auto at = inputs.find(op->getAttrOfType<StringAttr>("name").str());
          at != inputs.end())
        values[result] = at->second;
    } else {
      std::vector<const NnValue *> operands;
      for (Value operand : op->getOperands()) {
        Operation *source = operand.getDefiningOp();
        const std::string from = nodeName(source).str();
        if (const auto constant = constants_.find(source); constant != constants_.end()) {
          operands.push_back(&constant->second);
          continue;
        }
        const bool isResult = from != name && last_.at({from, shapeOf(operand)}) == operand;
        const FixedResult *known = isResult ? find(fixed, from, shapeOf(operand)) : nullptr;
        if (known && !dequantised.contains(operand))
          dequantised[operand] = floatsOf(shapeOf(operand), *known);
        auto &pool = known ? dequantised : values;
        if (const auto at = pool.find(operand); at != pool.end())
          operands.push_back(&at->second);
      }
      if (operands.size() != op->getNumOperands())
        continue;
      try {
        NnValue value = evaluateNn(op, operands);
        values[result] = std::move(value);
      } catch (const Error &) {
        continue; // a root of what has become negative, say
      }
    }
  }
  for (const auto &[key, value] : last_)
    if (const auto at = values.find(value); at != values.end())
      if (const auto *tensor = std::get_if<clear::Tensor<float>>(&at->second))
        visit(key.first, key.second, tensor->data);
}

} // namespace dyad::compiler
