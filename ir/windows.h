// SPDX-License-Identifier: Apache-2.0
// Shape rules of convolution, pooling, matrix product and reduction, shared by the verifiers of the
// three dialects and by the frontend.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

namespace dyad {

/// Geometry of a sliding window over the last two axes. `pads` is top, left, bottom, right.
struct Window {
  llvm::ArrayRef<int64_t> strides;
  llvm::ArrayRef<int64_t> pads;
  llvm::ArrayRef<int64_t> dilations;
  int64_t groups = 1;
};

/// Positions of a window along one axis: floor((size + padLow + padHigh - dilation*(kernel-1) - 1)
/// / stride) + 1, or 0 where the window does not fit once.
int64_t windowCount(int64_t size, int64_t kernel, int64_t stride, int64_t padLow, int64_t padHigh,
                    int64_t dilation);

llvm::LogicalResult verifyConv2D(mlir::Operation *op, mlir::RankedTensorType input,
                                 mlir::RankedTensorType weight, mlir::RankedTensorType bias,
                                 mlir::RankedTensorType result, const Window &window);
llvm::LogicalResult verifyPool2D(mlir::Operation *op, mlir::RankedTensorType input,
                                 mlir::RankedTensorType result, llvm::ArrayRef<int64_t> kernel,
                                 const Window &window);
/// lhs ...xMxK, rhs ...xKxN; batch axes equal, or one operand of rank two.
llvm::LogicalResult verifyMatMul(mlir::Operation *op, mlir::RankedTensorType lhs,
                                 mlir::RankedTensorType rhs, mlir::RankedTensorType result);
/// Reduced axes have size one in the result.
llvm::LogicalResult verifyReduce(mlir::Operation *op, mlir::RankedTensorType input,
                                 mlir::RankedTensorType result, llvm::ArrayRef<int64_t> axes);

} // namespace dyad
