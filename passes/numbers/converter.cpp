// SPDX-License-Identifier: Apache-2.0
// Formats: what range a value has, which width that asks for, where fraction bits are given up. The
// operations themselves are in convert_operations.cpp and convert_linear.cpp.
#include "passes/numbers/converter.h"

#include "passes/numbers/integer_math.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <fmt/format.h>

using namespace mlir;

namespace dyad {
namespace {

// Whether a consumer compares elements of the value with each other: then their differences should
// fit the type, which saves an extension before the comparison.
bool isCompared(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    if (auto reduce = dyn_cast<nn::ReduceOp>(user))
      return reduce.getKind() == nn::ReduceKind::kMax || reduce.getKind() == nn::ReduceKind::kMin;
    if (isa<nn::MaxPool2DOp, nn::MaxOp, nn::MinOp, nn::ArgMaxOp, nn::SoftmaxOp>(user))
      return true;
    return (isStructure(user) || isa<nn::AssumeOp, nn::RoundOp>(user)) &&
           isCompared(user->getResult(0));
  });
}

unsigned widthFor(const IntegerRange &range, bool compared) {
  IntegerRange needed = compared ? hull(range, difference(range, range)) : range;
  return std::max(2U, needed.signedBits());
}

IntegerRange signedRange(unsigned width) {
  __int128 end = static_cast<__int128>(1) << (width - 1);
  return {-end, end - 1};
}

// The operation whose number a value is: through assumptions and moves of elements.
Operation *origin(Value value) {
  Operation *op = value.getDefiningOp();
  while (isa<nn::AssumeOp>(op) || (isStructure(op) && op->getNumOperands() == 1))
    op = op->getOperand(0).getDefiningOp();
  return op;
}

constexpr unsigned kMaxWidth = 64;

} // namespace

Converter::Converter(func::FuncOp function, const SymbolTable &symbols, ScaleGroups &scales,
                     const NodeKeys &keys, Quantiser &quantiser, const NumbersConfig &config,
                     const NumberChoices &choices, FittedFunctions &fitted)
    : function_(function), symbols_(symbols), scales_(scales), keys_(keys), quantiser_(quantiser),
      config_(config), choices_(choices),
      ranges_(/*strict=*/false,
              [this](fx::ConstantOp constant) { return quantiser_.integersBehind(constant); },
              /*composes=*/!choices.isTrial),
      tracker_(ranges_), builder_(function.getContext(), &tracker_), fitted_(fitted) {}

void Converter::Tracker::notifyOperationInserted(Operation *op, OpBuilder::InsertPoint) {
  if (!isa<fx::Conv2DOp, fx::MatMulOp>(op))
    ranges.visit(op);
}

bool Converter::run() {
  std::vector<Operation *> operations;
  for (Operation &op : function_.getBody().front())
    if (op.getName().getDialectNamespace() == "nn")
      operations.push_back(&op);
  for (Operation *op : operations) {
    if (keys_.choosesScale(op)) // looked up by ScaleGroups
      used_.insert({nodeName(op).str() + "/scale",
                    NumbersConfig::nodeKey(nodeName(op), keys_.index(op)) + "/scale"});
    builder_.setInsertionPoint(op);
    // What depends on a failed operation is not reported again.
    bool known = llvm::all_of(op->getOperands(), [&](Value operand) {
      return isConstant(operand) || numbers_.contains(operand);
    });
    if (known)
      convert(op);
  }
  return ok_;
}

void Converter::fail(Operation *op, const std::string &message) {
  op->emitError(message);
  ok_ = false;
}

