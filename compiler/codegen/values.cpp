// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/values.h"

#include <fmt/format.h>

using namespace mlir;

namespace dyad::compiler {
namespace {

// The operation of the function's own block that an operand's use belongs to.
Operation *statementOf(Operation *op, Block *block) { return block->findAncestorOpInBlock(*op); }

} // namespace

func::FuncOp mainOf(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal() || main.getNumArguments() != 0) {
    module.emitError("needs a function 'main' without arguments");
    return {};
  }
  return main;
}

Values::Values(func::FuncOp main, llvm::function_ref<bool(Operation *)> isAlias) {
  Block *block = &main.getBody().front();
  main.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op == main)
      return;
    if (isAlias(op)) {
      aliases_[op->getResult(0)] = root(op->getOperand(0));
      return;
    }
    Operation *statement = statementOf(op, block);
    for (Value operand : op->getOperands()) {
      if (operand.getParentBlock() != block)
        continue;
      Entry &entry = entries_[root(operand)];
      entry.usesThere = entry.lastUse == statement ? entry.usesThere + 1 : 1;
      entry.lastUse = statement;
    }
  });
}

Value Values::root(Value value) const {
  auto found = aliases_.find(value);
  return found == aliases_.end() ? value : found->second;
}

void Values::bind(Value value, std::string expression, bool isVariable) {
  Entry &entry = entries_[root(value)];
  entry.expression = std::move(expression);
  entry.isVariable = isVariable;
}

const std::string &Values::read(Value value) const {
  static const std::string kNone;
  auto found = entries_.find(root(value));
  return found == entries_.end() ? kNone : found->second.expression;
}

std::string Values::pass(Value value, Operation *at) const {
  auto found = entries_.find(root(value));
  if (found == entries_.end())
    return {};
  const Entry &entry = found->second;
  bool movable = entry.isVariable && entry.lastUse == at && entry.usesThere == 1;
  return movable ? fmt::format("std::move({})", entry.expression) : entry.expression;
}

std::vector<Value> Values::lastUsedBy(Operation *at, int64_t elements) const {
  std::vector<Value> values;
  auto consider = [&](Value operand) {
    Value value = root(operand);
    auto found = entries_.find(value);
    if (found == entries_.end() || !found->second.isVariable || found->second.lastUse != at ||
        cast<RankedTensorType>(value.getType()).getNumElements() < elements ||
        llvm::is_contained(values, value))
      return;
    values.push_back(value);
  };
  at->walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      consider(operand);
  });
  return values;
}

} // namespace dyad::compiler
