// SPDX-License-Identifier: Apache-2.0
// The lattice of owners: public below client and server, both below shared.
#pragma once

#include "ir/fx/fx.h"

namespace dyad::fx {

/// Least upper bound: who knows a value computed from two others.
Owner join(Owner a, Owner b);
/// Join over all fixed-point operands; public when there are none.
Owner joinOfOperands(mlir::Operation *op);
/// "client", "server" or "public" as an owner. Anything else counts as shared, which no input is.
Owner ownerNamed(llvm::StringRef name);
/// Gives a value's type another owner.
void setOwner(mlir::Value value, Owner owner);
/// Element type of a tensor of fixed-point numbers, null for any other value.
FixedType fixedType(mlir::Value value);

} // namespace dyad::fx
