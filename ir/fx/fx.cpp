// SPDX-License-Identifier: Apache-2.0
// Types and verifiers of the fx dialect.
#include "ir/fx/fx.h"

#include "ir/fx/owner.h"
#include "ir/rows.h"
#include "ir/state.h"
#include "ir/weights.h"
#include "ir/windows.h"
#include "runtime/functions/row_operation.h"
#include "runtime/functions/scalar_function.h"
#include "runtime/net/error.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace dyad;
using namespace dyad::fx;

#include "ir/fx/dialect.cpp.inc"
#include "ir/fx/enums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "ir/fx/attributes.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "ir/fx/types.cpp.inc"
#define GET_OP_CLASSES
#include "ir/fx/ops.cpp.inc"

void FxDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "ir/fx/types.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "ir/fx/attributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "ir/fx/ops.cpp.inc"
      >();
}

namespace dyad::fx {

Owner join(Owner a, Owner b) {
  if (a == b || b == Owner::kPublic)
    return a;
  return a == Owner::kPublic ? b : Owner::kShared;
}

void setOwner(Value value, Owner owner) {
  auto tensor = cast<RankedTensorType>(value.getType());
  auto type = cast<FixedType>(tensor.getElementType());
  value.setType(RankedTensorType::get(tensor.getShape(), type.withOwner(owner)));
}

Owner joinOfOperands(Operation *op) {
  Owner owner = Owner::kPublic;
  for (Value operand : op->getOperands())
    if (FixedType type = fixedType(operand))
      owner = join(owner, type.getOwner());
  return owner;
}

Owner ownerNamed(llvm::StringRef name) { return symbolizeOwner(name).value_or(Owner::kShared); }

FixedType fixedType(Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  return tensor ? dyn_cast<FixedType>(tensor.getElementType()) : FixedType();
}

} // namespace dyad::fx

//===--- types
//----------------------------------------------------------------------------------===//

Type FixedType::parse(AsmParser &parser) {
  StringRef format;
  int64_t fraction = 0;
  StringRef owner;
  auto location = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword(&format) || parser.parseComma() ||
      parser.parseInteger(fraction) || parser.parseComma() || parser.parseKeyword(&owner) ||
      parser.parseGreater())
    return {};
  unsigned width = 0;
  if (!(format.starts_with("s") || format.starts_with("u")) ||
      format.drop_front().getAsInteger(10, width)) {
    parser.emitError(location, "expected a width such as s28 or u8");
    return {};
  }
  std::optional<Owner> known = symbolizeOwner(owner);
  if (!known) {
    parser.emitError(location, "expected an owner: public, client, server or shared");
    return {};
  }
  return FixedType::getChecked([&] { return parser.emitError(location); }, parser.getContext(),
                               format.starts_with("s"), width, static_cast<int>(fraction), *known);
}

void FixedType::print(AsmPrinter &printer) const {
  printer << '<' << (getIsSigned() ? 's' : 'u') << getWidth() << ", " << getFraction() << ", "
          << stringifyOwner(getOwner()) << '>';
}

LogicalResult FixedType::verify(function_ref<InFlightDiagnostic()> emitError, bool isSigned,
                                unsigned width, int fraction, Owner owner) {
  if (width < 1 || width > 64)
    return emitError() << "width must be 1 to 64 bits, not " << width;
  return success();
}

FixedType FixedType::withOwner(Owner owner) const {
  return get(getContext(), getIsSigned(), getWidth(), getFraction(), owner);
}
FixedType FixedType::withWidth(unsigned width) const {
  return get(getContext(), getIsSigned(), width, getFraction(), getOwner());
}
FixedType FixedType::withFraction(int fraction) const {
  return get(getContext(), getIsSigned(), getWidth(), fraction, getOwner());
}
__int128 FixedType::lowest() const {
  return getIsSigned() ? -(static_cast<__int128>(1) << (getWidth() - 1)) : 0;
}
__int128 FixedType::highest() const {
  return (static_cast<__int128>(1) << (getWidth() - (getIsSigned() ? 1 : 0))) - 1;
}

