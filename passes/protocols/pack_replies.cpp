// SPDX-License-Identifier: Apache-2.0
// The pass pack-replies: for which layers by RLWE the Galois keys are worth their bytes, all layers
// of a program together, since keys are sent once.
#include "ir/mpc/operands.h"
#include "passes/cost/time_model.h"
#include "passes/protocols/overrides.h"
#include "passes/protocols/passes.h"
#include "runtime/he/he_cost.h"

#include <map>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_PACKREPLIES
#include "passes/protocols/passes.h.inc"

namespace {

// A layer that packed replies make cheaper, keys apart.
struct Candidate {
  Operation *op = nullptr;
  he::KeyNeed keys;
  double gain = 0; ///< seconds
};

// Seconds with packed replies and without, the layer being by RLWE as it is.
double seconds(Operation *op, mpc::LinearProtocol protocol, const TimeModel &times) {
  Attribute before = op->getAttr("protocol");
  op->setAttr("protocol", mpc::LinearProtocolAttr::get(op->getContext(), protocol));
  const double result = times.online(op);
  op->setAttr("protocol", before);
  return result;
}

std::optional<he::LinearPlan> packedPlan(Operation *op) {
  he::LinearSpec spec = mpc::heSpecOf(op);
  spec.packed = true;
  std::optional<he::LinearPlan> plan = he::planFor(spec);
  return plan && plan->packing != 0 ? plan : std::nullopt;
}

std::optional<Candidate> candidate(Operation *op, const TimeModel &times) {
  std::optional<he::LinearPlan> packed = packedPlan(op);
  if (!packed)
    return std::nullopt;
  const double gain = seconds(op, mpc::LinearProtocol::kHe, times) -
                      seconds(op, mpc::LinearProtocol::kHePacked, times);
  return gain > 0 ? std::optional(Candidate{op, packed->keys(), gain}) : std::nullopt;
}

/// Which of the layers of one parameter set are worth their keys, beside those that the program has
/// anyway.
class Choice {
public:
  Choice(const TimeModel &times, std::vector<he::KeyNeed> given)
      : times_(times), given_(std::move(given)), givenSeconds_(times.keys(given_)) {}

  // Leaves out layers that need a key which does not pay, as long as there is one.
  std::vector<Candidate> worthTheirKeys(std::vector<Candidate> layers) const {
    constexpr unsigned kSteps = 16;
    for (bool changed = true; changed;) {
      changed = false;
      double most = netGain(layers);
      const std::vector<Candidate> all = layers;
      for (unsigned step = 0; step < kSteps; ++step) {
        std::vector<Candidate> fewer = without(all, step);
        if (fewer.size() < all.size() && netGain(fewer) > most) {
          most = netGain(fewer);
          layers = std::move(fewer);
          changed = true;
        }
      }
    }
    return layers;
  }

private:
  // What all of them together gain, less their keys.
  double netGain(const std::vector<Candidate> &layers) const {
    std::vector<he::KeyNeed> keys = given_;
    double gain = 0;
    for (const Candidate &layer : layers) {
      keys.push_back(layer.keys);
      gain += layer.gain;
    }
    return gain - (times_.keys(he::merged(keys)) - givenSeconds_);
  }

  static std::vector<Candidate> without(std::vector<Candidate> layers, unsigned step) {
    llvm::erase_if(layers,
                   [&](const Candidate &layer) { return (layer.keys.steps >> step & 1) != 0; });
    return layers;
  }

  const TimeModel &times_;
  std::vector<he::KeyNeed> given_;
  double givenSeconds_;
};

struct PackReplies : impl::PackRepliesBase<PackReplies> {
  using PackRepliesBase::PackRepliesBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<Overrides> overrides = Overrides::read(module, config);
    if (failed(overrides))
      return signalPassFailure();
    const TimeModel times(mpc::targetOf(module), demandOf(module));
    auto packed = mpc::LinearProtocolAttr::get(&getContext(), mpc::LinearProtocol::kHePacked);
    std::map<unsigned, std::vector<Candidate>> bySet;
    WalkResult walked = module.walk([&](Operation *op) {
      if (!mpc::isHe(op))
        return WalkResult::advance();
      if (std::optional<bool> fixed = overrides->packed(op)) {
        if (*fixed && !packedPlan(op)) {
          op->emitError("no packing of its replies is exact for its widths and sizes; its "
                        "'packed' can only be false");
          return WalkResult::interrupt();
        }
        if (*fixed)
          op->setAttr("protocol", packed);
      } else if (std::optional<Candidate> layer = candidate(op, times)) {
        bySet[layer->keys.set].push_back(*layer);
      }
      return WalkResult::advance();
    });
    if (walked.wasInterrupted() || failed(overrides->reportUnused(module, "packed")))
      return signalPassFailure();
    for (auto &[set, layers] : bySet)
      for (const Candidate &layer : Choice(times, mpc::heKeys(module)).worthTheirKeys(layers))
        layer.op->setAttr("protocol", packed);
  }
};

} // namespace
} // namespace dyad
