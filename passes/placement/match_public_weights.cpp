// SPDX-License-Identifier: Apache-2.0
// The pass match-public-weights: weights that a public model has in the same place are public.
#include "passes/placement/passes.h"

#include "ir/weights.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_MATCHPUBLICWEIGHTS
#include "passes/placement/passes.h.inc"

namespace {

struct MatchPublicWeights : impl::MatchPublicWeightsBase<MatchPublicWeights> {
  using MatchPublicWeightsBase::MatchPublicWeightsBase;
  explicit MatchPublicWeights(PublicBases given) : given_(std::move(given)) {}

  void runOnOperation() override {
    FailureOr<PublicBases> read =
        readPublicBases(getOperation(), std::vector<std::string>(bases.begin(), bases.end()));
    if (failed(read))
      return signalPassFailure();
    read->insert(read->end(), given_.begin(), given_.end());
    SmallVector<Attribute> matches;
    llvm::StringSet<> known;
    if (auto before = getOperation()->getAttrOfType<ArrayAttr>(kPublicMatches))
      for (auto entry : before.getAsRange<ArrayAttr>()) {
        matches.push_back(entry);
        known.insert(cast<StringAttr>(entry[0]).getValue());
      }
    Builder builder(&getContext());
    for (const std::shared_ptr<PublicBase> &base : *read)
      for (WeightMatch &match : matchWeights(getOperation(), *base->module)) {
        base->isMatched |= match.isEqual;
        if (!match.isEqual)
          continue;
        match.weight.setIsPublic(true);
        if (known.insert(match.weight.getSymName()).second)
          matches.push_back(builder.getArrayAttr({builder.getStringAttr(match.weight.getSymName()),
                                                  builder.getStringAttr(match.how)}));
      }
    if (!matches.empty())
      getOperation()->setAttr(kPublicMatches, ArrayAttr::get(&getContext(), matches));
  }

  PublicBases given_;
};

} // namespace

std::unique_ptr<Pass> createMatchPublicWeights(PublicBases bases) {
  return std::make_unique<MatchPublicWeights>(std::move(bases));
}

} // namespace dyad
