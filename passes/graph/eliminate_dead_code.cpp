// SPDX-License-Identifier: Apache-2.0
// Dead code: operations without users, then weights without users.
#include "passes/graph/passes.h"

#include "mlir/IR/Iterators.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace dyad {

#define GEN_PASS_DEF_ELIMINATEDEADCODE
#include "passes/graph/passes.h.inc"

namespace {

class EliminateDeadCodePass : public impl::EliminateDeadCodeBase<EliminateDeadCodePass> {
public:
  void runOnOperation() final {
    ModuleOp module = getOperation();
    // Users stand behind their operands, so that one walk from the end finds whole chains.
    module->walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
      if (isOpTriviallyDead(op))
        op->erase();
    });

    llvm::DenseSet<StringAttr> used;
    if (auto uses = SymbolTable::getSymbolUses(&module.getBodyRegion()))
      for (SymbolTable::SymbolUse use : *uses)
        used.insert(use.getSymbolRef().getLeafReference());
    for (Operation &op : llvm::make_early_inc_range(module.getOps())) {
      StringRef kind = op.getName().getStringRef();
      if ((kind == "nn.weight" || kind == "fx.weight") &&
          !used.contains(SymbolTable::getSymbolName(&op)))
        op.erase();
    }
  }
};

} // namespace

} // namespace dyad
