// SPDX-License-Identifier: Apache-2.0
// The pass prepare-products: which matrix products with one weight, one after another, are replaced
// by one product of masks and a short message each. Seconds by the cost formulas decide.
#include "ir/mpc/operands.h"
#include "passes/cost/time_model.h"
#include "passes/protocols/overrides.h"
#include "passes/protocols/passes.h"
#include "runtime/he/he_cost.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

#include <array>
#include <optional>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_PREPAREPRODUCTS
#include "passes/protocols/passes.h.inc"

namespace {

using Members = SmallVector<mpc::MatMulOp>;

// The weight of a product `x W` of matrices; null for other products.
FlatSymbolRefAttr weightOf(mpc::MatMulOp op) {
  auto constant = op.getRhs().getDefiningOp<fx::ConstantOp>();
  bool areMatrices = mpc::shapeOf(op.getLhs()).size() == 2 && mpc::shapeOf(op.getRhs()).size() == 2;
  // What the client knows in the clear has no share to be hidden.
  bool isClients = mpc::clientFormatOf(op.getLhs()).bits != 0;
  return constant && areMatrices && !isClients ? constant.getWeightAttr() : FlatSymbolRefAttr();
}

int64_t rowsOf(mpc::MatMulOp op) { return mpc::shapeOf(op.getLhs())[0]; }

// What all members prepare: the product of masks for all their rows, in the widest ring.
struct Plan {
  int64_t rows = 0;
  unsigned width = 0;
  mpc::LinearProtocol protocol = mpc::LinearProtocol::kOtServerChooses;
  double seconds = 0; ///< of the preparation and of the members' messages
};

class Planner {
public:
  Planner(const TimeModel &times, std::vector<he::KeyNeed> keys, bool byOt, bool byHe)
      : times_(times), keys_(std::move(keys)), byOt_(byOt), byHe_(byHe) {}

  std::optional<Plan> plan(const Members &members) const {
    Plan best;
    double messages = 0;
    for (mpc::MatMulOp op : members) {
      best.rows += rowsOf(op);
      best.width = std::max(best.width, mpc::ringBits(op.getResult()));
      messages += times_.seconds(
          matmulPreparedCost(mpc::elements(op.getLhs()), mpc::ringBits(op.getResult())));
    }
    const clear::Shape right = mpc::shapeOf(mpc::MatMulOp(members.front()).getRhs());
    const clear::Shape left{best.rows, right[0]};
    const clear::Format format = mpc::formatOf(mpc::MatMulOp(members.front()).getRhs());
    bool found = false;
    auto offer = [&](mpc::LinearProtocol protocol, double more) {
      Cost cost = matmulCost(left, right, false, best.width, format, mpc::protocolOf(protocol));
      double seconds = messages + times_.seconds(cost) + more;
      if (!found || seconds < best.seconds)
        best.protocol = protocol, best.seconds = seconds;
      found = true;
    };
    if (byOt_) {
      offer(mpc::LinearProtocol::kOtServerChooses, 0);
      offer(mpc::LinearProtocol::kOtClientChooses, 0);
    }
    const he::LinearSpec spec = heMatmulSpec(left, right, false, best.width, format, false);
    if (std::optional<he::LinearPlan> he = byHe_ ? he::planFor(spec) : std::nullopt) {
      const he::KeyNeed need = he->keys();
      bool hasKey = llvm::any_of(keys_, [&](const he::KeyNeed &k) { return k.set == need.set; });
      offer(mpc::LinearProtocol::kHe, he::computeSeconds(spec, times_.target().machine) +
                                          (hasKey ? 0 : times_.keys({&need, 1})));
    }
    return found ? std::optional(best) : std::nullopt;
  }

private:
  const TimeModel &times_;
  std::vector<he::KeyNeed> keys_; ///< of the program as it is
  bool byOt_, byHe_;
};

struct PrepareProducts : impl::PrepareProductsBase<PrepareProducts> {
  using PrepareProductsBase::PrepareProductsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<Overrides> overrides = Overrides::read(module, config);
    if (failed(overrides))
      return signalPassFailure();
    const TimeModel times(mpc::targetOf(module), demandOf(module));
    const Planner planner(times, mpc::heKeys(module), linear != "he", linear != "ot");
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal())
        visit(function.getBody().front(), planner, times, *overrides);
  }

private:
  static void visit(Block &block, const Planner &planner, const TimeModel &times,
                    Overrides &overrides) {
    llvm::MapVector<Attribute, Members> groups;
    for (Operation &op : block)
      if (auto product = dyn_cast<mpc::MatMulOp>(op))
        if (FlatSymbolRefAttr weight = weightOf(product); weight && !overrides.protocol(product))
          groups[weight].push_back(product);
    for (auto &[weight, members] : groups) {
      if (members.size() < 2)
        continue;
      double before = 0;
      for (mpc::MatMulOp op : members)
        before += times.seconds(op);
      std::optional<Plan> plan = planner.plan(members);
      if (plan && plan->seconds < before)
        rewrite(block, members, *plan);
    }
  }

  static void rewrite(Block &block, const Members &members, const Plan &plan) {
    mpc::MatMulOp first = members.front();
    OpBuilder builder(&block, block.begin());
    auto ring = [&](unsigned width) { return mpc::ArithType::get(builder.getContext(), width); };
    auto matrix = first.getRhs().getDefiningOp<fx::ConstantOp>();
    const clear::Shape right = mpc::shapeOf(matrix.getResult());
    Location location = first.getLoc();
    Operation *weight = builder.clone(*matrix);
    Value masks = builder.create<mpc::MaskOp>(
        location, RankedTensorType::get({plan.rows, right[0]}, ring(plan.width)));
    Value products = builder.create<mpc::MatMulOp>(
        location, RankedTensorType::get({plan.rows, right[1]}, ring(plan.width)), masks,
        weight->getResult(0), mpc::LinearProtocolAttr::get(builder.getContext(), plan.protocol));
    int64_t begin = 0;
    for (mpc::MatMulOp op : members) {
      builder.setInsertionPoint(op);
      auto part = [&](Value all, Type wanted) -> Value {
        clear::Shape shape = mpc::shapeOf(all);
        shape[0] = rowsOf(op);
        Value own = builder.create<mpc::SliceOp>(
            op.getLoc(), RankedTensorType::get(shape, ring(plan.width)), all,
            builder.getDenseI64ArrayAttr({begin, 0}), builder.getDenseI64ArrayAttr({1, 1}));
        return own.getType() == wanted ? own
                                       : builder.create<mpc::NarrowOp>(op.getLoc(), wanted, own);
      };
      Value prepared = builder.create<mpc::MatMulPreparedOp>(
          op.getLoc(), op.getResult().getType(), op.getLhs(), part(masks, op.getLhs().getType()),
          part(products, op.getResult().getType()), weight->getResult(0));
      begin += rowsOf(op);
      op.getResult().replaceAllUsesWith(prepared);
      op->erase();
    }
  }
};

} // namespace
} // namespace dyad
