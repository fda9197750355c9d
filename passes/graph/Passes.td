// SPDX-License-Identifier: Apache-2.0
// The passes that simplify a network before numbers, owners and protocols are chosen.
#ifndef DYAD_PASSES_GRAPH_PASSES_TD
#define DYAD_PASSES_GRAPH_PASSES_TD

include "mlir/Pass/PassBase.td"

def RecognizeNormalizations : Pass<"recognize-normalizations", "::mlir::ModuleOp"> {
  let summary = "Find layer and RMS normalisations that were exported in steps";
  let description = [{
    `(x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon)`, and the same without the means of x, becomes `nn.normalize`: what exports before
    opset 17 hold instead of LayerNormalization. A product with the reciprocal of the root or the reciprocal root is the same as the quotient. The
    epsilon, a single number, becomes public, as it is in the operator.

    Requires `fold-constants`, and `cse` where means were exported twice. Keeps results up to rounding.
    Example: tests/lit/graph/recognize_normalizations.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect"];
}

def FoldConstants : Pass<"fold-constants", "::mlir::ModuleOp"> {
  let summary = "Compute what follows from weights alone";
  let description = [{
    Replaces pure `nn` operations whose operands are all weights by a new `nn.weight`, named after the ONNX node. Only
    the last value of a constant expression becomes a weight. `nn.broadcast` of a weight stays: the small weight is
    what later passes can move into a neighbouring operation. Weights that became useless go with `eliminate-dead-code`.

    Errors: a result that is not finite; an operand without values (`--weights`).
    Example: tests/lit/graph/fold_constants.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect"];
}

def FoldBatchNorm : Pass<"fold-batch-norm", "::mlir::ModuleOp"> {
  let summary = "Move batch normalisation and other constant factors and offsets into linear operations";
  let description = [{
    Batch normalisation becomes a product and a sum with one constant for each channel. Products, sums, differences and
    quotients with constants move into the weights and bias of a convolution or matrix product before them, if
    that has no other user, or behind them (a sum only into a convolution without padding, which reads
    zeros where the sum would have been). Consecutive ones merge. What cannot move stays as one product and one sum: no `nn.batch_norm` is left.

    New weights are computed in double and rounded once. Whether a rule applies depends on shapes only, never on values.

    Requires `fold-constants`. Keeps results up to rounding.
    Errors: parameters that are no constants; numbers that are not finite (a variance that is not positive, overflow).
    Example: tests/lit/graph/fold_batch_norm.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect"];
}

def SimplifyArithmetic : Pass<"simplify-arithmetic", "::mlir::ModuleOp"> {
  let summary = "Remove what does nothing and move constants and transpositions where they vanish";
  let description = [{
    - A division by a constant becomes a product; a difference with one becomes a sum.
    - Products and sums with constants move as in `fold-batch-norm`, also through reshapes, slices and zero padding on
      their way, so that the scaling of an input ends in the first layer's weights.
    - A scalar behind a product of two computed values goes into the weights that one of them was made with (the scale of attention's scores into the
      queries'), and a product or sum with constants that several products read into the weights of each (a normalisation's, into queries', keys' and values').
    - Transpositions move behind elementwise operations, merge and cancel: a model with channels last becomes one with
      channels first. One that only moves axes of size one becomes a reshape; consecutive reshapes merge.
    - A private scalar `s` in one of two products of values that are added moves behind the sum where the other product can be divided by
      it at no cost: `s x y + z h` with `h = s g` becomes `s (x y + z g)`, so that the state of a gated recurrence is kept divided by `s`, which
      ends in the weights that read it. (A scalar that is zero has no inverse and stays, which the program shows.)
    - Quantised models: public scales of integers move into the next linear operation and those before a rounding into the
      previous one; zero points vanish; one rounding of each sum is left (docs/quantised.md).
    - Operations without effect (identity reshapes, slices, pads, poolings of one element, double negation, ReLU of ReLU) go.

    Requires `fold-constants`. Keeps results up to rounding.
    Errors: division by a constant zero, with the node's name.
    Example: tests/lit/graph/simplify_arithmetic.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect"];
}

def MergeFactors : Pass<"merge-factors", "::mlir::ModuleOp"> {
  let summary = "Multiply the two matrices of a low-rank weight where one product is cheaper than two";
  let description = [{
    `(x W1) W2` with private weights becomes `x (W1 W2)` if the cost formulas say that it takes less time on the given link: one
    product of more weights against two, with a truncation and an extension between. Widths are not chosen yet,
    so typical ones are used. Only shapes decide, never values. The new weight is computed in double and rounded once; steps that share
    both factors share it.

    Requires `fold-constants`. Keeps results up to rounding. Example: tests/lit/graph/merge_factors.mlir
  }];
  let options = [Option<"network", "network", "std::string", "\"lan\"",
                        "link that is chosen for: lan, wan or BANDWIDTH,RTT">,
                 Option<"machine", "machine", "std::string", "\"\"", "file with the machine's constants (docs/cost_model.md)">];
}

def MeansIntoWeights : Pass<"means-into-weights", "::mlir::ModuleOp"> {
  let summary = "No division where only linear operations read a mean";
  let description = [{
    The mean of k elements is their sum times 2^-s times 2^s/k, with 2^s the next power of two. The first factor moves the
    binary point (`halvings` of `nn.reduce`), the second, from 1 to below 2, goes into the weights of the products that read
    the mean, public or private. Pools count where one window is all there is. Nothing is rounded between the sum and the
    products; these read s bits more.

    Before: `%1 = nn.reduce <mean> %0 {axes = [2, 3]}` over 7x7, a reshape, `%3 = nn.matmul %2, %w`
    After:  `%1 = nn.reduce <sum> %0 {axes = [2, 3], halvings = 6}`, the reshape, `nn.matmul %2, %"w/49"` with 64/49 w

    Requires `fold-constants`; behind `match-public-weights`. Keeps results up to rounding.
    Example: tests/lit/graph/means_into_weights.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect"];
}

def BatchProducts : Pass<"batch-products", "::mlir::ModuleOp"> {
  let summary = "Compute products of independent values with the same weights as one";
  let description = [{
    Matrix products whose right operand is the same weight, and that have equally many computing operations before them, become one
    product of all their rows: those of all time steps with their inputs in a recurrent network that was unrolled. Equal depth
    means that none waits for another, so no flow is added. Where the operands are positions of one axis of a tensor, their rows are that tensor with
    the axis first.

    Keeps results exactly. Example: tests/lit/graph/batch_products.mlir
  }];
}

def SplitStates : Pass<"split-states", "::mlir::ModuleOp"> {
  let summary = "Make a state that is put together of parts one state for each part";
  let description = [{
    An `nn.state` whose next value is an `nn.concat`, and which is read by `nn.slice` and `nn.gather` of one part each, becomes the
    states `NAME#0`, `NAME#1` and so on: hidden and cell state of an LSTM, whose ranges differ, get scales and widths of their own.

    Keeps: results. Example: tests/lit/graph/split_states.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect"];
}

def ExchangeReluMaxPool : Pass<"exchange-relu-max-pool", "::mlir::ModuleOp"> {
  let summary = "Apply ReLU and other monotone functions behind a maximum instead of before it";
  let description = [{
    `nn.relu`, `nn.clip`, increasing functions (`sigmoid`, `tanh`, `exp` and others) and `nn.leaky_relu` with a factor that is not negative move behind `nn.max_pool2d` and
    `nn.reduce` of the kinds `max` and `min`, where there are fewer elements: each element saves a comparison
    and a product on shares. Only if every user of the function is such an operation, any number of
    them, and their results together have fewer elements than the function's.

    Keeps results exactly. Example: tests/lit/graph/exchange_relu_max_pool.mlir
  }];
}

def SoftmaxToLogits : Pass<"softmax-to-logits", "::mlir::ModuleOp"> {
  let summary = "Remove a softmax at the end of the model";
  let description = [{
    A softmax or its logarithm that only an arg-max along the same axis uses is removed: it keeps the order. One that
    the graph returns is removed if the user agreed to logits. All others stay.

    Example: tests/lit/graph/softmax_to_logits.mlir
  }];
  let options = [Option<"logits", "logits", "bool", "false",
                        "return the values before a final softmax instead of probabilities">];
}

def OrderOnly : Pass<"order-only", "::mlir::ModuleOp"> {
  let summary = "Remove functions of which only the order or the sign is read";
  let description = [{
    An increasing function (`exp`, `log`, `sqrt`, `sigmoid`, `tanh`, `erf`, `softplus`, `softsign`, LeakyRelu with a positive factor) that only
    arg-max and arg-min read is removed, and so is one that keeps signs, or a ReLU, that only comparisons with zero read. A softmax before an
    arg-max is the business of `softmax-to-logits`. ReLU and Clip before an arg-max stay: they make ties.

    Keeps: results, but for ties that rounding makes. Example: tests/lit/graph/order_only.mlir
  }];
}

def EliminateDeadCode : Pass<"eliminate-dead-code", "::mlir::ModuleOp"> {
  let summary = "Remove operations whose results nobody uses, and weights without users";
  let description = [{
    Removes pure operations without users, of any dialect and up the whole chain, and then `nn.weight` and `fx.weight`
    symbols that no operation names. Inputs and outputs stay: they are the program's interface.

    Example: tests/lit/graph/eliminate_dead_code.mlir
  }];
}

#endif
