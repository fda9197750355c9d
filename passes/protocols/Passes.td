// SPDX-License-Identifier: Apache-2.0
// Passes that choose protocols (fx to mpc) and arrange them.
#ifndef DYAD_PASSES_PROTOCOLS_TD
#define DYAD_PASSES_PROTOCOLS_TD

include "mlir/Pass/PassBase.td"

def LowerToMpc : Pass<"lower-to-mpc", "::mlir::ModuleOp"> {
  let summary = "Choose a protocol for everything that neither party can compute alone";
  let description = [{
    Operations whose result is `shared` become `mpc` operations; all others stay `fx` and run in the clear at their
    owner. A value that crosses this border is shared once for each width (`mpc.share`, no traffic). A shared value
    of `!fx.fixed<s20, ..>` is held modulo 2^20; consumers that need a wider ring extend it, with the cheapest variant
    that the value's range allows. `fx.assume` disappears: it was checked by `reference`, and the ranges have been used.

    Where there are several protocols the time model decides: computing, bytes by the bandwidth and flows by the latency of the
    `network`. Correlated OTs have the price that the extension has for the whole program's demand, so the module is lowered with one
    guess of the price and with another, each until price and demand agree, and the faster program stays. Products with the
    server's operand are by OT or by RLWE, whose keys count where no earlier layer needed them; `linear` fixes one of both, and
    `linear=he` falls back to OT where no RLWE parameters are exact for the widths. `network` and `ot` become attributes of the
    module, for the passes and the code generation behind.

    Before: `%2 = fx.truncate %1 {shift = 7 : i64, ..} : (..s20, 15, shared..) -> ..s20, 8, shared..`
    After:  `%2 = mpc.truncate_reduce %1 {shift = 7 : i64, ..} : (..arith<20>..) -> ..arith<13>..`,
            `%3 = mpc.extend %2 {known = #mpc.known<bounded>} : (..arith<13>..) -> ..arith<20>..`

    Requires: owners (`infer-ownership`), no `fx.requantize`. Keeps: all integers, names, locations.
    Example: tests/lit/protocols/lower-to-mpc.mlir
  }];
  let dependentDialects = ["::dyad::mpc::MpcDialect", "::dyad::fx::FxDialect"];
  let options = [
    Option<"strictRanges", "strict-ranges", "bool", "false",
           "protocols that depend on a range rely on proved facts only">,
    Option<"linear", "linear", "std::string", "\"auto\"", "protocol of products with the server's operand: auto, ot or he">,
    Option<"network", "network", "std::string", "\"lan\"", "link that is optimised for: lan, wan, or BANDWIDTH,RTT such as 100Mbit,20ms">,
    Option<"config", "config", "std::string", "\"\"", "file that fixes `protocol` of nodes (docs/numbers.md)">,
    Option<"machine", "machine", "std::string", "\"\"", "file with the machine's constants (docs/cost_model.md)">,
    Option<"ot", "ot", "std::string", "\"auto\"", "extension of correlated OTs: auto, softspoken or silent">,
  ];
}

def PrepareProducts : Pass<"prepare-products", "::mlir::ModuleOp"> {
  let summary = "Multiply masks instead of states: products of one weight, one after another, are prepared together";
  let description = [{
    Products of shared matrices with the same weight that wait for each other, as the steps of a recurrent network do, cannot be computed
    at once. Products of random masks of the client's with that weight can, by one RLWE layer whose ciphertexts are full,
    before anything else is known. A step then sends the difference of its share and its mask, in one flow. Done where
    that takes less time by the time model; nodes whose protocol `config` fixes stay.

    Before: `%1 = mpc.matmul %h, %w {..he..} : (tensor<1x100x!mpc.arith<28>>, ..)`, for each of 99 steps
    After:  `%m = mpc.mask : tensor<99x100x!mpc.arith<28>>`, `%p = mpc.matmul %m, %w {..he..}`, and for each step
            `%1 = mpc.matmul_prepared %h, %m0, %p0, %w` with its slices of `%m` and `%p`

    Requires: `mpc`, before `merge-linear`. Keeps: all integers. Example: tests/lit/protocols/prepare-products.mlir
  }];
  let dependentDialects = ["::dyad::mpc::MpcDialect", "::dyad::fx::FxDialect"];
  let options = [
    Option<"linear", "linear", "std::string", "\"auto\"", "protocol of products with the server's operand: auto, ot or he">,
    Option<"config", "config", "std::string", "\"\"", "file that fixes `protocol` of nodes (docs/numbers.md)">,
  ];
}

