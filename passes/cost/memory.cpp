// SPDX-License-Identifier: Apache-2.0
#include "passes/cost/memory.h"

#include "ir/mpc/operands.h"
#include "passes/cost/time_model.h"
#include "runtime/he/plan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

#include <algorithm>

using namespace mlir;

namespace dyad {
namespace {

// Measured on small networks: code, key material and the tables of the OT extension.
constexpr double kProcess = 65e6;
constexpr double kElementBytes = 8;
constexpr double kCotBytes = 16;
constexpr double kRoundBytesPerCot = 0.6;
constexpr std::uint64_t kMadeAhead = std::uint64_t{1} << 20;

double stockBytes(std::uint64_t cots) {
  const std::uint64_t made = std::min(cots, kMadeAhead);
  return kCotBytes * static_cast<double>(made) +
         kRoundBytesPerCot * static_cast<double>(cots - made);
}

double bytesOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return 0;
  const auto count = static_cast<double>(type.getNumElements());
  return isa<mpc::BoolType>(type.getElementType()) ? count / 8 : count * kElementBytes;
}

// What the server holds of the client's encrypted share: two polynomials by prime each.
double ciphertextBytes(Operation *op) {
  double most = 0;
  op->walk([&](Operation *layer) {
    if (!mpc::isHe(layer))
      return;
    const he::LinearSpec spec = mpc::heSpecOf(layer);
    const std::optional<he::LinearPlan> plan = he::planFor(spec);
    if (!plan)
      return;
    const he::ParameterSet &set = he::parameterSet(plan->set);
    most = std::max(most, static_cast<double>(plan->positions(spec) * plan->inputs) * 2 *
                              set.primes * set.degree * kElementBytes);
  });
  return most;
}

double messageBytes(const Cost &cost) {
  std::uint64_t most = 0;
  for (const Tick &tick : cost.ticks)
    most = std::max(most, tick.toServer + tick.toClient);
  return 2 * static_cast<double>(most);
}

} // namespace

MemoryEstimate memoryOf(ModuleOp module) {
  MemoryEstimate result;
  result.server.process = result.client.process = kProcess;
  const CotDemand demand = demandOf(module);
  result.server.stock = result.client.stock = stockBytes(demand.server) + stockBytes(demand.client);
  for (auto weight : module.getOps<fx::WeightOp>())
    result.server.weights +=
        kElementBytes *
        static_cast<double>(cast<RankedTensorType>(weight.getType()).getNumElements());

  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return result;
  Block &body = main.getBody().front();
  llvm::DenseMap<Value, Operation *> lastUse;
  for (Operation &op : body)
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (Operation *source = operand.getDefiningOp(); source && source->getBlock() == &body)
          lastUse[operand] = &op;
    });
  double alive = 0;
  llvm::DenseMap<Operation *, SmallVector<Value>> ending;
  for (auto [value, op] : lastUse)
    ending[op].push_back(value);
  for (Operation &op : body) {
    if (isa<fx::ConstantOp>(op))
      continue; // the weights'
    for (Value result : op.getResults())
      alive += lastUse.contains(result) ? bytesOf(result) : 0;
    auto costed = dyn_cast<mpc::CostOpInterface>(op);
    const double both = alive + (costed ? messageBytes(costed.cost()) : 0);
    result.client.step = std::max(result.client.step, both);
    result.server.step = std::max(result.server.step, both + ciphertextBytes(&op));
    for (Value value : ending[&op])
      if (!value.getDefiningOp<fx::ConstantOp>())
        alive -= bytesOf(value);
  }
  return result;
}

} // namespace dyad
