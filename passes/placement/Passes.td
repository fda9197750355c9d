// SPDX-License-Identifier: Apache-2.0
// Passes that decide where values live.
#ifndef DYAD_PASSES_PLACEMENT_TD
#define DYAD_PASSES_PLACEMENT_TD

include "mlir/Pass/PassBase.td"

def InferOwnership : Pass<"infer-ownership", "::mlir::ModuleOp"> {
  let summary = "Recompute who knows each value from the owners of inputs and weights";
  let description = [{
    Sets the owner in the type of every `fx` value to the join of its operands' owners, from the owners of `fx.input` and
    `fx.weight`, some of which `set` may change first. A value that needs no opening any more (a reveal of what its
    receiver knows) is forwarded.

    Before, with `set=w=public`:
    `%1 = fx.add %x, %w : (!fx.fixed<s8, 4, client>, !fx.fixed<s8, 4, server>) -> !fx.fixed<s9, 4, shared>`
    After: `%1 = fx.add %x, %w : (!fx.fixed<s8, 4, client>, !fx.fixed<s8, 4, public>) -> !fx.fixed<s9, 4, client>`

    Requires: `fx` operations only. An output that would leave as shares is an error: it needs an `fx.reveal`.
    Keeps: all integers. Example: tests/lit/placement/infer-ownership.mlir
  }];
  let dependentDialects = ["::dyad::fx::FxDialect"];
  let options = [
    ListOption<"set", "set", "std::string", "NAME=client|server|public: another owner of an input or a weight">,
  ];
}

#endif