void Converter::convert(Operation *op) {
  bool onConstantsOnly = op->getNumOperands() > 0 &&
                         llvm::all_of(op->getOperands(), [&](Value v) { return isConstant(v); });
  if (isa<nn::ConstantOp>(op) ||
      (onConstantsOnly &&
       isConstant(op->getResults().empty() ? op->getOperand(0) : op->getResult(0)) &&
       !isa<nn::OutputOp, nn::SetStateOp>(op)))
    return; // quantised where it is used
  if (isStructure(op))
    return convertStructure(op);
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](nn::InputOp input) { convertInput(input); })
      .Case([&](nn::OutputOp output) { convertOutput(output); })
      .Case([&](nn::StateOp state) { convertState(state); })
      .Case([&](nn::SetStateOp set) { convertSetState(set); })
      .Case([&](nn::AssumeOp assume) { convertAssume(assume); })
      .Case<nn::AddOp, nn::SubOp>([&](auto) { convertSum(op); })
      .Case<nn::MinOp, nn::MaxOp>([&](auto) { convertExtremum(op); })
      .Case([&](nn::MulOp mul) { convertProduct(mul); })
      .Case<nn::NegOp, nn::AbsOp, nn::ReluOp>([&](auto) { convertSign(op); })
      .Case([&](nn::SignedReluOp relu) { convertSignedRelu(relu); })
      .Case([&](nn::ClipOp clip) { convertClip(clip); })
      .Case<nn::LeakyReluOp, nn::PReluOp>([&](auto) { convertSlope(op); })
      .Case([&](nn::Conv2DOp conv) { convertConvolution(conv); })
      .Case([&](nn::MatMulOp matmul) { convertMatMul(matmul); })
      .Case([&](nn::MaxPool2DOp pool) { convertMaxPool(pool); })
      .Case([&](nn::AveragePool2DOp pool) { convertAveragePool(pool); })
      .Case([&](nn::ReduceOp reduce) { convertReduce(reduce); })
      .Case([&](nn::ArgMaxOp argMax) { convertArgMax(argMax); })
      .Case([&](nn::StepOp step) { convertStep(step); })
      .Case([&](nn::RoundOp round) { convertRound(round); })
      .Case([&](nn::FunctionOp function) { convertFunction(function); })
      .Case([&](nn::SoftmaxOp softmax) { convertSoftmax(softmax); })
      .Case([&](nn::NormalizeOp norm) { convertNormalize(norm); })
      .Case([&](nn::DivOp div) { convertQuotient(div); })
      .Case([&](nn::BatchNormOp) {
        fail(op, "batch normalisation has no fixed-point form of its own; it needs the pass "
                 "fold-batch-norm, and constant parameters");
      })
      .Default([&](Operation *) { fail(op, "has no fixed-point form"); });
}

bool Converter::isConstant(Value value) const {
  return constantWeight(value, symbols_) != nullptr &&
         cast<RankedTensorType>(value.getType()).getElementType().isF32();
}

bool Converter::hasOneUser(Value value) {
  while (value.hasOneUse() && isa<nn::AssumeOp>(*value.user_begin()))
    value = value.user_begin()->getResult(0);
  return value.hasOneUse();
}

//===--- configuration
//--------------------------------------------------------------------------===//

NodeNumbers Converter::configured(Operation *op) {
  return config_.node(nodeName(op), keys_.index(op));
}

void Converter::consulted(Operation *op, const char *key, int64_t chosen) {
  std::string name = NumbersConfig::nodeKey(nodeName(op), keys_.index(op));
  used_.insert(name + "/" + key);
  used_.insert(nodeName(op).str() + "/" + key);
  if (nodeName(op).empty())
    return;
  NodeNumbers &entry = chosen_.nodes[name];
  StringRef which(key);
  if (which == "scale")
    entry.scale = chosen;
  else if (which == "bitwidth")
    entry.bitwidth = chosen;
  else if (which == "accumulator_bitwidth")
    entry.accumulatorBitwidth = chosen;
  else if (which == "weight_scale")
    entry.weightScale = chosen;
  else
    entry.weightBitwidth = chosen;
}