//===--- verifiers
//------------------------------------------------------------------------------===//

namespace {

RankedTensorType tensor(Value value) { return cast<RankedTensorType>(value.getType()); }

LogicalResult verifyOwner(Operation *op) {
  FixedType result = fixedType(op->getResult(0));
  Owner expected = joinOfOperands(op);
  if (result.getOwner() != expected)
    return op->emitOpError("result must be owned by '")
           << stringifyOwner(expected) << "', the join of its operands' owners, not by '"
           << stringifyOwner(result.getOwner()) << "'; only fx.reveal lowers an owner";
  return success();
}

LogicalResult verifySameShape(Operation *op) {
  auto shape = tensor(op->getResult(0)).getShape();
  for (Value operand : op->getOperands())
    if (tensor(operand).getShape() != shape)
      return op->emitOpError("needs operands and result of one shape");
  return success();
}

// Same shape, same fraction plus `shift`, owner by the join.
LogicalResult verifyElementwise(Operation *op, int64_t shift = 0) {
  if (failed(verifySameShape(op)))
    return failure();
  int result = fixedType(op->getResult(0)).getFraction();
  for (Value operand : op->getOperands())
    if (fixedType(operand).getFraction() + shift != result)
      return op->emitOpError("needs fractions that agree; the operand has ")
             << fixedType(operand).getFraction() << " bits, the result " << result;
  return verifyOwner(op);
}

// Fractions of both operands add up.
LogicalResult verifyProduct(Operation *op, Value lhs, Value rhs) {
  int sum = fixedType(lhs).getFraction() + fixedType(rhs).getFraction();
  if (fixedType(op->getResult(0)).getFraction() != sum)
    return op->emitOpError("result must have ") << sum << " fraction bits, the operands' sum";
  return verifyOwner(op);
}

LogicalResult verifySameFraction(Operation *op) {
  if (fixedType(op->getOperand(0)).getFraction() != fixedType(op->getResult(0)).getFraction())
    return op->emitOpError("must keep the fraction");
  return verifyOwner(op);
}

// A mean that waits to be rounded is a sum with more fraction bits.
LogicalResult verifySum(Operation *op) {
  if (fixedType(op->getResult(0)).getFraction() < fixedType(op->getOperand(0)).getFraction())
    return op->emitOpError("must not lose fraction bits");
  return verifyOwner(op);
}

LogicalResult verifyShift(Operation *op, int64_t shift) {
  if (shift < 0 || shift > 63)
    return op->emitOpError("shift must be 0 to 63");
  return success();
}

} // namespace

ParseResult WeightOp::parse(OpAsmParser &parser, OperationState &result) {
  return parseWeight(parser, result);
}
void WeightOp::print(OpAsmPrinter &printer) { printWeight(printer, *this); }

LogicalResult WeightOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getType());
  auto fixed = type ? dyn_cast<FixedType>(type.getElementType()) : FixedType();
  if (!fixed || !type.hasStaticShape())
    return emitOpError("needs a static tensor type of fx.fixed");
  if (fixed.getOwner() == Owner::kShared)
    return emitOpError("is known to somebody; it cannot be shared");
  if (!getValue())
    return success();
  auto value = getValue()->getShapedType();
  if (value.getShape() != type.getShape() ||
      !value.getElementType().isSignlessInteger(storageBits(fixed.getWidth())))
    return emitOpError("value must have the weight's shape and elements of i")
           << storageBits(fixed.getWidth());
  return success();
}

LogicalResult ConstantOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto weight = tables.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError("names '") << getWeight() << "', which is no fx.weight";
  if (weight.getType() != getResult().getType())
    return emitOpError("has another type than the weight '") << getWeight() << "'";
  return success();
}

LogicalResult InputOp::verify() {
  if (fixedType(getResult()).getOwner() == Owner::kShared)
    return emitOpError("is known to somebody; it cannot be shared");
  double low = getLow().convertToDouble();
  double high = getHigh().convertToDouble();
  if (!std::isfinite(low) || !std::isfinite(high) || low > high)
    return emitOpError("range needs low <= high, both finite");
  FixedType type = fixedType(getResult());
  if (std::round(std::ldexp(low, type.getFraction())) < static_cast<double>(type.lowest()) ||
      std::round(std::ldexp(high, type.getFraction())) > static_cast<double>(type.highest()))
    return emitOpError("range does not fit the type");
  return success();
}

