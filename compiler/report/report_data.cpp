// SPDX-License-Identifier: Apache-2.0
// See report.h. Operations of fx and mpc carry the name of the ONNX node that they come from: what
// is said of a node is joined by that name.
#include "compiler/report/report.h"

#include "compiler/report/decisions.h"
#include "ir/fx/owner.h"
#include "ir/mpc/mpc.h"
#include "ir/mpc/operands.h"
#include "ir/structure.h"
#include "passes/analysis/integer_ranges.h"
#include "passes/cost/program_cost.h"
#include "passes/cost/time_model.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

#include <cmath>
#include <fmt/format.h>
#include <set>

using namespace mlir;
using Json = nlohmann::ordered_json;

namespace dyad::compiler {
namespace {

// A node that takes more than this part of the traffic is worth a remark.
constexpr double kLargePart = 0.25;
// So is a calibrated range that samples use this part of, and an error of one node above this one.
constexpr double kNearlyFull = 0.9;
constexpr double kLargeError = 0.02;

struct Node {
  std::string name;
  std::vector<std::string> operations;
  Value result;                      ///< the last one of fx
  std::optional<fx::RangeKind> kind; ///< of the last assumption about a result
  Cost cost;
  double seconds = 0;
  Json protocols = Json::array();
  Json decisions = Json::array();
  Json error; ///< null without samples
};

class Report {
public:
  Report(ModuleOp fxModule, ModuleOp mpcModule, const SeenRanges &seen)
      : fx_(fxModule.lookupSymbol<func::FuncOp>("main")), mpc_(mpcModule), symbols_(fxModule),
        ranges_(fx_, false), seen_(seen) {
    readFx();
    readMpc();
  }

  /// What proved ranges follow from: a walk with all weights' values.
  void addProofs() { proofs_.emplace(fx_, false, &symbols_); }

  void addErrors(const Json &errors) {
    for (const Json &row : errors["nodes"])
      if (const auto at = index_.find(row["name"].get<std::string>()); at != index_.end())
        nodes_[at->second].error = {{"relative", row["relative_error"]},
                                    {"own", row["relative_own_error"]},
                                    {"largest", row["largest"]}};
  }

  Json nodes() const {
    Json list = Json::array();
    for (const Node &node : nodes_)
      list.push_back(json(node));
    return list;
  }

  Json edges() const {
    Json list = Json::array();
    for (const auto &[from, to] : edges_)
      list.push_back({from, to});
    return list;
  }

  Json warnings(const Json &manifest) const {
    Json list = Json::array();
    if (!manifest["ranges"]["calibrated_on_samples"].get<bool>())
      list.push_back("Ranges were measured on made-up inputs: give samples with --calibrate, or "
                     "widths may be too small for real ones or larger than need be.");
    for (const Json &input : manifest["inputs"])
      if (input["range_kind"] == "declared")
        list.push_back(fmt::format(
            "Input '{}' is declared to stay in {:g} to {:g}: widths rest on it, and the client "
            "refuses what is outside.",
            input["name"].get<std::string>(), input["range"][0].get<double>(),
            input["range"][1].get<double>()));
    for (const Node &node : nodes_)
      warnOf(node, list);
    std::uint64_t all = 0;
    for (const Node &node : nodes_)
      all += node.cost.bytesToServer() + node.cost.bytesToClient();
    for (const Node &node : nodes_) {
      const std::uint64_t own = node.cost.bytesToServer() + node.cost.bytesToClient();
      if (static_cast<double>(own) > kLargePart * static_cast<double>(all) && nodes_.size() > 4)
        list.push_back(fmt::format("Node '{}' takes {:.0f} % of the traffic.", node.name,
                                   100.0 * static_cast<double>(own) / static_cast<double>(all)));
    }
    return list;
  }

private:
  // A calibrated range that samples nearly fill, and a node that adds much error.
  void warnOf(const Node &node, Json &list) const {
    if (node.error.is_null() || !node.result)
      return;
    const IntegerRange range = ranges_.at(node.result);
    const double most = std::ldexp(std::max(std::abs(static_cast<double>(range.low)),
                                            std::abs(static_cast<double>(range.high))),
                                   -fx::fixedType(node.result).getFraction());
    const double largest = node.error["largest"];
    // What is larger than the range is of another value of the node: the error is of all of them.
    if (node.kind == fx::RangeKind::kCalibrated && largest > kNearlyFull * most && largest <= most)
      list.push_back(fmt::format("Node '{}' has little head-room: samples reach {:.4g} of the "
                                 "{:.4g} that its calibrated range allows.",
                                 node.name, largest, most));
    if (!node.error["own"].is_null() && node.error["own"].get<double>() > kLargeError)
      list.push_back(fmt::format("Node '{}' alone adds an error of {:.1f} % of its largest value.",
                                 node.name, 100 * node.error["own"].get<double>()));
  }