def MergeLinear : Pass<"merge-linear", "::mlir::ModuleOp"> {
  let summary = "One encryption for all linear operations on the same shares";
  let description = [{
    Convolutions and matrix products that read the same integers become one, with the filters or columns of all: the client's
    shares are encrypted (or chosen with) once. A smaller kernel is put into the larger one, with zeros around it, where strides
    are equal, if they have the same protocol: SqueezeNet's 1x1 beside its 3x3, a shortcut of stride 2 beside a 3x3 of stride 2. The ring is the widest one;
    results are slices of the merged one, reduced to their own ring for nothing. Two become one only where that sends no more
    bytes, takes less time by the time model and asks for no new RLWE keys. The weights of both become one weight, and both nodes'
    names stand in the location.

    Before: `%1 = mpc.matmul %x, %q {..he..}`, `%2 = mpc.matmul %x, %k {..he..}`
    After:  `%0 = mpc.matmul %x, %qk {..he..}`, `%1 = mpc.slice %0 {starts = array<i64: 0, 0>, ..}`, `%2 = mpc.slice %0 {..}`

    Requires: `mpc`, before `share-flows`; weights that are constants. Keeps: all integers. Example:
    tests/lit/protocols/merge-linear.mlir
  }];
  let dependentDialects = ["::dyad::mpc::MpcDialect", "::dyad::fx::FxDialect"];
}

def PackReplies : Pass<"pack-replies", "::mlir::ModuleOp"> {
  let summary = "Let replies of RLWE layers be packed where that pays for the keys";
  let description = [{
    A layer by RLWE becomes `he_packed` where its best plan with packed replies takes less time than that without, by the time model
    for the module's link and machine, and where all such layers together save more than the making and sending of their Galois keys
    takes, once. Layers that alone need a key which does not pay stay as they are, and so do those whose `packed` is fixed by `config`.

    Before: `%1 = mpc.conv2d %x, %w {.. protocol = #mpc.linear<he> ..}`
    After:  `%1 = mpc.conv2d %x, %w {.. protocol = #mpc.linear<he_packed> ..}`

    Requires: `mpc`, after `merge-linear`. Keeps: all integers. Example: tests/lit/protocols/pack-replies.mlir
  }];
  let dependentDialects = ["::dyad::mpc::MpcDialect"];
  let options = [Option<"config", "config", "std::string", "\"\"", "file that fixes `packed` of nodes (docs/numbers.md)">];
}

def FuseTruncateRelu : Pass<"fuse-truncate-relu", "::mlir::ModuleOp"> {
  let summary = "Requantise and take the ReLU in one protocol, where flows cost more than bits";
  let description = [{
    A `truncate_reduce` whose only user is a `relu` becomes one `truncate_relu` with it, and with the extensions of the ReLU's result:
    about 11 flows instead of 17, for some tens of bits an element more. Done where the time model says so for the module's link
    and the number of elements: on a WAN for small tensors, on a LAN rarely. A truncation that others read as well stays. Where the ReLU
    reads the sum of a truncated value and another one, as behind a residual block, the other one is added before, with zeros behind it:
    the same integers.

    Before: `%1 = mpc.truncate_reduce %0 {shift = 12 : i64, ..} : (..arith<32>..) -> ..arith<20>..`, `%2 = mpc.relu %1`,
            `%3 = mpc.extend %2 {known = #mpc.known<non_negative>} : (..arith<20>..) -> ..arith<32>..`
    After:  `%3 = mpc.truncate_relu %0 {shift = 12 : i64, ..} : (..arith<32>..) -> ..arith<32>..`

    Requires: `mpc`, before `share-flows`. Keeps: all integers. Example: tests/lit/protocols/fuse-truncate-relu.mlir
  }];
  let dependentDialects = ["::dyad::mpc::MpcDialect"];
  let options = [Option<"config", "config", "std::string", "\"\"", "file that fixes `fused` of nodes (docs/numbers.md)">];
}

def ChooseRadix : Pass<"choose-radix", "::mlir::ModuleOp"> {
  let summary = "Let comparisons save flows where flows cost more than bits";
  let description = [{
    Larger digits give a comparison's tree fewer levels, one flow each, for more bits an element. Each operation that compares gets
    the `radix`, the number of levels saved, of least time for its elements on the module's link. 0 is not printed.

    After: `%1 = mpc.relu %0 {radix = 1 : i64} : ..`

    Requires: `mpc`, before `share-flows`. Keeps: all integers. Example: tests/lit/protocols/choose-radix.mlir
  }];
  let dependentDialects = ["::dyad::mpc::MpcDialect"];
  let options = [
    Option<"config", "config", "std::string", "\"\"", "file that fixes `radix` of nodes (docs/numbers.md)">,
    Option<"bitsOnly", "bits-only", "bool", "false", "radix 0 for all that `config` does not fix: fewest bits, most flows">,
  ];
}

def ShareFlows : Pass<"share-flows", "::mlir::ModuleOp"> {
  let summary = "Let independent protocols send in the same flows";
  let description = [{
    Orders operations by depth, the number of protocols on the longest way from an input, and puts protocols of one depth
    into an `mpc.parallel`: the two branches of a residual block, the heads of an attention. Bytes stay but for
    frame headers, flows fall to the longest member's.

    Requires: `mpc`. Keeps: all values, the order of inputs and of outputs. Example: tests/lit/protocols/share-flows.mlir
  }];
  let dependentDialects = ["::dyad::mpc::MpcDialect"];
}

#endif
