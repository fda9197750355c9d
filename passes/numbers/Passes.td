// SPDX-License-Identifier: Apache-2.0
// Passes that turn floats into fixed-point numbers: ranges, scales, widths, truncations.
#ifndef DYAD_PASSES_NUMBERS_TD
#define DYAD_PASSES_NUMBERS_TD

include "mlir/Pass/PassBase.td"

def FactorsBehindRelu : Pass<"factors-behind-relu", "::mlir::ModuleOp"> {
  let summary = "Leave private factors before a ReLU to the linear operations behind it, but for their signs";
  let description = [{
    A batch normalisation that no linear operation could take, since what it reads has other users too (DenseNet, residual networks that
    normalise first), is a product and a sum with one number for each channel. Before a ReLU, relu(g x + b) = |g| relu(+-(x + b / g)): |g| moves
    into the weights that read the result, through means, maxima and moves of elements, and the sign stays as `nn.signed_relu`. So the product is
    one of one bit, and nothing has to be truncated. Where b / g is beyond all that x can be, a smaller offset has the same effect, and the
    rest of b becomes a constant of the linear operations. What x can be: its largest magnitude on samples, with head-room.

    Which products it takes depends on shapes alone. All readers must be convolutions without padding or matrix products, with private weights of
    their own. New numbers are computed in double and rounded once.

    Before: `%1 = nn.mul %0, %g`, `%2 = nn.add %1, %b`, `%3 = nn.relu %2`, `%4 = nn.conv2d %3, %w`
    After:  `%1 = nn.add %0, %offset`, `%2 = nn.signed_relu %1, %sign`, `%3 = nn.conv2d %2, %w bias %rest`

    Requires: weights with values, no `nn.assume` yet. Keeps results up to rounding. Example: tests/lit/numbers/factors-behind-relu.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect"];
  let options = [
    ListOption<"samples", "samples", "std::string",
               "sample files: [NAME=]FILE.npy, or FILE.npz with one array for each input">,
    Option<"headroom", "headroom", "double", "-1.0",
           "bits added to what samples show; negative: as `calibrate-ranges` adds">,
  ];
}

def ScaleInputs : Pass<"scale-inputs", "::mlir::ModuleOp"> {
  let summary = "Scale an input's features by powers of two, so that they are alike in size";
  let description = [{
    An input that only matrix products with private weights of their own read is multiplied by 2^shift for each feature (last axis), a public
    constant, and rows of the weights are divided by it. That is exact in floats; the client multiplies in the clear, before it shares anything, so
    that features of 0.01 and of 3000 need no common scale. Shifts bring each feature's largest magnitude on the samples to that of the
    largest feature, less three bits of head-room; they are public as ranges are, stand on the input as `channel_shifts`, and may be given as the configuration's key of that name.

    Before: `%1 = nn.matmul %0, %w : ...`
    After:  `%1 = nn.mul %0, %shifts : ...`, `%2 = nn.matmul %1, %w : ...`

    Requires: weights with values, no `nn.assume` yet. Keeps: the function that the network computes.
    Example: tests/lit/numbers/scale-inputs.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect"];
  let options = [
    ListOption<"samples", "samples", "std::string",
               "sample files: [NAME=]FILE.npy, or FILE.npz with one array for each input">,
    Option<"config", "config", "std::string", "\"\"", "JSON file of per-node scales and widths">,
  ];
}

def ScaleChannels : Pass<"scale-channels", "::mlir::ModuleOp"> {
  let summary = "Scale channels by powers of two, so that they are alike in size";
  let description = [{
    Between two linear operations, where everything computes f(c x) = c f(x) for positive c (ReLU, maxima, means, moves of
    elements, sums of values with the same factors), each channel may have a factor: the weights and bias that produce it are
    multiplied by it, those that read it divided. Powers of two keep the function exactly. They are chosen from the channels' largest
    magnitudes on samples and from the weights, so that one fraction serves all channels of a value, and of a weight. Weights that are public,
    or used more than once, stay as they are. The program is the same whatever the factors; the attribute `channel_shifts` of
    the operation that produces a value, and the configuration's key of that name, are their exponents.

    Before: `%1 = nn.matmul %0, %w : ...`
    After:  `%1 = nn.matmul %0, %w {channel_shifts = array<i64: 0, 3, -1>} : ...`

    Requires: weights with values, no `nn.assume` yet. Keeps: the function that the network computes.
    Example: tests/lit/numbers/scale-channels.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect"];
  let options = [
    ListOption<"samples", "samples", "std::string",
               "sample files: [NAME=]FILE.npy, or FILE.npz with one array for each input">,
    Option<"config", "config", "std::string", "\"\"", "JSON file of per-node scales and widths">,
  ];
}

def CalibrateRanges : Pass<"calibrate-ranges", "::mlir::ModuleOp"> {
  let summary = "Insert the ranges that values take on samples, with head-room";
  let description = [{
    Runs the float network on samples and puts an `nn.assume` behind every input without a declared range and every
    operation that computes new magnitudes (products, sums, means). With M the largest magnitude seen, a bound is what
    was seen plus (2^headroom - 1) M, never beyond what is proved. Inputs must be finite. With `percentile` below 100,
    head-room is added to what so many of a channel's magnitudes stay within, the channel of the largest counting; the
    range still holds everything that was seen.

    Without samples it draws some: over declared input ranges, else over [-default-range, default-range]: constants,
    ramps, smooth fields, blobs, sparse and uniform noise. It says so in a warning, and adds `synthetic-headroom` bits.

    Before: `%1 = nn.matmul %0, %w : ...`
    After:  `%1 = nn.matmul %0, %w : ...`, `%2 = nn.assume %1 in -3.1 to 4.2 "calibrated" : ...`

    Requires: weights with values. Keeps: the function that the network computes.
    Example: tests/lit/numbers/calibrate-ranges.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect"];
  let options = [
    ListOption<"samples", "samples", "std::string",
               "sample files: [NAME=]FILE.npy, or FILE.npz with one array for each input">,
    Option<"headroom", "headroom", "double", "-1.0",
           "bits added to what samples show; negative: 1, and up to 1 more for fewer than 16 samples">,
    Option<"syntheticHeadroom", "synthetic-headroom", "double", "2.0",
           "bits added to what drawn samples show, where `headroom` is not given">,
    Option<"percentile", "percentile", "double", "100.0",
           "share of a channel's magnitudes, in percent, that head-room is added to; all that was seen fits in any case">,
    Option<"defaultRange", "default-range", "double", "256.0",
           "magnitude of inputs without declared range and samples">,
  ];
}

def NnToFx : Pass<"nn-to-fx", "::mlir::ModuleOp"> {
  let summary = "Choose scales and widths, and quantise: nn becomes fx";
  let description = [{
    Every value gets a fraction and a width, every weight is rounded to integers of its own, and every operation becomes
    its fixed-point form; docs/numbers.md has the rules. Products keep the sum of their operands' fractions until the
    `fx.requantize` behind them (and behind an added constant). `nn.assume` becomes `fx.assume`, rounded outwards.

    All that cannot be converted, does not fit a given width, or is unknown in the configuration is reported in one run,
    each with the ONNX node's name.

    Requires: no `nn.div`, `nn.batch_norm` or `nn.softmax` (graph passes remove them). Keeps: shapes, names, locations.
    Example: tests/lit/numbers/nn-to-fx.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect", "::dyad::fx::FxDialect"];
  let options = [
    Option<"scale", "scale", "std::string", "\"auto\"", "fraction bits of activations: a number or auto">,
    Option<"weightScale", "weight-scale", "std::string", "\"auto\"", "fraction bits of weights: a number or auto">,
    Option<"bitwidth", "bitwidth", "std::string", "\"auto\"",
           "width of all values but weights: a number, or auto for what each one's range needs">,
    Option<"activationBits", "activation-bits", "int64_t", "0",
           "integer and fraction bits of activations together, where scales are chosen; 0: as few as the outputs allow">,
    Option<"weightBits", "weight-bits", "int64_t", "0",
           "significant bits of weights, where scales are chosen; 0: as few as the outputs allow">,
    Option<"tolerance", "tolerance", "double", "0.0075",
           "error of the outputs on samples that is allowed for, relative to their spread, where bits are chosen">,
    ListOption<"samples", "samples", "std::string",
               "sample files to choose bits by: [NAME=]FILE.npy, or FILE.npz with one array for each input">,
    Option<"config", "config", "std::string", "\"\"", "JSON file of per-node scales and widths">,
    Option<"emitConfig", "emit-config", "std::string", "\"\"", "file to write the chosen scales and widths to">,
    Option<"isTrial", "trial", "bool", "false", "fit functions for their numbers alone, at any cost, which is quicker">,
    Option<"network", "network", "std::string", "\"\"",
           "link by whose latency functions of few elements take larger tables and fewer flows; none: bits count">,
    Option<"machine", "machine", "std::string", "\"\"", "file with the machine's constants (docs/cost_model.md)">,
  ];
}

def DropNeedless : Pass<"drop-needless", "::mlir::func::FuncOp"> {
  let summary = "Leave out comparisons whose outcome the ranges tell";
  let description = [{
    A ReLU or an absolute value of what is never negative is its operand, a ReLU of what is never positive is zero, an absolute value of it the
    negated operand, a clip whose bounds are out of reach is its operand, or a ReLU where only zero is in reach, a maximum or
    minimum that one operand always wins is that operand. Ranges are those that both parties know: of types and of every
    `fx.assume`, which stays; with `strict` of proved ones only. Weights count with their types, never with their values.

    Before: `%1 = fx.clip %0 {low = 0, high = 96}`, `%0` at most 60
    After:  `%1 = fx.relu %0`

    Requires: owners (`infer-ownership`). Keeps: all integers. Example: tests/lit/numbers/drop-needless.mlir
  }];
  let dependentDialects = ["::dyad::fx::FxDialect"];
  let options = [Option<"strict", "strict", "bool", "false", "proved facts only">];
}

def DelayTruncations : Pass<"delay-truncations", "::mlir::func::FuncOp"> {
  let summary = "Round once behind two linear operations in a row";
  let description = [{
    A number that is rounded (`fx.requantize`) and then only read by a product with numbers that the server or both know, of which the result is
    rounded too, stays unrounded where that takes less time on the link: the second product is in a ring wider by the bits that are not dropped, and so
    is the first, but one truncation, its extension and their flows are gone. Known addends behind the second product are shifted, and
    assumptions scaled. The result is off by less, and may differ by one unit.

    Before: `%1 = fx.requantize %0`, `%2 = fx.matmul %1, %w`, `%3 = fx.requantize %2`
    After:  `%2 = fx.matmul %0, %w`, `%3 = fx.requantize %2`

    Requires: owners (`infer-ownership`). Keeps: real values. Example: tests/lit/numbers/delay-truncations.mlir
  }];
  let dependentDialects = ["::dyad::fx::FxDialect"];
  let options = [Option<"network", "network", "std::string", "\"lan\"", "link that seconds are for">,
                 Option<"machine", "machine", "std::string", "\"\"", "file with the machine's constants (docs/cost_model.md)">];
}

def SinkTruncations : Pass<"sink-truncations", "::mlir::func::FuncOp"> {
  let summary = "Round behind sums, pools and maxima where that is cheaper";
  let description = [{
    Moves an `fx.requantize` behind a following max pooling or maximum where fewer elements are left and the
    wider comparisons cost less than the truncations saved (rounding is monotone: same integers), and leaves it before
    comparisons with zero, which get narrower. The sum or difference of two numbers that are both rounded is rounded itself instead, once, where
    a wider sum costs less than the truncation saved; a sum over windows or axes is rounded where fewer elements are left, together with the division by a
    power of two that follows; and parts of a concatenation behind it where a ReLU, a sum or a maximum reads it, which may take the rounding in. These results are off by less
    then, and may differ by one unit.

    Requires: owners (`infer-ownership`). Keeps: all integers but those of such sums. Example: tests/lit/numbers/sink-truncations.mlir
  }];
  let dependentDialects = ["::dyad::fx::FxDialect"];
}

def InsertTruncations : Pass<"insert-truncations", "::mlir::func::FuncOp"> {
  let summary = "Decide how numbers lose fraction bits";
  let description = [{
    Each `fx.requantize` becomes `fx.truncate` (nearest), `fx.shift_left` or `fx.resize`.

    Requires: owners (`infer-ownership`). Keeps: all integers. Example: tests/lit/numbers/insert-truncations.mlir
  }];
  let dependentDialects = ["::dyad::fx::FxDialect"];
}

def WidenAccumulators : Pass<"widen-accumulators", "::mlir::func::FuncOp"> {
  let summary = "Compute products in the width that their local consumers need";
  let description = [{
    A sum that is wider than its terms would cost an extension of each term; where a term comes from a product, through
    operations that are local on shares or through a truncation, the product is computed wider instead, which is nearly
    free. Other consumers get an `fx.resize` to the former width, which is free.

    Requires: `fx` operations only. Keeps: all integers. Example: tests/lit/numbers/widen-accumulators.mlir
  }];
  let dependentDialects = ["::dyad::fx::FxDialect"];
}

def DropSaturation : Pass<"drop-saturation", "::mlir::ModuleOp"> {
  let summary = "Leave out bounds of quantised values that samples do not reach";
  let description = [{
    A quantised value is rounded and bounded to what its integer type holds (`nn.round`, perhaps `nn.relu`, `nn.clip`).
    Where no sample passes a bound by more than an eighth of it, the bound is left out: such a value is as wide as its range and head-room ask
    for, and where it would have saturated it does not. A bound of zero stays, as it is a ReLU, and so does one that samples do
    pass: it is part of the function.

    Without samples nothing changes. Example: tests/lit/numbers/drop-saturation.mlir
  }];
  let dependentDialects = ["::dyad::nn::NnDialect"];
  let options = [
    ListOption<"samples", "samples", "std::string",
               "sample files: [NAME=]FILE.npy, or FILE.npz with one array for each input">,
  ];
}

def VerifyRanges : Pass<"verify-ranges", "::mlir::ModuleOp"> {
  let summary = "Refuse widths that can overflow";
  let description = [{
    For every operation the integers that it can compute, by intervals from the inputs' ranges, the weights' values (their types' ranges where
    they stand without) and every `fx.assume`; each has to fit its type, unless all that uses it is an `fx.assume`: then
    the program says what it relies on, and `reference` checks it. Functions must have a value for all that reaches them. What does not hold is
    reported in one run, each with the node's name, what it can be and the width it needs. Changes nothing.

    Requires: `fx` operations only. Example: tests/lit/numbers/verify-ranges.mlir
  }];
  let dependentDialects = ["::dyad::fx::FxDialect"];
}

def CheckRanges : Pass<"check-ranges", "::mlir::ModuleOp"> {
  let summary = "Refuse widths that overflow on samples";
  let description = [{
    Runs the fixed-point program on the samples and reports every value that leaves its type or its `fx.assume`, with the
    ONNX node's name, the number of elements and samples, and the width it needs. What leaves its type goes on as it is, in up to 126 bits.
    Changes nothing.

    Requires: `fx` operations only, weights with values. Example: tests/lit/numbers/check-ranges.mlir
  }];
  let dependentDialects = ["::dyad::fx::FxDialect"];
  let options = [
    ListOption<"samples", "samples", "std::string",
               "sample files: [NAME=]FILE.npy, or FILE.npz with one array for each input">,
  ];
}

#endif
