// SPDX-License-Identifier: Apache-2.0
// What a module was lowered for: the link, the extension of OTs, and what computing costs.
// Attributes of the module carry them to everything that counts or emits: `mpc.link = "wan"`,
// `mpc.ot = "silent"`, `mpc.machine = {byte = 3000}`, each absent where it is the default.
#pragma once

#include "runtime/net/link.h"
#include "runtime/net/machine.h"
#include "runtime/ot/stock_cost.h"

#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>

namespace dyad::mpc {

struct Target {
  LinkProfile link;
  CotMethod ot = CotMethod::kByDemand;
  MachineProfile machine;

  /// How the parties of a program for this target fill their stock of correlated OTs.
  StockOptions stock() const;
};

/// "auto", "softspoken" or "silent"; nothing for any other text.
std::optional<CotMethod> parseCotMethod(llvm::StringRef text);
std::string nameOf(CotMethod method);

/// The target that options name: a link as parseLink reads it, a file with a machine profile
/// (empty: the built-in constants), an extension. Errors on `op`.
mlir::FailureOr<Target> readTarget(mlir::Operation *op, llvm::StringRef network,
                                   llvm::StringRef machine, llvm::StringRef ot = "auto");

void setTarget(mlir::ModuleOp module, const Target &target);
/// Defaults where the module says nothing. What it says has been verified.
Target targetOf(mlir::ModuleOp module);

/// Verifies the attributes above: the dialect's hook.
mlir::LogicalResult verifyTargetAttribute(mlir::Operation *op, mlir::NamedAttribute attribute);

} // namespace dyad::mpc
