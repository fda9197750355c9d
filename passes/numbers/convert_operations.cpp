// SPDX-License-Identifier: Apache-2.0
// Inputs, outputs, and the operations without products, from nn to fx.
#include "passes/numbers/converter.h"

#include "passes/numbers/integer_math.h"

#include <cmath>
#include <fmt/format.h>

using namespace mlir;

namespace dyad {
namespace {

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

fx::Owner ownerOf(Value value) { return fx::fixedType(value).getOwner(); }

// The same integers in at least `width` bits.
Value widened(OpBuilder &builder, Value value, unsigned width) {
  auto tensor = cast<RankedTensorType>(value.getType());
  fx::FixedType type = fx::fixedType(value);
  if (type.getWidth() == width)
    return value;
  return builder.create<fx::ResizeOp>(
      value.getLoc(), RankedTensorType::get(tensor.getShape(), type.withWidth(width)), value);
}

} // namespace

//===--- inputs, outputs, assumptions
//-----------------------------------------------------------===//

void Converter::convertInput(nn::InputOp op) {
  std::string name = op.getName().str();
  Value result = op.getResult();
  if (!cast<RankedTensorType>(result.getType()).getElementType().isF32())
    return fail(op, fmt::format("input '{}' is not of floats; fix its value with --set", name));
  NodeNumbers numbers = config_.input(name);
  int64_t fraction = scales_.fraction(result);
  double unit = std::ldexp(1.0, static_cast<int>(-fraction));
  std::optional<unsigned> width;
  if (numbers.bitwidth)
    width = static_cast<unsigned>(*numbers.bitwidth);
  else if (choices_.bitwidth)
    width = static_cast<unsigned>(*choices_.bitwidth);
  IntegerRange fits = width ? IntegerRange{-(static_cast<__int128>(1) << (*width - 1)),
                                           (static_cast<__int128>(1) << (*width - 1)) - 1}
                            : IntegerRange{-kFarInteger, kFarInteger};
  fx::RangeKind kind = fx::RangeKind::kDeclared;
  double low = 0;
  double high = 0;
  bool declared = true;
  if (numbers.low) {
    low = *numbers.low;
    high = *numbers.high;
  } else if (op.getLow() && op.getHigh()) {
    low = op.getLow()->convertToDouble();
    high = op.getHigh()->convertToDouble();
  } else if (numbers.bitwidth) {
    low = static_cast<double>(fits.low) * unit;
    high = static_cast<double>(fits.high) * unit;
  } else if (auto assumed = assumption(result, fraction, kind)) {
    IntegerRange range = cut(*assumed, fits);
    low = static_cast<double>(range.low) * unit;
    high = static_cast<double>(range.high) * unit;
    declared = false;
  } else {
    return fail(op, fmt::format("input '{}' has no range; declare it with --input-range, or run "
                                "calibrate-ranges",
                                name));
  }
  if (declared)
    kind = fx::RangeKind::kDeclared;
  IntegerRange range{roundedAt(low, fraction), roundedAt(high, fraction)};
  unsigned needed = std::max(2U, range.signedBits());
  if (width && needed > *width)
    return fail(op, fmt::format("input '{}' in [{}, {}] needs {} bits at {} fraction bits, not {}",
                                name, low, high, needed, fraction, *width));
  if (needed > 63)
    return fail(op, fmt::format("input '{}' needs {} bits at {} fraction bits; use a smaller scale",
                                name, needed, fraction));
  NodeNumbers &chosen = chosen_.inputs[name];
  chosen.scale = fraction;
  chosen.bitwidth = width.value_or(needed);
  chosen.low = low;
  chosen.high = high;
  if (auto shifts = op->getAttrOfType<DenseI64ArrayAttr>(kChannelShifts))
    chosen.channelShifts = std::vector<int64_t>(shifts.asArrayRef());
  Value value = builder_.create<fx::InputOp>(
      op.getLoc(), type(result, width.value_or(needed), fraction, fx::ownerNamed(op.getOwner())),
      name, APFloat(low), APFloat(high), kind);
  numbers_[result] = {value, range, true};
}

void Converter::convertAssume(nn::AssumeOp op) {
  if (isConstant(op.getInput()))
    return;
  Number number = raw(op.getInput());
  // Where it is the only consumer, its range went into the operand's format already, if that is of
  // an operation that has one, and no other is given.
  if (!op.getInput().hasOneUse() || op->hasAttr(kRequired)) {
    double low = op.getLow().convertToDouble();
    double high = op.getHigh().convertToDouble();
    int fraction = fx::fixedType(number.value).getFraction();
    IntegerRange range =
        cut(number.range, {roundedAt(low, fraction) - 1, roundedAt(high, fraction) + 1});
    auto kind = op.getKind() == "declared" ? fx::RangeKind::kDeclared : fx::RangeKind::kCalibrated;
    number.value = builder_.create<fx::AssumeOp>(op.getLoc(), number.value.getType(), number.value,
                                                 static_cast<uint64_t>(range.low),
                                                 static_cast<uint64_t>(range.high), kind);
    number.range = range;
  }
  numbers_[op.getResult()] = number;
}

void Converter::convertOutput(nn::OutputOp op) {
  Value value;
  bool integer = !cast<RankedTensorType>(op.getValue().getType()).getElementType().isF32();
  if (isConstant(op.getValue())) {
    constexpr int64_t kConstantBits = 24; // of a float
    int64_t fraction = choices_.weightScale
                           ? *choices_.weightScale
                           : kConstantBits - integerBits(quantiser_.magnitude(op.getValue()));
    unsigned width = std::max(2U, quantiser_.rangeAt(op.getValue(), fraction).signedBits());
    value = quantiser_.constant(builder_, op.getValue(), fraction, width).value;
  } else {
    value = settled(op.getValue()).value;
  }
  fx::Owner receiver =
      op.getReveal() == "both" ? fx::Owner::kPublic : fx::ownerNamed(op.getReveal());
  if (ownerOf(value) != receiver && ownerOf(value) != fx::Owner::kPublic) {
    auto tensor = cast<RankedTensorType>(value.getType());
    value = builder_.create<fx::RevealOp>(
        op.getLoc(),
        RankedTensorType::get(tensor.getShape(), fx::fixedType(value).withOwner(receiver)), value);
  }
  builder_.create<fx::OutputOp>(op.getLoc(), op.getNameAttr(), value,
                                integer ? builder_.getUnitAttr() : UnitAttr(), op.getLabelsAttr(),
                                op.getNamesAttr());
}

//===--- moves of elements
//----------------------------------------------------------------------===//

void Converter::convertStructure(Operation *op) {
  Value result = op->getResult(0);
  if (op->getNumOperands() == 1 && !isa<nn::PadOp>(op)) {
    Value operand = op->getOperand(0);
    // Rounding can wait where it is not done more often for it.
    bool waits =
        hasOneUser(operand) && cast<RankedTensorType>(result.getType()).getNumElements() <=
                                   cast<RankedTensorType>(operand.getType()).getNumElements();
    Number number = waits ? raw(operand) : settled(operand);
    Type element = cast<RankedTensorType>(number.value.getType()).getElementType();
    number.value = cloneStructure(builder_, op, "fx", number.value, element)->getResult(0);
    numbers_[result] = number;
    return;
  }
  int64_t fraction = scales_.fraction(result);
  if (auto pad = dyn_cast<nn::PadOp>(op)) {
    Number number = settled(pad.getInput());
    const double value = pad.getValue().convertToDouble();
    int64_t padding = roundedAt(value, fraction);
    IntegerRange range = hull(number.range, {padding, padding});
    fx::FixedType element = fx::fixedType(number.value);
    unsigned width = std::max(element.getWidth(), range.signedBits());
    // Beyond 2^61 it would not be what it was.
    constexpr double kMostPadding = 0x1p61;
    if (std::abs(std::ldexp(value, static_cast<int>(fraction))) > kMostPadding ||
        (choices_.bitwidth && width > element.getWidth()))
      return fail(op, fmt::format("padding with {:g} at {} fraction bits needs more than {} bits; "
                                  "pad with a value near those of the tensor",
                                  value, fraction, choices_.bitwidth ? element.getWidth() : 62));
    Value wide = widened(builder_, number.value, width);
    Operation *moved = cloneStructure(builder_, op, "fx", wide, element.withWidth(width), padding);
    numbers_[result] = {moved->getResult(0), range, true};
    return;
  }
  // Concat: parts of one width. Parts of several owners are padded with zeros to the result's shape
  // and added, since the parts of a tensor share its owner.
  std::vector<Number> parts;
  unsigned width = 2;
  for (Value operand : op->getOperands()) {
    if (isConstant(operand)) {
      IntegerRange range = quantiser_.rangeAt(operand, fraction);
      unsigned bits = std::max(2U, range.signedBits());
      parts.push_back({quantiser_.constant(builder_, operand, fraction, bits).value, range, true});
    } else {
      parts.push_back(settled(operand));
    }
    width = std::max(width, fx::fixedType(parts.back().value).getWidth());
  }
  IntegerRange range = parts.front().range;
  fx::Owner owner = fx::Owner::kPublic;
  bool sameOwner = true;
  for (Number &part : parts) {
    range = hull(range, part.range);
    owner = fx::join(owner, ownerOf(part.value));
    sameOwner &= ownerOf(part.value) == ownerOf(parts.front().value);
    part.value = widened(builder_, part.value, width);
  }
  if (sameOwner) {
    std::vector<Value> values;
    for (const Number &part : parts)
      values.push_back(part.value);
    Type element = cast<RankedTensorType>(values.front().getType()).getElementType();
    numbers_[result] = {cloneStructure(builder_, op, "fx", values, element)->getResult(0), range,
                        true};
    return;
  }
  auto axis = static_cast<size_t>(cast<nn::ConcatOp>(op).getAxis());
  std::vector<int64_t> low(shapeOf(result).size(), 0);
  std::vector<int64_t> high(low);
  std::vector<int64_t> interior(low);
  high[axis] = shapeOf(result)[axis];
  Value sum;
  for (const Number &part : parts) {
    int64_t size = shapeOf(part.value)[axis];
    high[axis] -= size;
    Value padded = builder_.create<fx::PadOp>(
        op->getLoc(), type(result, width, fraction, ownerOf(part.value)), part.value,
        builder_.getDenseI64ArrayAttr(low), builder_.getDenseI64ArrayAttr(high),
        builder_.getDenseI64ArrayAttr(interior), builder_.getI64IntegerAttr(0));
    low[axis] += size;
    sum = sum ? builder_.create<fx::AddOp>(
                    op->getLoc(),
                    type(result, width, fraction, fx::join(ownerOf(sum), ownerOf(padded))), sum,
                    padded)
              : padded;
    // At each place all but one of them are zero.
    sum = assumed(sum, withZero(range), fx::RangeKind::kProved);
  }
  numbers_[result] = {sum, withZero(range), true};
}

//===--- elementwise
//----------------------------------------------------------------------------===//

void Converter::convertSum(Operation *op) {
  bool subtracts = isa<nn::SubOp>(op);
  Value operands[2] = {op->getOperand(0), op->getOperand(1)};
  int constantIndex = isConstant(operands[0]) ? 0 : isConstant(operands[1]) ? 1 : -1;
  Number numbers[2];
  bool keepsRaw = false;
  if (constantIndex < 0 && scales_.isOnlyRounded(op->getResult(0))) {
    // One rounding of the whole sum: operands keep their fractions, and get the longer one.
    int fraction = 0;
    for (unsigned i = 0; i < 2; ++i) {
      numbers[i] = raw(operands[i]);
      fraction = std::max(fraction, fx::fixedType(numbers[i].value).getFraction());
    }
    for (Number &number : numbers)
      number = lengthened(op, number, fraction);
    keepsRaw = true;
  } else if (constantIndex < 0) {
    numbers[0] = settled(operands[0]);
    numbers[1] = settled(operands[1]);
  } else {
    // An added constant joins the product before it loses fraction bits.
    Value other = operands[1 - constantIndex];
    keepsRaw = !raw(other).settled && hasOneUser(other);
    numbers[1 - constantIndex] = keepsRaw ? raw(other) : settled(other);
    int fraction = fx::fixedType(numbers[1 - constantIndex].value).getFraction();
    numbers[constantIndex].range = quantiser_.rangeAt(operands[constantIndex], fraction);
  }
  int variable = constantIndex == 0 ? 1 : 0;
  fx::FixedType variableType = fx::fixedType(numbers[variable].value);
  IntegerRange proved =
      sumOf(numbers[0].range, subtracts ? negated(numbers[1].range) : numbers[1].range);
  auto known = [&](int i) {
    return i == constantIndex ? constantBounds(operands[i], variableType.getFraction())
                              : bounds(numbers[i]);
  };
  proved = cut(proved,
               integersWithin(ranges_.bounds().sum(known(0), known(1), subtracts ? -1 : 1).hull()));
  Format chosen = format(op, proved, variableType.getFraction(),
                         keepsRaw ? Stage::kAccumulator : Stage::kResult);
  if (constantIndex >= 0)
    numbers[constantIndex].value =
        addend(op, operands[constantIndex], variableType.getFraction(), chosen).value;
  fx::Owner owner = fx::join(ownerOf(numbers[0].value), ownerOf(numbers[1].value));
  RankedTensorType to = type(op->getResult(0), chosen.width, variableType.getFraction(), owner);
  Value value =
      subtracts ? builder_.create<fx::SubOp>(op->getLoc(), to, numbers[0].value, numbers[1].value)
                      .getResult()
                : builder_.create<fx::AddOp>(op->getLoc(), to, numbers[0].value, numbers[1].value)
                      .getResult();
  finish(op, value, chosen, !keepsRaw);
}

Converter::Number Converter::lengthened(Operation *op, const Number &number, int fraction) {
  fx::FixedType from = fx::fixedType(number.value);
  if (from.getFraction() == fraction)
    return number;
  IntegerRange range = rescaled(number.range, from.getFraction() - fraction);
  unsigned width = choices_.bitwidth ? static_cast<unsigned>(*choices_.bitwidth)
                                     : std::max(2U, range.signedBits());
  Value value = builder_.create<fx::RequantizeOp>(
      op->getLoc(), type(number.value, width, fraction, from.getOwner()), number.value);
  return {value, range, number.settled};
}

void Converter::convertExtremum(Operation *op) {
  bool largest = isa<nn::MaxOp>(op);
  int64_t fraction = scales_.fraction(op->getResult(0));
  std::vector<Number> numbers;
  for (Value operand : op->getOperands()) {
    if (isConstant(operand)) {
      IntegerRange range = quantiser_.rangeAt(operand, fraction);
      unsigned width = std::max(2U, range.signedBits());
      numbers.push_back(
          {quantiser_.constant(builder_, operand, fraction, width).value, range, true});
    } else {
      numbers.push_back(settled(operand));
    }
  }
  auto [a, b] = std::pair(numbers[0].range, numbers[1].range);
  IntegerRange proved = largest ? IntegerRange{std::max(a.low, b.low), std::max(a.high, b.high)}
                                : IntegerRange{std::min(a.low, b.low), std::min(a.high, b.high)};
  Format chosen = format(op, proved, fraction, Stage::kResult);
  fx::Owner owner = fx::join(ownerOf(numbers[0].value), ownerOf(numbers[1].value));
  RankedTensorType to = type(op->getResult(0), chosen.width, fraction, owner);
  Value value =
      largest ? builder_.create<fx::MaxOp>(op->getLoc(), to, numbers[0].value, numbers[1].value)
                    .getResult()
              : builder_.create<fx::MinOp>(op->getLoc(), to, numbers[0].value, numbers[1].value)
                    .getResult();
  finish(op, value, chosen, true);
}

void Converter::convertSign(Operation *op) {
  Number number = settled(op->getOperand(0));
  fx::FixedType from = fx::fixedType(number.value);
  IntegerRange range = number.range;
  Value result = op->getResult(0);
  if (isa<nn::ReluOp>(op)) {
    range = {std::max<__int128>(range.low, 0), std::max<__int128>(range.high, 0)};
    Value value = builder_.create<fx::ReluOp>(op->getLoc(), number.value.getType(), number.value);
    numbers_[result] = {value, range, true};
    return;
  }
  bool negates = isa<nn::NegOp>(op);
  range = negates ? negated(range) : hull(withZero(range), withZero(negated(range)));
  if (!negates)
    range.low = 0;
  Format chosen = format(op, range, from.getFraction(), Stage::kResult);
  RankedTensorType to = type(result, chosen.width, from.getFraction(), from.getOwner());
  Value value = negates ? builder_.create<fx::NegOp>(op->getLoc(), to, number.value).getResult()
                        : builder_.create<fx::AbsOp>(op->getLoc(), to, number.value).getResult();
  finish(op, value, chosen, true);
}

// relu(-x) = relu(x) - x, where the sign is -1: one bit, so that the product needs no truncation.
void Converter::convertSignedRelu(nn::SignedReluOp op) {
  Number number = settled(op.getInput());
  fx::FixedType from = fx::fixedType(number.value);
  FixedConstant sign = quantiser_.constant(builder_, op.getSign(), /*fraction=*/0, /*width=*/1);
  const IntegerRange x = number.range;
  const IntegerRange selected = hull(withZero(negated(x)), {0, 0});
  IntegerRange proved{0, std::max<__int128>({x.high, -x.low, 0})};
  Format chosen = format(op, proved, from.getFraction(), Stage::kResult);
  auto typeOf = [&](unsigned width) {
    return type(op.getResult(), width, from.getFraction(),
                fx::join(from.getOwner(), ownerOf(sign.value)));
  };
  Value positive = builder_.create<fx::ReluOp>(op.getLoc(), number.value.getType(), number.value);
  Value product = builder_.create<fx::MulOp>(
      op.getLoc(), typeOf(std::max(2U, selected.signedBits())), number.value, sign.value);
  Value sum = builder_.create<fx::AddOp>(op.getLoc(), typeOf(chosen.width), positive, product);
  proved = cut(proved, chosen.range);
  Value value = assumed(sum, proved, chosen.assumed ? chosen.kind : fx::RangeKind::kProved);
  numbers_[op.getResult()] = {value, proved, true};
}

void Converter::convertClip(nn::ClipOp op) {
  Number number = settled(op.getInput());
  fx::FixedType from = fx::fixedType(number.value);
  auto bound = [&](std::optional<APFloat> value, __int128 absent) {
    __int128 integer = value ? roundedAt(value->convertToDouble(), from.getFraction()) : absent;
    return static_cast<int64_t>(std::clamp(integer, from.lowest(), from.highest()));
  };
  int64_t low = bound(op.getLow(), from.lowest());
  int64_t high = bound(op.getHigh(), from.highest());
  if (low > high)
    return fail(op, "needs a lower bound that is not above the upper one");
  auto clipped = [&](__int128 x) { return std::clamp<__int128>(x, low, high); };
  Value value =
      builder_.create<fx::ClipOp>(op.getLoc(), number.value.getType(), number.value,
                                  static_cast<uint64_t>(low), static_cast<uint64_t>(high));
  numbers_[op.getResult()] = {value, {clipped(number.range.low), clipped(number.range.high)}, true};
}

// Of the number as it is: a sign needs no other scale.
void Converter::convertStep(nn::StepOp op) {
  Number number = raw(op.getInput());
  constexpr unsigned kBits = 2; // a signed number that is 0 or 1
  Value value = builder_.create<fx::StepOp>(op.getLoc(),
                                            type(op.getResult(), kBits, 0, ownerOf(number.value)),
                                            number.value, op.getStrict());
  numbers_[op.getResult()] = {value, {0, 1}, true};
}

//===--- pooling and reductions
//-----------------------------------------------------------------===//

void Converter::convertMaxPool(nn::MaxPool2DOp op) {
  Number number = settled(op.getInput());
  fx::FixedType from = fx::fixedType(number.value);
  Value value = builder_.create<fx::MaxPool2DOp>(
      op.getLoc(), type(op.getResult(), from.getWidth(), from.getFraction(), from.getOwner()),
      number.value, op.getKernelAttr(), op.getStridesAttr(), op.getPadsAttr(),
      op.getDilationsAttr());
  numbers_[op.getResult()] = {value, number.range, true};
}

void Converter::divide(Operation *op, Value sum, IntegerRange range, int64_t divisor) {
  fx::FixedType from = fx::fixedType(sum);
  Format chosen = format(op, roundedQuotient(range, divisor), from.getFraction(), Stage::kResult);
  Value value = sum;
  if (divisor != 1)
    value = builder_.create<fx::DivideOp>(
        op->getLoc(), type(op->getResult(0), chosen.width, from.getFraction(), from.getOwner()),
        sum, static_cast<uint64_t>(divisor), fx::Rounding::kNearest);
  finish(op, value, chosen, true);
}

void Converter::convertAveragePool(nn::AveragePool2DOp op) {
  Number number = settled(op.getInput());
  fx::FixedType from = fx::fixedType(number.value);
  Value result = op.getResult();
  ArrayRef<int64_t> in = shapeOf(op.getInput());
  ArrayRef<int64_t> out = shapeOf(result);
  ArrayRef<int64_t> kernel = op.getKernel();
  // Elements of each window along one axis that the divisor counts.
  auto counts = [&](size_t axis) {
    int64_t padLow = op.getPads()[axis];
    int64_t padHigh = op.getPads()[axis + 2];
    int64_t first = op.getCountIncludePad() ? -padLow : 0;
    int64_t last = in[axis + 2] + (op.getCountIncludePad() ? padHigh : 0);
    std::vector<int64_t> result;
    for (int64_t i = 0; i < out[axis + 2]; ++i) {
      int64_t count = 0;
      for (int64_t k = 0; k < kernel[axis]; ++k) {
        int64_t position = i * op.getStrides()[axis] - padLow + k * op.getDilations()[axis];
        count += position >= first && position < last ? 1 : 0;
      }
      result.push_back(std::max<int64_t>(count, 1));
    }
    return result;
  };
  std::vector<int64_t> rows = counts(0);
  std::vector<int64_t> columns = counts(1);
  std::vector<int64_t> pads(op.getPads());
  pads[2] += op.getCeilPads()[0];
  pads[3] += op.getCeilPads()[1];
  bool padded = llvm::any_of(pads, [](int64_t pad) { return pad != 0; });
  IntegerRange sum =
      scaledBy(padded ? withZero(number.range) : number.range, kernel[0] * kernel[1]);
  Format accumulator = format(op, sum, from.getFraction(), Stage::kAccumulator, true);
  Value value = builder_.create<fx::SumPool2DOp>(
      op.getLoc(), type(result, accumulator.width, from.getFraction(), from.getOwner()),
      number.value, op.getKernelAttr(), op.getStridesAttr(), builder_.getDenseI64ArrayAttr(pads),
      op.getDilationsAttr());
  value = assumed(value, accumulator);
  auto same = [](const std::vector<int64_t> &list) {
    return llvm::all_of(list, [&](int64_t x) { return x == list.front(); });
  };
  if (rows.empty() || columns.empty() || (same(rows) && same(columns))) {
    int64_t divisor = rows.empty() || columns.empty() ? 1 : rows.front() * columns.front();
    divide(op, value, accumulator.range, divisor);
    return;
  }
  // Divisors differ at the border: a product with public reciprocals, one rounding in all.
  constexpr int64_t kReciprocalBits = 14;
  std::vector<int64_t> reciprocals;
  for (int64_t plane = 0; plane < out[0] * out[1]; ++plane)
    for (int64_t row : rows)
      for (int64_t column : columns)
        reciprocals.push_back(roundedAt(1.0 / static_cast<double>(row * column), kReciprocalBits));
  FixedConstant factor = quantiser_.publicConstant(builder_, op.getLoc(), "reciprocals", out,
                                                   reciprocals, kReciprocalBits);
  Format product;
  product.range = productOf(accumulator.range, factor.range);
  product.width = choices_.bitwidth ? static_cast<unsigned>(*choices_.bitwidth)
                                    : std::max(2U, product.range.signedBits());
  if (auto fixed = configured(op).accumulatorBitwidth; fixed && !choices_.bitwidth)
    product.width = std::min(64U, static_cast<unsigned>(*fixed) + 14);
  IntegerRange fits{-(static_cast<__int128>(1) << (product.width - 1)),
                    (static_cast<__int128>(1) << (product.width - 1)) - 1};
  if (!contains(fits, product.range)) {
    product.assumed = product.range = cut(product.range, fits);
    product.kind = fx::RangeKind::kDeclared;
  }
  Value mean = builder_.create<fx::MulOp>(
      op.getLoc(),
      type(result, product.width, from.getFraction() + kReciprocalBits, from.getOwner()), value,
      factor.value);
  finish(op, mean, product, false);
}

void Converter::convertReduce(nn::ReduceOp op) {
  Number number = settled(op.getInput());
  fx::FixedType from = fx::fixedType(number.value);
  Value result = op.getResult();
  nn::ReduceKind kind = op.getKind();
  RankedTensorType same = type(result, from.getWidth(), from.getFraction(), from.getOwner());
  if (kind == nn::ReduceKind::kMax || kind == nn::ReduceKind::kMin) {
    Value value =
        kind == nn::ReduceKind::kMax
            ? builder_.create<fx::ReduceMaxOp>(op.getLoc(), same, number.value, op.getAxesAttr())
                  .getResult()
            : builder_.create<fx::ReduceMinOp>(op.getLoc(), same, number.value, op.getAxesAttr())
                  .getResult();
    numbers_[result] = {value, number.range, true};
    return;
  }
  int64_t terms = 1;
  for (int64_t axis : op.getAxes())
    terms *= shapeOf(op.getInput())[static_cast<size_t>(axis)];
  IntegerRange term = number.range;
  Value input = number.value;
  if (kind == nn::ReduceKind::kL1) {
    term = {0, std::max(-number.range.low, number.range.high)};
    unsigned width = std::max(from.getWidth(), term.signedBits());
    if (choices_.bitwidth || configured(op).bitwidth)
      width = from.getWidth();
    input = builder_.create<fx::AbsOp>(
        op.getLoc(), type(input, width, from.getFraction(), from.getOwner()), input);
    if (term.signedBits() > width) {
      term.high = (static_cast<__int128>(1) << (width - 1)) - 1;
      input = assumed(input, term, fx::RangeKind::kDeclared);
    }
  }
  IntegerRange sum =
      cut(scaledBy(term, terms),
          integersWithin(ranges_.bounds()
                             .reduced(bounds({input, term}), shapeOf(op.getInput()), op.getAxes())
                             .hull()));
  bool isMean = kind == nn::ReduceKind::kMean;
  // A sum of halvings keeps all its bits: products read it as it is.
  const auto halvings = static_cast<int64_t>(op.getHalvings());
  const int64_t fraction = from.getFraction() + halvings;
  Format accumulator = format(op, sum, fraction, Stage::kAccumulator, isMean);
  Value value = builder_.create<fx::ReduceSumOp>(
      op.getLoc(), type(result, accumulator.width, fraction, from.getOwner()), input,
      op.getAxesAttr());
  if (isMean)
    divide(op, assumed(value, accumulator), accumulator.range, terms);
  else
    finish(op, value, accumulator, halvings > 0 || scales_.fraction(result) == fraction);
}

void Converter::convertArgMax(nn::ArgMaxOp op) {
  Number number = settled(op.getInput());
  int64_t size = shapeOf(op.getInput())[static_cast<size_t>(op.getAxis())];
  unsigned width = 1;
  while ((static_cast<int64_t>(1) << width) < size)
    ++width;
  auto element =
      fx::FixedType::get(op.getContext(), /*isSigned=*/false, width, 0, ownerOf(number.value));
  Value value = builder_.create<fx::ArgMaxOp>(
      op.getLoc(), RankedTensorType::get(shapeOf(op.getResult()), element), number.value,
      op.getAxisAttr(), op.getLastAttr());
  numbers_[op.getResult()] = {value, {0, std::max<int64_t>(size - 1, 0)}, true};
}

} // namespace dyad
