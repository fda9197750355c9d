// SPDX-License-Identifier: Apache-2.0
// The manifest: what a program is, what its exactness rests on, and what each party learns from it.
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/info.h"
#include "compiler/codegen/statement.h"
#include "compiler/codegen/values.h"
#include "ir/fx/owner.h"
#include "ir/mpc/operands.h"
#include "ir/mpc/target.h"
#include "ir/weights.h"
#include "passes/cost/program_cost.h"

#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

using namespace mlir;
using Json = nlohmann::ordered_json;

namespace dyad::compiler {
namespace {

Json typeOf(Value value) {
  fx::FixedType type = fx::fixedType(value);
  return {{"shape", cast<RankedTensorType>(value.getType()).getShape().vec()},
          {"bits", type.getWidth()},
          {"signed", type.getIsSigned()},
          {"fraction", type.getFraction()}};
}

void append(Json &object, const Json &more) {
  for (const auto &[key, value] : more.items())
    object[key] = value;
}

Json inputsOf(func::FuncOp main) {
  Json list = Json::array();
  main.walk([&](fx::InputOp input) {
    Json entry = {{"name", input.getName().str()},
                  {"owner", fx::stringifyOwner(fx::fixedType(input.getResult()).getOwner()).str()}};
    append(entry, typeOf(input.getResult()));
    entry["range"] = {input.getLow().convertToDouble(), input.getHigh().convertToDouble()};
    entry["range_kind"] = fx::stringifyRangeKind(input.getKind()).str();
    list.push_back(entry);
  });
  return list;
}

Json outputsOf(func::FuncOp main) {
  Json list = Json::array();
  main.walk([&](fx::OutputOp output) {
    Json entry = {
        {"name", output.getName().str()},
        {"receiver", fx::stringifyOwner(fx::fixedType(output.getValue()).getOwner()).str()}};
    append(entry, typeOf(output.getValue()));
    if (std::optional<ArrayRef<int64_t>> labels = output.getLabels())
      entry["labels"] = labels->vec();
    if (std::optional<ArrayAttr> names = output.getNames())
      for (StringRef name : names->getAsValueRange<StringAttr>())
        entry["names"].push_back(name.str());
    list.push_back(entry);
  });
  return list;
}

Json statesOf(func::FuncOp main) {
  Json list = Json::array();
  main.walk([&](fx::StateOp state) {
    Json entry = {{"name", state.getName().str()}};
    append(entry, typeOf(state.getResult()));
    for (Operation *user : state.getResult().getUsers())
      if (auto assume = dyn_cast<fx::AssumeOp>(user)) {
        double unit = std::ldexp(1.0, -fx::fixedType(state.getResult()).getFraction());
        entry["range"] = {static_cast<double>(static_cast<int64_t>(assume.getLow())) * unit,
                          static_cast<double>(static_cast<int64_t>(assume.getHigh())) * unit};
        entry["range_kind"] = fx::stringifyRangeKind(assume.getKind()).str();
      }
    entry["initial"] = state.getInitial() ? "public value" : "zeros";
    list.push_back(entry);
  });
  return list;
}

// Ranges that nothing proves: where one is violated, `reference` fails and two parties may be
// wrong.
Json assumptionsOf(func::FuncOp main) {
  Json list = Json::array();
  main.walk([&](fx::AssumeOp assume) {
    if (assume.getKind() == fx::RangeKind::kProved)
      return;
    double unit = std::ldexp(1.0, -fx::fixedType(assume.getInput()).getFraction());
    auto low = static_cast<int64_t>(assume.getLow());
    auto high = static_cast<int64_t>(assume.getHigh());
    list.push_back({{"node", nodeName(assume).str()},
                    {"kind", fx::stringifyRangeKind(assume.getKind()).str()},
                    {"range", {static_cast<double>(low) * unit, static_cast<double>(high) * unit}},
                    {"integers", {low, high}}});
  });
  return list;
}

bool isPublic(fx::WeightOp weight) {
  auto type = cast<RankedTensorType>(weight.getType());
  return cast<fx::FixedType>(type.getElementType()).getOwner() == fx::Owner::kPublic;
}

// Those of the model that were made public, and small constants of the compiler's.
Json publicWeightsOf(ModuleOp module) {
  Json names = Json::array();
  for (auto weight : module.getOps<fx::WeightOp>())
    if (isPublic(weight))
      names.push_back(weight.getSymName().str());
  return names;
}

// Weights of which only what differs from a public one is private.
Json updatesOf(ModuleOp module) {
  Json updates = Json::array();
  if (auto list = module->getAttrOfType<ArrayAttr>(kWeightUpdates))
    for (auto entry : list.getAsRange<ArrayAttr>()) {
      auto text = [&](unsigned i) { return cast<StringAttr>(entry[i]).getValue().str(); };
      updates.push_back({{"node", text(0)}, {"weight", text(1)}, {"computed_as", text(2)}});
    }
  return updates;
}

std::vector<std::string> namesOfOutputs(func::FuncOp main, fx::Owner receiver) {
  std::vector<std::string> names;
  main.walk([&](fx::OutputOp output) {
    fx::Owner owner = fx::fixedType(output.getValue()).getOwner();
    if (owner == receiver || owner == fx::Owner::kPublic)
      names.push_back("the output '" + output.getName().str() + "'");
  });
  return names;
}

Json learnedOf(func::FuncOp main) {
  Json client = namesOfOutputs(main, fx::Owner::kClient);
  main.walk([&](fx::RevealOp reveal) {
    if (llvm::all_of(reveal.getResult().getUsers(),
                     [](Operation *user) { return isa<fx::OutputOp>(user); }))
      return;
    auto type = cast<RankedTensorType>(reveal.getResult().getType());
    client.push_back(fmt::format("the values at '{}', {} numbers of {} bits, revealed early: with "
                                 "enough inputs they may tell "
                                 "the private weights before it",
                                 nodeName(reveal).str(), type.getNumElements(),
                                 fx::fixedType(reveal.getResult()).getWidth()));
  });
  for (const char *item :
       {"the graph: operations, shapes, attributes, node names and the labels of classes",
        "widths and scales of all values and of the weights, and the assumed ranges: unless they "
        "are fixed by --config they follow from the weights and the samples",
        "the values of all public weights and constants: see public_weights",
        "what of fine-tuned weights is public, and the ranks of the rest: see weight_updates"})
    client.push_back(item);
  Json server = namesOfOutputs(main, fx::Owner::kServer);
  server.push_back("how many samples the client runs, and when");
  return {{"client", client}, {"server", server}};
}

Json rowOf(const NodeStats &row) {
  return {{"name", row.name},
          {"bytes_to_server", row.bytesToServer},
          {"bytes_to_client", row.bytesToClient},
          {"flows", row.flows},
          {"server_cots", row.serverCots},
          {"client_cots", row.clientCots},
          {"seconds", row.seconds}};
}

} // namespace

LogicalResult writeServerWeights(ModuleOp mpcModule, const std::string &path) {
  OwningOpRef<ModuleOp> own = ModuleOp::create(mpcModule.getLoc());
  for (auto weight : mpcModule.getOps<fx::WeightOp>())
    if (!standsInText(weight))
      own->push_back(weight->clone());
  return writeWeights(*own, path);
}

LogicalResult writePublicWeights(ModuleOp mpcModule, const std::string &path) {
  OwningOpRef<ModuleOp> known = ModuleOp::create(mpcModule.getLoc());
  for (auto weight : mpcModule.getOps<fx::WeightOp>())
    if (isPublic(weight) && !standsInText(weight))
      known->push_back(weight->clone());
  if (!known->getBody()->empty())
    return writeWeights(*known, path);
  std::error_code error;
  std::filesystem::remove(path, error);
  return success();
}

std::string emitManifest(ModuleOp fxModule, ModuleOp mpcModule, const ManifestOptions &options) {
  func::FuncOp main = mainOf(fxModule);
  const ProgramCost cost = costOf(mpcModule);
  Json manifest;
  manifest["model"] = options.program.model;
  manifest["dyad_version"] = options.program.dyadVersion;
  manifest["program_sha256"] = sha256(options.programText);
  manifest["inputs"] = inputsOf(main);
  manifest["outputs"] = outputsOf(main);
  if (Json states = statesOf(main); !states.empty())
    manifest["states"] = states;
  manifest["ranges"] = {{"calibrated_on_samples", options.calibrated},
                        {"strict", options.strictRanges}};
  manifest["assumptions"] = assumptionsOf(main);
  manifest["public_weights"] = publicWeightsOf(fxModule);
  manifest["weight_updates"] = updatesOf(fxModule);
  manifest["learns"] = learnedOf(main);
  manifest["weights"] = weightsStatement(fxModule);
  manifest["operations"] = operationsStatement(fxModule, mpcModule);
  manifest["in_the_clear"] = clearStatement(fxModule);
  for (const auto &[name, value] : options.options)
    manifest["options"][name] = value;
  const mpc::Target target = mpc::targetOf(mpcModule);
  manifest["security"] = {{"model", "semi-honest"},
                          {"computational_bits", 128},
                          {"base_ot", "Chou-Orlandi on ristretto255"},
                          {"ot_extension", target.stock().describe()},
                          {"exact", true}};
  for (const he::KeyNeed &need : mpc::heKeys(mpcModule)) {
    const he::ParameterSet &set = he::parameterSet(need.set);
    manifest["security"]["rlwe"].push_back(
        {{"degree", set.degree}, {"modulus_bits", set.modulusBits() + set.specialModulusBits()}});
  }
  manifest["network"] = {{"profile", target.link.name},
                         {"bits_per_second", target.link.bitsPerSecond},
                         {"round_trip_seconds", target.link.roundTripSeconds}};
  manifest["ot"] = mpc::nameOf(target.ot);
  Json phases = Json::array();
  for (const NodeStats &row : cost.phases)
    phases.push_back(rowOf(row));
  manifest["costs"] = phases;
  return manifest.dump(2) + "\n";
}

} // namespace dyad::compiler
