// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/statement.h"

#include "compiler/codegen/values.h"
#include "ir/fx/owner.h"
#include "ir/mpc/mpc.h"
#include "ir/structure.h"
#include "ir/weights.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <fmt/format.h>

using namespace mlir;
using Json = nlohmann::ordered_json;

namespace dyad::compiler {
namespace {

// How weights were found in a public model, by name.
llvm::StringMap<std::string> matchesOf(ModuleOp module) {
  llvm::StringMap<std::string> matches;
  if (auto list = module->getAttrOfType<ArrayAttr>(kPublicMatches))
    for (auto entry : list.getAsRange<ArrayAttr>())
      matches[cast<StringAttr>(entry[0]).getValue()] = cast<StringAttr>(entry[1]).getValue();
  return matches;
}

std::string whyPublic(StringRef name, const llvm::StringMap<std::string> &matches) {
  const auto found = matches.find(name);
  if (found == matches.end())
    return "named by --public-weights, or made of public values and shapes only";
  if (found->second == "name")
    return "the public model has it, under the same name";
  if (found->second == "position")
    return "the public model has it, at the same place";
  return "the public model has it, between the same places, in other parts or order";
}

// Nodes whose operations send anything.
llvm::StringSet<> nodesWithTraffic(ModuleOp mpcModule) {
  llvm::StringSet<> nodes;
  mpcModule.walk([&](Operation *op) {
    auto costed = dyn_cast<mpc::CostOpInterface>(op);
    if (!costed || isa<mpc::ParallelOp>(op))
      return;
    const Cost cost = costed.cost();
    if (cost.bytesToServer() + cost.bytesToClient() == 0)
      return;
    SmallVector<StringRef> names;
    nodeName(op).split(names, kNodeJoint);
    for (StringRef name : names)
      nodes.insert(name);
    nodes.insert(nodeName(op));
  });
  return nodes;
}

const char *placeOf(fx::Owner owner, bool hasTraffic) {
  switch (owner) {
  case fx::Owner::kPublic:
    return "at both, in the clear";
  case fx::Owner::kClient:
    return "at the client, in the clear";
  case fx::Owner::kServer:
    return "at the server, in the clear";
  case fx::Owner::kShared:
    break;
  }
  return hasTraffic ? "between both, on shares, by protocol" : "at each on its shares, no traffic";
}

} // namespace

Json weightsStatement(ModuleOp fxModule) {
  const llvm::StringMap<std::string> matches = matchesOf(fxModule);
  Json list = Json::array();
  for (auto weight : fxModule.getOps<fx::WeightOp>()) {
    auto type = cast<RankedTensorType>(weight.getType());
    const fx::Owner owner = cast<fx::FixedType>(type.getElementType()).getOwner();
    list.push_back(
        {{"name", weight.getSymName().str()},
         {"shape", type.getShape().vec()},
         {"owner", fx::stringifyOwner(owner).str()},
         {"why", owner == fx::Owner::kPublic
                     ? whyPublic(weight.getSymName(), matches)
                     : "private: nothing makes it public, or something private is in it"}});
  }
  return list;
}

Json operationsStatement(ModuleOp fxModule, ModuleOp mpcModule) {
  const llvm::StringSet<> traffic = nodesWithTraffic(mpcModule);
  Json list = Json::array();
  llvm::StringMap<std::size_t> index;
  mainOf(fxModule).walk([&](Operation *op) {
    if (op->getName().getDialectNamespace() != "fx" || op->getNumResults() != 1 ||
        isa<fx::ConstantOp, fx::AssumeOp>(op))
      return;
    const std::string node = nodeName(op).str();
    const fx::Owner owner = fx::fixedType(op->getResult(0)).getOwner();
    const std::string runs = isa<fx::InputOp>(op)    ? "given by its owner"
                             : isa<fx::RevealOp>(op) ? "revealed"
                                                     : placeOf(owner, traffic.contains(node));
    const auto [at, isNew] = index.try_emplace(node + "\n" + runs, list.size());
    if (isNew)
      list.push_back({{"node", node},
                      {"operations", Json::array()},
                      {"owner", fx::stringifyOwner(owner).str()},
                      {"runs", runs}});
    list[at->second]["operations"].push_back(op->getName().stripDialect().str());
  });
  return list;
}

std::string renderStatement(const Json &manifest) {
  std::string text;
  for (const char *party : {"client", "server"}) {
    text += fmt::format("the {} learns\n", party);
    for (const Json &item : manifest["learns"][party])
      text += fmt::format("  - {}\n", item.get<std::string>());
  }
  text += fmt::format("\n{:<41} {:<8} {}\n", "weight", "owner", "why");
  for (const Json &weight : manifest["weights"])
    text += fmt::format("{:<41} {:<8} {}\n", weight["name"].get<std::string>(),
                        weight["owner"].get<std::string>(), weight["why"].get<std::string>());
  for (const Json &update : manifest["weight_updates"])
    text += fmt::format("{:<41} computed as {}\n", update["weight"].get<std::string>(),
                        update["computed_as"].get<std::string>());
  text += fmt::format("\n{:<41} {}\n", "node", "runs");
  for (const Json &operation : manifest["operations"])
    text += fmt::format("{:<41} {}\n", operation["node"].get<std::string>(),
                        operation["runs"].get<std::string>());
  return text;
}

} // namespace dyad::compiler
