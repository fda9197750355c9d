// SPDX-License-Identifier: Apache-2.0
// What the state operations of all three dialects have in common: a state is read by one operation
// and set by at most one, in the same function, with the same type.
#pragma once

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"

namespace dyad {

/// The operation that reads (StateOp) or sets (SetStateOp) the state of this name in a block, the
/// first if there are several; null if there is none.
template <typename Op> Op findState(mlir::Block &block, llvm::StringRef name) {
  for (Op op : block.getOps<Op>())
    if (op.getName() == name)
      return op;
  return {};
}

/// Verifier of a SetStateOp: `typeOfState` makes a value's type that of its state.
template <typename StateOp, typename SetStateOp, typename TypeOfState>
llvm::LogicalResult verifySetState(SetStateOp op, TypeOfState typeOfState) {
  StateOp state = findState<StateOp>(*op->getBlock(), op.getName());
  if (!state)
    return op.emitOpError("sets '") << op.getName() << "', which is no state";
  if (findState<SetStateOp>(*op->getBlock(), op.getName()) != op)
    return op.emitOpError("sets '") << op.getName() << "' a second time";
  if (typeOfState(op.getValue().getType()) != state.getResult().getType())
    return op.emitOpError("value has another type than the state '") << op.getName() << "'";
  return llvm::success();
}

template <typename StateOp, typename SetStateOp> llvm::LogicalResult verifySetState(SetStateOp op) {
  return verifySetState<StateOp>(op, [](mlir::Type type) { return type; });
}

} // namespace dyad
