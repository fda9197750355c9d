// SPDX-License-Identifier: Apache-2.0
#include "compiler/report/ir_page.h"

#include "ir/fx/owner.h"
#include "ir/mpc/mpc.h"
#include "ir/structure.h"
#include "runtime/net/cost.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using Json = nlohmann::ordered_json;

namespace dyad::compiler {
namespace {

// Characters of an attribute's value, and elements of one that is printed at all.
constexpr std::size_t kLongest = 240;
constexpr std::int64_t kMostElements = 64;

template <typename T> std::string textOf(const T &printable) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  printable.print(stream);
  return text;
}

std::string valueOf(Attribute attribute) {
  if (auto elements = dyn_cast<ElementsAttr>(attribute);
      elements && elements.getNumElements() > kMostElements)
    return std::to_string(elements.getNumElements()) + " elements of " +
           textOf(elements.getShapedType());
  std::string text = textOf(attribute);
  if (text.size() > kLongest)
    text = text.substr(0, kLongest) + "...";
  return text;
}

class Writer {
public:
  explicit Writer(func::FuncOp main) : state_(main) {}

  void write(Block &block, int inside) {
    for (Operation &op : block) {
      const int index = static_cast<int>(operations_.size());
      operations_.push_back(json(&op, inside));
      for (Value result : op.getResults())
        index_[result] = index;
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          write(inner, index);
    }
  }

  Json take() { return std::move(operations_); }

private:
  std::string nameOf(Value value) {
    std::string name;
    llvm::raw_string_ostream stream(name);
    value.printAsOperand(stream, state_);
    return name;
  }

  Json json(Operation *op, int inside) {
    Json row = {{"op", op->getName().getStringRef().str()},
                {"dialect", op->getName().getDialectNamespace().str()},
                {"node", nodeName(op).str()},
                {"inside", inside},
                {"results", Json::array()},
                {"operands", Json::array()},
                {"attributes", Json::array()}};
    for (Value result : op->getResults())
      row["results"].push_back({{"name", nameOf(result)}, {"type", textOf(result.getType())}});
    for (Value operand : op->getOperands()) {
      const auto from = index_.find(operand);
      row["operands"].push_back(
          {{"name", nameOf(operand)}, {"from", from == index_.end() ? -1 : from->second}});
    }
    for (NamedAttribute attribute : op->getAttrs())
      row["attributes"].push_back(
          {attribute.getName().strref().str(), valueOf(attribute.getValue())});
    if (op->getNumResults() != 0) {
      if (auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType()))
        row["shape"] = type.getShape().vec();
      if (const fx::FixedType type = fx::fixedType(op->getResult(0)))
        row["owner"] = fx::stringifyOwner(type.getOwner()).str();
      else if (op->getName().getDialectNamespace() == "mpc")
        row["owner"] = "shared";
    }
    if (auto costed = dyn_cast<mpc::CostOpInterface>(op))
      if (const Cost cost = costed.cost(); !cost.ticks.empty()) {
        row["bytes"] = cost.bytes();
        row["flows"] = cost.flows();
      }
    return row;
  }

  AsmState state_;
  Json operations_ = Json::array();
  llvm::DenseMap<Value, int> index_;
};

} // namespace

Json irData(ModuleOp module, const std::string &title) {
  Json data = {{"title", title}, {"symbols", Json::array()}, {"operations", Json::array()}};
  for (Operation &op : *module.getBody()) {
    auto name = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
    auto type = op.getAttrOfType<TypeAttr>("type");
    if (name && type)
      data["symbols"].push_back(
          {{"name", name.getValue().str()}, {"type", textOf(type.getValue())}});
  }
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return data;
  Writer writer(main);
  writer.write(main.getBody().front(), -1);
  data["operations"] = writer.take();
  return data;
}

} // namespace dyad::compiler
