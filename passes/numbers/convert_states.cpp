// SPDX-License-Identifier: Apache-2.0
// States: what a run leaves for the next one has the integers, width and fraction of what it reads.
#include "passes/numbers/converter.h"

#include "ir/state.h"
#include "ir/weights.h"
#include "passes/numbers/integer_math.h"

#include <cmath>
#include <fmt/format.h>

using namespace mlir;

namespace dyad {
namespace {

// Symmetric around zero and up to a power of two, as assumptions are: a type ends there anyway, and
// rounding cannot leave it.
IntegerRange outwards(double low, double high, int64_t fraction) {
  double magnitude =
      std::ldexp(std::max(std::abs(low), std::abs(high)), static_cast<int>(fraction));
  int64_t bits = 1;
  while (bits < 99 && std::ldexp(1.0, static_cast<int>(bits)) - 1 < magnitude)
    ++bits;
  __int128 bound = (static_cast<__int128>(1) << bits) - 1;
  return {low >= 0 ? 0 : -bound, high <= 0 ? 0 : bound};
}

fx::RangeKind kindNamed(StringRef name) {
  return fx::symbolizeRangeKind(name).value_or(fx::RangeKind::kCalibrated);
}

} // namespace

void Converter::convertState(nn::StateOp op) {
  std::string name = op.getName().str();
  NodeNumbers numbers = config_.input(name);
  int64_t fraction = scales_.fraction(op.getResult());
  IntegerRange range;
  fx::RangeKind kind = fx::RangeKind::kDeclared;
  std::optional<int64_t> fixed = numbers.bitwidth ? numbers.bitwidth : choices_.bitwidth;
  if (numbers.low) {
    range = {roundedAt(*numbers.low, fraction), roundedAt(*numbers.high, fraction)};
  } else if (numbers.bitwidth && (!op.getLow() || *op.getKind() != "declared")) {
    // Nothing but the configuration decides, so that models with other weights get the same types.
    __int128 end = static_cast<__int128>(1) << (*numbers.bitwidth - 1);
    range = {-end, end - 1};
  } else if (op.getLow()) {
    double low = op.getLow()->convertToDouble();
    double high = op.getHigh()->convertToDouble();
    kind = kindNamed(*op.getKind());
    range = kind == fx::RangeKind::kDeclared
                ? IntegerRange{roundedAt(low, fraction), roundedAt(high, fraction)}
                : outwards(low, high, fraction);
  } else {
    return fail(op, fmt::format("state '{}' has no range; declare it with --input-range {}=LO,HI, "
                                "or run calibrate-ranges",
                                name, name));
  }
  unsigned needed = std::max(2U, range.signedBits());
  unsigned width = fixed ? static_cast<unsigned>(*fixed) : needed;
  if (width < needed || needed > 63)
    return fail(op, fmt::format("state '{}' needs {} bits at {} fraction bits, not {}; use a "
                                "smaller scale, or more bits",
                                name, needed, fraction, std::min(width, 63U)));
  ElementsAttr initial;
  if (op.getInitial()) {
    std::vector<int64_t> integers;
    for (float value : floatValues(*op.getInitial()))
      integers.push_back(roundedAt(value, fraction));
    for (int64_t value : integers)
      if (value < range.low || value > range.high)
        return fail(op, fmt::format("state '{}' starts outside its range", name));
    auto shape = cast<RankedTensorType>(op.getResult().getType()).getShape();
    initial = DenseElementsAttr::get(RankedTensorType::get(shape, builder_.getI64Type()),
                                     ArrayRef<int64_t>(integers));
  }
  NodeNumbers &chosen = chosen_.inputs[name];
  chosen.scale = fraction;
  chosen.bitwidth = width;
  chosen.low = std::ldexp(static_cast<double>(range.low), static_cast<int>(-fraction));
  chosen.high = std::ldexp(static_cast<double>(range.high), static_cast<int>(-fraction));
  auto state = builder_.create<fx::StateOp>(
      op.getLoc(), type(op.getResult(), width, fraction, fx::Owner::kShared),
      builder_.getStringAttr(name), initial);
  auto assume = builder_.create<fx::AssumeOp>(op.getLoc(), state.getResult().getType(),
                                              state.getResult(), static_cast<uint64_t>(range.low),
                                              static_cast<uint64_t>(range.high), kind);
  numbers_[op.getResult()] = {assume.getResult(), range, true};
  states_[name] = {assume, range};
}

void Converter::convertSetState(nn::SetStateOp op) {
  auto found = states_.find(op.getName().str());
  if (found == states_.end())
    return; // refused already
  auto [read, range] = found->second;
  fx::FixedType type = fx::fixedType(read.getResult());
  Number number;
  if (isConstant(op.getValue())) {
    FixedConstant constant =
        quantiser_.constant(builder_, op.getValue(), type.getFraction(), type.getWidth());
    number = {constant.value, constant.range, true};
  } else {
    number = settled(op.getValue());
  }
  if (!contains(range, number.range)) {
    // What the next run relies on: checked by `reference`, and listed by the manifest.
    IntegerRange both = cut(range, number.range);
    if (!contains(range, both))
      return fail(op, fmt::format("state '{}' leaves its range", op.getName().str()));
    if (read.getKind() == fx::RangeKind::kProved)
      read.setKind(fx::RangeKind::kCalibrated);
    number.value = builder_.create<fx::AssumeOp>(op.getLoc(), number.value.getType(), number.value,
                                                 static_cast<uint64_t>(both.low),
                                                 static_cast<uint64_t>(both.high), read.getKind());
  }
  fx::FixedType own = fx::fixedType(number.value);
  if (own.getWidth() != type.getWidth())
    number.value = builder_.create<fx::ResizeOp>(
        op.getLoc(),
        RankedTensorType::get(cast<RankedTensorType>(op.getValue().getType()).getShape(),
                              own.withWidth(type.getWidth())),
        number.value);
  builder_.create<fx::SetStateOp>(op.getLoc(), op.getNameAttr(), number.value);
}

} // namespace dyad
