// SPDX-License-Identifier: Apache-2.0
#include "passes/numbers/tie_steps.h"

#include "ir/nn/nn.h"

#include "llvm/ADT/Hashing.h"

#include <map>
#include <vector>

using namespace mlir;

namespace dyad {

namespace {

// Enough to tell gates apart by their biases, little enough that only the first steps differ from
// the rest by the initial state.
constexpr unsigned kTieDepth = 2;

// One round: what an operation is, seen so deep, and whether a repeated weight is in sight.
struct Kind {
  llvm::hash_code hash = 0;
  bool isRepeated = false;
};

nn::ConstantOp constantOf(Value value) {
  if (auto broadcast = value.getDefiningOp<nn::BroadcastOp>())
    value = broadcast.getInput();
  return value.getDefiningOp<nn::ConstantOp>();
}

class Kinds {
public:
  explicit Kinds(Block &block) {
    for (Operation &op : block)
      for (Value operand : op.getOperands())
        if (auto constant = constantOf(operand); constant && !isa<nn::BroadcastOp>(op))
          ++users_[constant.getWeightAttr()];
  }

  Kind of(Operation *op, unsigned depth) {
    auto [found, isNew] = known_.try_emplace({op, depth});
    if (!isNew)
      return found->second;
    Kind kind{llvm::hash_combine(op->getName().getAsOpaquePointer(), attributesOf(op))};
    for (Type type : op->getResultTypes())
      kind.hash = llvm::hash_combine(kind.hash, type.getAsOpaquePointer());
    for (Value operand : op->getOperands()) {
      Operation *source = operand.getDefiningOp();
      if (auto constant = constantOf(operand)) {
        Attribute weight = constant.getWeightAttr();
        bool isScalar = cast<RankedTensorType>(constant.getType()).getNumElements() == 1;
        kind.hash = llvm::hash_combine(kind.hash, weight.getAsOpaquePointer());
        kind.isRepeated |= !isScalar && users_[weight] > 1;
      } else if (depth > 0 && source != nullptr) {
        Kind behind = of(source, depth - 1);
        kind.hash = llvm::hash_combine(kind.hash, behind.hash);
        kind.isRepeated |= behind.isRepeated;
      }
    }
    return known_[{op, depth}] = kind;
  }

private:
  static llvm::hash_code attributesOf(Operation *op) {
    if (isa<nn::SliceOp, nn::GatherOp>(op))
      return 0;
    return llvm::hash_value(op->getAttrDictionary().getAsOpaquePointer());
  }

  llvm::DenseMap<Attribute, unsigned> users_;
  std::map<std::pair<Operation *, unsigned>, Kind> known_;
};

} // namespace

void tieSteps(Block &block, llvm::DenseMap<Value, FloatRange> &ranges) {
  Kinds kinds(block);
  std::map<std::size_t, std::vector<FloatRange *>> groups;
  for (Operation &op : block)
    for (Value result : op.getResults())
      if (auto found = ranges.find(result); found != ranges.end())
        if (Kind kind = kinds.of(&op, kTieDepth); kind.isRepeated)
          groups[kind.hash].push_back(&found->second);
  for (auto &[kind, members] : groups) {
    FloatRange all = *members.front();
    for (const FloatRange *member : members)
      all = hull(all, *member);
    for (FloatRange *member : members)
      *member = all;
  }
}

llvm::DenseMap<Operation *, std::size_t> stepKinds(Block &block) {
  Kinds kinds(block);
  llvm::DenseMap<Operation *, std::size_t> found;
  for (Operation &op : block)
    if (Kind kind = kinds.of(&op, kTieDepth); kind.isRepeated)
      found[&op] = kind.hash;
  return found;
}

} // namespace dyad
