// SPDX-License-Identifier: Apache-2.0
#include "ir/structure.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace dyad {

namespace {

enum class Kind { kNone, kReshape, kTranspose, kConcat, kSlice, kBroadcast, kGather, kTake, kPad };

Kind kindOf(Operation *op) {
  auto [dialect, mnemonic] = op->getName().getStringRef().split('.');
  if (dialect != "nn" && dialect != "fx" && dialect != "mpc")
    return Kind::kNone;
  return llvm::StringSwitch<Kind>(mnemonic)
      .Case("reshape", Kind::kReshape)
      .Case("transpose", Kind::kTranspose)
      .Case("concat", Kind::kConcat)
      .Case("slice", Kind::kSlice)
      .Case("broadcast", Kind::kBroadcast)
      .Case("gather", Kind::kGather)
      .Case("take", Kind::kTake)
      .Case("pad", Kind::kPad)
      .Default(Kind::kNone);
}

ArrayRef<int64_t> array(Operation *op, StringRef name) {
  return cast<DenseI64ArrayAttr>(op->getAttr(name)).asArrayRef();
}

LogicalResult verifyTranspose(Operation *op, RankedTensorType in, RankedTensorType out) {
  ArrayRef<int64_t> permutation = array(op, "permutation");
  if (static_cast<int64_t>(permutation.size()) != in.getRank() || out.getRank() != in.getRank())
    return op->emitOpError("needs one permutation entry for each axis");
  SmallVector<bool> seen(permutation.size(), false);
  for (auto [axis, source] : llvm::enumerate(permutation)) {
    if (source < 0 || source >= in.getRank() || seen[source])
      return op->emitOpError("permutation must name each axis once");
    seen[source] = true;
    if (out.getDimSize(axis) != in.getDimSize(source))
      return op->emitOpError("result shape does not follow from the permutation");
  }
  return success();
}

LogicalResult verifyConcat(Operation *op, RankedTensorType out) {
  int64_t axis = cast<IntegerAttr>(op->getAttr("axis")).getInt();
  if (op->getNumOperands() == 0)
    return op->emitOpError("needs at least one input");
  if (axis < 0 || axis >= out.getRank())
    return op->emitOpError("axis is out of range");
  int64_t sum = 0;
  for (Value operand : op->getOperands()) {
    auto in = cast<RankedTensorType>(operand.getType());
    if (in.getRank() != out.getRank() || in.getElementType() != out.getElementType())
      return op->emitOpError("inputs and result must agree in rank and element type");
    for (int64_t i = 0; i < out.getRank(); ++i)
      if (i != axis && in.getDimSize(i) != out.getDimSize(i))
        return op->emitOpError("inputs may differ only along the axis");
    sum += in.getDimSize(axis);
  }
  if (sum != out.getDimSize(axis))
    return op->emitOpError("result has ")
           << out.getDimSize(axis) << " positions along the axis, inputs have " << sum;
  return success();
}

LogicalResult verifySlice(Operation *op, RankedTensorType in, RankedTensorType out) {
  ArrayRef<int64_t> starts = array(op, "starts");
  ArrayRef<int64_t> steps = array(op, "steps");
  auto rank = static_cast<size_t>(in.getRank());
  if (starts.size() != rank || steps.size() != rank || out.getRank() != in.getRank())
    return op->emitOpError("needs one start and step for each axis");
  for (size_t i = 0; i < rank; ++i) {
    int64_t count = out.getDimSize(i);
    int64_t last = starts[i] + (count - 1) * steps[i];
    if (steps[i] == 0)
      return op->emitOpError("steps must not be zero");
    if (count > 0 &&
        (starts[i] < 0 || starts[i] >= in.getDimSize(i) || last < 0 || last >= in.getDimSize(i)))
      return op->emitOpError("reaches outside the input along axis ") << i;
  }
  return success();
}

LogicalResult verifyBroadcast(Operation *op, RankedTensorType in, RankedTensorType out) {
  if (in.getRank() > out.getRank())
    return op->emitOpError("cannot drop axes");
  for (int64_t i = 0; i < in.getRank(); ++i) {
    int64_t from = in.getDimSize(in.getRank() - 1 - i);
    if (from != 1 && from != out.getDimSize(out.getRank() - 1 - i))
      return op->emitOpError("only axes of size one can be repeated");
  }
  return success();
}

LogicalResult verifyIndices(Operation *op, int64_t limit, int64_t count) {
  ArrayRef<int64_t> indices = array(op, "indices");
  if (static_cast<int64_t>(indices.size()) != count)
    return op->emitOpError("has ") << indices.size() << " indices for " << count << " positions";
  for (int64_t index : indices)
    if (index < 0 || index >= limit)
      return op->emitOpError("index ") << index << " is out of range; there are " << limit;
  return success();
}

LogicalResult verifyGather(Operation *op, RankedTensorType in, RankedTensorType out) {
  int64_t axis = cast<IntegerAttr>(op->getAttr("axis")).getInt();
  if (in.getRank() != out.getRank() || axis < 0 || axis >= in.getRank())
    return op->emitOpError("axis is out of range or the rank changes");
  for (int64_t i = 0; i < in.getRank(); ++i)
    if (i != axis && in.getDimSize(i) != out.getDimSize(i))
      return op->emitOpError("only the gathered axis may change");
  return verifyIndices(op, in.getDimSize(axis), out.getDimSize(axis));
}

LogicalResult verifyPad(Operation *op, RankedTensorType in, RankedTensorType out) {
  ArrayRef<int64_t> low = array(op, "low");
  ArrayRef<int64_t> high = array(op, "high");
  ArrayRef<int64_t> interior = array(op, "interior");
  auto rank = static_cast<size_t>(in.getRank());
  if (low.size() != rank || high.size() != rank || interior.size() != rank ||
      out.getRank() != in.getRank())
    return op->emitOpError("needs low, high and interior for each axis");
  for (size_t i = 0; i < rank; ++i) {
    if (low[i] < 0 || high[i] < 0 || interior[i] < 0)
      return op->emitOpError("padding must not be negative");
    int64_t size = in.getDimSize(i);
    int64_t padded = low[i] + size + high[i] + (size > 0 ? (size - 1) * interior[i] : 0);
    if (padded != out.getDimSize(i))
      return op->emitOpError("axis ") << i << " of the result should have size " << padded;
  }
  return success();
}

} // namespace

