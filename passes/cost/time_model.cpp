// SPDX-License-Identifier: Apache-2.0
#include "passes/cost/time_model.h"

#include "ir/mpc/operands.h"
#include "passes/cost/program_cost.h"
#include "runtime/he/he_cost.h"
#include "runtime/ot/work_cost.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <algorithm>

using namespace mlir;

namespace dyad {
namespace {

// With fewer, a COT would be priced by the messages that start an extension.
constexpr std::uint64_t kLeastDemand = 10000;

std::uint64_t cotsOf(const CotDemand &demand) { return demand.server + demand.client; }

WorkKind kindOf(Operation *op) {
  if (isa<mpc::FunctionOp, mpc::RowsOp>(op))
    return WorkKind::kFunction;
  return isa<mpc::ComparisonOpInterface>(op) ? WorkKind::kComparison : WorkKind::kProduct;
}

double seconds(std::uint64_t picoseconds) { return 1e-12 * static_cast<double>(picoseconds); }

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
  cotSeconds_ = stock(counted, target_.stock()) / static_cast<double>(cotsOf(counted));
}

double TimeModel::network(const Cost &cost) const {
  LinkClock clock(target_.link, dyad::seconds(target_.machine.flow));
  clock.run(cost, 0);
  return clock.now();
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
    return dyad::seconds(target_.machine.operation) +
           he::computeSeconds(mpc::heSpecOf(op), target_.machine);
  return workSeconds(costed.cost(), kindOf(op), target_.machine);
}

double TimeModel::online(Operation *op, LinkClock &clock) const {
  auto costed = dyn_cast<mpc::CostOpInterface>(op);
  if (!costed)
    return 0;
  const double begin = clock.now();
  const Cost cost = costed.cost();
  if (mpc::isHe(op) && cost.ticks.size() == 2) {
    // The client encrypts while it sends; the server multiplies what it has, and answers.
    const he::LinearSpec spec = mpc::heSpecOf(op);
    const double encrypting = he::encryptSeconds(spec, target_.machine);
    clock.tick(cost.ticks[0], encrypting);
    clock.tick(cost.ticks[1], compute(op) - encrypting);
  } else {
    clock.run(cost, compute(op));
  }
  return clock.now() - begin;
}

double TimeModel::online(Operation *op) const {
  LinkClock clock(target_.link, dyad::seconds(target_.machine.flow));
  return online(op, clock);
}

double TimeModel::keys(std::span<const he::KeyNeed> needs) const {
  return network(he::keyCost(needs)) + he::keySeconds(needs, target_.machine);
}

double TimeModel::setup(std::span<const he::KeyNeed> needs) const {
  Cost cost = setupCost(target_.stock());
  cost.then(he::keyCost(needs));
  return network(cost) + dyad::seconds(target_.machine.setup) +
         he::keySeconds(needs, target_.machine);
}

double TimeModel::stock(const CotDemand &demand, const StockOptions &options) const {
  return network(stockCost(demand.server, demand.client, options)) +
         stockWorkSeconds(demand.server, demand.client, options);
}

double TimeModel::seconds(const Cost &cost) const { return network(cost) + cots(cost); }

double TimeModel::seconds(Operation *op) const {
  auto costed = dyn_cast<mpc::CostOpInterface>(op);
  return costed ? online(op) + cots(costed.cost()) : 0;
}

double bitsPerFlow(const mpc::Target &target) {
  return (target.link.roundTripSeconds / 2 + seconds(target.machine.flow)) /
         (1 / target.link.bitsPerSecond + seconds(target.machine.byte) / 8);
}

double programSeconds(ModuleOp module) {
  double sum = 0;
  for (const NodeStats &phase : costOf(module).phases)
    sum += phase.seconds;
  return sum;
}

} // namespace dyad
