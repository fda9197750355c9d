// SPDX-License-Identifier: Apache-2.0
// What the rows operations of fx and mpc have in common: a matrix, a divisor a row where there is
// one, and a function of rows of that length.
#pragma once

#include "runtime/functions/row_operation.h"
#include "runtime/net/error.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

namespace dyad {

/// Verifier of a RowsOp: shapes and the function's numbers here, types by `verifyTypes`.
template <typename RowsOp, typename VerifyTypes>
llvm::LogicalResult verifyRows(RowsOp op, VerifyTypes verifyTypes) {
  auto shapeOf = [](mlir::Value value) {
    return mlir::cast<mlir::RankedTensorType>(value.getType()).getShape();
  };
  llvm::ArrayRef<int64_t> shape = shapeOf(op.getInput());
  if (shape.size() != 2 || shapeOf(op.getResult()) != shape)
    return op.emitOpError("needs a matrix, and gives one of the same shape");
  if (op.getDivisor() && shapeOf(op.getDivisor()) != llvm::ArrayRef<int64_t>{shape[0], 1})
    return op.emitOpError("needs one divisor a row");
  try {
    RowFunction f = rowFunctionFrom(op.getNumbers());
    requireColumns(f, static_cast<std::uint64_t>(shape[1]));
    return verifyTypes(f);
  } catch (const Error &error) {
    return op.emitOpError(error.what());
  }
}

} // namespace dyad
