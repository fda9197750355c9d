// SPDX-License-Identifier: Apache-2.0
// See check.h. The model is lowered once for each link; what is said of nodes is the report's.
#include "compiler/driver/check.h"

#include "compiler/driver/pipeline.h"
#include "compiler/driver/tool_context.h"
#include "compiler/report/report.h"
#include "ir/nn/nn.h"
#include "passes/cost/memory.h"
#include "passes/cost/program_cost.h"
#include "passes/numbers/precision.h"

#include "llvm/ADT/StringSet.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace mlir;
using Json = nlohmann::ordered_json;

namespace dyad::compiler {
namespace {

// Multiplications of one run, above which the search for numbers takes longer than a person waits.
constexpr double kSearchedWork = 1e8;
// Nodes that are listed.
constexpr std::size_t kDearest = 5;
// A ring that no RLWE parameters are exact for.
constexpr unsigned kWidestRlweRing = 50;
// A part of a node's seconds that is worth a remark.
constexpr double kLargePart = 0.5;

// Diagnostics as lines, each once; nothing reaches the tool's printer.
class Collector {
public:
  explicit Collector(MLIRContext &context)
      : handler_(&context, [this](Diagnostic &diagnostic) {
          std::vector<std::string> &lines =
              diagnostic.getSeverity() == DiagnosticSeverity::Error ? problems : warnings;
          if (const std::string line = lineOf(diagnostic); seen_.insert(line).second)
            lines.push_back(line);
          return success();
        }) {}

  std::vector<std::string> problems;
  std::vector<std::string> warnings;

private:
  llvm::StringSet<> seen_;
  ScopedDiagnosticHandler handler_;
};

// Nodes of the float model: what a constant's names are advice for.
struct WeightNames {
  std::map<std::string, std::vector<std::string>> byNode; ///< private ones
  explicit WeightNames(ModuleOp nn) {
    nn.walk([&](nn::ConstantOp constant) {
      auto weight =
          SymbolTable::lookupNearestSymbolFrom<nn::WeightOp>(constant, constant.getWeightAttr());
      if (!weight || weight.getIsPublic())
        return;
      for (Operation *user : constant->getUsers())
        byNode[nodeName(user).str()].push_back(weight.getSymName().str());
    });
  }
};

bool isOneOf(const Json &protocol, std::initializer_list<const char *> names) {
  return llvm::is_contained(names, protocol["op"].get<std::string>());
}

// What a person could do about a node's cost. Seconds of a part are those of its protocols.
class Advisor {
public:
  Advisor(const CompileOptions &options, const LinkProfile &link, const WeightNames &weights)
      : options_(options), link_(link), weights_(weights) {}

  Json of(const Json &node) const {
    Json advice = Json::array();
    const double all = node["seconds"];
    auto part = [&](std::initializer_list<const char *> names) {
      double sum = 0;
      for (const Json &protocol : node["protocols"])
        sum += isOneOf(protocol, names) ? protocol["seconds"].get<double>() : 0;
      return sum / std::max(all, 1e-12);
    };
    const double linear =
        part({"conv2d", "matmul", "mul_private", "matmul_prepared", "matmul_bit"});
    if (linear > kLargePart)
      adviseLinear(node, advice);
    if (part({"relu", "truncate_relu", "truncate_reduce", "truncate", "extend", "max_pool2d",
              "clip", "reduce_max", "msb", "arg_max", "divide", "mux"}) > kLargePart)
      adviseComparisons(node, advice);
    if (part({"max_pool2d"}) > kLargePart)
      advice.push_back("average pooling compares nothing, where the model may be trained with it");
    if (part({"rows"}) > kLargePart && !options_.logits)
      advice.push_back(
          "a Softmax that stands last is left out by --logits: the client computes it");
    if (part({"function"}) > kLargePart)
      advice.push_back("piecewise linear functions (ReLU, HardSigmoid, HardSwish) cost less, where "
                       "the model may be trained with them");
    if (part({"mul_shared", "matmul_shared"}) > kLargePart)
      advice.push_back("products of two secret values cost OTs for each of their bits: fewer bits, "
                       "by --calibrate or --config, cost less than in proportion");
    if (node["flows"].get<double>() * link_.roundTripSeconds / 2 > kLargePart * all)
      advice.push_back(fmt::format("it waits for the link: {} flows of {:g} ms each, whatever they "
                                   "carry",
                                   node["flows"].get<std::int64_t>(),
                                   link_.roundTripSeconds / 2 * 1e3));
    return advice;
  }

private:
  void adviseLinear(const Json &node, Json &advice) const {
    for (const Json &protocol : node["protocols"]) {
      const unsigned ring = protocol.value("ring", 0U);
      const std::string way = protocol.value("protocol", "");
      if (StringRef(way).starts_with("ot") && ring > kWidestRlweRing)
        advice.push_back(fmt::format("{} by OT, as {} bits are too many for RLWE ({} at most): "
                                     "{}",
                                     protocol["op"].get<std::string>(), ring, kWidestRlweRing,
                                     fewerBits()));
      else if (StringRef(way).starts_with("ot") && options_.linear == "ot")
        advice.push_back("--linear auto may take RLWE, which sends less");
      if (isOneOf(protocol, {"mul_private"}))
        advice.push_back("a BatchNormalization right behind a convolution is part of its weights; "
                         "this one stands elsewhere");
    }
    if (const auto at = weights_.byNode.find(node["name"]); at != weights_.byNode.end())
      advice.push_back(fmt::format("if the client may know its weights: --public-weights {} makes "
                                   "the product free",
                                   at->second.front()));
  }

