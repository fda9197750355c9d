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
#include "llvm/Support/MathExtras.h"

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

// Of the kernels in the clear, which check their ranges: 7 ms for the 31.5 million products of
// cifar10_resnet20's public part, on the machine of docs/measurements.md.
constexpr double kSecondsPerProduct = 2.2e-10;

// Numbers multiplied, looked up or added by an operation in the clear.
int64_t productsOf(Operation *op) {
  auto shape = [](Value value) { return cast<RankedTensorType>(value.getType()).getShape(); };
  Value result = op->getResult(0);
  const int64_t elements = cast<RankedTensorType>(result.getType()).getNumElements();
  if (isa<fx::MatMulOp>(op))
    return elements * shape(op->getOperand(0)).back();
  if (auto conv = dyn_cast<fx::Conv2DOp>(op))
    return elements * (cast<RankedTensorType>(conv.getWeight().getType()).getNumElements() /
                       std::max<int64_t>(shape(conv.getWeight()).front(), 1));
  return isStructure(op) ? 0 : elements;
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

Json clearStatement(ModuleOp fxModule) {
  int64_t products[2] = {};
  mainOf(fxModule).walk([&](Operation *op) {
    if (op->getName().getDialectNamespace() != "fx" || op->getNumResults() != 1 ||
        isa<fx::ConstantOp, fx::AssumeOp, fx::InputOp, fx::RevealOp>(op))
      return;
    const fx::Owner owner = fx::fixedType(op->getResult(0)).getOwner();
    if (owner == fx::Owner::kClient || owner == fx::Owner::kPublic)
      products[0] += productsOf(op);
    if (owner == fx::Owner::kServer || owner == fx::Owner::kPublic)
      products[1] += productsOf(op);
  });
  int64_t bytes = 0;
  for (auto weight : fxModule.getOps<fx::WeightOp>())
    if (fx::FixedType type =
            cast<fx::FixedType>(cast<RankedTensorType>(weight.getType()).getElementType());
        type.getOwner() == fx::Owner::kPublic)
      bytes += cast<RankedTensorType>(weight.getType()).getNumElements() *
               static_cast<int64_t>(llvm::PowerOf2Ceil((type.getWidth() + 7) / 8));
  Json parties;
  for (int party : {0, 1}) {
    Json &row = parties[party == 0 ? "client" : "server"];
    row["products"] = products[party];
    row["seconds"] = kSecondsPerProduct * static_cast<double>(products[party]);
  }
  parties["client"]["public_weight_bytes"] = bytes;
  return parties;
}

std::string renderStatement(const Json &manifest) {
  std::string text;
  for (const char *party : {"client", "server"}) {
    text += fmt::format("the {} learns\n", party);
    for (const Json &item : manifest["learns"][party])
      text += fmt::format("  - {}\n", item.get<std::string>());
  }
  const Json &clear = manifest["in_the_clear"];
  for (const char *party : {"client", "server"})
    text += fmt::format(
        "the {} computes {:.3g} million products alone for a sample, about {:.3f} s\n", party,
        clear[party]["products"].get<double>() / 1e6, clear[party]["seconds"].get<double>());
  text += fmt::format("the client holds {:.3f} MB of public weights\n",
                      clear["client"]["public_weight_bytes"].get<double>() / 1e6);
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
