// SPDX-License-Identifier: Apache-2.0
// Types and verifiers of the mpc dialect. Costs are in costs.cpp.
#include "ir/mpc/mpc.h"

#include "ir/fx/owner.h"
#include "ir/mpc/target.h"
#include "ir/rows.h"
#include "ir/state.h"
#include "ir/windows.h"
#include "runtime/functions/row_operation.h"
#include "runtime/functions/scalar_function.h"
#include "runtime/net/error.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dyad;
using namespace dyad::mpc;

#include "ir/mpc/cost_interface.cpp.inc"
#include "ir/mpc/dialect.cpp.inc"
#include "ir/mpc/enums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "ir/mpc/attributes.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "ir/mpc/types.cpp.inc"
#define GET_OP_CLASSES
#include "ir/mpc/ops.cpp.inc"

void MpcDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "ir/mpc/types.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "ir/mpc/attributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "ir/mpc/ops.cpp.inc"
      >();
}

LogicalResult MpcDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  return verifyTargetAttribute(op, attribute);
}

LogicalResult ArithType::verify(function_ref<InFlightDiagnostic()> emitError, unsigned width) {
  if (width < 1 || width > 64)
    return emitError() << "width must be 1 to 64 bits, not " << width;
  return success();
}

namespace {

RankedTensorType tensor(Value value) { return cast<RankedTensorType>(value.getType()); }
unsigned width(Value value) { return cast<ArithType>(tensor(value).getElementType()).getWidth(); }
fx::Owner owner(Value value) { return fx::fixedType(value).getOwner(); }

LogicalResult verifySameShape(Operation *op) {
  auto shape = tensor(op->getResult(0)).getShape();
  for (Value operand : op->getOperands())
    if (tensor(operand).getShape() != shape)
      return op->emitOpError("needs operands and result of one shape");
  return success();
}

LogicalResult verifyKeepsWidth(Operation *op) {
  if (width(op->getOperand(0)) != width(op->getResult(0)))
    return op->emitOpError("must keep the width");
  return success();
}

LogicalResult verifyPooling(Operation *op, ArrayRef<int64_t> kernel, const Window &window) {
  if (failed(verifyPool2D(op, tensor(op->getOperand(0)), tensor(op->getResult(0)), kernel, window)))
    return failure();
  return verifyKeepsWidth(op);
}

LogicalResult verifyReduction(Operation *op, ArrayRef<int64_t> axes) {
  if (failed(verifyReduce(op, tensor(op->getOperand(0)), tensor(op->getResult(0)), axes)))
    return failure();
  return verifyKeepsWidth(op);
}

} // namespace

LogicalResult ShareOp::verify() {
  if (owner(getInput()) == fx::Owner::kShared)
    return emitOpError("needs a value that somebody knows");
  return verifySameShape(*this);
}

LogicalResult SetStateOp::verify() { return verifySetState<StateOp>(*this); }

LogicalResult RevealOp::verify() {
  if (owner(getResult()) == fx::Owner::kShared)
    return emitOpError("must name a receiver: client, server or public");
  if (fx::fixedType(getResult()).getWidth() != width(getInput()))
    return emitOpError("must keep the width");
  return verifySameShape(*this);
}

LogicalResult ShiftLeftOp::verify() {
  if (getShift() > 63)
    return emitOpError("shift must be 0 to 63");
  if (width(getResult()) < width(getInput()) || width(getResult()) > width(getInput()) + getShift())
    return emitOpError("result may be wider than the input by up to the shift");
  return verifySameShape(*this);
}

LogicalResult MulPublicOp::verify() {
  if (owner(getFactor()) != fx::Owner::kPublic)
    return emitOpError("factor must be public");
  if (failed(verifySameShape(*this)))
    return failure();
  return verifyKeepsWidth(*this);
}