  void adviseComparisons(const Json &node, Json &advice) const {
    unsigned ring = 0;
    for (const Json &protocol : node["protocols"])
      ring = std::max(ring, protocol.value("ring", 0U));
    if (options_.calibrate.empty() && !options_.bitwidth)
      advice.push_back(fmt::format("its cost goes with its bits, {} now: {}", ring, fewerBits()));
  }

  std::string fewerBits() const {
    return options_.calibrate.empty()
               ? "--calibrate with real samples gives the widths that they need"
               : "fewer fraction bits by --scale, --weight-scale or --config";
  }

  const CompileOptions &options_;
  const LinkProfile &link_;
  const WeightNames &weights_;
};

Json rowOf(const NodeStats &phase) {
  return {{"name", phase.name},
          {"bytes_to_server", phase.bytesToServer},
          {"bytes_to_client", phase.bytesToClient},
          {"bytes", phase.bytesToServer + phase.bytesToClient},
          {"flows", phase.flows},
          {"cots", phase.serverCots + phase.clientCots},
          {"seconds", phase.seconds}};
}

Json dearestNodes(const Compilation &compilation, const Advisor &advisor) {
  Json nodes = reportNodes(compilation.fx(), compilation.mpc());
  std::stable_sort(nodes.begin(), nodes.end(), [](const Json &a, const Json &b) {
    return a["seconds"].get<double>() > b["seconds"].get<double>();
  });
  Json list = Json::array();
  for (const Json &node : nodes) {
    if (list.size() == kDearest || node["bytes"] == 0)
      break;
    std::string operations;
    for (const Json &protocol : node["protocols"])
      operations += (operations.empty() ? "" : " + ") + protocol["op"].get<std::string>();
    list.push_back({{"name", node["name"]},
                    {"op", operations},
                    {"bytes", node["bytes"]},
                    {"flows", node["flows"]},
                    {"seconds", node["seconds"]},
                    {"advice", advisor.of(node)}});
  }
  return list;
}

Json estimateOf(const Compilation &compilation, const CompileOptions &options) {
  const ProgramCost cost = costOf(compilation.mpc());
  Json estimate = {{"link", cost.link}, {"phases", Json::array()}};
  std::uint64_t bytes = 0;
  std::uint64_t flows = 0;
  double seconds = 0;
  for (const NodeStats &phase : cost.phases) {
    estimate["phases"].push_back(rowOf(phase));
    bytes += phase.bytesToServer + phase.bytesToClient;
    flows += phase.flows;
    seconds += phase.seconds;
  }
  estimate["total"] = {{"bytes", bytes}, {"flows", flows}, {"seconds", seconds}};
  const MemoryEstimate memory = memoryOf(compilation.mpc());
  estimate["memory"] = {{"server", std::llround(memory.server.total())},
                        {"client", std::llround(memory.client.total())}};
  const WeightNames weights(compilation.nn());
  estimate["nodes"] = dearestNodes(compilation, Advisor(options, options.network, weights));
  return estimate;
}

// What the numbers of an estimate are.
Json numbersOf(const CompileOptions &options) {
  const bool isCalibrated = !options.calibrate.empty();
  std::string text;
  if (options.assumeNumbers)
    text =
        fmt::format("typical ones: {} significant bits of activations and {} of weights, unless "
                    "given, ranges of a few runs on {}, functions fitted the quick way, "
                    "which costs more bytes; --exact chooses all as dyadc does, and takes longer",
                    Precision{}.activationBits, Precision{}.weightBits,
                    isCalibrated ? "the first samples" : "drawn inputs");
  else
    text = isCalibrated ? "those that dyadc chooses with these options"
                        : "those that dyadc chooses without samples; --calibrate makes most models "
                          "cheaper";
  return {{"assumed", options.assumeNumbers}, {"about", text}};
}

std::vector<LinkProfile> linksOf(const CompileOptions &options) {
  std::vector<LinkProfile> links{parseLink("lan"), parseLink("wan")};
  if (llvm::none_of(links,
                    [&](const LinkProfile &link) { return link.name == options.network.name; }))
    links.push_back(options.network);
  return links;
}

Json check(const CheckOptions &wanted) {
  CompileOptions options = wanted.compile;
  Json result = {{"model", options.model}, {"supported", true}};
  Json networks = Json::array();
  std::vector<std::string> problems;
  std::vector<std::string> warnings;
  for (const LinkProfile &link : linksOf(options)) {
    ToolContext context(options.verbose);
    Collector collector(context.mlir());
    options.network = link;
    Compilation compilation(context.mlir(), options, context.progress());
    bool supported = succeeded(compilation.toNn());
    if (supported) {
      options.assumeNumbers = !wanted.exact && workOf(compilation.nn()) > kSearchedWork;
      supported = succeeded(compilation.toFx()) && succeeded(compilation.toMpc());
    }
    context.progress().finish();
    problems = collector.problems;
    warnings = collector.warnings;
    if (supported)
      networks.push_back(estimateOf(compilation, options));
    else
      result["supported"] = false;
    if (!supported)
      break;
  }
  result["problems"] = problems;
  result["warnings"] = warnings;
  if (result["supported"].get<bool>()) {
    result["numbers"] = numbersOf(options);
    result["networks"] = networks;
  }
  return result;
}

std::string renderNetwork(const Json &network) {
  std::string text =
      fmt::format("\n{}\n  {:<8} {:>12} {:>12} {:>7} {:>10}\n", network["link"].get<std::string>(),
                  "phase", "MB to server", "MB to client", "flows", "seconds");
  for (const Json &phase : network["phases"])
    text += fmt::format(
        "  {:<8} {:>12.3f} {:>12.3f} {:>7} {:>10.2f}\n", phase["name"].get<std::string>(),
        phase["bytes_to_server"].get<double>() / 1e6, phase["bytes_to_client"].get<double>() / 1e6,
        phase["flows"].get<std::int64_t>(), phase["seconds"].get<double>());
  text += fmt::format(
      "  {:<8} {:>25.3f} {:>7} {:>10.2f}\n", "total", network["total"]["bytes"].get<double>() / 1e6,
      network["total"]["flows"].get<std::int64_t>(), network["total"]["seconds"].get<double>());
  text += fmt::format("  memory at the peak, about: server {:.2f} GB, client {:.2f} GB\n",
                      network["memory"]["server"].get<double>() / 1e9,
                      network["memory"]["client"].get<double>() / 1e9);
  text += "  most seconds:\n";
  for (const Json &node : network["nodes"]) {
    text +=
        fmt::format("    {} ({}): {:.3f} MB, {} flows, {:.3f} s\n", node["name"].get<std::string>(),
                    node["op"].get<std::string>(), node["bytes"].get<double>() / 1e6,
                    node["flows"].get<std::int64_t>(), node["seconds"].get<double>());
    for (const Json &advice : node["advice"])
      text += fmt::format("      - {}\n", advice.get<std::string>());
  }
  return text;
}

std::string render(const Json &result) {
  std::string text = result["model"].get<std::string>() + ": ";
  if (!result["supported"].get<bool>()) {
    const std::size_t count = result["problems"].size();
    text += fmt::format("not supported as it is, {} problem{}\n", count, count == 1 ? "" : "s");
    for (const Json &problem : result["problems"])
      text += "  - " + problem.get<std::string>() + "\n";
    return text;
  }
  text += "supported\nnumbers: " + result["numbers"]["about"].get<std::string>() + "\n";
  for (const Json &warning : result["warnings"])
    text += "warning: " + warning.get<std::string>() + "\n";
  for (const Json &network : result["networks"])
    text += renderNetwork(network);
  return text +
         "\nBytes and flows are exact for these numbers, seconds about, of one core a party. "
         "Set-up is once a connection, the rest for each sample.\n";
}

} // namespace

int checkModel(const CheckOptions &options) {
  const Json result = check(options);
  fmt::print("{}", options.json ? result.dump(1) + "\n" : render(result));
  return result["supported"].get<bool>() ? 0 : 1;
}

} // namespace dyad::compiler
