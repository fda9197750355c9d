// SPDX-License-Identifier: Apache-2.0
// The passes that simplify a network before numbers, owners and protocols are chosen.
#ifndef DYAD_PASSES_GRAPH_PASSES_TD
#define DYAD_PASSES_GRAPH_PASSES_TD

include "mlir/Pass/PassBase.td"

def EliminateDeadCode : Pass<"eliminate-dead-code", "::mlir::ModuleOp"> {
  let summary = "Remove operations whose results nobody uses, and weights without users";
  let description = [{
    Removes pure operations without users, of any dialect and up the whole chain, and then `nn.weight` and `fx.weight`
    symbols that no operation names. Inputs and outputs stay: they are the program's interface.

    Example: tests/lit/graph/eliminate_dead_code.mlir
  }];
}

#endif
