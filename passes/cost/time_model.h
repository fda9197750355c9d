// SPDX-License-Identifier: Apache-2.0
// Seconds that protocols take on a link between two machines: what each party computes, and what it
// waits for (docs/cost_model.md). Bytes and flows come from the protocols' own formulas; computing
// from the constants of the target's machine.
#pragma once

#include "ir/mpc/target.h"
#include "passes/cost/link_clock.h"
#include "runtime/he/plan.h"
#include "runtime/net/cost.h"

#include "mlir/IR/Operation.h"

#include <span>

namespace dyad {

/// Correlated OTs that a program takes, by who sends them.
struct CotDemand {
  std::uint64_t server = 0;
  std::uint64_t client = 0;
  bool operator==(const CotDemand &) const = default;

  void add(const Cost &cost) {
    server += cost.serverCots;
    client += cost.clientCots;
  }
};

/// What a program takes for one sample: the sum over the operations of `main`.
CotDemand demandOf(mlir::ModuleOp module);

class TimeModel {
public:
  /// COTs are priced by the extension that this demand makes worth while: the more, the cheaper.
  TimeModel(const mpc::Target &target, const CotDemand &demand);

  /// Bytes and flows only, when both parties begin at once.
  double network(const Cost &cost) const;
  /// One core of each party, waiting for each other; nothing for what is local.
  double compute(mlir::Operation *op) const;
  /// Traffic and computing of an operation that begins where `clock` is; COTs are there.
  double online(mlir::Operation *op, LinkClock &clock) const;
  double online(mlir::Operation *op) const;
  /// Keys of RLWE, made and sent.
  double keys(std::span<const he::KeyNeed> needs) const;
  /// Base OTs and keys, all that comes before COTs.
  double setup(std::span<const he::KeyNeed> needs) const;
  /// What filling the stock of a program that takes so many COTs takes, the making of those that
  /// are only made when they are taken included.
  double stock(const CotDemand &demand, const StockOptions &options) const;

  /// Traffic, and the price of the COTs it uses up.
  double seconds(const Cost &cost) const;
  /// All of it: `online`, and the price of the COTs.
  double seconds(mlir::Operation *op) const;

  const mpc::Target &target() const { return target_; }

private:
  double cots(const Cost &cost) const {
    return cotSeconds_ * static_cast<double>(cost.serverCots + cost.clientCots);
  }

  mpc::Target target_;
  double cotSeconds_ = 0; ///< from the stock, traffic and computing
};

/// How many bits of a protocol take as long, computing included, as one more flow on the link.
double bitsPerFlow(const mpc::Target &target);

/// Set-up, stock and one sample of a lowered module, as its target says.
double programSeconds(mlir::ModuleOp module);

} // namespace dyad
