// SPDX-License-Identifier: Apache-2.0
// A state that is put together of parts and read in these parts, as hidden and cell state of an
// LSTM in one tensor, becomes one state for each: their ranges may differ by orders of magnitude.
#include "ir/nn/nn.h"
#include "ir/state.h"
#include "ir/weights.h"
#include "passes/graph/passes.h"
#include "runtime/clear/structure.h"

#include "mlir/IR/Builders.h"

#include <optional>

using namespace mlir;

namespace dyad {

#define GEN_PASS_DEF_SPLITSTATES
#include "passes/graph/passes.h.inc"

namespace {

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

// Elements low to high, the last included, along an axis.
struct Extent {
  int64_t low = 0;
  int64_t high = 0;
};

// What `user` reads of its operand along the axis; nothing where it moves elements between parts.
std::optional<Extent> extentOf(Operation *user, int64_t axis) {
  if (auto slice = dyn_cast<nn::SliceOp>(user)) {
    auto at = static_cast<size_t>(axis);
    int64_t first = slice.getStarts()[at];
    int64_t last = first + slice.getSteps()[at] * (shapeOf(slice.getResult())[at] - 1);
    return Extent{std::min(first, last), std::max(first, last)};
  }
  auto gather = dyn_cast<nn::GatherOp>(user);
  if (!gather || static_cast<int64_t>(gather.getAxis()) != axis || gather.getIndices().empty())
    return std::nullopt;
  ArrayRef<int64_t> indices = gather.getIndices();
  return Extent{*llvm::min_element(indices), *llvm::max_element(indices)};
}

// Makes `user` read a part that begins at `offset`.
void readPart(Operation *user, Value part, int64_t axis, int64_t offset) {
  user->setOperand(0, part);
  if (auto slice = dyn_cast<nn::SliceOp>(user)) {
    SmallVector<int64_t> starts(slice.getStarts());
    starts[static_cast<size_t>(axis)] -= offset;
    slice.setStarts(starts);
    return;
  }
  auto gather = cast<nn::GatherOp>(user);
  SmallVector<int64_t> indices(gather.getIndices());
  for (int64_t &index : indices)
    index -= offset;
  gather.setIndices(indices);
}

class SplitStatesPass : public impl::SplitStatesBase<SplitStatesPass> {
public:
  void runOnOperation() final {
    SmallVector<nn::StateOp> states;
    getOperation().walk([&](nn::StateOp state) { states.push_back(state); });
    for (nn::StateOp state : states)
      split(state);
  }

private:
  static void split(nn::StateOp state) {
    auto set = findState<nn::SetStateOp>(*state->getBlock(), state.getName());
    auto concat = set ? set.getValue().getDefiningOp<nn::ConcatOp>() : nn::ConcatOp();
    if (!concat || concat.getInputs().size() < 2)
      return;
    auto axis = static_cast<int64_t>(concat.getAxis());
    SmallVector<int64_t> ends;
    for (Value part : concat.getInputs())
      ends.push_back((ends.empty() ? 0 : ends.back()) + shapeOf(part)[static_cast<size_t>(axis)]);
    auto partOf = [&](int64_t index) { return llvm::upper_bound(ends, index) - ends.begin(); };
    SmallVector<std::pair<Operation *, size_t>> users;
    for (Operation *user : state.getResult().getUsers()) {
      std::optional<Extent> extent = extentOf(user, axis);
      if (!extent || partOf(extent->low) != partOf(extent->high))
        return;
      users.emplace_back(user, static_cast<size_t>(partOf(extent->low)));
    }
    OpBuilder builder(state);
    SmallVector<nn::StateOp> parts;
    for (auto [i, value] : llvm::enumerate(concat.getInputs())) {
      int64_t offset = i == 0 ? 0 : ends[i - 1];
      std::string name = (state.getName() + "#" + Twine(i)).str();
      builder.setInsertionPoint(state);
      parts.push_back(builder.create<nn::StateOp>(
          state.getLoc(), value.getType(), builder.getStringAttr(name),
          initialOf(state, value.getType(), axis, offset), state.getLowAttr(), state.getHighAttr(),
          state.getKindAttr()));
      builder.setInsertionPoint(set);
      builder.create<nn::SetStateOp>(set.getLoc(), name, value);
    }
    for (auto [user, i] : users)
      readPart(user, parts[i].getResult(), axis, i == 0 ? 0 : ends[i - 1]);
    set.erase();
    state.erase();
  }

  static ElementsAttr initialOf(nn::StateOp state, Type type, int64_t axis, int64_t offset) {
    if (!state.getInitial())
      return {};
    auto tensor = cast<RankedTensorType>(type);
    ArrayRef<int64_t> whole = shapeOf(state.getResult());
    clear::Tensor<float> all{{whole.begin(), whole.end()}, floatValues(*state.getInitial())};
    std::vector<int64_t> starts(whole.size(), 0);
    starts[static_cast<size_t>(axis)] = offset;
    clear::Tensor<float> part = clear::slice(all, starts, std::vector<int64_t>(whole.size(), 1),
                                             {tensor.getShape().begin(), tensor.getShape().end()});
    return DenseElementsAttr::get(tensor, ArrayRef<float>(part.data));
  }
};

} // namespace

} // namespace dyad
