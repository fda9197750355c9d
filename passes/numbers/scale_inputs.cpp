// SPDX-License-Identifier: Apache-2.0
// The pass scale-inputs: features of an input, each brought to the size of the largest by a power
// of two of its own, at the client and before anything is shared; the first layer's weights take
// the powers back.
#include "passes/numbers/passes.h"

#include "ir/nn/nn.h"
#include "ir/weights.h"
#include "passes/numbers/config.h"

#include "mlir/IR/SymbolTable.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_SCALEINPUTS
#include "passes/numbers/passes.h.inc"

namespace {

constexpr int64_t kLeastShift = 2; // less is not worth a product
constexpr int64_t kMostShift = 20; // what is tinier still counts as this
constexpr int64_t kMostElements = 4096;
// Bits that each feature keeps free beside the calibrated head-room of all: a pixel at the edge
// that was dark on all samples may be bright on the next one, and would be refused.
constexpr int64_t kHeadroom = 3;

// The weights that read an input, if it is read by products with private ones of their own only.
SmallVector<nn::WeightOp> weightsBehind(nn::InputOp input, func::FuncOp function,
                                        const SymbolTable &symbols) {
  auto type = cast<RankedTensorType>(input.getType());
  if (input.getOwner() != "client" || !type.getElementType().isF32() || type.getRank() < 2 ||
      type.getNumElements() > kMostElements)
    return {};
  SmallVector<nn::WeightOp> weights;
  for (OpOperand &use : input.getResult().getUses()) {
    auto product = dyn_cast<nn::MatMulOp>(use.getOwner());
    auto constant = product ? product->getOperand(1).getDefiningOp<nn::ConstantOp>() : nullptr;
    auto weight =
        constant ? symbols.lookup<nn::WeightOp>(constant.getWeight()) : nn::WeightOp(nullptr);
    if (use.getOperandNumber() != 0 || !weight || weight.getIsPublic() || !weight.getValue() ||
        cast<RankedTensorType>(weight.getType()).getRank() != 2 || !constant->hasOneUse())
      return {};
    size_t uses = 0;
    function.walk([&](nn::ConstantOp other) { uses += other.getWeight() == weight.getSymName(); });
    if (uses != 1)
      return {};
    weights.push_back(weight);
  }
  return weights;
}

std::vector<int64_t> measuredShifts(nn::InputOp input, const Samples &samples) {
  const int64_t features = cast<RankedTensorType>(input.getType()).getShape().back();
  std::vector<double> most(static_cast<size_t>(features), 0);
  const std::vector<float> &values = samples.values.at(input.getName().str());
  for (size_t i = 0; i < values.size(); ++i)
    most[i % most.size()] = std::max(most[i % most.size()], std::abs(double{values[i]}));
  const double largest = *std::max_element(most.begin(), most.end());
  std::vector<int64_t> shifts(most.size(), 0);
  for (size_t i = 0; i < most.size(); ++i) // a feature that is always zero stays what it is
    if (most[i] > 0 && std::isfinite(largest))
      shifts[i] =
          std::clamp<int64_t>(std::ilogb(largest) - std::ilogb(most[i]) - kHeadroom, 0, kMostShift);
  const bool isEven = llvm::all_of(shifts, [](int64_t shift) { return shift < kLeastShift; });
  return isEven ? std::vector<int64_t>() : shifts;
}

void apply(nn::InputOp input, ArrayRef<nn::WeightOp> weights, ArrayRef<int64_t> shifts) {
  OpBuilder builder(input->getContext());
  auto type = cast<RankedTensorType>(input.getType());
  auto module = input->getParentOfType<ModuleOp>();
  for (nn::WeightOp weight : weights) {
    std::vector<float> values = floatValues(*weight.getValue());
    ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
    for (size_t e = 0; e < values.size(); ++e)
      values[e] =
          std::ldexp(values[e], -static_cast<int>(shifts[e / static_cast<size_t>(shape[1])]));
    weight.setValueAttr(makeFloatValue(shape, values, input->getContext(), weight.getSymName()));
  }
  std::vector<float> factors(static_cast<size_t>(type.getNumElements()));
  for (size_t i = 0; i < factors.size(); ++i)
    factors[i] = std::ldexp(1.0F, static_cast<int>(shifts[i % shifts.size()]));
  std::string name = input.getName().str() + ".shifts";
  while (module.lookupSymbol(name) != nullptr)
    name += "_";
  builder.setInsertionPointToStart(module.getBody());
  builder.create<nn::WeightOp>(input.getLoc(), builder.getStringAttr(name), TypeAttr::get(type),
                               makeFloatValue(type.getShape(), factors, input->getContext(), name),
                               builder.getUnitAttr());
  builder.setInsertionPointAfter(input);
  auto constant = builder.create<nn::ConstantOp>(input.getLoc(), type, name);
  auto scaled =
      builder.create<nn::MulOp>(input.getLoc(), type, input.getResult(), constant.getResult());
  input.getResult().replaceAllUsesExcept(scaled.getResult(), scaled);
  input->setAttr(kChannelShifts, builder.getDenseI64ArrayAttr(shifts));
}

struct ScaleInputs : impl::ScaleInputsBase<ScaleInputs> {
  using ScaleInputsBase::ScaleInputsBase;
  ScaleInputs(ScaleInputsOptions options, std::shared_ptr<const Samples> loaded)
      : ScaleInputsBase(std::move(options)), loaded_(std::move(loaded)) {}

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(loadOnce(module, *samples, loaded_)))
      return signalPassFailure();
    NumbersConfig numbers;
    readNumbersConfig(config, numbers, [](const std::string &) {}); // nn-to-fx says what is wrong
    for (auto function : module.getOps<func::FuncOp>())
      for (nn::InputOp input : SmallVector<nn::InputOp>(function.getOps<nn::InputOp>()))
        if (failed(scale(input, function, numbers)))
          signalPassFailure();
  }

private:
  LogicalResult scale(nn::InputOp input, func::FuncOp function, const NumbersConfig &numbers) {
    const SymbolTable symbols(getOperation());
    const SmallVector<nn::WeightOp> weights = weightsBehind(input, function, symbols);
    std::vector<int64_t> shifts;
    if (numbers.givesChannelShifts())
      shifts = numbers.input(input.getName()).channelShifts.value_or(shifts);
    else if (loaded_ != nullptr && !loaded_->isDrawn && !weights.empty())
      shifts = measuredShifts(input, *loaded_);
    if (shifts.empty())
      return success();
    const int64_t features = cast<RankedTensorType>(input.getType()).getShape().back();
    if (weights.empty() || static_cast<int64_t>(shifts.size()) != features ||
        llvm::any_of(shifts, [](int64_t shift) { return shift < 0 || shift > kMostShift; }))
      return input.emitError("input '")
             << input.getName() << "': channel_shifts of the configuration are to be " << features
             << " numbers from 0 to " << kMostShift
             << ", for an input that only matrix products with private weights read";
    apply(input, weights, shifts);
    return success();
  }

  std::shared_ptr<const Samples> loaded_;
};

} // namespace

std::unique_ptr<Pass> createScaleInputs(ScaleInputsOptions options,
                                        std::shared_ptr<const Samples> samples) {
  return std::make_unique<ScaleInputs>(std::move(options), std::move(samples));
}

} // namespace dyad
