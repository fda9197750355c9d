// SPDX-License-Identifier: Apache-2.0
#include "passes/numbers/quantiser.h"

#include "ir/weights.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace dyad {
namespace {

std::vector<float> valuesOf(nn::WeightOp weight) {
  return weight && weight.getValue() ? floatValues(*weight.getValue()) : std::vector<float>();
}

std::vector<int64_t> rounded(const std::vector<float> &values, int64_t fraction) {
  std::vector<int64_t> integers(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    integers[i] = roundedAt(values[i], fraction);
  return integers;
}

IntegerRange rangeOfIntegers(const std::vector<int64_t> &integers) {
  if (integers.empty())
    return {0, 0};
  auto [low, high] = std::minmax_element(integers.begin(), integers.end());
  return {*low, *high};
}

// Kernels of a convolution: neighbouring pixels are much the same, so that what counts most is the
// sum of a kernel's errors. It is kept below half a unit, by rounding some weights the other way,
// those that are nearest to the middle; what is left goes to the filter's next kernel. None takes
// more bits than the widest does by itself: weights that only stand in another order have one
// width.
std::vector<int64_t> roundedKernels(const std::vector<float> &values, int64_t fraction,
                                    size_t kernel, size_t filter) {
  std::vector<int64_t> integers = rounded(values, fraction);
  const int64_t end = int64_t{1} << (rangeOfIntegers(integers).signedBits() - 1);
  std::vector<std::pair<double, size_t>> errors(kernel);
  double carried = 0;
  for (size_t start = 0; start + kernel <= values.size(); start += kernel) {
    if (start % filter == 0)
      carried = 0;
    for (size_t i = 0; i < kernel; ++i) {
      double exact = std::ldexp(values[start + i], static_cast<int>(fraction));
      errors[i] = {exact - static_cast<double>(integers[start + i]), start + i};
      carried += errors[i].first;
    }
    auto steps = static_cast<int64_t>(std::round(carried));
    std::sort(errors.begin(), errors.end());
    const int64_t step = steps > 0 ? 1 : -1;
    for (size_t k = 0; k < kernel && steps != 0; ++k) {
      int64_t &integer = integers[errors[steps > 0 ? kernel - 1 - k : k].second];
      if (integer + step < -end || integer + step >= end)
        continue;
      integer += step;
      carried -= static_cast<double>(step);
      steps -= step;
    }
  }
  return integers;
}

std::vector<int64_t> integersOf(nn::WeightOp weight, int64_t fraction) {
  std::vector<float> values = valuesOf(weight);
  ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
  if (shape.size() != 4 || values.empty())
    return rounded(values, fraction);
  auto kernel = static_cast<size_t>(shape[2] * shape[3]);
  return roundedKernels(values, fraction, kernel, kernel * static_cast<size_t>(shape[1]));
}

} // namespace

int64_t roundedAt(double x, int64_t fraction) {
  double scaled = std::round(std::ldexp(x, static_cast<int>(fraction)));
  return static_cast<int64_t>(std::clamp(scaled, -0x1p62, 0x1p62));
}

double Quantiser::magnitude(Value value) const {
  double largest = 0;
  for (float x : valuesOf(constantWeight(value, symbols_)))
    largest = std::max(largest, std::abs(static_cast<double>(x)));
  return largest;
}

std::optional<int64_t> Quantiser::exactFraction(Value value) const {
  nn::WeightOp weight = constantWeight(value, symbols_);
  if (!weight || !weight.getIsPublic())
    return std::nullopt;
  int64_t fraction = 0;
  for (float x : valuesOf(weight)) {
    int exponent = 0;
    if (std::frexp(std::abs(x), &exponent) != 0.5)
      return std::nullopt;
    fraction = std::max<int64_t>(fraction, 1 - exponent);
  }
  return fraction;
}

bool Quantiser::areSigns(Value value) const {
  return llvm::all_of(valuesOf(constantWeight(value, symbols_)),
                      [](float x) { return x == 0 || std::abs(x) == 1; });
}

std::vector<int64_t> Quantiser::integersAt(Value value, int64_t fraction) const {
  return integersOf(constantWeight(value, symbols_), fraction);
}

IntegerRange Quantiser::rangeAt(Value value, int64_t fraction) const {
  return rangeOfIntegers(rounded(valuesOf(constantWeight(value, symbols_)), fraction));
}

Value Quantiser::reference(OpBuilder &builder, Location location, std::string name,
                           fx::FixedType type, ArrayRef<int64_t> shape,
                           std::vector<int64_t> integers) {
  std::tuple key(name, type.getFraction(), type.getWidth());
  auto [found, isNew] = known_.try_emplace(key, weights_.size());
  if (isNew) {
    // The same weight in another format is a weight of its own.
    std::string symbol;
    do {
      unsigned use = uses_[name]++;
      symbol = use == 0 ? name : name + "." + std::to_string(use);
    } while (bySymbol_.contains(symbol));
    bySymbol_[symbol] = weights_.size();
    weights_.push_back({symbol, RankedTensorType::get(shape, type), std::move(integers), location});
  }
  const Weight &weight = weights_[found->second];
  return builder.create<fx::ConstantOp>(location, weight.type, weight.name);
}

FixedConstant Quantiser::constant(OpBuilder &builder, Value value, int64_t fraction,
                                  unsigned width) {
  Operation *op = value.getDefiningOp();
  if (!isa<nn::ConstantOp>(op)) {
    FixedConstant input = constant(builder, op->getOperand(0), fraction, width);
    Type element = cast<RankedTensorType>(input.value.getType()).getElementType();
    Operation *moved = cloneStructure(builder, op, "fx", input.value, element);
    return {moved->getResult(0), input.range, {}};
  }
  nn::WeightOp weight = constantWeight(value, symbols_);
  std::vector<int64_t> integers = integersOf(weight, fraction);
  auto type =
      fx::FixedType::get(builder.getContext(), /*isSigned=*/true, width, static_cast<int>(fraction),
                         weight.getIsPublic() ? fx::Owner::kPublic : fx::Owner::kServer);
  Value result = reference(builder, weight.getLoc(), weight.getSymName().str(), type,
                           cast<RankedTensorType>(weight.getType()).getShape(), integers);
  IntegerRange range = rangeOfIntegers(integers);
  return {result, range, std::move(integers)};
}

FixedConstant Quantiser::publicConstant(OpBuilder &builder, Location location, StringRef suffix,
                                        ArrayRef<int64_t> shape,
                                        const std::vector<int64_t> &integers, int64_t fraction) {
  IntegerRange range = rangeOfIntegers(integers);
  auto type =
      fx::FixedType::get(builder.getContext(), /*isSigned=*/true, std::max(2U, range.signedBits()),
                         static_cast<int>(fraction), fx::Owner::kPublic);
  std::string name = (nodeName(location) + "." + suffix).str();
  // Never the symbol of a weight of the model, nor of another node's constant.
  auto taken = [&](const std::string &symbol) {
    return symbols_.lookup(symbol) != nullptr || bySymbol_.contains(symbol);
  };
  std::string symbol = name;
  for (unsigned k = 1; taken(symbol); ++k)
    symbol = name + "." + std::to_string(k);
  return {reference(builder, location, symbol, type, shape, integers), range, integers};
}

std::vector<int64_t> Quantiser::integersBehind(fx::ConstantOp constant) const {
  auto known = bySymbol_.find(constant.getWeight());
  return known == bySymbol_.end() ? std::vector<int64_t>() : weights_[known->second].integers;
}

void Quantiser::insertWeights() {
  OpBuilder builder(module_.getContext());
  builder.setInsertionPointToStart(module_.getBody());
  for (const Weight &weight : weights_) {
    auto type = cast<fx::FixedType>(weight.type.getElementType());
    builder.create<fx::WeightOp>(
        weight.location, builder.getStringAttr(weight.name), TypeAttr::get(weight.type),
        makeIntegerValue(weight.type.getShape(), weight.integers, type.getWidth(),
                         builder.getContext(), weight.name));
  }
}

} // namespace dyad
