// SPDX-License-Identifier: Apache-2.0
#include "passes/cost/time_model.h"

#include "ir/mpc/operands.h"
#include "passes/cost/program_cost.h"
#include "runtime/he/he_cost.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <algorithm>

using namespace mlir;

namespace dyad {
namespace {

// Measured on an EPYC of the Zen 5 generation (docs/measurements.md), from ReLUs of several
// radices: hashing and packing go with the bytes, bookkeeping with the COTs; making those is the
// stock's.
constexpr double kSecondsPerCot = 2e-9;
constexpr double kSecondsPerByte = 7e-9;
// A tick's hand-over between the parties' threads and the kernel.
constexpr double kSecondsPerFlow = 20e-6;
// With fewer, a COT would be priced by the messages that start an extension.
constexpr std::uint64_t kLeastDemand = 10000;

std::uint64_t cotsOf(const CotDemand &demand) { return demand.server + demand.client; }

} // namespace

CotDemand demandOf(ModuleOp module) {
  CotDemand demand;
  if (auto main = module.lookupSymbol<func::FuncOp>("main"); main && !main.isExternal())
    for (Operation &op : main.getBody().front())
      if (auto costed = dyn_cast<mpc::CostOpInterface>(op))
        demand.add(costed.cost());
  return demand;
}

TimeModel::TimeModel(const mpc::Target &target, const CotDemand &demand) : target_(target) {
  const CotDemand counted{std::max(demand.server, kLeastDemand),
                          std::max(demand.client, kLeastDemand)};
  cotSeconds_ =
      (stockNetwork(counted) + stockCompute(counted)) / static_cast<double>(cotsOf(counted));
}

double TimeModel::network(const Cost &cost) const {
  return 8.0 * static_cast<double>(cost.bytes()) / target_.link.bitsPerSecond +
         cost.flows() * (target_.link.roundTripSeconds / 2 + kSecondsPerFlow);
}

double TimeModel::compute(Operation *op) const {
  if (auto parallel = dyn_cast<mpc::ParallelOp>(op)) {
    double sum = 0;
    for (Operation &member : parallel.getBody().front())
      sum += compute(&member);
    return sum;
  }
  auto costed = dyn_cast<mpc::CostOpInterface>(op);
  if (!costed)
    return 0;
  if (mpc::isHe(op))
    return he::computeSeconds(mpc::heSpecOf(op));
  const Cost cost = costed.cost();
  return kSecondsPerCot * static_cast<double>(cost.serverCots + cost.clientCots) +
         kSecondsPerByte * static_cast<double>(cost.bytes());
}

double TimeModel::stockNetwork(const CotDemand &demand) const {
  return network(stockCost(demand.server, demand.client, target_.stock()));
}

double TimeModel::stockCompute(const CotDemand &demand) const {
  return stockWorkSeconds(demand.server, demand.client, target_.stock());
}

double TimeModel::seconds(const Cost &cost) const {
  return network(cost) + cotSeconds_ * static_cast<double>(cost.serverCots + cost.clientCots);
}

double TimeModel::seconds(Operation *op) const {
  auto costed = dyn_cast<mpc::CostOpInterface>(op);
  return costed ? seconds(costed.cost()) + compute(op) : 0;
}

double bitsPerFlow(const LinkProfile &link) {
  return (link.roundTripSeconds / 2 + kSecondsPerFlow) /
         (1 / link.bitsPerSecond + kSecondsPerByte / 8);
}

double programSeconds(ModuleOp module) {
  double sum = 0;
  for (const NodeStats &phase : costOf(module).phases)
    sum += phase.seconds;
  return sum;
}

} // namespace dyad
