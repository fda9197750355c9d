// SPDX-License-Identifier: Apache-2.0
// See channels.h. One walk in program order: a linear operation makes new classes, others hand them
// on, join them, or fix them.
#include "passes/numbers/channels.h"

#include "ir/structure.h"

#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <numeric>

using namespace mlir;

namespace dyad {
namespace {

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

size_t productOf(ArrayRef<int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), size_t{1},
                         [](size_t a, int64_t b) { return a * static_cast<size_t>(b); });
}

// Where the channels are after a reshape that keeps the axis or merges it with neighbours.
std::optional<Channels::Along> reshaped(const Channels::Along &from, ArrayRef<int64_t> in,
                                        ArrayRef<int64_t> out) {
  const size_t before = productOf(in.take_front(from.axis));
  const size_t channels = from.classes.size();
  const size_t after = productOf(in.drop_front(from.axis + 1));
  for (size_t axis = 0; axis < out.size(); ++axis) {
    const size_t left = productOf(out.take_front(axis));
    const size_t right = productOf(out.drop_front(axis + 1));
    const auto size = static_cast<size_t>(out[axis]);
    if (left == 0 || right == 0 || before % left != 0 || after % right != 0 ||
        size != before / left * channels * (after / right))
      continue;
    Channels::Along to{axis, {}};
    for (size_t i = 0; i < size; ++i)
      to.classes.push_back(from.classes[i / (after / right) % channels]);
    return to;
  }
  return std::nullopt;
}

} // namespace

std::pair<unsigned, unsigned> Channels::Weight::classesOf(size_t element) const {
  const size_t output = element / perOutput % outputs.size();
  if (inputs.empty())
    return {outputs[output], kFixed};
  const size_t position = element / perInput;
  const size_t input = groupInputs == 0
                           ? position % inputs.size()
                           : output / groupOutputs * groupInputs + position % groupInputs;
  return {outputs[output], inputs[input]};
}

Channels::Channels(func::FuncOp function, const Fresh &fresh) {
  make(); // kFixed
  if (auto module = function->getParentOfType<ModuleOp>())
    for (auto weight : module.getOps<nn::WeightOp>())
      symbols_[weight.getSymNameAttr()] = weight;
  function.walk([&](nn::ConstantOp op) { ++uses_[op.getWeightAttr().getAttr()]; });
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op->getName().getDialectNamespace() != "nn")
      return;
    visit(op);
    auto begun = op->getNumResults() == 1 ? fresh.find(op->getResult(0)) : fresh.end();
    if (begun == fresh.end())
      return;
    Along own{begun->second, {}};
    for (int64_t i = 0; i < shapeOf(begun->first)[own.axis]; ++i)
      own.classes.push_back(make());
    along_[begun->first] = std::move(own);
  });
}

unsigned Channels::make() {
  parent_.push_back(static_cast<unsigned>(parent_.size()));
  return parent_.back();
}

unsigned Channels::find(unsigned of) const {
  while (parent_[of] != of)
    of = parent_[of];
  return of;
}

// The smaller one stays, so that kFixed does.
void Channels::unite(unsigned a, unsigned b) {
  a = find(a);
  b = find(b);
  parent_[std::max(a, b)] = std::min(a, b);
}

const Channels::Along *Channels::of(Value value) const {
  auto found = along_.find(value);
  return found == along_.end() ? nullptr : &found->second;
}

void Channels::fix(Value value) {
  if (const Along *channels = of(value))
    for (unsigned one : channels->classes)
      unite(one, kFixed);
}

bool Channels::isConstant(Value value) const {
  Operation *op = value.getDefiningOp();
  while (op != nullptr && isStructure(op) && op->getNumOperands() == 1)
    op = op->getOperand(0).getDefiningOp();
  return isa_and_nonnull<nn::ConstantOp>(op);
}

// The weight behind a constant that nothing else uses. A public one would tell the factors.
nn::WeightOp Channels::ownWeight(Value value, bool throughBroadcast) const {
  Operation *op = value.getDefiningOp();
  if (op != nullptr && throughBroadcast && isa<nn::BroadcastOp>(op) && op->hasOneUse())
    op = op->getOperand(0).getDefiningOp();
  auto constant = dyn_cast_or_null<nn::ConstantOp>(op);
  if (!constant || !constant->hasOneUse())
    return {};
  StringAttr name = constant.getWeightAttr().getAttr();
  nn::WeightOp weight = symbols_.lookup(name);
  if (!weight || weight.getIsPublic() || uses_.lookup(name) != 1 ||
      !cast<RankedTensorType>(weight.getType()).getElementType().isF32())
    return {};
  return weight;
}

