// SPDX-License-Identifier: Apache-2.0
// Verifiers of the nn dialect.
#include "ir/nn/nn.h"

#include "ir/state.h"
#include "ir/weights.h"
#include "ir/windows.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dyad;
using namespace dyad::nn;

#include "ir/nn/dialect.cpp.inc"
#include "ir/nn/enums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "ir/nn/attributes.cpp.inc"
#define GET_OP_CLASSES
#include "ir/nn/ops.cpp.inc"

void NnDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "ir/nn/attributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "ir/nn/ops.cpp.inc"
      >();
}

namespace {
RankedTensorType tensor(Value value) { return cast<RankedTensorType>(value.getType()); }
} // namespace

ParseResult WeightOp::parse(OpAsmParser &parser, OperationState &result) {
  return parseWeight(parser, result);
}
void WeightOp::print(OpAsmPrinter &printer) { printWeight(printer, *this); }

LogicalResult WeightOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !type.hasStaticShape() ||
      !(type.getElementType().isF32() || type.getElementType().isSignlessInteger(64)))
    return emitOpError("needs a static tensor type of f32 or i64");
  if (getValue() && getValue()->getShapedType() != type)
    return emitOpError("value has another type than the weight");
  return success();
}

LogicalResult ConstantOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto weight = tables.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError("names '") << getWeight() << "', which is no nn.weight";
  if (weight.getType() != getResult().getType())
    return emitOpError("has another type than the weight '") << getWeight() << "'";
  return success();
}

LogicalResult InputOp::verify() {
  if (getOwner() != "client" && getOwner() != "server" && getOwner() != "public")
    return emitOpError("owner must be client, server or public");
  if (getLow().has_value() != getHigh().has_value() ||
      (getLow() && (!getLow()->isFinite() || !getHigh()->isFinite())))
    return emitOpError("range needs finite low and high");
  if (getLow() && *getLow() > *getHigh())
    return emitOpError("range needs low <= high");
  if (!tensor(getResult()).hasStaticShape())
    return emitOpError("needs a static shape");
  return success();
}

LogicalResult OutputOp::verify() {
  if (getReveal() != "client" && getReveal() != "server" && getReveal() != "both")
    return emitOpError("reveal must be client, server or both");
  return success();
}

LogicalResult StateOp::verify() {
  if (getLow().has_value() != getHigh().has_value() ||
      getLow().has_value() != getKind().has_value())
    return emitOpError("range needs low, high and what it stands on");
  if (getLow() && (!getLow()->isFinite() || !getHigh()->isFinite() || *getLow() > *getHigh()))
    return emitOpError("range needs finite low <= high");
  if (getKind() && *getKind() != "declared" && *getKind() != "calibrated" && *getKind() != "proved")
    return emitOpError("kind must be declared, calibrated or proved");
  if (getInitial() && getInitial()->getShapedType() != getResult().getType())
    return emitOpError("initial value has another type than the state");
  return success();
}

LogicalResult SetStateOp::verify() { return verifySetState<StateOp>(*this); }

LogicalResult AssumeOp::verify() {
  if (!getLow().isFinite() || !getHigh().isFinite() || getLow() > getHigh())
    return emitOpError("needs finite bounds with low <= high");
  if (getKind() != "declared" && getKind() != "calibrated")
    return emitOpError("kind must be declared or calibrated");
  return success();
}

LogicalResult ClipOp::verify() {
  for (std::optional<APFloat> bound : {getLow(), getHigh()})
    if (bound && !bound->isFinite())
      return emitOpError("needs finite bounds; leave out one that does not bound");
  if (getLow() && getHigh() && *getLow() > *getHigh())
    return emitOpError("needs low <= high");
  return success();
}

LogicalResult BatchNormOp::verify() {
  RankedTensorType input = tensor(getInput());
  if (getResult().getType() != input || input.getRank() < 2)
    return emitOpError("needs an input with a channel axis, and keeps its type");
  for (Value parameter : getOperands().drop_front())
    if (tensor(parameter).getShape() != ArrayRef<int64_t>{input.getDimSize(1)})
      return emitOpError("needs parameters of one element for each of the ")
             << input.getDimSize(1) << " channels";
  return success();
}

LogicalResult NormalizeOp::verify() {
  const double epsilon = getEpsilon().convertToDouble();
  if (!(epsilon >= 0) || !std::isfinite(epsilon))
    return emitOpError("epsilon must be finite and not negative");
  int64_t last = -1;
  for (int64_t axis : getAxes()) {
    if (axis <= last || axis >= tensor(getInput()).getRank())
      return emitOpError("needs axes of its operand, in order, each once");
    last = axis;
  }
  if (last < 0)
    return emitOpError("needs an axis");
  if (getLeastVariance().has_value() != getMostVariance().has_value() ||
      (getLeastVariance() && !(*getLeastVariance() <= *getMostVariance())))
    return emitOpError("needs both bounds of the variance or none, with least <= most");
  return success();
}
LogicalResult SoftmaxOp::verify() {
  auto axis = static_cast<int64_t>(getAxis());
  if (axis < 0 || axis >= tensor(getInput()).getRank())
    return emitOpError("axis ") << axis << " is out of range";
  return success();
}

LogicalResult Conv2DOp::verify() {
  return verifyConv2D(*this, tensor(getInput()), tensor(getWeight()),
                      getBias() ? tensor(getBias()) : RankedTensorType(), tensor(getResult()),
                      {getStrides(), getPads(), getDilations(), static_cast<int64_t>(getGroups())});
}

LogicalResult MatMulOp::verify() {
  return verifyMatMul(*this, tensor(getLhs()), tensor(getRhs()), tensor(getResult()));
}

LogicalResult MaxPool2DOp::verify() {
  return verifyPool2D(*this, tensor(getInput()), tensor(getResult()), getKernel(),
                      {getStrides(), getPads(), getDilations(), 1});
}

LogicalResult AveragePool2DOp::verify() {
  if (getCeilPads().size() != 2)
    return emitOpError("needs ceil_pads for bottom and right");
  if (getPads().size() != 4)
    return emitOpError("needs pads for top, left, bottom and right");
  SmallVector<int64_t> pads(getPads());
  pads[2] += getCeilPads()[0];
  pads[3] += getCeilPads()[1];
  return verifyPool2D(*this, tensor(getInput()), tensor(getResult()), getKernel(),
                      {getStrides(), pads, getDilations(), 1});
}

LogicalResult ReduceOp::verify() {
  if (failed(verifyReduce(*this, tensor(getInput()), tensor(getResult()), getAxes())))
    return failure();
  if (getHalvings() == 0)
    return success();
  const int64_t results = std::max<int64_t>(tensor(getResult()).getNumElements(), 1);
  const int64_t terms = tensor(getInput()).getNumElements() / results;
  if (getKind() != ReduceKind::kSum || getHalvings() > 62 ||
      (static_cast<int64_t>(1) << getHalvings()) < terms)
    return emitOpError("only a sum has halvings, up to 62, by which it is no larger than a term");
  return success();
}

bool ReduceOp::staysWithinInput() {
  return getHalvings() > 0 || (getKind() != ReduceKind::kSum && getKind() != ReduceKind::kL1);
}

LogicalResult ArgMaxOp::verify() {
  return verifyReduce(*this, tensor(getInput()), tensor(getResult()),
                      {static_cast<int64_t>(getAxis())});
}
