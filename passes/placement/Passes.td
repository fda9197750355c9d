// SPDX-License-Identifier: Apache-2.0
// Passes that decide where values live.
#ifndef DYAD_PASSES_PLACEMENT_TD
#define DYAD_PASSES_PLACEMENT_TD

include "mlir/Pass/PassBase.td"

def InferOwnership : Pass<"infer-ownership", "::mlir::ModuleOp"> {
  let summary = "Recompute who knows each value from the owners of inputs and weights";
  let description = [{
    Sets the owner in the type of every `fx` value to the join of its operands' owners, from the owners of `fx.input` and
    `fx.weight`, which stay. Run it after anything that changes an owner there. A value that needs no opening any more
    (a reveal of what its receiver knows) is forwarded.

    Before: `%1 = fx.relu %0 : (!fx.fixed<s8, 4, client>) -> !fx.fixed<s8, 4, shared>`
    After:  `%1 = fx.relu %0 : (!fx.fixed<s8, 4, client>) -> !fx.fixed<s8, 4, client>`

    Requires: `fx` operations only. An output that would leave as shares is an error: it needs an `fx.reveal`.
    Keeps: all integers. Example: tests/lit/placement/infer-ownership.mlir
  }];
  let dependentDialects = ["::dyad::fx::FxDialect"];
}

#endif