void Channels::visit(Operation *op) {
  if (isStructure(op))
    return structure(op);
  llvm::TypeSwitch<Operation *>(op)
      .Case<nn::Conv2DOp, nn::MatMulOp>([&](auto) { linear(op); })
      .Case<nn::AddOp, nn::SubOp>([&](auto) { sum(op); })
      .Case<nn::MinOp, nn::MaxOp>([&](auto) { pair(op); })
      .Case<nn::ReluOp, nn::SignedReluOp, nn::LeakyReluOp, nn::NegOp, nn::AbsOp, nn::AssumeOp>(
          [&](auto) { keep(op); })
      .Case<nn::PReluOp, nn::MulOp>([&](auto) {
        // A factor of its own for each channel changes nothing; one that is computed does.
        Value a = op->getOperand(0);
        Value b = op->getOperand(1);
        if (isConstant(a) && isa<nn::MulOp>(op))
          std::swap(a, b);
        const Along *channels = of(a);
        if (channels != nullptr && isConstant(b))
          along_[op->getResult(0)] = Along(*channels);
        else
          fix(a), fix(b);
      })
      .Case<nn::MaxPool2DOp, nn::AveragePool2DOp>([&](auto) {
        const Along *channels = of(op->getOperand(0));
        if (channels != nullptr && channels->axis < 2)
          keep(op);
        else
          fix(op->getOperand(0));
      })
      .Case([&](nn::ReduceOp reduce) {
        const Along *channels = of(reduce.getInput());
        if (channels != nullptr &&
            !llvm::is_contained(reduce.getAxes(), static_cast<int64_t>(channels->axis)))
          keep(op);
        else
          fix(reduce.getInput());
      })
      .Default([&](Operation *) {
        for (Value operand : op->getOperands())
          fix(operand);
      });
}

void Channels::keep(Operation *op) {
  if (const Along *channels = of(op->getOperand(0)))
    along_[op->getResult(0)] = Along(*channels);
}

void Channels::structure(Operation *op) {
  Value result = op->getResult(0);
  if (auto concat = dyn_cast<nn::ConcatOp>(op)) {
    // Along the channels: one behind the other. Along another axis: the same ones.
    std::optional<size_t> axis;
    bool agree = true;
    for (Value input : op->getOperands())
      if (const Along *channels = of(input)) {
        agree &= !axis || *axis == channels->axis;
        axis = channels->axis;
      }
    if (!axis)
      return;
    const bool joins = static_cast<int64_t>(*axis) == static_cast<int64_t>(concat.getAxis());
    Along all{*axis, {}};
    for (Value input : op->getOperands()) {
      const auto size = static_cast<size_t>(shapeOf(input)[*axis]);
      const Along *channels = of(input);
      std::vector<unsigned> classes =
          agree && channels != nullptr ? channels->classes : std::vector<unsigned>(size, kFixed);
      if (joins || all.classes.empty())
        all.classes.insert(all.classes.end(), classes.begin(), classes.end());
      else
        for (size_t i = 0; i < size; ++i)
          unite(all.classes[i], classes[i]);
      if (!agree)
        fix(input);
    }
    if (agree)
      along_[result] = std::move(all);
    return;
  }
  const Along *from = of(op->getOperand(0));
  if (from == nullptr)
    return;
  std::optional<Along> to;
  ArrayRef<int64_t> in = shapeOf(op->getOperand(0));
  ArrayRef<int64_t> out = shapeOf(result);
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](nn::ReshapeOp) { to = reshaped(*from, in, out); })
      .Case([&](nn::TransposeOp transpose) {
        ArrayRef<int64_t> order = transpose.getPermutation();
        auto *position = llvm::find(order, static_cast<int64_t>(from->axis));
        to = Along{static_cast<size_t>(position - order.begin()), from->classes};
      })
      .Case([&](nn::BroadcastOp) {
        const size_t axis = from->axis + out.size() - in.size();
        if (out[axis] == in[from->axis])
          to = Along{axis, from->classes};
      })
      .Case([&](nn::SliceOp slice) {
        to = Along{from->axis, {}};
        for (int64_t i = 0; i < out[from->axis]; ++i)
          to->classes.push_back(from->classes[static_cast<size_t>(
              slice.getStarts()[from->axis] + i * slice.getSteps()[from->axis])]);
      })
      .Case([&](nn::GatherOp gather) {
        to = *from;
        if (gather.getAxis() != from->axis)
          return;
        to->classes.clear();
        for (int64_t index : gather.getIndices())
          to->classes.push_back(from->classes[static_cast<size_t>(index)]);
      })
      .Case([&](nn::PadOp pad) {
        if (!pad.getValue().isZero())
          return;
        to = Along{from->axis, std::vector<unsigned>(static_cast<size_t>(out[from->axis]), kFixed)};
        // Zeros have every factor: classes of their own.
        for (unsigned &one : to->classes)
          one = make();
        auto position = static_cast<size_t>(pad.getLow()[from->axis]);
        for (unsigned one : from->classes) {
          to->classes[position] = one;
          position += 1 + static_cast<size_t>(pad.getInterior()[from->axis]);
        }
      });
  if (to)
    along_[result] = std::move(*to);
  else
    fix(op->getOperand(0));
}

