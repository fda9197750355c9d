// SPDX-License-Identifier: Apache-2.0
// Softmax, normalisation and quotients, from nn to fx: the rows of a matrix, and the function of
// rows that stands for the operation over the integers that reach it.
#include "passes/numbers/converter.h"

#include "passes/approximation/rows.h"
#include "passes/numbers/integer_math.h"

#include <cmath>
#include <fmt/format.h>

using namespace mlir;

namespace dyad {

namespace {

using approximation::NormalizationRequest;
using approximation::Request;

// As for functions of one variable: what is tried, doubled until something is found.
constexpr double kWanted = 1;
constexpr double kWorst = 64;
constexpr unsigned kMaxBits = 62;

// Axes in front of those that make a row, in order, then these.
SmallVector<int64_t> rowsLast(int64_t rank, ArrayRef<int64_t> axes) {
  SmallVector<int64_t> permutation;
  for (int64_t axis = 0; axis < rank; ++axis)
    if (!llvm::is_contained(axes, axis))
      permutation.push_back(axis);
  permutation.append(axes.begin(), axes.end());
  return permutation;
}

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

int64_t elementsOf(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) {
  int64_t count = 1;
  for (int64_t axis : axes)
    count *= shape[static_cast<size_t>(axis)];
  return count;
}

// From integers at a scale to others at a scale, over a range; `units` are what is added to a
// bound.
Request requestFor(fx::FixedType from, const IntegerRange &range, unsigned width, int64_t fraction,
                   bool isTrial) {
  Request request;
  if (isTrial)
    request.effort = approximation::Effort::kFirst;
  request.inputBits = from.getWidth();
  request.inputScale = static_cast<unsigned>(from.getFraction());
  request.low = static_cast<int64_t>(range.low);
  // A row of equal numbers is one of two neighbours as well.
  request.high = static_cast<int64_t>(std::max(range.high, range.low + 1));
  request.outputBits = width;
  request.outputScale = static_cast<unsigned>(fraction);
  return request;
}

std::string keyOf(StringRef name, const Request &request) {
  return fmt::format("{} {} {} {} {} {} {} {}", name.str(), request.inputBits, request.inputScale,
                     request.low, request.high, request.outputBits, request.outputScale,
                     request.effort == approximation::Effort::kFirst);
}

} // namespace

Value Converter::toRows(Operation *op, Value value, ArrayRef<int64_t> axes) {
  const fx::FixedType fixed = fx::fixedType(value);
  SmallVector<int64_t> shape(typeOf(value).getShape());
  const SmallVector<int64_t> permutation = rowsLast(static_cast<int64_t>(shape.size()), axes);
  const int64_t columns = elementsOf(shape, axes);
  if (!llvm::is_sorted(permutation)) {
    const SmallVector<int64_t> before = shape;
    for (auto [axis, source] : llvm::enumerate(permutation))
      shape[axis] = before[static_cast<size_t>(source)];
    value = builder_.create<fx::TransposeOp>(op->getLoc(), RankedTensorType::get(shape, fixed),
                                             value, permutation);
  }
  const int64_t all = typeOf(value).getNumElements();
  return builder_.create<fx::ReshapeOp>(
      op->getLoc(), RankedTensorType::get({all / std::max<int64_t>(columns, 1), columns}, fixed),
      value);
}

Value Converter::fromRows(Operation *op, Value rows, ArrayRef<int64_t> axes) {
  const fx::FixedType fixed = fx::fixedType(rows);
  const ArrayRef<int64_t> result = typeOf(op->getResult(0)).getShape();
  const SmallVector<int64_t> permutation = rowsLast(static_cast<int64_t>(result.size()), axes);
  SmallVector<int64_t> shape(result.size()), inverse(result.size());
  for (auto [axis, source] : llvm::enumerate(permutation)) {
    shape[axis] = result[static_cast<size_t>(source)];
    inverse[static_cast<size_t>(source)] = static_cast<int64_t>(axis);
  }
  Value value =
      builder_.create<fx::ReshapeOp>(op->getLoc(), RankedTensorType::get(shape, fixed), rows);
  if (llvm::is_sorted(permutation))
    return value;
  return builder_.create<fx::TransposeOp>(op->getLoc(), RankedTensorType::get(result, fixed), value,
                                          inverse);
}

bool Converter::isForRows(Operation *op, StringRef name, fx::FixedType from, int64_t fraction,
                          unsigned width) {
  if (from.getFraction() >= 0 && fraction >= 0 && width <= kMaxBits && from.getWidth() <= kMaxBits)
    return true;
  fail(op, fmt::format("{} of numbers of {} bits, {} of them after the point, to {} bits, {} "
                       "after the point; at most {} bits and no negative scale are possible",
                       name.str(), from.getWidth(), from.getFraction(), width, fraction, kMaxBits));
  return false;
}

const RowFunction *Converter::fittedRows(Operation *op, StringRef name, const std::string &key,
                                         double wanted, const FitRows &fit) {
  auto [known, isNew] = fitted_.rows.try_emplace(key);
  for (double maxUlp = wanted; isNew && !known->second && maxUlp <= kWorst * wanted; maxUlp *= 2)
    known->second = fit(maxUlp);
  if (known->second)
    return &*known->second;
  fail(op, fmt::format("{} over the range of its operand has no fixed-point form that is precise "
                       "enough; narrow the range with --calibrate or --input-range, or use a "
                       "smaller scale",
                       name.str()));
  return nullptr;
}

void Converter::finishRows(Operation *op, StringRef name, const RowFunction &f, Value rows,
                           Value divisor, ArrayRef<int64_t> axes, int64_t fraction, Format format) {
  const fx::Owner owner =
      divisor ? fx::join(fx::fixedType(rows).getOwner(), fx::fixedType(divisor).getOwner())
              : fx::fixedType(rows).getOwner();
  Value value = builder_.create<fx::RowsOp>(op->getLoc(), type(rows, format.width, fraction, owner),
                                            rows, divisor, name, numbersOf(f));
  if (!format.assumed) {
    format.assumed = format.range;
    format.kind = fx::RangeKind::kProved;
  }
  finish(op, fromRows(op, value, axes), format, fraction == scales_.fraction(op->getResult(0)));
}

void Converter::convertSoftmax(nn::SoftmaxOp op) {
  const bool isLog = op.getLog();
  const char *name = isLog ? "log_softmax" : "softmax";
  const Number x = settled(op.getInput());
  const fx::FixedType from = fx::fixedType(x.value);
  const int64_t axis = static_cast<int64_t>(op.getAxis());
  const int64_t columns = typeOf(x.value).getDimSize(static_cast<unsigned>(axis));
  const int64_t fraction = isLog ? from.getFraction() : scales_.fraction(op.getResult());
  // An error of a unit on either side, and another for the rounding.
  constexpr __int128 kSlack = 2;
  const __int128 one = static_cast<__int128>(1) << std::clamp<int64_t>(fraction, 0, kMaxBits);
  IntegerRange proved{0, one + kSlack};
  if (isLog)
    proved = {clampedInteger(x.range.low - x.range.high) -
                  static_cast<__int128>(std::ceil(std::ldexp(std::log(static_cast<double>(columns)),
                                                             static_cast<int>(fraction)))) -
                  kSlack,
              kSlack};
  const Format chosen = format(op, proved, fraction, isLog ? Stage::kAccumulator : Stage::kResult);
  if (!isForRows(op, name, from, fraction, chosen.width))
    return;
  Request request = requestFor(from, x.range, chosen.width, fraction, choices_.isTrial);
  request.inputBits =
      std::max(request.inputBits,
               IntegerRange{x.range.low - x.range.high, x.range.high - x.range.low}.signedBits());
  if (isLog)
    request.inputBits = std::max(request.inputBits, chosen.width);
  const auto fit = [&](double maxUlp) -> std::optional<RowFunction> {
    request.maxUlp = maxUlp;
    if (request.inputBits > kMaxBits)
      return std::nullopt;
    if (!isLog) {
      auto found = approximation::approximateSoftmax(static_cast<unsigned>(columns), request);
      return found ? std::optional<RowFunction>(found->function) : std::nullopt;
    }
    auto found = approximation::approximateLogSoftmax(static_cast<unsigned>(columns), request);
    return found ? std::optional<RowFunction>(found->function) : std::nullopt;
  };
  const std::string key = fmt::format("{} of {}", keyOf(name, request), columns);
  if (const RowFunction *f = fittedRows(op, name, key, kWanted, fit))
    finishRows(op, name, *f, toRows(op, x.value, axis), Value(), axis, fraction, chosen);
}

void Converter::convertNormalize(nn::NormalizeOp op) {
  constexpr const char *kName = "normalize";
  const Number x = settled(op.getInput());
  const fx::FixedType from = fx::fixedType(x.value);
  const ArrayRef<int64_t> axes = op.getAxes();
  const int64_t columns = elementsOf(typeOf(x.value).getShape(), axes);
  const int64_t fraction = scales_.fraction(op.getResult());
  // What is the square root of the mean of columns squares is at least the largest one's share.
  const auto bound =
      static_cast<__int128>(
          std::ceil(std::ldexp(std::sqrt(static_cast<double>(columns)),
                               static_cast<int>(std::clamp<int64_t>(fraction, 0, kMaxBits))))) +
      2;
  const Format chosen = format(op, {-bound, bound}, fraction, Stage::kResult);
  if (!isForRows(op, kName, from, fraction, chosen.width))
    return;
  if (op.getCenter() && columns == 1) { // what is its own mean
    Value zero = builder_.create<fx::SubOp>(
        op.getLoc(), type(x.value, chosen.width, from.getFraction(), from.getOwner()), x.value,
        x.value);
    Format none = chosen;
    none.range = {0, 0};
    return finish(op, zero, none, fraction == from.getFraction());
  }
  NormalizationRequest wanted;
  wanted.columns = static_cast<unsigned>(columns);
  wanted.epsilon = op.getEpsilon().convertToDouble();
  wanted.subtractMean = op.getCenter();
  if (op.getLeastVariance()) {
    wanted.leastVariance = op.getLeastVariance()->convertToDouble();
    wanted.mostVariance = op.getMostVariance()->convertToDouble();
  }
  Request request = requestFor(from, x.range, chosen.width, fraction, choices_.isTrial);
  // Numbers of little variance: no more than what rounding them has cost already.
  const double steepest = 1 / std::sqrt(wanted.leastVariance + wanted.epsilon);
  const double rounding = std::ldexp(steepest / 2, static_cast<int>(fraction) - from.getFraction());
  const auto fit = [&](double maxUlp) -> std::optional<RowFunction> {
    request.maxUlp = maxUlp;
    auto found = approximation::approximateNormalization(wanted, request);
    return found ? std::optional<RowFunction>(found->function) : std::nullopt;
  };
  const std::string key =
      fmt::format("{} of {}, {} {} {} {}", keyOf(kName, request), columns, wanted.epsilon,
                  wanted.subtractMean, wanted.leastVariance, wanted.mostVariance);
  if (const RowFunction *f = fittedRows(op, kName, key, std::max(kWanted, rounding), fit))
    finishRows(op, kName, *f, toRows(op, x.value, axes), Value(), axes, fraction, chosen);
}

// One reciprocal for all numbers with the same divisor: those along the axes that the divisor was
// repeated over.
void Converter::convertQuotient(nn::DivOp op) {
  constexpr const char *kName = "quotient";
  if (isConstant(op.getLhs()) || isConstant(op.getRhs()))
    return fail(op, "quotients with a constant are products in fixed point; it needs the pass "
                    "simplify-arithmetic");
  Number a = settled(op.getLhs());
  Value divisor = op.getRhs();
  SmallVector<int64_t> axes;
  const ArrayRef<int64_t> shape = typeOf(op.getResult()).getShape();
  if (auto repeated = divisor.getDefiningOp<nn::BroadcastOp>()) {
    divisor = repeated.getInput();
    const ArrayRef<int64_t> once = typeOf(divisor).getShape();
    const size_t missing = shape.size() - once.size();
    for (size_t axis = 0; axis < shape.size(); ++axis)
      if (shape[axis] != 1 && (axis < missing || once[axis - missing] == 1))
        axes.push_back(static_cast<int64_t>(axis));
  }
  Number b = settled(divisor);
  if (b.range.low <= 0 && b.range.high >= 0) {
    const double unit = std::ldexp(1.0, -fx::fixedType(b.value).getFraction());
    return fail(op,
                fmt::format("quotients by a value in [{:.6g}, {:.6g}], which includes zero; add "
                            "a small constant in the model, or declare its range",
                            static_cast<double>(b.range.low) * unit,
                            static_cast<double>(b.range.high) * unit));
  }
  auto negate = [&](Number &number) {
    const fx::FixedType fixed = fx::fixedType(number.value);
    number.range = negated(number.range);
    number.value = builder_.create<fx::NegOp>(
        op.getLoc(),
        type(number.value, std::max(fixed.getWidth(), number.range.signedBits()),
             fixed.getFraction(), fixed.getOwner()),
        number.value);
  };
  if (b.range.high < 0) {
    negate(a);
    negate(b);
  }
  const int64_t fraction = scales_.fraction(op.getResult());
  // As integers the quotient has the difference of the fractions; a divisor of few is widened.
  auto scaleOf = [&] {
    return fraction + fx::fixedType(b.value).getFraction() - fx::fixedType(a.value).getFraction();
  };
  if (const int64_t missing =
          std::max(-scaleOf(), -static_cast<int64_t>(fx::fixedType(b.value).getFraction()));
      missing > 0) {
    const fx::FixedType fixed = fx::fixedType(b.value);
    b.range = rescaled(b.range, -missing);
    b.value = builder_.create<fx::ShiftLeftOp>(
        op.getLoc(),
        type(b.value, std::min(fixed.getWidth() + static_cast<unsigned>(missing), 64U),
             fixed.getFraction() + missing, fixed.getOwner()),
        b.value, static_cast<uint64_t>(missing));
  }
  const auto magnitude = static_cast<double>(std::max(-a.range.low, a.range.high));
  const auto most = static_cast<__int128>(
                        std::min(std::ceil(std::ldexp(magnitude / static_cast<double>(b.range.low),
                                                      static_cast<int>(scaleOf()))),
                                 0x1p+80)) +
                    2;
  const Format chosen = format(op, {-most, most}, fraction, Stage::kResult);
  if (!isForRows(op, kName, fx::fixedType(b.value), scaleOf(), chosen.width))
    return;
  Request request =
      requestFor(fx::fixedType(b.value), b.range, chosen.width, scaleOf(), choices_.isTrial);
  const auto numerator = static_cast<int64_t>(
      std::max<__int128>({-a.range.low, a.range.high, static_cast<__int128>(1)}));
  // Ring of the divisor: its sign is known.
  request.inputBits = std::max(request.inputBits, b.range.signedBits());
  const auto fit = [&](double maxUlp) -> std::optional<RowFunction> {
    request.maxUlp = maxUlp;
    auto found = approximation::approximateQuotient(numerator, request);
    return found ? std::optional<RowFunction>(found->function) : std::nullopt;
  };
  const std::string key = fmt::format("{} of {}", keyOf(kName, request), numerator);
  if (const RowFunction *f = fittedRows(op, kName, key, kWanted, fit))
    finishRows(op, kName, *f, toRows(op, a.value, axes), toRows(op, b.value, {}), axes, fraction,
               chosen);
}

} // namespace dyad
