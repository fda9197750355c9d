// SPDX-License-Identifier: Apache-2.0
#include "ir/windows.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace dyad {

namespace {

LogicalResult verifyWindow(Operation *op, const Window &window) {
  if (window.strides.size() != 2 || window.pads.size() != 4 || window.dilations.size() != 2)
    return op->emitOpError("needs two strides, four pads and two dilations");
  if (llvm::any_of(window.strides, [](int64_t s) { return s < 1; }) ||
      llvm::any_of(window.dilations, [](int64_t d) { return d < 1; }) ||
      llvm::any_of(window.pads, [](int64_t p) { return p < 0; }) || window.groups < 1)
    return op->emitOpError("strides, dilations and groups must be positive, pads not negative");
  return success();
}

LogicalResult verifySpatial(Operation *op, RankedTensorType input, RankedTensorType result,
                            ArrayRef<int64_t> kernel, const Window &window) {
  for (int i = 0; i < 2; ++i) {
    int64_t count = windowCount(input.getDimSize(2 + i), kernel[i], window.strides[i],
                                window.pads[i], window.pads[2 + i], window.dilations[i]);
    if (count < 1)
      return op->emitOpError("window is larger than the padded input");
    if (result.getDimSize(2 + i) != count)
      return op->emitOpError("result should have ") << count << " positions along axis " << 2 + i;
  }
  return success();
}

} // namespace

int64_t windowCount(int64_t size, int64_t kernel, int64_t stride, int64_t padLow, int64_t padHigh,
                    int64_t dilation) {
  int64_t room = size + padLow + padHigh - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

LogicalResult verifyConv2D(Operation *op, RankedTensorType input, RankedTensorType weight,
                           RankedTensorType bias, RankedTensorType result, const Window &window) {
  if (failed(verifyWindow(op, window)))
    return failure();
  if (input.getRank() != 4 || weight.getRank() != 4 || result.getRank() != 4)
    return op->emitOpError("needs operands of rank four");
  int64_t outputs = weight.getDimSize(0);
  if (input.getDimSize(1) != weight.getDimSize(1) * window.groups || outputs % window.groups != 0)
    return op->emitOpError("channels of input and weight do not fit the groups");
  if (result.getDimSize(0) != input.getDimSize(0) || result.getDimSize(1) != outputs)
    return op->emitOpError("result has wrong batch or channels");
  if (bias && (bias.getRank() != 1 || bias.getDimSize(0) != outputs))
    return op->emitOpError("bias must have one element for each output channel");
  return verifySpatial(op, input, result, weight.getShape().drop_front(2), window);
}

LogicalResult verifyPool2D(Operation *op, RankedTensorType input, RankedTensorType result,
                           ArrayRef<int64_t> kernel, const Window &window) {
  if (failed(verifyWindow(op, window)))
    return failure();
  if (kernel.size() != 2 || kernel[0] < 1 || kernel[1] < 1)
    return op->emitOpError("needs two positive kernel sizes");
  if (input.getRank() != 4 || result.getRank() != 4)
    return op->emitOpError("needs operands of rank four");
  if (result.getShape().take_front(2) != input.getShape().take_front(2))
    return op->emitOpError("must keep batch and channels");
  return verifySpatial(op, input, result, kernel, window);
}

LogicalResult verifyMatMul(Operation *op, RankedTensorType lhs, RankedTensorType rhs,
                           RankedTensorType result) {
  if (lhs.getRank() < 2 || rhs.getRank() < 2)
    return op->emitOpError("needs operands of rank two or more");
  ArrayRef<int64_t> lhsBatch = lhs.getShape().drop_back(2);
  ArrayRef<int64_t> rhsBatch = rhs.getShape().drop_back(2);
  if (!lhsBatch.empty() && !rhsBatch.empty() && lhsBatch != rhsBatch)
    return op->emitOpError("batch axes differ");
  SmallVector<int64_t> shape(lhsBatch.empty() ? rhsBatch : lhsBatch);
  ArrayRef<int64_t> left = lhs.getShape().take_back(2);
  ArrayRef<int64_t> right = rhs.getShape().take_back(2);
  if (left[1] != right[0])
    return op->emitOpError("inner sizes differ: ") << left[1] << " and " << right[0];
  shape.append({left[0], right[1]});
  if (result.getShape() != ArrayRef<int64_t>(shape))
    return op->emitOpError("result has the wrong shape");
  return success();
}

LogicalResult verifyReduce(Operation *op, RankedTensorType input, RankedTensorType result,
                           ArrayRef<int64_t> axes) {
  SmallVector<int64_t> shape(input.getShape());
  for (int64_t axis : axes) {
    if (axis < 0 || axis >= input.getRank())
      return op->emitOpError("axis ") << axis << " is out of range";
    if (input.getDimSize(axis) == 0)
      return op->emitOpError("axis ") << axis << " is empty";
    shape[axis] = 1;
  }
  if (result.getShape() != ArrayRef<int64_t>(shape))
    return op->emitOpError(
        "reduced axes must have size one in the result, and no other may change");
  return success();
}

} // namespace dyad