LogicalResult OutputOp::verify() {
  if (fixedType(getValue()).getOwner() == Owner::kShared)
    return emitOpError("is shared; reveal it to its receiver first");
  return success();
}

LogicalResult RevealOp::verify() {
  FixedType from = fixedType(getInput());
  FixedType to = fixedType(getResult());
  if (to.getOwner() == Owner::kShared)
    return emitOpError("must name a receiver: client, server or public");
  if (from.withOwner(to.getOwner()) != to || failed(verifySameShape(*this)))
    return emitOpError("changes nothing but the owner");
  return success();
}

LogicalResult StateOp::verify() {
  FixedType type = fixedType(getResult());
  if (type.getOwner() != Owner::kShared)
    return emitOpError("is kept as shares; its owner is 'shared'");
  if (!getInitial())
    return success();
  auto initial = getInitial()->getShapedType();
  if (initial.getShape() != tensor(getResult()).getShape() ||
      !initial.getElementType().isSignlessInteger(64))
    return emitOpError("initial value must have the state's shape and elements of i64");
  for (int64_t value : integerValues(*getInitial()))
    if (value < type.lowest() || value > type.highest())
      return emitOpError("initial value ") << value << " does not fit the type";
  return success();
}

LogicalResult SetStateOp::verify() {
  return verifySetState<StateOp>(*this, [](Type type) {
    auto tensor = cast<RankedTensorType>(type);
    auto fixed = cast<FixedType>(tensor.getElementType());
    return RankedTensorType::get(tensor.getShape(), fixed.withOwner(Owner::kShared));
  });
}

LogicalResult AssumeOp::verify() {
  FixedType type = fixedType(getInput());
  if (static_cast<int64_t>(getLow()) > static_cast<int64_t>(getHigh()))
    return emitOpError("range needs low <= high");
  if (static_cast<int64_t>(getLow()) < type.lowest() ||
      static_cast<int64_t>(getHigh()) > type.highest())
    return emitOpError("range does not fit the type");
  return success();
}

LogicalResult ResizeOp::verify() { return verifyElementwise(*this); }
LogicalResult RequantizeOp::verify() {
  if (failed(verifySameShape(*this)))
    return failure();
  return verifyOwner(*this);
}
LogicalResult TruncateOp::verify() {
  if (failed(verifyShift(*this, getShift())))
    return failure();
  return verifyElementwise(*this, -static_cast<int64_t>(getShift()));
}
LogicalResult ShiftLeftOp::verify() {
  if (failed(verifyShift(*this, getShift())))
    return failure();
  return verifyElementwise(*this, getShift());
}
LogicalResult DivideOp::verify() {
  if (static_cast<int64_t>(getDivisor()) < 1)
    return emitOpError("divisor must be positive");
  return verifyElementwise(*this);
}
LogicalResult AddOp::verify() { return verifyElementwise(*this); }
LogicalResult SubOp::verify() { return verifyElementwise(*this); }
LogicalResult MinOp::verify() { return verifyElementwise(*this); }
LogicalResult MaxOp::verify() { return verifyElementwise(*this); }
LogicalResult NegOp::verify() { return verifyElementwise(*this); }
LogicalResult AbsOp::verify() { return verifyElementwise(*this); }
LogicalResult ReluOp::verify() { return verifyElementwise(*this); }
LogicalResult StepOp::verify() {
  if (failed(verifySameShape(*this)))
    return failure();
  FixedType type = fixedType(getResult());
  if (type.getFraction() != 0 || type.highest() < 1)
    return emitOpError("gives 0 or 1, with no fraction bits");
  return verifyOwner(*this);
}
LogicalResult ClipOp::verify() {
  if (static_cast<int64_t>(getLow()) > static_cast<int64_t>(getHigh()))
    return emitOpError("needs low <= high");
  return verifyElementwise(*this);
}
LogicalResult MulOp::verify() {
  if (failed(verifySameShape(*this)))
    return failure();
  return verifyProduct(*this, getLhs(), getRhs());
}
LogicalResult fx::FunctionOp::verify() {
  if (failed(verifySameShape(*this)))
    return failure();
  try {
    ScalarFunction f = functionFrom(getNumbers());
    FixedType from = fixedType(getInput());
    FixedType to = fixedType(getResult());
    if (!from.getIsSigned() || !to.getIsSigned() || from.getWidth() != inputBits(f) ||
        to.getWidth() != outputBits(f))
      return emitOpError("takes s") << inputBits(f) << " and gives s" << outputBits(f);
  } catch (const Error &error) {
    return emitOpError(error.what());
  }
  return verifyOwner(*this);
}
LogicalResult fx::RowsOp::verify() {
  return verifyRows(*this, [&](const RowFunction &f) -> LogicalResult {
    if (static_cast<bool>(getDivisor()) != (divisorBits(f) != 0))
      return emitOpError("has a divisor if the function has one");
    FixedType to = fixedType(getResult());
    if (!fixedType(getInput()).getIsSigned() || !to.getIsSigned() || to.getWidth() != outputBits(f))
      return emitOpError("takes signed numbers and gives s") << outputBits(f);
    return verifyOwner(*this);
  });
}

