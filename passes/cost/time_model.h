// SPDX-License-Identifier: Apache-2.0
// Seconds that protocols take on a link: computing, plus bytes by bandwidth, plus flows by latency.
// Bytes and flows come from the protocols' own formulas; computing from constants measured on one
// core of a party. For choosing between protocols, and to tell people what to expect.
#pragma once

#include "ir/mpc/target.h"
#include "runtime/net/cost.h"

#include "mlir/IR/Operation.h"

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

  /// Bytes and flows only.
  double network(const Cost &cost) const;
  /// One core of each party, waiting for each other; nothing for what is local.
  double compute(mlir::Operation *op) const;
  /// What the stock of a program that takes so many COTs takes to fill, computing apart.
  double stockNetwork(const CotDemand &demand) const;
  double stockCompute(const CotDemand &demand) const;

  /// Traffic, and the price of the COTs it uses up.
  double seconds(const Cost &cost) const;
  /// All of it: `seconds` of the operation's cost, and its computing.
  double seconds(mlir::Operation *op) const;

  const mpc::Target &target() const { return target_; }

private:
  mpc::Target target_;
  double cotSeconds_ = 0; ///< from the stock, traffic and computing
};

/// How many bits of a protocol take as long, computing included, as one more flow on the link.
double bitsPerFlow(const LinkProfile &link);

/// Set-up, stock and one sample of a lowered module, as its target says.
double programSeconds(mlir::ModuleOp module);

} // namespace dyad
