// SPDX-License-Identifier: Apache-2.0
// Who knows each value of an nn function: inputs as declared, weights the server, everything
// computed the join of its operands (ir/fx/owner.h). Shapes and attributes are public.
#pragma once

#include "ir/fx/owner.h"
#include "ir/nn/nn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace dyad {

/// Owners of all nn values of a function, by one walk in program order.
class Ownership {
public:
  explicit Ownership(mlir::func::FuncOp function);

  /// The owner of a value of the function; public for a value of another one.
  fx::Owner at(mlir::Value value) const;

private:
  llvm::DenseMap<mlir::Value, fx::Owner> owners_;
};

/// "client", "server" or "public" as an owner. Anything else counts as shared, which no input is.
fx::Owner ownerNamed(llvm::StringRef name);

} // namespace dyad
