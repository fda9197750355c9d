// SPDX-License-Identifier: Apache-2.0
// The pass merge-linear: which convolutions and matrix products of the same shares become one, and
// how. Bytes and times of the merged operation and of its parts, by the cost formulas, decide.
#include "ir/fx/owner.h"
#include "ir/mpc/operands.h"
#include "ir/weights.h"
#include "passes/cost/time_model.h"
#include "passes/protocols/passes.h"
#include "runtime/he/he_cost.h"

#include "mlir/IR/SymbolTable.h"

#include <functional>
#include <numeric>
#include <vector>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_MERGELINEAR
#include "passes/protocols/passes.h.inc"

namespace {

// An mpc.conv2d or mpc.matmul, and where its weights stand in those of the layer.
struct Part {
  Operation *op = nullptr;
  SmallVector<int64_t> at;
};

// One linear operation, as it is or as it would be merged. Axes as of the weights.
struct Layer {
  std::vector<Part> parts;
  clear::Shape weight;
  size_t axis = 0;          ///< of the weights: one entry for each filter or column
  clear::ConvWindow window; ///< of a convolution
  unsigned width = 0;
  clear::Format format;
  mpc::LinearProtocol protocol = mpc::LinearProtocol::kHe;

  Operation *first() const { return parts.front().op; }
  bool isConv() const { return isa<mpc::Conv2DOp>(first()); }
};

bool serverIsLeft(mpc::MatMulOp op) { return static_cast<bool>(fx::fixedType(op.getLhs())); }

Value sharesOf(Operation *op) {
  auto product = dyn_cast<mpc::MatMulOp>(op);
  return op->getOperand(product && serverIsLeft(product) ? 1 : 0);
}
Value weightOf(Operation *op) {
  auto product = dyn_cast<mpc::MatMulOp>(op);
  return op->getOperand(product && serverIsLeft(product) ? 0 : 1);
}
Value biasOf(Operation *op) {
  auto conv = dyn_cast<mpc::Conv2DOp>(op);
  return conv ? conv.getBias() : Value();
}

// Whether the operation brings the same integer into another ring.
bool changesRing(Operation *op) {
  return op != nullptr && isa<mpc::NarrowOp, mpc::ExtendOp, mpc::ShareOp>(op);
}
// The value that the shares stand for, whatever their ring.
Value rootOf(Value shares) {
  while (changesRing(shares.getDefiningOp()))
    shares = shares.getDefiningOp()->getOperand(0);
  return shares;
}

bool isConstant(Value value) { return !value || value.getDefiningOp<fx::ConstantOp>() != nullptr; }

std::optional<Layer> layerOf(Operation *op) {
  if (!isa<mpc::Conv2DOp, mpc::MatMulOp>(op) || !isConstant(weightOf(op)) ||
      !isConstant(biasOf(op)))
    return std::nullopt;
  Layer layer;
  layer.weight = mpc::shapeOf(weightOf(op));
  layer.parts.push_back({op, SmallVector<int64_t>(layer.weight.size(), 0)});
  if (auto conv = dyn_cast<mpc::Conv2DOp>(op)) {
    layer.window = mpc::windowOf(conv);
    if (layer.window.groups != 1)
      return std::nullopt;
    layer.protocol = conv.getProtocol();
  } else {
    auto product = cast<mpc::MatMulOp>(op);
    layer.axis = layer.weight.size() - (serverIsLeft(product) ? 2 : 1);
    layer.protocol = product.getProtocol();
  }
  layer.width = mpc::ringBits(op->getResult(0));
  layer.format = mpc::formatOf(weightOf(op));
  return layer;
}

Cost costOf(const Layer &layer) {
  clear::Shape shares = mpc::shapeOf(sharesOf(layer.first()));
  clear::Format client = mpc::clientFormatOf(sharesOf(layer.first()));
  LinearProtocol protocol = mpc::protocolOf(layer.protocol);
  if (layer.isConv())
    return conv2dCost(shares, layer.weight, layer.window, layer.width, layer.format, protocol,
                      client);
  bool left = serverIsLeft(cast<mpc::MatMulOp>(layer.first()));
  return matmulCost(left ? layer.weight : shares, left ? shares : layer.weight, left, layer.width,
                    layer.format, protocol, client);
}

bool isHe(const Layer &layer) { return isHe(mpc::protocolOf(layer.protocol)); }

// As RLWE sees it.
he::LinearSpec specOf(const Layer &layer) {
  clear::Shape shares = mpc::shapeOf(sharesOf(layer.first()));
  bool packed = layer.protocol == mpc::LinearProtocol::kHePacked;
  if (layer.isConv())
    return heConvSpec(shares, layer.weight, layer.window, layer.width, layer.format, packed);
  bool left = serverIsLeft(cast<mpc::MatMulOp>(layer.first()));
  return heMatmulSpec(left ? layer.weight : shares, left ? shares : layer.weight, left, layer.width,
                      layer.format, packed);
}

double computeSeconds(const Layer &layer, const MachineProfile &machine) {
  return isHe(layer) ? he::computeSeconds(specOf(layer), machine) : 0;
}

// Along one axis of an image: the common window of two that give equally many results. The taps of
// each are at `first` and `second` in the common kernel; the rest is zeros, which change no sum.
struct CommonAxis {
  int64_t kernel = 0, low = 0, high = 0, dilation = 1, first = 0, second = 0;
};
std::optional<CommonAxis> common(const Layer &a, const Layer &b, size_t axis, int64_t input,
                                 int64_t result) {
  const int64_t taps[] = {a.weight[2 + axis], b.weight[2 + axis]};
  const int64_t lows[] = {a.window.pads[axis], b.window.pads[axis]};
  const int64_t dilations[] = {a.window.dilations[axis], b.window.dilations[axis]};
  if (a.window.strides[axis] != b.window.strides[axis] ||
      (taps[0] > 1 && taps[1] > 1 && dilations[0] != dilations[1]))
    return std::nullopt;
  CommonAxis both;
  both.dilation = taps[0] > 1 ? dilations[0] : taps[1] > 1 ? dilations[1] : 1;
  both.low = std::max(lows[0], lows[1]);
  if ((both.low - lows[0]) % both.dilation != 0 || (both.low - lows[1]) % both.dilation != 0)
    return std::nullopt;
  both.first = (both.low - lows[0]) / both.dilation;
  both.second = (both.low - lows[1]) / both.dilation;
  both.kernel = std::max(both.first + taps[0], both.second + taps[1]);
  // As much padding behind as the last window reads.
  int64_t read = (result - 1) * a.window.strides[axis] + (both.kernel - 1) * both.dilation + 1;
  both.high = std::max<int64_t>(0, read - input - both.low);
  return both;
}

// The operation that computes the results of both, if there is one: `a` before `b` along the axis.
// Both have one protocol already, so that what a configuration fixed stays.
std::optional<Layer> merged(const Layer &a, const Layer &b) {
  Value shares = sharesOf(a.first());
  if (a.first()->getName() != b.first()->getName() || a.protocol != b.protocol ||
      a.axis != b.axis || a.weight.size() != b.weight.size() ||
      rootOf(shares) != rootOf(sharesOf(b.first())) || a.format.isSigned != b.format.isSigned)
    return std::nullopt;
  Layer both = a;
  SmallVector<int64_t> shiftA(a.weight.size(), 0);
  SmallVector<int64_t> shiftB(a.weight.size(), 0);
  shiftB[a.axis] = a.weight[a.axis];
  both.weight[a.axis] += b.weight[b.axis];
  if (a.isConv()) {
    clear::Shape input = mpc::shapeOf(shares);
    clear::Shape result = mpc::shapeOf(a.first()->getResult(0));
    clear::Shape other = mpc::shapeOf(b.first()->getResult(0));
    for (size_t axis = 0; axis < 2; ++axis) {
      std::optional<CommonAxis> window = common(a, b, axis, input[2 + axis], result[2 + axis]);
      if (!window || result[2 + axis] != other[2 + axis])
        return std::nullopt;
      both.weight[2 + axis] = window->kernel;
      both.window.pads[axis] = window->low;
      both.window.pads[2 + axis] = window->high;
      both.window.dilations[axis] = window->dilation;
      shiftA[2 + axis] = window->first;
      shiftB[2 + axis] = window->second;
    }
  } else {
    for (size_t axis = 0; axis < a.weight.size(); ++axis)
      if (axis != a.axis && a.weight[axis] != b.weight[axis])
        return std::nullopt;
    if (serverIsLeft(cast<mpc::MatMulOp>(a.first())) !=
        serverIsLeft(cast<mpc::MatMulOp>(b.first())))
      return std::nullopt;
  }
  auto shifted = [](Part part, ArrayRef<int64_t> shift) {
    for (auto [at, by] : llvm::zip_equal(part.at, shift))
      at += by;
    return part;
  };
  both.parts.clear();
  for (const Part &part : a.parts)
    both.parts.push_back(shifted(part, shiftA));
  for (const Part &part : b.parts)
    both.parts.push_back(shifted(part, shiftB));
  both.width = std::max(a.width, b.width);
  both.format.bits = std::max(a.format.bits, b.format.bits);
  return both;
}

// Writes `source` into `target` at the position `at`; both row major.
void place(std::vector<int64_t> &target, ArrayRef<int64_t> targetShape,
           const std::vector<int64_t> &source, ArrayRef<int64_t> shape, ArrayRef<int64_t> at) {
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t value : source) {
    int64_t position = 0;
    for (size_t axis = 0; axis < shape.size(); ++axis)
      position = position * targetShape[axis] + at[axis] + index[axis];
    target[static_cast<size_t>(position)] = value;
    for (size_t axis = shape.size(); axis-- > 0 && ++index[axis] == shape[axis];)
      index[axis] = 0;
  }
}

