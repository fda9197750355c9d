// SPDX-License-Identifier: Apache-2.0
// Lowering of what is local on shares (structure, sums, shifts to the left), of scale changes
// (truncation, division) and of disclosure. The question in each is the ring to work in.
#include "passes/protocols/lowering.h"
#include "passes/protocols/radix_choice.h"
#include "runtime/functions/scalar_function.h"

using namespace mlir;

namespace dyad {
namespace {

constexpr unsigned kMaxWidth = 64;

IntegerRange plus(const IntegerRange &range, __int128 constant) {
  return {range.low + constant, range.high + constant};
}

} // namespace

void Lowering::lowerReveal(fx::RevealOp op) {
  Value input = op.getInput();
  auto type = fx::fixedType(op.getResult());
  // What is disclosed is the value; a narrower ring holds the same one.
  unsigned width = std::min(nativeWidth(input), type.getWidth());
  bool isSigned = range(input).fits(width);
  auto revealed = fx::FixedType::get(builder_.getContext(), isSigned, width, type.getFraction(),
                                     type.getOwner());
  auto shape = cast<RankedTensorType>(op.getType()).getShape();
  Value result = create<mpc::RevealOp>(RankedTensorType::get(shape, revealed), ring(input, width));
  if (revealed != type)
    result = create<fx::ResizeOp>(op.getType(), result);
  op.getResult().replaceAllUsesWith(result);
}

void Lowering::lowerStructure(Operation *op) {
  Value result = op->getResult(0);
  // Padding or a joined operand can need more bits than one operand has.
  unsigned width = bits(result);
  if (op->getNumOperands() == 1 && !isa<fx::PadOp>(op))
    width = nativeWidth(op->getOperand(0));
  else
    for (Value operand : op->getOperands())
      if (isShared(operand))
        width = std::max(width, nativeWidth(operand));
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(ring(operand, width));
  int64_t padValue = 0;
  if (auto pad = dyn_cast<fx::PadOp>(op))
    padValue = static_cast<int64_t>(pad.getValue());
  auto element = mpc::ArithType::get(builder_.getContext(), width);
  define(result, cloneStructure(builder_, op, "mpc", operands, element, padValue)->getResult(0));
}

void Lowering::lowerSum(Operation *op) {
  Value result = op->getResult(0);
  // No narrower than both operands are anyway: whoever made them wide had a reason.
  unsigned width = kMaxWidth;
  bool anyShared = false;
  for (Value operand : op->getOperands())
    if (isShared(operand)) {
      width = std::min(width, nativeWidth(operand));
      anyShared = true;
    }
  width = anyShared ? std::max(width, bits(result)) : bits(result);
  Value lhs = ring(op->getOperand(0), width);
  Value rhs = ring(op->getOperand(1), width);
  define(result, isa<fx::AddOp>(op) ? create<mpc::AddOp>(lhs.getType(), lhs, rhs).getResult()
                                    : create<mpc::SubOp>(lhs.getType(), lhs, rhs).getResult());
}

void Lowering::lowerNeg(fx::NegOp op) {
  Value input = ring(op.getInput(), std::max(nativeWidth(op.getInput()), bits(op.getResult())));
  define(op.getResult(), create<mpc::NegOp>(input.getType(), input));
}

void Lowering::lowerShiftLeft(fx::ShiftLeftOp op) {
  auto shift = static_cast<unsigned>(op.getShift());
  unsigned width =
      std::min({nativeWidth(op.getInput()) + shift, kMaxWidth,
                std::max(bits(op.getResult()), fx::fixedType(op.getResult()).getWidth())});
  // x * 2^shift modulo 2^width depends on the low bits of x only.
  unsigned from = std::min(nativeWidth(op.getInput()), width);
  Value input = ring(op.getInput(), from);
  define(op.getResult(), create<mpc::ShiftLeftOp>(arith(input, width), input, op.getShiftAttr()));
}

unsigned Lowering::consumerRing(Value value) const {
  if (auto found = consumerRings_.find(value); found != consumerRings_.end())
    return found->second;
  unsigned width = 0;
  for (Operation *user : value.getUsers()) {
    if (isa<fx::Conv2DOp, fx::MatMulOp, fx::MulOp>(user))
      width = std::max(width, productWidth(user->getResult(0)));
    else if (auto function = dyn_cast<fx::FunctionOp>(user))
      width = std::max(width, inputBits(functionFrom(function.getNumbers())));
    else if (isa<fx::AddOp, fx::SubOp, fx::NegOp, fx::AssumeOp>(user) || isStructure(user))
      width = std::max(width, consumerRing(user->getResult(0)));
  }
  consumerRings_[value] = width;
  return width;
}

unsigned Lowering::ringWithSlack(Value product, unsigned width) const {
  // More bits of a product cost more than an extension of its operands would save.
  constexpr unsigned kMaxMore = 4;
  unsigned wanted = width;
  for (Operation *user : product.getUsers()) {
    if (isa<fx::AddOp, fx::SubOp, fx::AssumeOp>(user) || isStructure(user)) {
      wanted = std::max(wanted, ringWithSlack(user->getResult(0), width));
    } else if (auto truncate = dyn_cast<fx::TruncateOp>(user)) {
      auto shift = static_cast<unsigned>(truncate.getShift());
      unsigned behind = consumerRing(truncate.getResult());
      if (shift < width && behind > width - shift)
        wanted = std::max(wanted, behind <= width + kMaxMore ? behind : 0);
      if (shift < width && behind > width - shift)
        wanted = std::max(wanted, range(user->getOperand(0)).signedBits() + 1);
    }
  }
  return std::min(wanted, kMaxWidth);
}

void Lowering::lowerTruncate(Operation *op, Value input, unsigned shift, fx::Rounding rounding) {
  Value result = op->getResult(0);
  if (shift == 0) {
    define(result, ring(input, nativeWidth(input)));
    return;
  }
  __int128 half = rounding == fx::Rounding::kNearest ? static_cast<__int128>(1) << (shift - 1) : 0;
  IntegerRange rounded = plus(range(input), half);
  unsigned width = nativeWidth(input);
  // The sum with the rounding constant must not wrap. Where the value fills its ring up to the
  // last half it does only if the quotient does not fit the result either, unless that is wider.
  bool quotientFits = range(result).fits(width - std::min(shift, width - 1)) && shift < width;
  bool unsignedFits = rounded.nonNegative() && rounded.high >> std::min(width, 127U) == 0;
  if (!rounded.fits(width) && !unsignedFits && !quotientFits)
    width = std::min(rounded.signedBits(), kMaxWidth);
  width = std::max(width, shift + 1);
  Value shares = ring(input, width);
  auto reduced =
      create<mpc::TruncateReduceOp>(arith(input, width - shift), shares, shift, rounding);
  mpc::Knowledge known = knowledgeOf(rounded, width);
  unsigned wanted = consumerRing(result);
  if (known != mpc::Knowledge::kGeneral && wanted > width - shift) {
    // What follows wants it wide: the wrap of a known sign is found beside the carry.
    auto same = create<mpc::TruncateOp>(shares.getType(), shares, shift, rounding, known);
    SmallVector<Operation *> grown;
    auto secondsTo = [&](Value from) {
      if (ringWidth(from) >= wanted)
        return 0.0;
      grown.push_back(extend(from, wanted, range(result)).getDefiningOp());
      return chooseRadix(grown.back(), times_);
    };
    double wide = chooseRadix(same, times_) + secondsTo(same.getResult());
    double narrow = chooseRadix(reduced, times_) + secondsTo(reduced.getResult());
    for (Operation *extension : grown)
      extension->erase();
    bool staysWide = wide < narrow;
    Operation *other = staysWide ? reduced.getOperation() : same.getOperation();
    define(result, staysWide ? same.getResult() : reduced.getResult());
    other->erase();
    return;
  }
  define(result, reduced.getResult());
}

namespace {

// The condition of `divide` (runtime/protocols/truncation.h) for y = x + half in the range.
bool divisionFits(const IntegerRange &y, __int128 divisor, unsigned width) {
  __int128 quarter = static_cast<__int128>(1) << (width - 2);
  __int128 offset = quarter / divisor * divisor;
  return divisor <= quarter && y.low >= -offset && y.high < 2 * quarter - offset;
}

} // namespace

void Lowering::lowerDivide(fx::DivideOp op) {
  auto divisor = static_cast<int64_t>(op.getDivisor());
  if ((divisor & (divisor - 1)) == 0) {
    unsigned shift = static_cast<unsigned>(llvm::Log2_64(static_cast<uint64_t>(divisor)));
    lowerTruncate(op, op.getInput(), shift, op.getRounding());
    return;
  }
  IntegerRange y =
      plus(range(op.getInput()), op.getRounding() == fx::Rounding::kNearest ? divisor / 2 : 0);
  unsigned width = std::max({bits(op.getInput()), y.signedBits(), 3U});
  while (width < kMaxWidth && !divisionFits(y, divisor, width))
    ++width;
  Value input = ring(op.getInput(), width);
  define(op.getResult(),
         create<mpc::DivideOp>(input.getType(), input, op.getDivisor(), op.getRounding()));
}

void Lowering::lowerReduceSum(Operation *op) {
  Value input = op->getOperand(0);
  Value result = op->getResult(0);
  unsigned width = std::max(nativeWidth(input), bits(result));
  Value shares = ring(input, width);
  OperationState state(location_, isa<fx::ReduceSumOp>(op) ? "mpc.reduce_sum" : "mpc.sum_pool2d",
                       shares, arith(result, width), op->getAttrs());
  define(result, builder_.create(state)->getResult(0));
}

} // namespace dyad
