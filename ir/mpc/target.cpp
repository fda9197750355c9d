// SPDX-License-Identifier: Apache-2.0
#include "ir/mpc/target.h"

#include "runtime/net/error.h"

#include "llvm/ADT/StringSwitch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace dyad::mpc {
namespace {

constexpr llvm::StringLiteral kLink = "mpc.link";
constexpr llvm::StringLiteral kOt = "mpc.ot";

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
  return options;
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
}

Target targetOf(ModuleOp module) {
  Target target;
  if (StringRef link = textOf(module, kLink); !link.empty())
    target.link = parseLink(link.str());
  if (std::optional<CotMethod> ot = parseCotMethod(textOf(module, kOt)))
    target.ot = *ot;
  return target;
}

LogicalResult verifyTargetAttribute(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName().getValue();
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
