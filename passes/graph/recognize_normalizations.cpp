// SPDX-License-Identifier: Apache-2.0
// Normalisations that were exported in steps become one operation, which has a protocol of its own.
#include "ir/nn/nn.h"
#include "passes/graph/constants.h"
#include "passes/graph/passes.h"

using namespace mlir;

namespace dyad {

#define GEN_PASS_DEF_RECOGNIZENORMALIZATIONS
#include "passes/graph/passes.h.inc"

namespace {

// The value that a broadcast repeats, or the value itself.
Value once(Value value) {
  auto broadcast = value.getDefiningOp<nn::BroadcastOp>();
  return broadcast ? broadcast.getInput() : value;
}

nn::FunctionOp functionOf(Value value, nn::FunctionKind kind) {
  auto function = value.getDefiningOp<nn::FunctionOp>();
  return function && function.getKind() == kind ? function : nn::FunctionOp();
}

// The operand of a square root that something is divided by.
Value rootBelow(Value divisor) {
  auto root = functionOf(once(divisor), nn::FunctionKind::kSqrt);
  return root ? root.getInput() : Value();
}

// The operand of a reciprocal root that something is multiplied by.
Value rootOf(Value factor) {
  if (auto root = functionOf(once(factor), nn::FunctionKind::kRsqrt))
    return root.getInput();
  auto reciprocal = functionOf(once(factor), nn::FunctionKind::kReciprocal);
  return reciprocal ? rootBelow(reciprocal.getInput()) : Value();
}

// The means of `input`, over all elements that one of the result is broadcast to.
nn::ReduceOp meanOf(Value value) {
  auto reduce = once(value).getDefiningOp<nn::ReduceOp>();
  return reduce && reduce.getKind() == nn::ReduceKind::kMean ? reduce : nn::ReduceOp();
}

struct Normalization {
  Value input;
  bool center = false;
  SmallVector<int64_t> axes;
  double epsilon = 0;
};

// What `rest` divided by the root of `sum` is.
std::optional<Normalization> normalization(Value rest, Value sum, const Weights &weights) {
  auto add = sum ? sum.getDefiningOp<nn::AddOp>() : nn::AddOp();
  if (!add)
    return std::nullopt;
  for (auto [terms, number] :
       {std::pair(add.getLhs(), add.getRhs()), std::pair(add.getRhs(), add.getLhs())}) {
    std::optional<Constant> epsilon = weights.constantOf(number);
    nn::ReduceOp squares = meanOf(terms);
    auto square = squares ? squares.getInput().getDefiningOp<nn::MulOp>() : nn::MulOp();
    if (!epsilon || !epsilon->isScalar() || epsilon->values.front() < 0 || !square ||
        square.getLhs() != rest || square.getRhs() != rest)
      continue;
    Normalization found{rest, false, SmallVector<int64_t>(squares.getAxes()),
                        epsilon->values.front()};
    llvm::sort(found.axes);
    if (auto difference = rest.getDefiningOp<nn::SubOp>())
      if (nn::ReduceOp mean = meanOf(difference.getRhs());
          mean && mean.getInput() == difference.getLhs()) {
        SmallVector<int64_t> axes(mean.getAxes());
        llvm::sort(axes);
        if (axes == found.axes) {
          found.input = difference.getLhs();
          found.center = true;
        }
      }
    return found;
  }
  return std::nullopt;
}

class RecognizeNormalizationsPass
    : public impl::RecognizeNormalizationsBase<RecognizeNormalizationsPass> {
public:
  void runOnOperation() final {
    Weights weights(getOperation());
    std::vector<Operation *> candidates;
    getOperation().walk([&](Operation *op) {
      if (isa<nn::DivOp, nn::MulOp>(op))
        candidates.push_back(op);
    });
    for (Operation *op : candidates) {
      Value lhs = op->getOperand(0);
      Value rhs = op->getOperand(1);
      std::optional<Normalization> found;
      if (isa<nn::DivOp>(op)) {
        found = normalization(lhs, rootBelow(rhs), weights);
      } else {
        found = normalization(lhs, rootOf(rhs), weights);
        if (!found)
          found = normalization(rhs, rootOf(lhs), weights);
      }
      if (!found || found->input.getType() != op->getResult(0).getType())
        continue;
      OpBuilder builder(op);
      Value normalized = builder.create<nn::NormalizeOp>(
          op->getLoc(), found->input, builder.getDenseI64ArrayAttr(found->axes),
          builder.getF64FloatAttr(found->epsilon), builder.getBoolAttr(found->center), FloatAttr(),
          FloatAttr());
      op->getResult(0).replaceAllUsesWith(normalized);
      op->erase();
    }
  }
};

} // namespace

} // namespace dyad
