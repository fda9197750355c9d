// SPDX-License-Identifier: Apache-2.0
// The pass split-updates: private weights with a public base in their place. Which layers those are
// is the business of public_base.h, what each becomes that of updated_layer.h.
#include "passes/placement/passes.h"
#include "passes/placement/updated_layer.h"

#include "ir/structure.h"
#include "ir/weights.h"

#include "mlir/IR/SymbolTable.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_SPLITUPDATES
#include "passes/placement/passes.h.inc"

namespace {

Constant constantOf(nn::WeightOp base) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(base.getType()).getShape();
  std::vector<float> floats = floatValues(base.getValueAttr());
  return {{shape.begin(), shape.end()},
          {floats.begin(), floats.end()},
          base.getSymName().str(),
          /*isPublic=*/true};
}

// As the client learns it.
std::string describe(const UpdateSplit &split, const UpdatedLayer &layer) {
  switch (split.kind) {
  case UpdateSplit::Kind::kEqual:
    return "the base up to rounding";
  case UpdateSplit::Kind::kOutputs:
    return fmt::format("private in outputs {} of {}", fmt::join(split.indices, ", "),
                       layer.outputs());
  case UpdateSplit::Kind::kInputs:
    return fmt::format("the base, and a private update of inputs {} of {}",
                       fmt::join(split.indices, ", "), layer.inputs());
  case UpdateSplit::Kind::kRank:
  case UpdateSplit::Kind::kRankBehind:
    break;
  }
  return fmt::format("the base, and a private update of rank {}", split.rank);
}

struct SplitUpdates : impl::SplitUpdatesBase<SplitUpdates> {
  using SplitUpdatesBase::SplitUpdatesBase;
  SplitUpdates(SplitUpdatesOptions options, PublicBases given)
      : SplitUpdatesBase(std::move(options)), given_(std::move(given)) {}

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<PublicBases> read =
        readPublicBases(module, std::vector<std::string>(bases.begin(), bases.end()));
    FailureOr<LinearSeconds> seconds =
        LinearSeconds::onLink(module, network.getValue(), machine.getValue());
    if (failed(read) || failed(seconds))
      return signalPassFailure();
    read->insert(read->end(), given_.begin(), given_.end());
    Weights weights(module);
    llvm::DenseMap<Attribute, Constant> baseOf;
    for (const std::shared_ptr<PublicBase> &base : *read)
      for (WeightMatch &match : matchWeights(module, *base->module))
        if (!match.isEqual && !match.weight.getIsPublic())
          baseOf.try_emplace(match.weight.getSymNameAttr(), constantOf(match.base));
    if (baseOf.empty())
      return;
    SmallVector<Operation *> layers;
    module.walk([&](Operation *op) {
      if (isa<nn::Conv2DOp, nn::MatMulOp>(op))
        layers.push_back(op);
    });
    for (Operation *op : layers)
      if (!split(op, baseOf, *seconds, weights))
        return signalPassFailure();
    if (!updates_.empty())
      module->setAttr(kWeightUpdates, ArrayAttr::get(&getContext(), updates_));
  }

private:
  bool split(Operation *op, const llvm::DenseMap<Attribute, Constant> &baseOf,
             const LinearSeconds &seconds, Weights &weights) {
    for (Value operand : op->getOperands()) {
      auto constant = operand.getDefiningOp<nn::ConstantOp>();
      auto base = constant ? baseOf.find(constant.getWeightAttr().getAttr()) : baseOf.end();
      if (base == baseOf.end())
        continue;
      std::optional<UpdatedLayer> layer = UpdatedLayer::of(op, weights, base->second);
      std::optional<UpdateSplit> best = layer ? layer->best(seconds) : std::nullopt;
      if (!best)
        continue;
      if (const double whole = layer->wholeSeconds(seconds); !always && best->seconds >= whole) {
        op->emitRemark(fmt::format("weight '{}' is {}, but kept whole and private: by the cost "
                                   "formulas {:.3g} s in place of {:.3g} s; --split-updates always "
                                   "splits it",
                                   layer->weightName(), describe(*best, *layer), whole,
                                   best->seconds));
        continue;
      }
      Builder builder(&getContext());
      updates_.push_back(
          builder.getStrArrayAttr({nodeName(op), layer->weightName(), describe(*best, *layer)}));
      return layer->apply(*best, weights);
    }
    return true;
  }

  PublicBases given_;
  SmallVector<Attribute> updates_;
};

} // namespace

std::unique_ptr<Pass> createSplitUpdates(SplitUpdatesOptions options, PublicBases bases) {
  return std::make_unique<SplitUpdates>(std::move(options), std::move(bases));
}

} // namespace dyad
