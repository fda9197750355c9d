// SPDX-License-Identifier: Apache-2.0
#include "passes/analysis/ownership.h"

using namespace mlir;

namespace dyad {

fx::Owner ownerNamed(StringRef name) {
  return fx::symbolizeOwner(name).value_or(fx::Owner::kShared);
}

Ownership::Ownership(func::FuncOp function) {
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op->getNumResults() != 1)
      return;
    fx::Owner owner = fx::Owner::kPublic;
    if (auto input = dyn_cast<nn::InputOp>(op))
      owner = ownerNamed(input.getOwner());
    else if (isa<nn::ConstantOp>(op))
      owner = fx::Owner::kServer;
    else
      for (Value operand : op->getOperands())
        owner = fx::join(owner, at(operand));
    owners_[op->getResult(0)] = owner;
  });
}

fx::Owner Ownership::at(Value value) const {
  auto found = owners_.find(value);
  return found == owners_.end() ? fx::Owner::kPublic : found->second;
}

} // namespace dyad
