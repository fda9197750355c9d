// SPDX-License-Identifier: Apache-2.0
#include "ir/mpc/target.h"

#include "runtime/calibrate/machine_file.h"
#include "runtime/net/error.h"

#include "llvm/ADT/StringSwitch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace dyad::mpc {
namespace {

constexpr llvm::StringLiteral kLink = "mpc.link";
constexpr llvm::StringLiteral kOt = "mpc.ot";
constexpr llvm::StringLiteral kMachine = "mpc.machine";

// The text that was given, or nothing for the default.
StringRef textOf(Operation *op, StringRef name) {
  auto text = op->getAttrOfType<StringAttr>(name);
  return text ? text.getValue() : StringRef();
}

} // namespace

StockOptions Target::stock() const {
  StockOptions options(ot);
  options.megabitsPerSecond =
      static_cast<std::uint64_t>(std::max(1.0, std::round(link.bitsPerSecond / 1e6)));
  options.oneWayMicroseconds =
      static_cast<std::uint64_t>(std::round(link.roundTripSeconds / 2 * 1e6));
  options.softSpokenCot = machine.softSpokenCot;
  options.silentCot = machine.silentCot;
  options.silentLeaf = machine.silentLeaf;
  return options;
}

FailureOr<Target> readTarget(Operation *op, StringRef network, StringRef machine, StringRef ot) {
  Target target;
  std::optional<CotMethod> method = parseCotMethod(ot);
  if (!method)
    return op->emitError("ot=") << ot << " should be auto, softspoken or silent";
  target.ot = *method;
  try {
    target.link = parseLink(network.str());
  } catch (const Error &error) {
    return op->emitError("network: ") << error.what();
  }
  try {
    if (!machine.empty())
      target.machine = readMachineFile(machine.str()).profile;
  } catch (const Error &error) {
    return op->emitError() << error.what();
  }
  return target;
}

std::optional<CotMethod> parseCotMethod(llvm::StringRef text) {
  return llvm::StringSwitch<std::optional<CotMethod>>(text)
      .Case("auto", CotMethod::kByDemand)
      .Case("softspoken", CotMethod::kSoftSpoken)
      .Case("silent", CotMethod::kFerret)
      .Default(std::nullopt);
}

std::string nameOf(CotMethod method) {
  switch (method) {
  case CotMethod::kByDemand:
    break;
  case CotMethod::kSoftSpoken:
    return "softspoken";
  case CotMethod::kFerret:
    return "silent";
  }
  return "auto";
}

void setTarget(ModuleOp module, const Target &target) {
  auto set = [&](StringRef name, StringRef text, StringRef byDefault) {
    if (text == byDefault)
      module->removeAttr(name);
    else
      module->setAttr(name, StringAttr::get(module.getContext(), text));
  };
  set(kLink, target.link.name, Target{}.link.name);
  set(kOt, nameOf(target.ot), nameOf(Target{}.ot));
  Builder builder(module.getContext());
  SmallVector<NamedAttribute> constants;
  for (const MachineField &field : machineFields())
    if (const std::uint64_t value = target.machine.*field.member;
        value != MachineProfile{}.*field.member)
      constants.push_back(
          builder.getNamedAttr(field.key, builder.getI64IntegerAttr(static_cast<int64_t>(value))));
  if (constants.empty())
    module->removeAttr(kMachine);
  else
    module->setAttr(kMachine, builder.getDictionaryAttr(constants));
}

Target targetOf(ModuleOp module) {
  Target target;
  if (StringRef link = textOf(module, kLink); !link.empty())
    target.link = parseLink(link.str());
  if (std::optional<CotMethod> ot = parseCotMethod(textOf(module, kOt)))
    target.ot = *ot;
  if (auto constants = module->getAttrOfType<DictionaryAttr>(kMachine))
    for (const MachineField &field : machineFields())
      if (auto value = constants.getAs<IntegerAttr>(field.key))
        target.machine.*field.member = static_cast<std::uint64_t>(value.getInt());
  return target;
}

static LogicalResult verifyMachine(Operation *op, Attribute attribute) {
  auto constants = dyn_cast<DictionaryAttr>(attribute);
  if (!constants)
    return op->emitError("mpc.machine should be a dictionary of picoseconds");
  for (NamedAttribute constant : constants) {
    StringRef key = constant.getName().getValue();
    auto value = dyn_cast<IntegerAttr>(constant.getValue());
    if (llvm::none_of(machineFields(), [&](const MachineField &f) { return key == f.key; }))
      return op->emitError("mpc.machine: '") << key << "' is no constant of a machine";
    if (!value || !value.getType().isInteger(64) || value.getInt() < 0 ||
        static_cast<std::uint64_t>(value.getInt()) > kMaxPicoseconds)
      return op->emitError("mpc.machine: '")
             << key << "' should be 0 to " << kMaxPicoseconds << " picoseconds";
  }
  return success();
}

LogicalResult verifyTargetAttribute(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName().getValue();
  if (isa<ModuleOp>(op) && name == kMachine)
    return verifyMachine(op, attribute.getValue());
  auto text = dyn_cast<StringAttr>(attribute.getValue());
  if (!isa<ModuleOp>(op) || (name != kLink && name != kOt) || !text)
    return op->emitError("attribute '") << name << "' is none of mpc's for this operation";
  if (name == kOt) {
    if (!parseCotMethod(text.getValue()))
      return op->emitError("'") << text.getValue() << "' should be auto, softspoken or silent";
    return success();
  }
  try {
    parseLink(text.getValue().str());
  } catch (const Error &error) {
    return op->emitError("mpc.link: ") << error.what();
  }
  return success();
}

} // namespace dyad::mpc