bool Converter::reportUnusedEntries() {
  for (const auto &[name, numbers] : config_.nodes) {
    auto check = [&, &node = name](bool given, const char *key) {
      if (!given || used_.count(node + "/" + key) != 0)
        return;
      function_.emitError(fmt::format("configuration: node '{}' has no {} of its own; set it at "
                                      "the node that computes its input, or leave it out",
                                      node, key));
      ok_ = false;
    };
    check(numbers.scale.has_value(), "scale");
    check(numbers.bitwidth.has_value(), "bitwidth");
    check(numbers.accumulatorBitwidth.has_value(), "accumulator_bitwidth");
    check(numbers.weightScale.has_value(), "weight_scale");
    check(numbers.weightBitwidth.has_value(), "weight_bitwidth");
    check(numbers.channelShifts.has_value(), kChannelShifts);
  }
  return ok_;
}

//===--- formats
//--------------------------------------------------------------------------------===//

RankedTensorType Converter::type(Value shapeOf, unsigned width, int64_t fraction,
                                 fx::Owner owner) const {
  auto fixed = fx::FixedType::get(builder_.getContext(), /*isSigned=*/true, width,
                                  static_cast<int>(fraction), owner);
  return RankedTensorType::get(cast<RankedTensorType>(shapeOf.getType()).getShape(), fixed);
}

std::optional<IntegerRange> Converter::assumption(Value value, int64_t fraction,
                                                  fx::RangeKind &kind) const {
  auto assume = value.hasOneUse() ? dyn_cast<nn::AssumeOp>(*value.user_begin()) : nn::AssumeOp();
  if (!assume)
    return std::nullopt;
  kind = assume.getKind() == "declared" ? fx::RangeKind::kDeclared : fx::RangeKind::kCalibrated;
  double low = assume.getLow().convertToDouble();
  double high = assume.getHigh().convertToDouble();
  // Outwards to a power of two of the scale that the value will have after rescaling, less one
  // unit: then the rescaled value, rounded to nearest, is within the same power of two. Symmetric,
  // so that a negation fits too.
  int64_t base = std::min(fraction, scales_.fraction(value));
  double magnitude = std::ldexp(std::max(std::abs(low), std::abs(high)), static_cast<int>(base));
  int64_t bits = 1;
  while (bits < 99 && std::ldexp(1.0, static_cast<int>(bits)) - 1 < magnitude)
    ++bits;
  __int128 bound = ((static_cast<__int128>(1) << bits) - 1);
  bound = clampedProduct(bound, static_cast<__int128>(1) << std::min<int64_t>(fraction - base, 90));
  // A positive value keeps its distance from zero, which functions may ask for.
  __int128 least = 0;
  if (double units = std::ldexp(low, static_cast<int>(fraction)); low > 0 && units >= 1)
    least = static_cast<__int128>(1) << std::min(std::ilogb(units), 90);
  return IntegerRange{low >= 0 ? least : -bound, high <= 0 ? 0 : bound};
}