bool isStructure(Operation *op) { return kindOf(op) != Kind::kNone; }

bool isMove(Operation *op) {
  return isStructure(op) && op->getNumOperands() == 1 && kindOf(op) != Kind::kPad;
}

LogicalResult verifyStructure(Operation *op) {
  auto out = cast<RankedTensorType>(op->getResult(0).getType());
  if (!out.hasStaticShape())
    return op->emitOpError("needs static shapes");
  if (op->getNumOperands() == 0)
    return op->emitOpError("needs at least one input");
  auto in = cast<RankedTensorType>(op->getOperand(0).getType());
  if (!in.hasStaticShape())
    return op->emitOpError("needs static shapes");
  if (in.getElementType() != out.getElementType())
    return op->emitOpError("moves elements and must keep their type");
  switch (kindOf(op)) {
  case Kind::kReshape:
    if (in.getNumElements() != out.getNumElements())
      return op->emitOpError("must keep the number of elements");
    return success();
  case Kind::kTranspose:
    return verifyTranspose(op, in, out);
  case Kind::kConcat:
    return verifyConcat(op, out);
  case Kind::kSlice:
    return verifySlice(op, in, out);
  case Kind::kBroadcast:
    return verifyBroadcast(op, in, out);
  case Kind::kGather:
    return verifyGather(op, in, out);
  case Kind::kTake:
    return verifyIndices(op, in.getNumElements(), out.getNumElements());
  case Kind::kPad:
    return verifyPad(op, in, out);
  case Kind::kNone:
    break;
  }
  return op->emitOpError("is not a structure operation");
}

Operation *cloneStructure(OpBuilder &builder, Operation *op, StringRef dialect, ValueRange operands,
                          Type elementType, int64_t padValue) {
  auto shape = cast<RankedTensorType>(op->getResult(0).getType()).getShape();
  StringRef mnemonic = op->getName().getStringRef().split('.').second;
  NamedAttrList attributes(op->getAttrDictionary());
  if (kindOf(op) == Kind::kPad)
    attributes.set("value", builder.getI64IntegerAttr(padValue));
  OperationState state(op->getLoc(), (dialect + "." + mnemonic).str(), operands,
                       RankedTensorType::get(shape, elementType), attributes);
  return builder.create(state);
}

StringRef nodeName(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName().strref();
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (StringRef name = nodeName(part); !name.empty())
        return name;
  return {};
}

StringRef nodeName(Operation *op) { return nodeName(op->getLoc()); }

} // namespace dyad
