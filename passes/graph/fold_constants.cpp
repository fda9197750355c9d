// SPDX-License-Identifier: Apache-2.0
// Constant folding: values that follow from weights alone become weights. Repetition is not folded,
// since nn.broadcast of a small weight is smaller and tells more.
#include "passes/graph/passes.h"

#include "ir/eval/nn_interpreter.h"
#include "ir/nn/nn.h"
#include "ir/weights.h"
#include "passes/graph/constants.h"
#include "runtime/net/error.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <cmath>

using namespace mlir;

namespace dyad {

#define GEN_PASS_DEF_FOLDCONSTANTS
#include "passes/graph/passes.h.inc"

namespace {

using Shared = std::shared_ptr<const NnValue>;

ElementsAttr attributeOf(const NnValue &value, MLIRContext *context, StringRef name) {
  if (const auto *floats = std::get_if<clear::Tensor<float>>(&value))
    return makeFloatValue(floats->shape, floats->data, context, name);
  const auto &integers = std::get<clear::Tensor<std::int64_t>>(value);
  return makeIntegerValue(integers.shape, integers.data, 64, context, name);
}

bool isFinite(const NnValue &value) {
  const auto *floats = std::get_if<clear::Tensor<float>>(&value);
  return floats == nullptr || llvm::all_of(floats->data, [](float x) { return std::isfinite(x); });
}

class FoldConstantsPass : public impl::FoldConstantsBase<FoldConstantsPass> {
public:
  void runOnOperation() final {
    Weights weights(getOperation());
    if (failed(fold(weights)))
      signalPassFailure();
  }

private:
  LogicalResult fold(Weights &weights) {
    SymbolTable symbols(getOperation());
    llvm::DenseMap<Value, Shared> known;
    llvm::DenseSet<Value> isPublic;
    SmallVector<Operation *> folded;
    auto visit = [&](Operation *op) -> LogicalResult {
      bool isNn = op->getName().getDialectNamespace() == "nn";
      if (!isNn || op->getNumResults() != 1 || op->getNumOperands() == 0 || !isPure(op) ||
          !llvm::all_of(op->getOperands(), [&](Value operand) {
            return known.contains(operand) || operand.getDefiningOp<nn::ConstantOp>();
          }))
        return success();
      std::vector<const NnValue *> operands;
      for (Value operand : op->getOperands()) {
        Shared &value = known[operand];
        if (!value)
          value = std::make_shared<const NnValue>(
              nnWeightValue(symbols.lookup(operand.getDefiningOp<nn::ConstantOp>().getWeight())));
        if (auto constant = operand.getDefiningOp<nn::ConstantOp>();
            constant && weights.isPublic(constant))
          isPublic.insert(operand);
      }
      if (llvm::all_of(op->getOperands(), [&](Value v) { return isPublic.contains(v); }))
        isPublic.insert(op->getResult(0));
      for (Value operand : op->getOperands())
        operands.push_back(known[operand].get());
      Shared result = std::make_shared<const NnValue>(evaluateNn(op, operands));
      if (!isFinite(*result))
        return op->emitError("the value of this constant expression is not finite");
      known[op->getResult(0)] = result;
      folded.push_back(op);
      return success();
    };
    WalkResult walk = getOperation().walk([&](Operation *op) -> WalkResult {
      try {
        return visit(op);
      } catch (const Error &error) {
        return op->emitError(error.what());
      }
    });
    if (walk.wasInterrupted())
      return failure();

    // Users stand behind: those that were folded too are gone when their operand's turn comes.
    for (Operation *op : llvm::reverse(folded)) {
      if (op->use_empty()) {
        op->erase();
        continue;
      }
      Value source = op->getResult(0);
      if (auto broadcast = dyn_cast<nn::BroadcastOp>(op))
        source = broadcast.getInput();
      if (source.getDefiningOp<nn::ConstantOp>())
        continue;
      OpBuilder builder(op);
      Operation *named = source.getDefiningOp();
      StringRef node = nodeName(named);
      StringRef name = node.empty() ? named->getName().stripDialect() : node;
      Value constant = weights.create(builder, named->getLoc(), name,
                                      attributeOf(*known[source], &getContext(), name),
                                      isPublic.contains(source));
      if (source != op->getResult(0)) {
        op->setOperand(0, constant);
        continue;
      }
      op->getResult(0).replaceAllUsesWith(constant);
      op->erase();
    }
    return success();
  }
};

} // namespace

} // namespace dyad
