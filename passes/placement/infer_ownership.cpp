// SPDX-License-Identifier: Apache-2.0
// Owners of fx values: a forward walk over the lattice public < client, server < shared. Programs
// are straight-line, so one walk in order is the fixed point.
#include "passes/placement/passes.h"

#include "ir/fx/owner.h"

#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_INFEROWNERSHIP
#include "passes/placement/passes.h.inc"

namespace {

// Whether the receiver of a reveal knows the value without it.
bool knows(fx::Owner receiver, fx::Owner owner) {
  return owner == fx::Owner::kPublic || owner == receiver;
}

struct InferOwnership : impl::InferOwnershipBase<InferOwnership> {
  using InferOwnershipBase::InferOwnershipBase;

  // Applies one NAME=OWNER; false, with a diagnostic, if there is no such name or owner.
  bool change(const std::string &setting, const SymbolTable &symbols) {
    auto [name, text] = StringRef(setting).rsplit('=');
    std::optional<fx::Owner> owner = fx::symbolizeOwner(text);
    if (!owner || *owner == fx::Owner::kShared) {
      getOperation().emitError("infer-ownership: '")
          << setting << "' is not NAME=client, NAME=server or NAME=public";
      return false;
    }
    bool found = false;
    if (auto weight = symbols.lookup<fx::WeightOp>(name)) {
      auto tensor = cast<RankedTensorType>(weight.getType());
      auto type = cast<fx::FixedType>(tensor.getElementType());
      weight.setTypeAttr(
          TypeAttr::get(RankedTensorType::get(tensor.getShape(), type.withOwner(*owner))));
      found = true;
    }
    getOperation().walk([&, &wanted = name](fx::InputOp input) {
      if (input.getName() == wanted) {
        fx::setOwner(input.getResult(), *owner);
        found = true;
      }
    });
    if (!found)
      getOperation().emitError("infer-ownership: there is no input or weight '") << name << "'";
    return found;
  }

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    std::vector<Operation *> needless;
    bool failed = false;
    for (const std::string &setting : set)
      failed |= !change(setting, symbols);
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op->getName().getDialectNamespace() != "fx" ||
          isa<fx::InputOp, fx::StateOp, fx::WeightOp>(op))
        return;
      if (auto constant = dyn_cast<fx::ConstantOp>(op)) {
        if (auto weight = symbols.lookup<fx::WeightOp>(constant.getWeight()))
          constant.getResult().setType(cast<RankedTensorType>(weight.getType()));
      } else if (auto reveal = dyn_cast<fx::RevealOp>(op)) {
        fx::Owner owner = fx::fixedType(reveal.getInput()).getOwner();
        if (knows(fx::fixedType(reveal.getResult()).getOwner(), owner))
          needless.push_back(op);
      } else if (auto output = dyn_cast<fx::OutputOp>(op)) {
        if (fx::fixedType(output.getValue()).getOwner() == fx::Owner::kShared) {
          op->emitError("output '") << output.getName()
                                    << "' leaves as shares that nobody can read; it needs an "
                                       "fx.reveal to its receiver";
          failed = true;
        }
      } else if (op->getNumResults() == 1) {
        fx::setOwner(op->getResult(0), fx::joinOfOperands(op));
      }
    });
    for (Operation *op : needless) {
      // The receiver's knowledge is in the operand's type; consumers follow it.
      op->getResult(0).replaceAllUsesWith(op->getOperand(0));
      op->erase();
    }
    if (failed)
      signalPassFailure();
  }
};

} // namespace
} // namespace dyad