Converter::Format Converter::format(Operation *op, IntegerRange proved, int64_t fraction,
                                    Stage stage, bool isIntermediate) {
  Value result = op->getResult(0);
  NodeNumbers numbers = configured(op);
  const char *key = stage == Stage::kResult ? "bitwidth" : "accumulator_bitwidth";
  std::optional<int64_t> fixed =
      stage == Stage::kResult ? numbers.bitwidth : numbers.accumulatorBitwidth;
  if (stage == Stage::kAccumulator && !fixed && numbers.bitwidth)
    // Wide enough for whatever fits the result's width after losing the extra fraction bits.
    fixed = std::min<int64_t>(
        *numbers.bitwidth + std::max<int64_t>(0, fraction - scales_.fraction(result)), kMaxWidth);
  Format format;
  if (fixed) {
    // Nothing but the configuration decides, so that models with other weights get the same types.
    format.width = static_cast<unsigned>(*fixed);
    format.range = signedRange(format.width);
    format.assumed = format.range;
    format.kind = fx::RangeKind::kDeclared;
    consulted(op, key, format.width);
    return format;
  }
  format.range = proved;
  if (auto assumed = assumption(result, fraction, format.kind);
      assumed && !isIntermediate && !contains(*assumed, proved)) {
    format.range = cut(proved, *assumed);
    format.assumed = assumed;
  }
  unsigned needed = widthFor(format.range, stage == Stage::kResult && isCompared(result));
  if (int64_t lost = fraction - scales_.fraction(result);
      stage == Stage::kAccumulator && !isIntermediate && lost > 0) {
    // Losing bits makes the ring narrower by as many: what is left should be wide enough.
    unsigned behind = widthFor(rescaled(format.range, lost), isCompared(result));
    needed = std::max(needed, behind + static_cast<unsigned>(lost));
  }
  format.needed = needed;
  format.width = choices_.bitwidth ? static_cast<unsigned>(*choices_.bitwidth) : needed;
  if (format.width > kMaxWidth) {
    fail(op, fmt::format("needs {} bits, more than the 64 of the widest number; give it a smaller "
                         "scale or weight_scale in a --config file, or a smaller --headroom",
                         needed));
    format.width = kMaxWidth;
  }
  IntegerRange fits = signedRange(format.width);
  if (format.range.low > fits.high || format.range.high < fits.low)
    fail(op, fmt::format("is known to overflow {} bits; it needs {}", format.width, needed));
  if (format.assumed) {
    format.assumed = cut(*format.assumed, fits);
  } else if (!contains(fits, format.range)) {
    format.assumed = fits; // who gives a width says so
    format.kind = fx::RangeKind::kDeclared;
  }
  format.range = cut(format.range, fits);
  consulted(op, key, format.width);
  return format;
}

Bounds Converter::bounds(const Number &number) const {
  Bounds bounds = ranges_.bounds().at(number.value);
  for (FloatRange &range : bounds.each)
    if (FloatRange both = intersection(range, floatsAround(number.range)); both.low <= both.high)
      range = both;
  return bounds;
}

Bounds Converter::constantBounds(Value value, int64_t fraction) const {
  Operation *op = value.getDefiningOp();
  if (isa<nn::ConstantOp>(op))
    return BoundsMap::ofConstant(cast<RankedTensorType>(value.getType()).getShape(),
                                 quantiser_.integersAt(value, fraction));
  const Bounds input = constantBounds(op->getOperand(0), fraction);
  return BoundsMap::moved(op, {&input}, 0);
}

Value Converter::assumed(Value value, const IntegerRange &range, fx::RangeKind kind) {
  return builder_.create<fx::AssumeOp>(value.getLoc(), value.getType(), value,
                                       static_cast<uint64_t>(range.low),
                                       static_cast<uint64_t>(range.high), kind);
}

Value Converter::assumed(Value value, const Format &format) {
  return format.assumed ? assumed(value, *format.assumed, format.kind) : value;
}

void Converter::finish(Operation *op, Value value, const Format &format, bool settled) {
  numbers_[op->getResult(0)] = {assumed(value, format), format.range, settled};
}

Converter::Number Converter::raw(Value value) { return numbers_.lookup(value); }

Converter::Number Converter::settled(Value value) {
  Number number = raw(value);
  if (number.settled)
    return number;
  if (auto found = settled_.find(value); found != settled_.end())
    return found->second;
  fx::FixedType from = fx::fixedType(number.value);
  int64_t fraction = scales_.fraction(value);
  Operation *op = origin(value);
  consulted(op, "scale", fraction);
  IntegerRange range = rescaled(number.range, from.getFraction() - fraction);
  NodeNumbers numbers = configured(op);
  unsigned needed = widthFor(range, isCompared(value));
  unsigned width = numbers.bitwidth    ? static_cast<unsigned>(*numbers.bitwidth)
                   : choices_.bitwidth ? static_cast<unsigned>(*choices_.bitwidth)
                                       : needed;
  if (width > kMaxWidth) {
    fail(op, fmt::format("needs {} bits at {} fraction bits; give it a smaller scale", needed,
                         fraction));
    width = kMaxWidth;
  }
  consulted(op, "bitwidth", width);
  const IntegerRange fits = signedRange(width);
  const bool isGiven = numbers.bitwidth || !contains(fits, range);
  range = numbers.bitwidth ? fits : cut(range, fits);
  Number result{number.value, range, true};
  RankedTensorType to = type(value, width, fraction, from.getOwner());
  if (to != number.value.getType()) {
    OpBuilder::InsertionGuard guard(builder_);
    builder_.setInsertionPointAfterValue(number.value);
    Value input = number.value;
    // Who gives a width says that the number fits it.
    IntegerRange held = cut(rangeOf(from), beforeRescaling(fits, from.getFraction() - fraction));
    if (isGiven && held != rangeOf(from))
      input = assumed(input, held, fx::RangeKind::kDeclared);
    result.value = builder_.create<fx::RequantizeOp>(number.value.getLoc(), to, input);
  }
  settled_[value] = result;
  return result;
}

