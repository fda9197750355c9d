// SPDX-License-Identifier: Apache-2.0
// What a module was lowered for: the link and the extension of OTs. Attributes of the module carry
// both to everything that counts or emits: `mpc.link = "wan"`, `mpc.ot = "silent"`, each absent
// where it is the default.
#pragma once

#include "runtime/net/link.h"
#include "runtime/ot/stock_cost.h"

#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>

namespace dyad::mpc {

struct Target {
  LinkProfile link;
  CotMethod ot = CotMethod::kByDemand;

  /// How the parties of a program for this target fill their stock of correlated OTs.
  StockOptions stock() const;
};

/// "auto", "softspoken" or "silent"; nothing for any other text.
std::optional<CotMethod> parseCotMethod(llvm::StringRef text);
std::string nameOf(CotMethod method);

void setTarget(mlir::ModuleOp module, const Target &target);
/// Defaults where the module says nothing. What it says has been verified.
Target targetOf(mlir::ModuleOp module);

/// Verifies the attributes above: the dialect's hook.
mlir::LogicalResult verifyTargetAttribute(mlir::Operation *op, mlir::NamedAttribute attribute);

} // namespace dyad::mpc
