// SPDX-License-Identifier: Apache-2.0
#include "passes/cost/program_cost.h"

#include "ir/mpc/operands.h"
#include "passes/cost/time_model.h"
#include "runtime/he/he_cost.h"
#include "runtime/ot/stock_cost.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace mlir;

namespace dyad {
namespace {

// Each phase counts its flows from zero, as a run does.
NodeStats phase(std::string name, const Cost &cost, double seconds) {
  FlowCounter flows;
  NodeStats row = predictedRow(std::move(name), "", cost, flows);
  row.seconds = seconds;
  return row;
}

std::uint64_t bytesOf(const NodeStats &row) { return row.bytesToServer + row.bytesToClient; }

void addTo(NodeStats &sum, const NodeStats &row) {
  sum.bytesToServer += row.bytesToServer;
  sum.bytesToClient += row.bytesToClient;
  sum.flows += row.flows;
  sum.serverCots += row.serverCots;
  sum.clientCots += row.clientCots;
  sum.seconds += row.seconds;
}

std::string number(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3; at -= 3)
    digits.insert(at - 3, " ");
  return digits;
}

// The end of a long name tells more than its beginning.
std::string shortened(const std::string &name, std::size_t width) {
  return name.size() <= width ? name : "..." + name.substr(name.size() - width + 3);
}

} // namespace

bool isNode(Operation *op) {
  auto costed = dyn_cast<mpc::CostOpInterface>(op);
  return costed && !costed.cost().ticks.empty();
}

NodeLabel labelOf(Operation *op) {
  auto parallel = dyn_cast<mpc::ParallelOp>(op);
  if (!parallel)
    return {nodeName(op).str(), op->getName().stripDialect().str()};
  NodeLabel label;
  auto append = [](std::string &text, const std::string &part) {
    text += (text.empty() ? "" : " + ") + part;
  };
  for (Operation &member : parallel.getBody().front().without_terminator()) {
    NodeLabel own = labelOf(&member);
    append(label.name, own.name);
    append(label.op, own.op);
  }
  return label;
}

ProgramCost costOf(ModuleOp module, const std::optional<LinkProfile> &link) {
  ProgramCost result;
  const mpc::Target target = mpc::targetOf(module);
  mpc::Target seen = target;
  seen.link = link.value_or(target.link);
  result.link = describe(seen.link);
  NodeStats online;
  online.name = "online";
  const CotDemand demand = demandOf(module);
  const TimeModel times(seen, demand);
  FlowCounter flows;
  LinkClock clock(times.target().link, 1e-12 * static_cast<double>(times.target().machine.flow));
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (main && !main.isExternal()) {
    for (Operation &op : main.getBody().front()) {
      if (!isNode(&op))
        continue;
      NodeLabel label = labelOf(&op);
      const Cost cost = cast<mpc::CostOpInterface>(op).cost();
      NodeStats row = predictedRow(label.name, label.op, cost, flows);
      row.seconds = times.online(&op, clock);
      addTo(online, row);
      auto same = llvm::find_if(result.nodes, [&](const NodeStats &other) {
        return other.name == row.name && other.op == row.op;
      });
      if (same != result.nodes.end())
        addTo(*same, row);
      else
        result.nodes.push_back(row);
    }
  }
  const StockOptions options = target.stock(); // as it was compiled
  Cost setup = setupCost(options);
  const std::vector<he::KeyNeed> keys = mpc::heKeys(module);
  setup.then(he::keyCost(keys));
  const Cost stock = stockCost(demand.server, demand.client, options);
  result.phases.push_back(phase("setup", setup, times.setup(keys)));
  result.phases.push_back(phase("stock", stock, times.stock(demand, options)));
  result.phases.push_back(online);
  return result;
}

std::string renderTable(const ProgramCost &cost) {
  constexpr std::size_t kName = 40;
  constexpr std::size_t kOp = 24;
  std::string text =
      fmt::format("{:<{}}  {:<{}} {:>16} {:>16} {:>6} {:>16} {:>9}\n", "node", kName, "operation",
                  kOp, "bytes to server", "bytes to client", "flows", "COTs", "seconds");
  auto line = [&](const NodeStats &row) {
    text += fmt::format("{:<{}}  {:<{}} {:>16} {:>16} {:>6} {:>16} {:>9.3f}\n",
                        shortened(row.name, kName), kName, shortened(row.op, kOp), kOp,
                        number(row.bytesToServer), number(row.bytesToClient), row.flows,
                        number(row.serverCots + row.clientCots), row.seconds);
  };
  for (const NodeStats &row : cost.nodes)
    line(row);
  text += std::string(kName + kOp + 71, '-') + "\n";
  for (const NodeStats &row : cost.phases)
    line(row);
  text += fmt::format("seconds: about, of one core a party, on {}\n", cost.link);
  return text;
}

std::string renderJson(const ProgramCost &cost) {
  auto json = [](const NodeStats &row) {
    nlohmann::ordered_json object;
    object["name"] = row.name;
    if (!row.op.empty())
      object["op"] = row.op;
    object["bytes_to_server"] = row.bytesToServer;
    object["bytes_to_client"] = row.bytesToClient;
    object["bytes"] = bytesOf(row);
    object["flows"] = row.flows;
    object["server_cots"] = row.serverCots;
    object["client_cots"] = row.clientCots;
    object["seconds"] = row.seconds;
    return object;
  };
  nlohmann::ordered_json all;
  all["link"] = cost.link;
  all["phases"] = nlohmann::ordered_json::array();
  all["nodes"] = nlohmann::ordered_json::array();
  for (const NodeStats &row : cost.phases)
    all["phases"].push_back(json(row));
  for (const NodeStats &row : cost.nodes)
    all["nodes"].push_back(json(row));
  return all.dump(2) + "\n";
}

} // namespace dyad