int64_t Converter::weightFraction(Operation *op, Value value) {
  const int64_t fraction = choices_.weightBits - integerBits(quantiser_.magnitude(value));
  // Weights so tiny that their products are nothing beside what else the result is made of (a bias)
  // do not ask for the bits that would tell them from zero.
  constexpr int64_t kUsual = 40, kBehindResult = 36;
  int64_t most = kUsual;
  for (Value operand : op->getOperands())
    if (!isConstant(operand))
      most = std::max(most, scales_.fraction(op->getResult(0)) - scales_.fraction(operand) +
                                kBehindResult);
  return std::min(fraction, most);
}

FixedConstant Converter::weight(Operation *op, Value value) {
  NodeNumbers numbers = configured(op);
  int64_t fraction = numbers.weightScale          ? *numbers.weightScale
                     : quantiser_.areSigns(value) ? 0 // a choice of elements
                     : choices_.weightScale       ? *choices_.weightScale
                                                  : weightFraction(op, value);
  unsigned needed = std::max(2U, quantiser_.rangeAt(value, fraction).signedBits());
  if (quantiser_.rangeAt(value, fraction) == IntegerRange{0, 0} &&
      quantiser_.magnitude(value) > 0 && !choices_.isTrial)
    op->emitWarning(fmt::format("all its weights round to zero at {} fraction bits: the largest is "
                                "{:.3g}; --weight-scale auto gives such weights their own scale",
                                fraction, quantiser_.magnitude(value)));
  unsigned width = needed;
  // With a scale from a configuration, the width must not depend on the values: room for -8 to 8.
  constexpr int64_t kIntegerBits = 4;
  if (numbers.weightBitwidth)
    width = static_cast<unsigned>(*numbers.weightBitwidth);
  else if (numbers.weightScale && config_.weightWidths == WeightWidths::kFixed)
    width = static_cast<unsigned>(std::clamp<int64_t>(fraction + kIntegerBits, 2, kMaxWidth));
  if (needed > width || needed > kMaxWidth - 1) {
    fail(op, fmt::format("weights at {} fraction bits need {} bits, not {}; set weight_bitwidth in "
                         "the configuration, or a smaller weight_scale",
                         fraction, needed, width));
    width = std::min(needed, kMaxWidth);
  }
  consulted(op, "weight_scale", fraction);
  consulted(op, "weight_bitwidth", width);
  return quantiser_.constant(builder_, value, fraction, width);
}

FixedConstant Converter::addend(Operation *op, Value value, int64_t fraction,
                                const Format &format) {
  unsigned needed = quantiser_.rangeAt(value, fraction).signedBits();
  NodeNumbers numbers = configured(op);
  bool isConfigured = numbers.bitwidth || numbers.accumulatorBitwidth;
  if (needed > 63 ||
      (needed > format.width && (isConfigured || (choices_.bitwidth && !choices_.areChecked))))
    fail(op, fmt::format("adds constants, and needs {} bits at {} fraction bits, not {}; use more "
                         "bits, or a smaller scale or weight scale",
                         std::max(needed, format.needed), fraction, format.width));
  return quantiser_.constant(builder_, value, fraction,
                             std::min(kMaxWidth, std::max(needed, format.width)));
}

} // namespace dyad