struct MergeLinear : impl::MergeLinearBase<MergeLinear> {
  using MergeLinearBase::MergeLinearBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    symbols_ = &symbols;
    const TimeModel times(mpc::targetOf(getOperation()), demandOf(getOperation()));
    times_ = &times;
    keys_ = mpc::heKeys(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal())
        visit(function.getBody().front());
  }

private:
  void visit(Block &block) {
    std::vector<Layer> layers;
    for (Operation &op : block)
      if (std::optional<Layer> layer = layerOf(&op))
        layers.push_back(std::move(*layer));
    for (size_t i = 0; i < layers.size(); ++i)
      for (size_t j = i + 1; j < layers.size();) {
        std::optional<Layer> both = better(layers[i], layers[j]);
        if (!both) {
          ++j;
          continue;
        }
        layers[i] = std::move(*both);
        layers.erase(layers.begin() + static_cast<std::ptrdiff_t>(j));
      }
    for (const Layer &layer : layers)
      if (layer.parts.size() > 1)
        rewrite(layer);
  }

  // Whether the program makes these keys for some layer anyway.
  bool hasKeys(he::KeyNeed need) const {
    return llvm::any_of(keys_, [&](const he::KeyNeed &have) {
      return have.set == need.set && (need.steps & ~have.steps) == 0;
    });
  }

  // The merged operation where it is possible, sends less and takes less time than the two beside
  // each other.
  std::optional<Layer> better(const Layer &a, const Layer &b) {
    std::optional<Layer> both = merged(a, b);
    if (!both)
      return std::nullopt;
    if (isHe(*both)) {
      std::optional<he::LinearPlan> plan = he::planFor(specOf(*both));
      if (!plan || !hasKeys(plan->keys()))
        return std::nullopt;
    }
    Cost apart = costOf(a);
    apart.beside(costOf(b));
    Cost together = costOf(*both);
    const MachineProfile &machine = times_->target().machine;
    const bool isFaster =
        times_->seconds(together) + computeSeconds(*both, machine) <
        times_->seconds(apart) + computeSeconds(a, machine) + computeSeconds(b, machine);
    return isFaster && together.bytes() <= apart.bytes() ? both : std::nullopt;
  }

  fx::WeightOp symbolOf(Value constant) {
    return symbols_->lookup<fx::WeightOp>(constant.getDefiningOp<fx::ConstantOp>().getWeight());
  }

  // A weight of the given shape with those of the parts in it, zeros elsewhere; `of` tells a part's
  // own, or null, and its place. Values that are not in memory stay absent.
  Value joined(OpBuilder &builder, Location location, const Layer &layer, ArrayRef<int64_t> shape,
               llvm::function_ref<std::pair<Value, SmallVector<int64_t>>(const Part &)> of) {
    std::string name;
    fx::FixedType type;
    bool known = true;
    std::vector<int64_t> values(
        std::accumulate(shape.begin(), shape.end(), size_t{1}, std::multiplies<>()));
    for (const Part &part : layer.parts) {
      auto [constant, at] = of(part);
      if (!constant)
        continue;
      fx::WeightOp weight = symbolOf(constant);
      name += (name.empty() ? "" : "+") + weight.getSymName().str();
      fx::FixedType own = fx::fixedType(constant);
      if (!type || own.getWidth() > type.getWidth())
        type = own;
      known &= weight.getValue().has_value();
      if (known)
        place(values, shape, integerValues(*weight.getValue()), mpc::shapeOf(constant), at);
    }
    auto tensor = RankedTensorType::get(shape, type);
    OperationState state(location, fx::WeightOp::getOperationName());
    state.addAttribute("sym_name", builder.getStringAttr(name));
    state.addAttribute("type", TypeAttr::get(tensor));
    if (known)
      state.addAttribute(
          "value", makeIntegerValue(shape, values, type.getWidth(), builder.getContext(), name));
    StringAttr symbol =
        symbols_->insert(Operation::create(state), getOperation().getBody()->begin());
    return builder.create<fx::ConstantOp>(location, tensor, FlatSymbolRefAttr::get(symbol));
  }

  // The shares in the widest ring, made before `before` if they are not yet.
  static Value widest(const Layer &layer, Operation *before) {
    Value wide;
    for (const Part &part : layer.parts)
      if (Value shares = sharesOf(part.op); mpc::ringBits(shares) == layer.width)
        wide = wide ? wide : shares;
    SmallVector<Operation *> late;
    for (Operation *op = wide.getDefiningOp(); changesRing(op) && before->isBeforeInBlock(op);
         op = op->getOperand(0).getDefiningOp())
      late.push_back(op);
    for (Operation *op : llvm::reverse(late))
      op->moveBefore(before);
    return wide;
  }

  void rewrite(const Layer &layer) {
    Operation *before = layer.first();
    for (const Part &part : layer.parts)
      if (part.op->isBeforeInBlock(before))
        before = part.op;
    Value shares = widest(layer, before);
    OpBuilder builder(before);
    std::string names;
    for (const Part &part : layer.parts)
      names += (names.empty() ? "" : kNodeJoint.str()) + nodeName(part.op).str();
    Location location = NameLoc::get(builder.getStringAttr(names));
    Value weight = joined(builder, location, layer, layer.weight,
                          [](const Part &part) { return std::pair(weightOf(part.op), part.at); });
    auto ring = mpc::ArithType::get(builder.getContext(), layer.width);
    auto protocol = mpc::LinearProtocolAttr::get(builder.getContext(), layer.protocol);
    clear::Shape shape = mpc::shapeOf(layer.first()->getResult(0));
    // Along which the results of the parts stand one after another.
    size_t axis = layer.isConv() ? 1 : shape.size() - (layer.weight.size() - layer.axis);
    shape[axis] = layer.weight[layer.axis];
    auto type = RankedTensorType::get(shape, ring);
    Value all;
    if (layer.isConv()) {
      Value bias;
      if (llvm::any_of(layer.parts, [](const Part &part) { return biasOf(part.op) != nullptr; }))
        bias = joined(builder, location, layer, {layer.weight[0]}, [](const Part &part) {
          return std::pair(biasOf(part.op), SmallVector<int64_t>{part.at[0]});
        });
      const clear::ConvWindow &window = layer.window;
      all = builder.create<mpc::Conv2DOp>(
          location, type, shares, weight, bias, builder.getDenseI64ArrayAttr(window.strides),
          builder.getDenseI64ArrayAttr(window.pads), builder.getDenseI64ArrayAttr(window.dilations),
          builder.getI64IntegerAttr(1), protocol);
    } else {
      bool left = serverIsLeft(cast<mpc::MatMulOp>(layer.first()));
      all = builder.create<mpc::MatMulOp>(location, type, left ? weight : shares,
                                          left ? shares : weight, protocol);
    }
    for (const Part &part : layer.parts) {
      Value result = part.op->getResult(0);
      SmallVector<int64_t> starts(shape.size(), 0);
      SmallVector<int64_t> steps(shape.size(), 1);
      starts[axis] = part.at[layer.axis];
      auto sliced = RankedTensorType::get(mpc::shapeOf(result), ring);
      Value own = builder.create<mpc::SliceOp>(part.op->getLoc(), sliced, all,
                                               builder.getDenseI64ArrayAttr(starts),
                                               builder.getDenseI64ArrayAttr(steps));
      if (sliced != result.getType())
        own = builder.create<mpc::NarrowOp>(part.op->getLoc(), result.getType(), own);
      result.replaceAllUsesWith(own);
    }
    for (const Part &part : layer.parts)
      part.op->erase();
  }

  SymbolTable *symbols_ = nullptr;
  const TimeModel *times_ = nullptr;
  std::vector<he::KeyNeed> keys_; ///< of the module before
};

} // namespace
} // namespace dyad