bool Channels::addend(Value value, Value result, const Along &channels) {
  nn::WeightOp weight = ownWeight(value, true);
  if (!weight)
    return false;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
  const size_t rank = shapeOf(result).size();
  if (channels.axis + shape.size() < rank)
    return false;
  const size_t axis = channels.axis + shape.size() - rank;
  if (static_cast<size_t>(shape[axis]) != channels.classes.size())
    return false;
  Weight added{weight, channels.classes, {}};
  added.perOutput = productOf(shape.drop_front(axis + 1));
  weights_.push_back(std::move(added));
  return true;
}

void Channels::linear(Operation *op) {
  Value result = op->getResult(0);
  auto conv = dyn_cast<nn::Conv2DOp>(op);
  const bool constantLeft = !conv && isConstant(op->getOperand(0));
  Value input = op->getOperand(constantLeft ? 1 : 0);
  Value constant = op->getOperand(constantLeft ? 0 : 1);
  nn::WeightOp weight = ownWeight(constant, false);
  const size_t rank = shapeOf(result).size();
  ArrayRef<int64_t> shape = shapeOf(constant);
  // A computed second operand, or a stack of matrices: no factors here.
  if (!weight || isConstant(input) || (!conv && shape.size() != 2) || rank < 2) {
    fix(op->getOperand(0));
    fix(op->getOperand(1));
    return;
  }
  Weight own{weight, {}, {}};
  const size_t outputAxis = conv ? 1 : constantLeft ? rank - 2 : rank - 1;
  const size_t inputAxis = conv           ? 1
                           : constantLeft ? shapeOf(input).size() - 2
                                          : shapeOf(input).size() - 1;
  const auto outputs = static_cast<size_t>(shapeOf(result)[outputAxis]);
  const auto inputs = static_cast<size_t>(shapeOf(input)[inputAxis]);
  const Along *from = of(input);
  if (from != nullptr && from->axis == inputAxis) {
    own.inputs = from->classes;
  } else {
    fix(input);
    own.inputs.assign(inputs, kFixed);
  }
  if (conv) {
    own.perOutput = productOf(shape.drop_front(1));
    own.perInput = productOf(shape.drop_front(2));
    own.groupInputs = static_cast<size_t>(shape[1]);
    own.groupOutputs = outputs / static_cast<size_t>(conv.getGroups());
  } else {
    own.perOutput = constantLeft ? inputs : 1;
    own.perInput = constantLeft ? 1 : outputs;
  }
  Along to{outputAxis, std::vector<unsigned>(outputs, kFixed)};
  for (unsigned &one : to.classes)
    one = make();
  own.outputs = to.classes;
  weights_.push_back(std::move(own));
  along_[result] = to;
  if (conv && conv.getBias()) {
    nn::WeightOp bias = ownWeight(conv.getBias(), false);
    if (bias)
      weights_.push_back({bias, to.classes, {}});
    else
      fix(result);
  }
}

void Channels::sum(Operation *op) {
  Value a = op->getOperand(0);
  Value b = op->getOperand(1);
  if (isConstant(a))
    std::swap(a, b);
  if (!isConstant(b))
    return pair(op);
  const Along *from = of(a);
  if (from == nullptr)
    return;
  Along channels = *from;
  along_[op->getResult(0)] = channels;
  if (!addend(b, op->getResult(0), channels))
    fix(a);
}

// Operands that meet element by element: their channels agree, or have no factors.
void Channels::pair(Operation *op) {
  const Along *a = of(op->getOperand(0));
  const Along *b = of(op->getOperand(1));
  if (a == nullptr || b == nullptr || a->axis != b->axis ||
      a->classes.size() != b->classes.size()) {
    fix(op->getOperand(0));
    fix(op->getOperand(1));
    return;
  }
  for (size_t i = 0; i < a->classes.size(); ++i)
    unite(a->classes[i], b->classes[i]);
  along_[op->getResult(0)] = Along(*a);
}

} // namespace dyad
