// SPDX-License-Identifier: Apache-2.0
// The pass pack-replies: for which layers by RLWE the Galois keys are worth their bytes, all layers
// of a program together, since keys are sent once.
#include "ir/mpc/operands.h"
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
  std::uint64_t gain = 0;
};

std::optional<Candidate> candidate(Operation *op) {
  he::LinearSpec spec = mpc::heSpecOf(op);
  std::optional<he::LinearPlan> plain = he::planFor(spec);
  he::LinearSpec packedSpec = spec;
  packedSpec.packed = true;
  std::optional<he::LinearPlan> packed = he::planFor(packedSpec);
  if (!plain || !packed || packed->packing == 0)
    return std::nullopt;
  const std::uint64_t before = plain->price(spec);
  const std::uint64_t after = packed->price(packedSpec);
  if (before <= after)
    return std::nullopt;
  return Candidate{op, packed->keys(), before - after};
}

// What all of them together gain, less their keys.
std::int64_t netGain(const std::vector<Candidate> &layers) {
  std::vector<he::KeyNeed> keys;
  std::int64_t gain = 0;
  for (const Candidate &layer : layers) {
    keys.push_back(layer.keys);
    gain += static_cast<std::int64_t>(layer.gain);
  }
  return gain - static_cast<std::int64_t>(he::keyCost(he::merged(keys)).bytes());
}

std::vector<Candidate> without(std::vector<Candidate> layers, unsigned step) {
  llvm::erase_if(layers,
                 [&](const Candidate &layer) { return (layer.keys.steps >> step & 1) != 0; });
  return layers;
}

// Leaves out layers that need a key which does not pay, as long as there is one.
std::vector<Candidate> worthTheirKeys(std::vector<Candidate> layers) {
  constexpr unsigned kSteps = 16;
  for (bool changed = true; changed;) {
    changed = false;
    std::int64_t most = netGain(layers);
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

struct PackReplies : impl::PackRepliesBase<PackReplies> {
  using PackRepliesBase::PackRepliesBase;

  void runOnOperation() override {
    std::map<unsigned, std::vector<Candidate>> bySet;
    getOperation().walk([&](Operation *op) {
      if (!mpc::isHe(op))
        return;
      if (std::optional<Candidate> layer = candidate(op))
        bySet[layer->keys.set].push_back(*layer);
    });
    auto packed = mpc::LinearProtocolAttr::get(&getContext(), mpc::LinearProtocol::kHePacked);
    for (auto &[set, layers] : bySet)
      for (const Candidate &layer : worthTheirKeys(layers))
        layer.op->setAttr("protocol", packed);
  }
};

} // namespace
} // namespace dyad