LogicalResult ReduceSumOp::verify() { return verifyReduction(*this, getAxes()); }
LogicalResult ReduceMaxOp::verify() { return verifyReduction(*this, getAxes()); }
LogicalResult SumPool2DOp::verify() {
  return verifyPooling(*this, getKernel(), {getStrides(), getPads(), getDilations(), 1});
}
LogicalResult MaxPool2DOp::verify() {
  return verifyPooling(*this, getKernel(), {getStrides(), getPads(), getDilations(), 1});
}

LogicalResult NarrowOp::verify() {
  if (width(getResult()) > width(getInput()))
    return emitOpError("cannot widen; use mpc.extend");
  return verifySameShape(*this);
}
LogicalResult ExtendOp::verify() {
  if (width(getResult()) < width(getInput()))
    return emitOpError("cannot narrow; use mpc.narrow");
  return verifySameShape(*this);
}
LogicalResult TruncateReduceOp::verify() {
  auto shift = static_cast<int64_t>(getShift());
  if (shift < 0 || shift >= width(getInput()) || width(getResult()) != width(getInput()) - shift)
    return emitOpError("result must be narrower by the shift, which is less than the width");
  return verifySameShape(*this);
}
LogicalResult TruncateReluOp::verify() {
  if (getShift() >= width(getInput()))
    return emitOpError("shift must be less than the width");
  return verifySameShape(*this);
}
LogicalResult mpc::FunctionOp::verify() {
  try {
    ScalarFunction f = functionFrom(getNumbers());
    if (width(getInput()) != inputBits(f) || width(getResult()) != outputBits(f))
      return emitOpError("takes ") << inputBits(f) << " bits and gives " << outputBits(f);
  } catch (const Error &error) {
    return emitOpError(error.what());
  }
  return verifySameShape(*this);
}
LogicalResult mpc::RowsOp::verify() {
  return verifyRows(*this, [&](const RowFunction &f) -> LogicalResult {
    if (width(getInput()) != inputBits(f) || width(getResult()) != outputBits(f) ||
        (getDivisor() ? width(getDivisor()) : 0) != divisorBits(f))
      return emitOpError("takes ") << inputBits(f) << " bits, divisors of " << divisorBits(f)
                                   << ", and gives " << outputBits(f);
    return success();
  });
}
LogicalResult TruncateOp::verify() {
  auto shift = static_cast<int64_t>(getShift());
  if (shift < 0 || shift >= width(getInput()))
    return emitOpError("shift must be less than the width");
  return success();
}
LogicalResult DivideOp::verify() {
  if (static_cast<int64_t>(getDivisor()) < 1)
    return emitOpError("divisor must be positive");
  return success();
}
LogicalResult MsbOp::verify() { return verifySameShape(*this); }
LogicalResult MuxOp::verify() {
  if (width(getInput()) != width(getResult()))
    return emitOpError("must keep the width");
  return verifySameShape(*this);
}
LogicalResult MatMulBitOp::verify() {
  if (owner(getMatrix()) != fx::Owner::kServer || tensor(getBits()).getRank() != 2 ||
      tensor(getMatrix()).getRank() != 2)
    return emitOpError("needs a matrix of bits and one of the server's");
  return verifyMatMul(*this, tensor(getBits()), tensor(getMatrix()), tensor(getResult()));
}
LogicalResult BitToArithOp::verify() { return verifySameShape(*this); }
LogicalResult ClipOp::verify() {
  if (static_cast<int64_t>(getLow()) > static_cast<int64_t>(getHigh()))
    return emitOpError("needs low <= high");
  return success();
}
LogicalResult ArgMaxOp::verify() {
  auto axis = static_cast<int64_t>(getAxis());
  return verifyReduce(*this, tensor(getInput()), tensor(getResult()), {axis});
}

