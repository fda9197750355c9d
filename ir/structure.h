// SPDX-License-Identifier: Apache-2.0
// What the structure operations (ir/structure.td) of all three dialects have in common: one
// verifier, and their generic translation from one dialect to the next.
#pragma once

#include "mlir/IR/Builders.h"
#include "mlir/IR/Operation.h"

namespace dyad {

/// Whether the operation only moves elements: reshape, transpose, concat, slice, broadcast, gather,
/// take or pad, of any dialect.
bool isStructure(mlir::Operation *op);

/// Whether it only moves, repeats or leaves out elements of one operand: no padding among them.
bool isMove(mlir::Operation *op);

/// Verifier of all structure operations.
llvm::LogicalResult verifyStructure(mlir::Operation *op);

/// The same structure operation in another dialect ("fx", "mpc"), on other operands, with the shape
/// of `op` and the given element type. Attributes are kept, except that `nn.pad`'s value becomes an
/// integer: `padValue`.
mlir::Operation *cloneStructure(mlir::OpBuilder &builder, mlir::Operation *op,
                                llvm::StringRef dialect, mlir::ValueRange operands,
                                mlir::Type elementType, int64_t padValue = 0);

/// Between the names of nodes whose operations were joined into one.
inline constexpr llvm::StringLiteral kNodeJoint = " + ";

/// The ONNX node name an operation came from: the name in its location, "" if it has none.
llvm::StringRef nodeName(mlir::Operation *op);
llvm::StringRef nodeName(mlir::Location location);

} // namespace dyad
