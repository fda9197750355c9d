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

def RevealEarly : Pass<"reveal-early", "::mlir::func::FuncOp"> {
  let summary = "Let the client learn values inside the network, and compute what follows alone";
  let description = [{
    Puts an `fx.reveal` to the client behind the last operation of each node in `nodes`, and makes what depends on it the
    client's, which computes it in the clear; `infer-ownership` then drops the reveals of outputs. The client learns more
    than the outputs: nothing here judges how much that tells of the private weights before.

    Before: `%1 = fx.relu %0 : shared`, `%2 = fx.matmul %1, %public : shared`, `%3 = fx.reveal %2`
    After:  `%1 = fx.relu %0 : shared`, `%r = fx.reveal %1 : client`, `%2 = fx.matmul %r, %public : client`

    Refused: nodes that are not there; a private weight, a shared value, a state, or an output for others behind the value.
    Keeps: all integers. Example: tests/lit/placement/reveal-early.mlir
  }];
  let dependentDialects = ["::dyad::fx::FxDialect"];
  let options = [ListOption<"nodes", "nodes", "std::string", "names of ONNX nodes">];
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

def SplitUpdates : Pass<"split-updates", "::mlir::ModuleOp"> {
  let summary = "Compute what fine-tuning left of a weight with the public weight, and only the rest in private";
  let description = [{
    A private weight `W` of a convolution or matrix product, in whose place a base has `W0`, becomes the cheapest of: `W` as it is; some outputs with
    private weights beside public ones for the others; `x W0 + x' D`, where `x'` is the inputs whose weights differ; `x W0 + (x A) B` for a difference
    `W - W0 = A B` of low rank (convolutions: a window to r channels and 1x1 behind it, or the other way round). Time by the cost formulas
    decides. Elements that differ by at most 2^-20 of the tensor's largest weight count as equal; if all do, `W0` takes the place of `W`.

    The client learns from the program that there was a base, the rank, and which outputs or inputs differ: `nn.weight_updates` lists it for the manifest.

    Requires `match-public-weights`, and bases after the same passes. Keeps results up to rounding. Example: tests/lit/placement/split_updates.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect"];
  let options = [ListOption<"bases", "base", "std::string", "textual nn module of a public model">,
                 Option<"network", "network", "std::string", "\"lan\"",
                        "link that is chosen for: lan, wan or BANDWIDTH,RTT">,
                 Option<"machine", "machine", "std::string", "\"\"", "file with the machine's constants (docs/cost_model.md)">,
                 Option<"always", "always", "bool", "false", "split whatever time it takes">];
}

#endif