LogicalResult Conv2DOp::verify() {
  if (owner(getWeight()) != fx::Owner::kServer)
    return emitOpError("weight must be the server's");
  if (getBias() && owner(getBias()) != fx::Owner::kServer)
    return emitOpError("bias must be the server's");
  if (failed(verifyKeepsWidth(*this)))
    return failure();
  return verifyConv2D(*this, tensor(getInput()), tensor(getWeight()),
                      getBias() ? tensor(getBias()) : RankedTensorType(), tensor(getResult()),
                      {getStrides(), getPads(), getDilations(), static_cast<int64_t>(getGroups())});
}

LogicalResult Conv2DPublicOp::verify() {
  if (owner(getWeight()) != fx::Owner::kPublic)
    return emitOpError("weight must be public");
  if (failed(verifyKeepsWidth(*this)))
    return failure();
  return verifyConv2D(*this, tensor(getInput()), tensor(getWeight()), RankedTensorType(),
                      tensor(getResult()),
                      {getStrides(), getPads(), getDilations(), static_cast<int64_t>(getGroups())});
}

// A matrix that `wanted` knows on one side, shares on the other.
static LogicalResult verifyKnownProduct(Operation *op, fx::Owner wanted) {
  Value lhs = op->getOperand(0);
  Value rhs = op->getOperand(1);
  bool leftKnown = static_cast<bool>(fx::fixedType(lhs));
  bool rightKnown = static_cast<bool>(fx::fixedType(rhs));
  if (leftKnown == rightKnown || owner(leftKnown ? lhs : rhs) != wanted)
    return op->emitOpError("needs one shared operand and ")
           << (wanted == fx::Owner::kPublic ? "a public one" : "one of the server's");
  auto arith = dyn_cast<ArithType>(tensor(leftKnown ? rhs : lhs).getElementType());
  if (!arith || arith.getWidth() != width(op->getResult(0)))
    return op->emitOpError("must keep the width");
  return verifyMatMul(op, tensor(lhs), tensor(rhs), tensor(op->getResult(0)));
}

LogicalResult MatMulOp::verify() { return verifyKnownProduct(*this, fx::Owner::kServer); }
LogicalResult MatMulPreparedOp::verify() {
  if (owner(getMatrix()) != fx::Owner::kServer || tensor(getLhs()).getRank() != 2 ||
      tensor(getMatrix()).getRank() != 2)
    return emitOpError("needs matrices, the right one the server's");
  if (getMask().getType() != getLhs().getType() ||
      getProduct().getType() != getResult().getType() || width(getLhs()) != width(getResult()))
    return emitOpError("must keep types: of the mask, and of its product");
  return verifyMatMul(*this, tensor(getLhs()), tensor(getMatrix()), tensor(getResult()));
}
LogicalResult MatMulPublicOp::verify() { return verifyKnownProduct(*this, fx::Owner::kPublic); }

LogicalResult MatMulSharedOp::verify() {
  if (width(getLhs()) != width(getRhs()) || width(getLhs()) != width(getResult()))
    return emitOpError("must keep the width");
  return verifyMatMul(*this, tensor(getLhs()), tensor(getRhs()), tensor(getResult()));
}

LogicalResult MulPrivateOp::verify() {
  if (owner(getFactor()) != fx::Owner::kServer && owner(getFactor()) != fx::Owner::kClient)
    return emitOpError("factor must be known to one party");
  if (failed(verifySameShape(*this)))
    return failure();
  return verifyKeepsWidth(*this);
}

LogicalResult ParallelOp::verify() {
  auto yield = dyn_cast_or_null<YieldOp>(getBody().front().getTerminator());
  if (!yield || yield.getOperandTypes() != getResultTypes())
    return emitOpError("must end with an mpc.yield of the result types");
  for (Operation &op : getBody().front().without_terminator())
    for (Value operand : op.getOperands())
      if (operand.getDefiningOp() != nullptr &&
          operand.getDefiningOp()->getBlock() == op.getBlock())
        return op.emitOpError("depends on another operation of its parallel region");
  return success();
}
