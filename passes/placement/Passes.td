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

def MatchPublicWeights : Pass<"match-public-weights", "::mlir::ModuleOp"> {
  let summary = "Make weights public that a public model has in the same place";
  let description = [{
    A private weight becomes public if a base has its values by name, in the same position of the graph, or, between such positions, as a
    transposed, reshaped, split or concatenated tensor (docs/known_operands.md says what a position is). Values are compared
    bit by bit; a NaN equals nothing; equal values in another place are no match.

    Requires: `fold-constants`, on the bases too. Keeps all values. Example: tests/lit/placement/match_public_weights.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect"];
  let options = [ListOption<"bases", "base", "std::string", "textual nn module of a public model">];
}

#endif
