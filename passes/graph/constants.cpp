// SPDX-License-Identifier: Apache-2.0
#include "passes/graph/constants.h"

#include "ir/weights.h"

#include <cmath>

using namespace mlir;

namespace dyad {

namespace {

Value broadcast(OpBuilder &builder, Location location, Value value, RankedTensorType type) {
  if (!value || value.getType() == type)
    return value;
  return builder.create<nn::BroadcastOp>(location, type, value);
}

} // namespace

std::optional<std::vector<double>> Constant::along(ArrayRef<int64_t> target, int64_t axis) const {
  auto rank = static_cast<int64_t>(target.size());
  if (axis < 0 || axis >= rank)
    return std::nullopt; // a vector has no channels
  auto offset = rank - static_cast<int64_t>(shape.size());
  for (auto [i, size] : llvm::enumerate(shape))
    if (size != 1 && static_cast<int64_t>(i) + offset != axis)
      return std::nullopt;
  auto count = static_cast<std::size_t>(target[static_cast<std::size_t>(axis)]);
  if (values.size() == 1)
    return std::vector<double>(count, values[0]);
  return values.size() == count ? std::optional(values) : std::nullopt;
}

Weights::Weights(ModuleOp module) : module_(module), symbols_(module) {}

LogicalResult Weights::requireValues() {
  for (auto weight : module_.getOps<nn::WeightOp>())
    if (!weight.getValueAttr())
      return weight.emitError("weight '")
             << weight.getSymName() << "' has no values; read them with --weights";
  return success();
}

std::optional<Constant> Weights::constantOf(Value value) const {
  if (auto broadcast = value.getDefiningOp<nn::BroadcastOp>())
    value = broadcast.getInput();
  auto constant = value.getDefiningOp<nn::ConstantOp>();
  if (!constant)
    return std::nullopt;
  auto weight = symbols_.lookup<nn::WeightOp>(constant.getWeight());
  auto type = weight ? dyn_cast<RankedTensorType>(weight.getType()) : RankedTensorType();
  if (!type || !type.getElementType().isF32() || !weight.getValueAttr())
    return std::nullopt;
  std::vector<float> floats = floatValues(weight.getValueAttr());
  // A name tells the weight of the model, not how often it was folded.
  std::string name = weight.getSymName().str();
  auto base = bases_.find(name);
  return Constant{{type.getShape().begin(), type.getShape().end()},
                  {floats.begin(), floats.end()},
                  base == bases_.end() ? name : base->second,
                  weight.getIsPublic()};
}

StringRef Weights::symbolOf(Value value) const {
  if (auto broadcast = value.getDefiningOp<nn::BroadcastOp>())
    value = broadcast.getInput();
  auto constant = value.getDefiningOp<nn::ConstantOp>();
  return constant ? constant.getWeight() : StringRef();
}

bool Weights::isConstant(Value value) const {
  if (auto broadcast = value.getDefiningOp<nn::BroadcastOp>())
    value = broadcast.getInput();
  return value.getDefiningOp<nn::ConstantOp>() != nullptr;
}

bool Weights::isPublic(nn::ConstantOp constant) const {
  auto weight = symbols_.lookup<nn::WeightOp>(constant.getWeight());
  return weight && weight.getIsPublic();
}

Value Weights::create(OpBuilder &builder, Location location, StringRef name, ElementsAttr value,
                      bool isPublic) {
  OperationState state(location, nn::WeightOp::getOperationName());
  state.addAttribute("sym_name", builder.getStringAttr(name));
  state.addAttribute("type", TypeAttr::get(value.getShapedType()));
  state.addAttribute("value", value);
  if (isPublic)
    state.addAttribute("is_public", builder.getUnitAttr());
  // Not through `builder`: a symbol is no result of the rewriting, and stands at the module's head.
  auto weight = cast<nn::WeightOp>(Operation::create(state));
  StringAttr unique = symbols_.insert(weight, module_.getBody()->begin());
  bases_[unique.str()] = name.str();
  return builder.create<nn::ConstantOp>(location, value.getShapedType(),
                                        FlatSymbolRefAttr::get(unique));
}

Value Weights::again(OpBuilder &builder, Location location, StringRef symbol) const {
  auto weight = symbols_.lookup<nn::WeightOp>(symbol);
  return builder.create<nn::ConstantOp>(location, weight.getType(),
                                        FlatSymbolRefAttr::get(builder.getContext(), symbol));
}

Value Weights::again(OpBuilder &builder, Location location, StringRef symbol,
                     RankedTensorType type) const {
  return broadcast(builder, location, again(builder, location, symbol), type);
}

Value Weights::create(OpBuilder &builder, Location location, const Constant &constant) {
  if (auto known = byRecipe_.find(constant.recipe);
      !constant.recipe.empty() && known != byRecipe_.end())
    return again(builder, location, known->second);
  std::vector<float> floats(constant.values.begin(), constant.values.end());
  for (float value : floats)
    if (!std::isfinite(value)) {
      fail(location, "folding constants gives a number beyond the floats; check the weights of "
                     "this node for zero or negative variances, divisions by zero and huge values");
      return {};
    }
  Value value = create(builder, location, constant.name,
                       makeFloatValue(constant.shape, floats, builder.getContext(), constant.name),
                       constant.isPublic);
  if (!constant.recipe.empty())
    byRecipe_[constant.recipe] = symbolOf(value).str();
  return value;
}

Value Weights::create(OpBuilder &builder, Location location, const Constant &constant,
                      RankedTensorType type) {
  return broadcast(builder, location, create(builder, location, constant), type);
}

void Weights::fail(Location location, const Twine &message) {
  if (!failed_)
    emitError(location) << message;
  failed_ = true;
}

} // namespace dyad