LogicalResult PReluOp::verify() {
  if (failed(verifySameShape(*this)))
    return failure();
  return verifyProduct(*this, getInput(), getSlope());
}

LogicalResult Conv2DOp::verify() {
  if (failed(verifyConv2D(
          *this, tensor(getInput()), tensor(getWeight()),
          getBias() ? tensor(getBias()) : RankedTensorType(), tensor(getResult()),
          {getStrides(), getPads(), getDilations(), static_cast<int64_t>(getGroups())})))
    return failure();
  if (getBias() && fixedType(getBias()).getFraction() != fixedType(getResult()).getFraction())
    return emitOpError("bias must have the result's fraction");
  return verifyProduct(*this, getInput(), getWeight());
}
LogicalResult MatMulOp::verify() {
  if (failed(verifyMatMul(*this, tensor(getLhs()), tensor(getRhs()), tensor(getResult()))))
    return failure();
  return verifyProduct(*this, getLhs(), getRhs());
}
LogicalResult MaxPool2DOp::verify() {
  if (failed(verifyPool2D(*this, tensor(getInput()), tensor(getResult()), getKernel(),
                          {getStrides(), getPads(), getDilations(), 1})))
    return failure();
  return verifySameFraction(*this);
}
LogicalResult SumPool2DOp::verify() {
  if (failed(verifyPool2D(*this, tensor(getInput()), tensor(getResult()), getKernel(),
                          {getStrides(), getPads(), getDilations(), 1})))
    return failure();
  return verifySum(*this);
}
LogicalResult ReduceSumOp::verify() {
  if (failed(verifyReduce(*this, tensor(getInput()), tensor(getResult()), getAxes())))
    return failure();
  return verifySum(*this);
}
LogicalResult ReduceMaxOp::verify() {
  if (failed(verifyReduce(*this, tensor(getInput()), tensor(getResult()), getAxes())))
    return failure();
  return verifySameFraction(*this);
}
LogicalResult ReduceMinOp::verify() {
  if (failed(verifyReduce(*this, tensor(getInput()), tensor(getResult()), getAxes())))
    return failure();
  return verifySameFraction(*this);
}
LogicalResult ArgMaxOp::verify() {
  auto axis = static_cast<int64_t>(getAxis());
  if (failed(verifyReduce(*this, tensor(getInput()), tensor(getResult()), {axis})))
    return failure();
  FixedType result = fixedType(getResult());
  if (result.getIsSigned() || result.getFraction() != 0 ||
      result.highest() < tensor(getInput()).getDimSize(axis) - 1)
    return emitOpError("needs an unsigned result of fraction 0 that holds every index");
  return verifyOwner(*this);
}