  std::size_t indexOf(StringRef name) {
    const auto [at, isNew] = index_.try_emplace(name, nodes_.size());
    if (isNew) {
      nodes_.emplace_back();
      nodes_.back().name = name.str();
    }
    return at->second;
  }

  void readFx() {
    llvm::DenseMap<Value, std::size_t> nodeOf;
    for (Operation &op : fx_.getBody().front()) {
      if (isa<fx::ConstantOp, func::ReturnOp>(op))
        continue;
      const std::size_t index = indexOf(nodeName(&op));
      for (Value operand : op.getOperands())
        if (auto from = nodeOf.find(operand); from != nodeOf.end() && from->second != index)
          edges_.insert({from->second, index});
      Node &node = nodes_[index];
      if (auto input = dyn_cast<fx::InputOp>(op))
        node.kind = input.getKind();
      if (auto assume = dyn_cast<fx::AssumeOp>(op))
        node.kind = assume.getKind();
      else
        node.operations.push_back(op.getName().stripDialect().str());
      for (Value result : op.getResults()) {
        nodeOf[result] = index;
        if (fx::fixedType(result))
          node.result = result;
      }
    }
  }

  void readMpc() {
    const TimeModel times(mpc::targetOf(mpc_), demandOf(mpc_));
    auto main = mpc_.lookupSymbol<func::FuncOp>("main");
    main.walk([&](Operation *op) {
      auto costed = dyn_cast<mpc::CostOpInterface>(op);
      if (!costed || isa<mpc::ParallelOp>(op) || !isNode(op))
        return;
      const Cost cost = costed.cost();
      // What was joined from several nodes ("A + B") counts for the first.
      const auto [first, others] = nodeName(op).split(kNodeJoint);
      Node &node = nodes_[indexOf(index_.contains(nodeName(op)) ? nodeName(op) : first)];
      const double seconds = times.online(op);
      Json row = {{"op", op->getName().stripDialect().str()}};
      if (const unsigned bits = ringOf(op))
        row["ring"] = bits;
      if (auto protocol = op->getAttrOfType<mpc::LinearProtocolAttr>("protocol"))
        row["protocol"] = mpc::stringifyLinearProtocol(protocol.getValue()).str();
      if (auto radix = op->getAttrOfType<IntegerAttr>("radix"))
        row["radix"] = radix.getInt();
      if (node.name != nodeName(op))
        row["with"] = others.str();
      add(row, cost, seconds);
      node.protocols.push_back(row);
      for (const Json &decision : decisionsOf(op, times))
        node.decisions.push_back(decision);
      node.cost.then(cost);
      node.seconds += seconds;
    });
  }

  // Bits of the widest shares that it reads or makes; 0 for none.
  static unsigned ringOf(Operation *op) {
    unsigned bits = 0;
    auto widen = [&](Value value) {
      if (auto type = dyn_cast<RankedTensorType>(value.getType()))
        if (isa<mpc::ArithType>(type.getElementType()))
          bits = std::max(bits, mpc::ringBits(value));
    };
    llvm::for_each(op->getOperands(), widen);
    llvm::for_each(op->getResults(), widen);
    return bits;
  }

  static void add(Json &row, const Cost &cost, double seconds) {
    row["bytes_to_server"] = cost.bytesToServer();
    row["bytes_to_client"] = cost.bytesToClient();
    row["bytes"] = cost.bytesToServer() + cost.bytesToClient();
    FlowCounter flows;
    for (const Tick &tick : cost.ticks)
      flows.add(tick);
    row["flows"] = flows.flows();
    row["cots"] = cost.serverCots + cost.clientCots;
    row["seconds"] = seconds;
  }

