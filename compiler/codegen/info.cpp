// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/info.h"

#include "compiler/codegen/values.h"
#include "ir/fx/owner.h"
#include "ir/mpc/operands.h"
#include "ir/weights.h"

#include <fmt/format.h>

using namespace mlir;

namespace dyad::compiler {
namespace {

// `constexpr Type kName[] = {rows};`, or nothing without rows.
std::string table(const char *type, const char *name, const std::vector<std::string> &rows) {
  if (rows.empty())
    return {};
  std::string text = fmt::format("constexpr {} {}[] = {{\n", type, name);
  for (const std::string &row : rows)
    text += wrapped(row + ",", 4);
  return text + "};\n";
}

std::string typeFields(fx::FixedType type) {
  return fmt::format(".bits = {}, .isSigned = {}, .fraction = {}", type.getWidth(),
                     type.getIsSigned(), type.getFraction());
}

// Fields of an output whose integers are indices of classes; their tables go into `tables`.
std::string classesOf(fx::OutputOp output, size_t number, std::string &tables) {
  std::string fields;
  std::vector<std::string> rows;
  auto add = [&](const char *field, const char *type, const char *prefix) {
    const std::string name = fmt::format("{}{}", prefix, number);
    tables += table(type, name.c_str(), rows);
    fields += fmt::format(", .{} = {}", field, name);
  };
  if (std::optional<ArrayRef<int64_t>> labels = output.getLabels(); labels && !labels->empty()) {
    for (int64_t label : *labels)
      rows.push_back(integer(label));
    add("labels", "std::int64_t", "kLabels");
  }
  rows.clear();
  if (std::optional<ArrayAttr> names = output.getNames(); names && !names->empty()) {
    for (StringRef name : names->getAsValueRange<StringAttr>())
      rows.push_back(quoted(name));
    add("names", "std::string_view", "kNames");
  }
  return fields;
}

const char *methodName(CotMethod method) {
  switch (method) {
  case CotMethod::kByDemand:
    break;
  case CotMethod::kSoftSpoken:
    return "CotMethod::kSoftSpoken";
  case CotMethod::kFerret:
    return "CotMethod::kFerret";
  }
  return "CotMethod::kByDemand";
}

} // namespace

std::string infoTables(ModuleOp module, const InfoOptions &options) {
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::string classes;
  mainOf(module).walk([&](Operation *op) {
    if (auto input = dyn_cast<fx::InputOp>(op)) {
      fx::FixedType type = fx::fixedType(input.getResult());
      inputs.push_back(fmt::format(
          "{{.name = {}, .shape = {}, .owner = {}, {}, .low = {}, .high = {}}}",
          quoted(input.getName()), bracedShape(input.getResult()), ownerName(type.getOwner()),
          typeFields(type), floating(input.getLow().convertToDouble()),
          floating(input.getHigh().convertToDouble())));
    } else if (auto output = dyn_cast<fx::OutputOp>(op)) {
      fx::FixedType type = fx::fixedType(output.getValue());
      outputs.push_back(fmt::format(
          "{{.name = {}, .shape = {}, .receiver = {}, {}, .integer = {}{}}}",
          quoted(output.getName()), bracedShape(output.getValue()), ownerName(type.getOwner()),
          typeFields(type), output.getInteger(), classesOf(output, outputs.size(), classes)));
    }
  });
  std::vector<std::string> states;
  std::string initials;
  module.walk([&](Operation *op) {
    if (!isa<fx::StateOp, mpc::StateOp>(op))
      return;
    Value value = op->getResult(0);
    fx::FixedType type = fx::fixedType(value);
    std::string row =
        fmt::format("{{.name = {}, .shape = {}, .bits = {}",
                    quoted(op->getAttrOfType<StringAttr>("name").getValue()), bracedShape(value),
                    type ? type.getWidth() : mpc::ringBits(value));
    if (auto initial = op->getAttrOfType<ElementsAttr>("initial")) {
      std::string name = fmt::format("kInitial{}", states.size());
      initials += wrapped(
          fmt::format("constexpr std::int64_t {}[] = {};", name, braced(integerValues(initial))),
          0);
      row += fmt::format(", .initial = {}", name);
    }
    states.push_back(row + "}");
  });
  std::vector<std::string> weights;
  for (auto weight : module.getOps<fx::WeightOp>()) {
    auto tensor = cast<RankedTensorType>(weight.getType());
    auto type = cast<fx::FixedType>(tensor.getElementType());
    bool inText = standsInText(weight) && !options.publicWeights;
    weights.push_back(fmt::format(
        "{{.name = {}, .shape = {}, .bits = {}, .isSigned = {}, .storageBits = {}, .owner = {}}}",
        quoted(weight.getSymName()), braced(tensor.getShape()), type.getWidth(), type.getIsSigned(),
        inText ? 0 : storageBits(type.getWidth()), ownerName(type.getOwner())));
  }
  std::vector<std::string> nodes;
  for (const NodeLabel &node : options.nodes)
    nodes.push_back(fmt::format("{{{}, {}}}", quoted(node.name), quoted(node.op)));

  std::string text = table("InputInfo", "kInputs", inputs) + classes +
                     table("OutputInfo", "kOutputs", outputs) + initials +
                     table("StateInfo", "kStates", states) +
                     table("WeightInfo", "kWeights", weights) + table("NodeInfo", "kNodes", nodes);
  text += "constexpr ProgramInfo kInfo = {\n";
  text += fmt::format("    .model = {},\n", quoted(options.codegen.model));
  text += fmt::format("    .dyadVersion = {},\n", quoted(options.codegen.dyadVersion));
  text += fmt::format("    .hash = {},\n", quoted(options.hash));
  auto span = [&](const char *field, const char *name, bool any) {
    if (any)
      text += fmt::format("    .{} = {},\n", field, name);
  };
  span("inputs", "kInputs", !inputs.empty());
  span("outputs", "kOutputs", !outputs.empty());
  span("states", "kStates", !states.empty());
  span("weights", "kWeights", !weights.empty());
  span("nodes", "kNodes", !nodes.empty());
  text += fmt::format("    .serverCots = {},\n    .clientCots = {},\n", options.serverCots,
                      options.clientCots);
  if (options.stock)
    text += fmt::format("    .stock = {{{}, /*megabits per second=*/{}, /*microseconds=*/{},\n"
                        "              /*picoseconds a COT=*/{}, {}, {}}},\n",
                        methodName(options.stock->method), options.stock->megabitsPerSecond,
                        options.stock->oneWayMicroseconds, options.stock->softSpokenCot,
                        options.stock->silentCot, options.stock->silentLeaf);
  return text + "};\n";
}

bool standsInText(fx::WeightOp weight) {
  auto tensor = cast<RankedTensorType>(weight.getType());
  if (cast<fx::FixedType>(tensor.getElementType()).getOwner() != fx::Owner::kPublic)
    return false;
  if (tensor.getNumElements() <= kMaxInlineElements)
    return true;
  return weight.getValue() && llvm::all_equal(integerValues(*weight.getValue()));
}

std::string hashed(InfoOptions info, llvm::function_ref<std::string(const InfoOptions &)> text) {
  info.hash.clear();
  info.hash = sha256(text(info));
  return text(info);
}

std::string tensorInitialiser(fx::WeightOp weight, const std::string &owner) {
  auto shape = cast<RankedTensorType>(weight.getType()).getShape();
  std::vector<int64_t> values =
      weight.getValue() ? integerValues(*weight.getValue()) : std::vector<int64_t>();
  bool uniform = values.size() > 1 && llvm::all_equal(values);
  std::string list = uniform ? fmt::format("std::vector<std::int64_t>({}, {})", values.size(),
                                           integer(values.front()))
                             : braced(values);
  return fmt::format("{{{}, {}{}{}}}", braced(shape), owner, owner.empty() ? "" : ", ", list);
}

} // namespace dyad::compiler
