// SPDX-License-Identifier: Apache-2.0
// The nn dialect: an ONNX graph on floats, normalised. Static shapes, no opset differences, few operations.
#ifndef DYAD_IR_NN_TD
#define DYAD_IR_NN_TD

include "ir/structure.td"
include "ir/nn/enums.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/SymbolInterfaces.td"

def Nn_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::dyad::nn";
  let summary = "neural networks as floating-point tensor graphs";
  let description = [{
    What an ONNX file means, before numbers become integers: tensors of `f32` (and `i64` for arg-max results) of static
    shape in a `func.func` without arguments, whose inputs and outputs are `nn.input` and `nn.output` operations. Every
    operation's location is a `NameLoc` with the name of the ONNX node it came from. Weights are
    `nn.weight` symbols of the module. Batch normalisation, softmax and the like are operations here; passes fold,
    remove or refuse them before `fx`.
  }];
  let useDefaultAttributePrinterParser = 1;
}

class Nn_Op<string mnemonic, list<Trait> traits = []> : Op<Nn_Dialect, mnemonic, traits>;

def Nn_FloatTensor : StaticShapeTensorOf<[F32]>;
def Nn_IndexTensor : StaticShapeTensorOf<[I64]>;

//===--- symbols, inputs, outputs ---------------------------------------------------------------===//