  // What samples showed, and how far from the range's ends they stayed; no margin for zeros only.
  void addSeen(Json &row, Value value, const IntegerRange &range) const {
    const auto found = seen_.find(value);
    if (found == seen_.end())
      return;
    const auto [low, high, median, most] = found->second;
    const int fraction = fx::fixedType(value).getFraction();
    row["seen"] = {{"low", std::ldexp(static_cast<double>(low), -fraction)},
                   {"high", std::ldexp(static_cast<double>(high), -fraction)},
                   {"half_within", std::ldexp(median, -fraction)},
                   {"99_percent_within", std::ldexp(most, -fraction)}};
    double margin = HUGE_VAL;
    if (high > 0)
      margin = std::log2(static_cast<double>(range.high) / static_cast<double>(high));
    if (low < 0)
      margin =
          std::min(margin, std::log2(static_cast<double>(range.low) / static_cast<double>(low)));
    if (std::isfinite(margin))
      row["margin_bits"] = margin;
  }

  // What a proved range follows from: nothing but the type, intervals (of each channel where
  // weights have any), or affine forms, where terms that depend on each other cancel.
  std::string basisOf(Value value) const {
    if (proofs_->at(value) == rangeOf(fx::fixedType(value)))
      return "type";
    return proofs_->bounds().at(value).usedForm ? "affine form" : "interval";
  }

  Json json(const Node &node) const {
    Json row = {{"name", node.name}, {"operations", node.operations}};
    if (node.result) {
      const fx::FixedType type = fx::fixedType(node.result);
      const IntegerRange range = ranges_.at(node.result);
      row["owner"] = fx::stringifyOwner(type.getOwner()).str();
      row["shape"] = cast<RankedTensorType>(node.result.getType()).getShape().vec();
      row["type"] = {{"bits", type.getWidth()},
                     {"signed", type.getIsSigned()},
                     {"fraction", type.getFraction()}};
      row["range"] = {
          {"low", std::ldexp(static_cast<double>(range.low), -type.getFraction())},
          {"high", std::ldexp(static_cast<double>(range.high), -type.getFraction())},
          {"kind", fx::stringifyRangeKind(node.kind.value_or(fx::RangeKind::kProved)).str()},
          {"spare_bits", static_cast<int>(type.getWidth()) - static_cast<int>(range.signedBits()) +
                             (type.getIsSigned() ? 0 : 1)}};
      if (proofs_ && node.kind.value_or(fx::RangeKind::kProved) == fx::RangeKind::kProved)
        row["range"]["basis"] = basisOf(node.result);
      addSeen(row, node.result, range);
    }
    add(row, node.cost, node.seconds);
    row["protocols"] = node.protocols;
    row["decisions"] = node.decisions;
    if (!node.error.is_null())
      row["error"] = node.error;
    return row;
  }

  func::FuncOp fx_;
  ModuleOp mpc_;
  SymbolTable symbols_;
  IntegerRanges ranges_;                ///< that both parties know
  std::optional<IntegerRanges> proofs_; ///< with the weights' values, for the model's owner
  SeenRanges seen_;
  std::vector<Node> nodes_;
  llvm::StringMap<std::size_t> index_;
  std::set<std::pair<std::size_t, std::size_t>> edges_;
};

} // namespace

Json reportNodes(ModuleOp fxModule, ModuleOp mpcModule) {
  return Report(fxModule, mpcModule, SeenRanges()).nodes();
}

Json reportData(ModuleOp fxModule, ModuleOp mpcModule, const std::string &manifestText,
                const SeenRanges &seen, const Json &errors) {
  const Json manifest = Json::parse(manifestText);
  Report report(fxModule, mpcModule, seen);
  report.addProofs();
  if (!errors.is_null())
    report.addErrors(errors);
  const Json cost = Json::parse(renderJson(costOf(mpcModule)));
  Json data;
  data["model"] = manifest["model"];
  data["manifest"] = manifest;
  data["link"] = cost["link"];
  data["phases"] = cost["phases"];
  data["networks"] = Json::array();
  for (const LinkProfile &link : {parseLink("lan"), parseLink("wan")})
    if (describe(link) != cost["link"].get<std::string>()) {
      const Json other = Json::parse(renderJson(costOf(mpcModule, link)));
      data["networks"].push_back({{"link", other["link"]}, {"phases", other["phases"]}});
    }
  data["decisions"] = Json::array({decisionOfOts(mpcModule)});
  if (!errors.is_null())
    data["samples"] = errors["samples"];
  data["warnings"] = report.warnings(manifest);
  data["nodes"] = report.nodes();
  data["edges"] = report.edges();
  return data;
}

} // namespace dyad::compiler
