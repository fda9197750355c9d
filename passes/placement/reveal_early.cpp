// SPDX-License-Identifier: Apache-2.0
// The pass reveal-early: the client learns a value inside the network, and goes on alone from
// there. What that tells about private weights is the user's decision; that nothing private is
// needed behind the value is checked here.
#include "passes/placement/passes.h"

#include "ir/fx/owner.h"
#include "ir/structure.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_REVEALEARLY
#include "passes/placement/passes.h.inc"

namespace {

struct RevealEarly : impl::RevealEarlyBase<RevealEarly> {
  using RevealEarlyBase::RevealEarlyBase;

  // The value of a node: the result of its last operation.
  static Value valueOf(func::FuncOp function, StringRef node) {
    Value value;
    function.walk([&](Operation *op) {
      if (nodeName(op) == node && op->getNumResults() == 1 && fx::fixedType(op->getResult(0)) &&
          !isa<fx::ConstantOp, fx::RevealOp>(op))
        value = op->getResult(0);
    });
    return value;
  }

  // Whether the client can compute everything that depends on these values, and nobody else needs
  // it; a diagnostic on the first operation where it is otherwise.
  static LogicalResult isForClient(func::FuncOp function, llvm::DenseSet<Value> known) {
    for (Operation &op : function.getBody().front()) {
      if (llvm::none_of(op.getOperands(), [&](Value value) { return known.contains(value); }))
        continue;
      if (isa<fx::SetStateOp>(op))
        return op.emitError("--reveal-early: a state depends on what would be revealed");
      if (auto reveal = dyn_cast<fx::RevealOp>(op);
          reveal && fx::fixedType(reveal.getResult()).getOwner() != fx::Owner::kClient)
        return op.emitError("--reveal-early: this output is not for the client alone");
      for (Value operand : op.getOperands()) {
        const fx::Owner owner = fx::fixedType(operand).getOwner();
        if (known.contains(operand) || owner == fx::Owner::kClient || owner == fx::Owner::kPublic)
          continue;
        if (auto constant = operand.getDefiningOp<fx::ConstantOp>())
          return op.emitError("--reveal-early: private weight '")
                 << constant.getWeight()
                 << "' is needed behind what would be revealed; reveal a later node, or make the "
                    "weight public with --public-weights";
        return op.emitError("--reveal-early: needs a value that stays shared; reveal a later node");
      }
      for (Value result : op.getResults())
        known.insert(result);
    }
    return success();
  }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    llvm::DenseSet<Value> known;
    SmallVector<Value> values;
    for (const std::string &node : nodes) {
      Value value = valueOf(function, node);
      if (!value) {
        function.emitError("--reveal-early: there is no node '")
            << node
            << "' in the fixed-point program (dyad-dump --stage fx shows all that there are)";
        return signalPassFailure();
      }
      if (known.insert(value).second)
        values.push_back(value);
    }
    if (failed(isForClient(function, known)))
      return signalPassFailure();
    for (Value value : values) {
      OpBuilder builder(&getContext());
      builder.setInsertionPointAfterValue(value);
      auto tensor = cast<RankedTensorType>(value.getType());
      auto reveal = builder.create<fx::RevealOp>(
          value.getLoc(),
          RankedTensorType::get(tensor.getShape(),
                                fx::fixedType(value).withOwner(fx::Owner::kClient)),
          value);
      value.replaceAllUsesExcept(reveal.getResult(), reveal);
    }
    for (Operation &op : function.getBody().front())
      if (op.getNumOperands() != 0 && op.getNumResults() == 1 && !isa<fx::RevealOp>(op))
        fx::setOwner(op.getResult(0), fx::joinOfOperands(&op));
  }
};

} // namespace
} // namespace dyad