def Nn_WeightOp : Nn_Op<"weight", [Symbol]> {
  let summary = "a trained tensor, as a symbol";
  let description = [{
    The values of an initializer or Constant. `value` holds them; it is absent when they are in the safetensors file that
    accompanies a textual module, under the symbol's name. Printing leaves out values of more than 64 elements.
    `is_public`: both parties know it (`--public-weights`); else it is the server's secret.

    ```mlir
    nn.weight @fc.bias : tensor<2xf32> = dense<[1.0, 2.0]> : tensor<2xf32>
    nn.weight @stem : tensor<2xf32> = dense<[1.0, 2.0]> : tensor<2xf32> {is_public}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, OptionalAttr<ElementsAttr>:$value, UnitAttr:$is_public);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Nn_ConstantOp : Nn_Op<"constant", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a weight";
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
}

def Nn_InputOp : Nn_Op<"input", [MemoryEffects<[MemWrite]>]> {
  let summary = "a graph input";
  let description = [{
    `owner` is who knows it: `client`, `server` or `public`. `low` and `high` are its declared range (of `--input-range`),
    if there is one. The memory effect keeps unused inputs, which are part of the program's interface.
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$owner, OptionalAttr<F64Attr>:$low, OptionalAttr<F64Attr>:$high);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$name `owner` $owner (`range` $low^ `to` $high)? attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Nn_OutputOp : Nn_Op<"output", [MemoryEffects<[MemWrite]>]> {
  let summary = "a graph output";
  let description = [{
    `reveal` is who learns it: `client`, `server` or `both`. Where the value is an index, element i of `labels` is what its receiver
    writes instead of i, or `names` are the classes that the indices stand for; both are public.
  }];
  let arguments = (ins StrAttr:$name, AnyRankedTensor:$value, StrAttr:$reveal, OptionalAttr<DenseI64ArrayAttr>:$labels,
                       OptionalAttr<StrArrayAttr>:$names);
  let assemblyFormat = "$name $value `to` $reveal attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def Nn_StateOp : Nn_Op<"state", [MemoryEffects<[MemWrite]>]> {
  let summary = "what the last run of the program left in a state";
  let description = [{
    `initial` is its value before the first run: zeros where it is absent. `low` and `high` bound the state at any time, once
    there is a range: `declared` by `--input-range`, `calibrated` on samples, or `proved` from what `nn.set_state` can be whatever the
    state was. The memory effect keeps it, as it does inputs.
  }];
  let arguments = (ins StrAttr:$name, OptionalAttr<ElementsAttr>:$initial, OptionalAttr<F64Attr>:$low,
                       OptionalAttr<F64Attr>:$high, OptionalAttr<StrAttr>:$kind);
  let results = (outs Nn_FloatTensor:$result);
  let assemblyFormat = "$name (`initial` $initial^)? (`range` $low^ `to` $high $kind)? attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Nn_SetStateOp : Nn_Op<"set_state", [MemoryEffects<[MemWrite]>]> {
  let summary = "what a state will be in the next run";
  let description = [{ It takes effect when the run ends: reads before and behind it see the old value. }];
  let arguments = (ins StrAttr:$name, Nn_FloatTensor:$value);
  let assemblyFormat = "$name $value attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def Nn_AssumeOp : Nn_Op<"assume", [Pure, SameOperandsAndResultType]> {
  let summary = "a range that the numbers of the fixed-point program may be chosen by";
  let description = [{ `kind` is `declared` or `calibrated`; bounds are finite. It becomes an `fx.assume`. }];
  let arguments = (ins Nn_FloatTensor:$input, F64Attr:$low, F64Attr:$high, StrAttr:$kind);
  let results = (outs Nn_FloatTensor:$result);
  let assemblyFormat = "$input `in` $low `to` $high $kind attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===--- structure ------------------------------------------------------------------------------===//

def Nn_ReshapeOp : Structure_Reshape<Nn_Dialect>;
def Nn_TransposeOp : Structure_Transpose<Nn_Dialect>;
def Nn_ConcatOp : Structure_Concat<Nn_Dialect>;
def Nn_SliceOp : Structure_Slice<Nn_Dialect>;
def Nn_BroadcastOp : Structure_Broadcast<Nn_Dialect>;
def Nn_GatherOp : Structure_Gather<Nn_Dialect>;
def Nn_TakeOp : Structure_Take<Nn_Dialect>;
def Nn_PadOp : Structure_Pad<Nn_Dialect> {
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high,
                       DenseI64ArrayAttr:$interior, DefaultValuedAttr<F64Attr, "0.0">:$value);
}

//===--- elementwise ----------------------------------------------------------------------------===//

class Nn_Unary<string mnemonic> : Nn_Op<mnemonic, [Pure, SameOperandsAndResultType]> {
  let arguments = (ins Nn_FloatTensor:$input);
  let results = (outs Nn_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}
class Nn_Binary<string mnemonic, list<Trait> traits = []>
    : Nn_Op<mnemonic, !listconcat([Pure, SameOperandsAndResultType], traits)> {
  let arguments = (ins Nn_FloatTensor:$lhs, Nn_FloatTensor:$rhs);
  let results = (outs Nn_FloatTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
  let description = [{ Operands have one shape: broadcasting is a `nn.broadcast` of its own. }];
}

def Nn_AddOp : Nn_Binary<"add", [Commutative]> { let summary = "sum"; }
def Nn_SubOp : Nn_Binary<"sub"> { let summary = "difference"; }
def Nn_MulOp : Nn_Binary<"mul", [Commutative]> { let summary = "elementwise product"; }
def Nn_DivOp : Nn_Binary<"div"> { let summary = "elementwise quotient; `fx` needs a constant divisor"; }
def Nn_MinOp : Nn_Binary<"min", [Commutative]> { let summary = "elementwise minimum"; }
def Nn_MaxOp : Nn_Binary<"max", [Commutative]> { let summary = "elementwise maximum"; }
def Nn_NegOp : Nn_Unary<"neg"> { let summary = "negation"; }
def Nn_AbsOp : Nn_Unary<"abs"> { let summary = "absolute value"; }
def Nn_ReluOp : Nn_Unary<"relu"> { let summary = "max(x, 0)"; }
def Nn_SignedReluOp : Nn_Op<"signed_relu", [Pure, SameOperandsAndResultType]> {
  let summary = "relu(x) where the sign is 0, relu(-x) where it is -1";
  let description = [{
    `sign` is a constant. In `fx` it has one bit and no fraction, and the result is relu(x) + sign x: what a private sign of a channel
    costs is one bit of choice for the channel. `factors-behind-relu` makes it.
  }];
  let arguments = (ins Nn_FloatTensor:$input, Nn_FloatTensor:$sign);
  let results = (outs Nn_FloatTensor:$result);
  let assemblyFormat = "$input `,` $sign attr-dict `:` type($result)";
}
def Nn_StepOp : Nn_Unary<"step"> {
  let summary = "1 where x >= 0 (x > 0 with `strict`), else 0";
  let description = [{ What comparisons are made of. In `fx` the result has no fraction bits. }];
  let arguments = (ins Nn_FloatTensor:$input, UnitAttr:$strict);
}
def Nn_RoundOp : Nn_Unary<"round"> {
  let summary = "nearest integer, ties to even";
  let description = [{ What quantised models are made of. In `fx` the result has no fraction bits, and ties go up. }];
}
def Nn_LeakyReluOp : Nn_Unary<"leaky_relu"> {
  let summary = "x where x >= 0, else alpha x";
  let arguments = (ins Nn_FloatTensor:$input, F64Attr:$alpha);
}
def Nn_PReluOp : Nn_Op<"prelu", [Pure, SameOperandsAndResultType]> {
  let summary = "x where x >= 0, else slope x";
  let arguments = (ins Nn_FloatTensor:$input, Nn_FloatTensor:$slope);
  let results = (outs Nn_FloatTensor:$result);
  let assemblyFormat = "$input `,` $slope attr-dict `:` type($result)";
}
def Nn_ClipOp : Nn_Unary<"clip"> {
  let summary = "min(max(x, low), high)";
  let description = [{ A bound that is absent does not bound. Bounds are public (they are attributes). }];
  let arguments = (ins Nn_FloatTensor:$input, OptionalAttr<F64Attr>:$low, OptionalAttr<F64Attr>:$high);
  let hasVerifier = 1;
}

def Nn_FunctionKindAttr : EnumAttr<Nn_Dialect, Nn_FunctionKind, "function"> { let assemblyFormat = "`<` $value `>`"; }

def Nn_FunctionOp : Nn_Op<"function", [Pure, SameOperandsAndResultType]> {
  let summary = "a smooth function of each element";
  let description = [{
    Which one `kind` says (`ir/nn/functions.h` has their definitions). `parameter` is the exponent of `power` and the alpha of `elu`
    and `celu`; the others ignore it. In `fx` it becomes a piecewise polynomial over the range that the operand was proved or
    assumed to have.

    ```mlir
    %1 = nn.function #nn.function<sigmoid> %0 : tensor<1x64xf32>
    ```
  }];
  let arguments = (ins Nn_FunctionKindAttr:$kind, Nn_FloatTensor:$input, DefaultValuedAttr<F64Attr, "0.0">:$parameter);
  let results = (outs Nn_FloatTensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($result)";
}

//===--- linear ---------------------------------------------------------------------------------===//

def Nn_Conv2DOp : Nn_Op<"conv2d", [Pure]> {
  let summary = "two-dimensional convolution";
  let description = [{
    input NxCxHxW, weight MxC/groupxKHxKW, optional bias of M. `pads` is top, left, bottom, right, non-negative. One-dimensional
    convolutions arrive as two-dimensional ones of height one, transposed ones as a convolution of an interior-padded input.
  }];
  let arguments = (ins Nn_FloatTensor:$input, Nn_FloatTensor:$weight, Optional<Nn_FloatTensor>:$bias,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, I64Attr:$groups);
  let results = (outs Nn_FloatTensor:$result);
  let assemblyFormat = "$input `,` $weight (`bias` $bias^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Nn_MatMulOp : Nn_Op<"matmul", [Pure]> {
  let summary = "matrix product";
  let description = [{
    lhs ...xMxK, rhs ...xKxN. The batch axes of the two are equal, or one operand has rank two and is used for all batches.
    Vectors and other broadcasts of ONNX are reshapes around it.
  }];
  let arguments = (ins Nn_FloatTensor:$lhs, Nn_FloatTensor:$rhs);
  let results = (outs Nn_FloatTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Nn_BatchNormOp : Nn_Op<"batch_norm", [Pure]> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * scale + bias, per channel (axis 1)";
  let arguments = (ins Nn_FloatTensor:$input, Nn_FloatTensor:$scale, Nn_FloatTensor:$bias, Nn_FloatTensor:$mean, Nn_FloatTensor:$variance, F64Attr:$epsilon);
  let results = (outs Nn_FloatTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===--- pooling, reductions --------------------------------------------------------------------===//

def Nn_MaxPool2DOp : Nn_Op<"max_pool2d", [Pure]> {
  let summary = "largest element of each window";
  let description = [{ Padding (top, left, bottom, right) never wins. Partial windows of ceil_mode are padding. }];
  let arguments = (ins Nn_FloatTensor:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations);
  let results = (outs Nn_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Nn_AveragePool2DOp : Nn_Op<"average_pool2d", [Pure]> {
  let summary = "mean of each window";
  let description = [{
    `pads` is top, left, bottom, right. `ceil_pads` is what ceil_mode adds at bottom and right, never counted in the divisor. The divisor
    counts elements of `pads` if `count_include_pad`, else only real ones.
  }];
  let arguments = (ins Nn_FloatTensor:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$ceil_pads, DenseI64ArrayAttr:$dilations, BoolAttr:$count_include_pad);
  let results = (outs Nn_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Nn_ReduceKindAttr : EnumAttr<Nn_Dialect, Nn_ReduceKind, "reduce"> { let assemblyFormat = "`<` $value `>`"; }

def Nn_ReduceOp : Nn_Op<"reduce", [Pure]> {
  let summary = "sum, mean, maximum, minimum or sum of absolute values over axes";
  let description = [{
    Reduced axes stay, with size one; a `nn.reshape` drops them. A sum is divided by 2^halvings, which in fixed point moves
    the binary point and costs nothing; 0, or enough to make it no larger than its largest term.
  }];
  let arguments = (ins Nn_FloatTensor:$input, Nn_ReduceKindAttr:$kind, DenseI64ArrayAttr:$axes,
                       DefaultValuedAttr<I64Attr, "0">:$halvings);
  let results = (outs Nn_FloatTensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{
    /// Whether results are within the range of the elements (and zero).
    bool staysWithinInput();
  }];
  let hasVerifier = 1;
}

def Nn_ArgMaxOp : Nn_Op<"arg_max", [Pure]> {
  let summary = "index of the largest element along an axis";
  let description = [{ The first one among equals, or the last with `last`. The axis stays, with size one. }];
  let arguments = (ins Nn_FloatTensor:$input, I64Attr:$axis, UnitAttr:$last);
  let results = (outs Nn_IndexTensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Nn_SoftmaxOp : Nn_Unary<"softmax"> {
  let summary = "softmax, or its logarithm, along an axis";
  let description = [{
    `softmax-to-logits` removes it where only the order of its results matters, or where the user asks for the values before it.
  }];
  let arguments = (ins Nn_FloatTensor:$input, I64Attr:$axis, UnitAttr:$log);
  let hasVerifier = 1;
}

def Nn_NormalizeOp : Nn_Unary<"normalize"> {
  let summary = "(x - mean) / sqrt(variance + epsilon) over axes";
  let description = [{
    Mean and variance are those of each group of elements that differ in the axes only. Without `center` the mean counts as zero: RMS
    normalisation. `least_variance` and `most_variance` are what samples showed, with head-room (`calibrate-ranges`); the variance of any
    group has to be between them, `epsilon` left out.
  }];
  let arguments = (ins Nn_FloatTensor:$input, DenseI64ArrayAttr:$axes, F64Attr:$epsilon, BoolAttr:$center,
                       OptionalAttr<F64Attr>:$least_variance, OptionalAttr<F64Attr>:$most_variance);
  let hasVerifier = 1;
}

#endif
