// SPDX-License-Identifier: Apache-2.0
// The fx dialect: integers that stand for fixed-point numbers, with exact semantics and owners in the types.
#ifndef DYAD_IR_FX_TD
#define DYAD_IR_FX_TD

include "ir/fx/types.td"
include "ir/structure.td"
include "mlir/IR/SymbolInterfaces.td"

class Fx_Op<string mnemonic, list<Trait> traits = []> : Op<Fx_Dialect, mnemonic, traits>;

//===--- symbols, inputs, outputs, owners -------------------------------------------------------===//

def Fx_WeightOp : Fx_Op<"weight", [Symbol]> {
  let summary = "a quantised tensor, as a symbol";
  let description = [{
    Integers of the type's width, stored in the smallest of i8, i16, i32, i64 that holds it (sign extended). Otherwise like
    `nn.weight`. The owner in the type says whose file it goes into; a `public` one goes into both, or into the program's text if it is small.

    ```mlir
    fx.weight @fc.bias : tensor<2x!fx.fixed<s20, 24, server>> = dense<[100, -3]> : tensor<2xi32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, OptionalAttr<ElementsAttr>:$value);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Fx_ConstantOp : Fx_Op<"constant", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a weight";
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
}

def Fx_InputOp : Fx_Op<"input", [MemoryEffects<[MemWrite]>]> {
  let summary = "a program input";
  let description = [{
    The owner in the type reads it as floats, checks that each is within [low, high], and rounds x * 2^fraction to
    the nearest integer (ties away from zero). A value outside is refused before the first byte.
  }];
  let arguments = (ins StrAttr:$name, F64Attr:$low, F64Attr:$high, Fx_RangeKindAttr:$kind);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$name `range` $low `to` $high $kind attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Fx_OutputOp : Fx_Op<"output", [MemoryEffects<[MemWrite]>]> {
  let summary = "a program output, to a value its receiver already knows";
  let description = [{
    Written as floats x / 2^fraction, or as int64 where `integer` (arg-max): element x of `labels`, if there are any. `names` are the
    classes that the integers stand for.
  }];
  let arguments = (ins StrAttr:$name, Fx_Tensor:$value, UnitAttr:$integer, OptionalAttr<DenseI64ArrayAttr>:$labels,
                       OptionalAttr<StrArrayAttr>:$names);
  let assemblyFormat = "$name $value attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def Fx_RevealOp : Fx_Op<"reveal", [Pure]> {
  let summary = "the explicit disclosure of a value to one party or both";
  let description = [{ The result's owner is who learns it: `client`, `server`, or `public` for both. }];
  let arguments = (ins Fx_Tensor:$input);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Fx_StateOp : Fx_Op<"state", [MemoryEffects<[MemWrite]>]> {
  let summary = "what the last run of the program left in a state";
  let description = [{
    Always shared: nobody learns it between runs. `initial` are its integers before the first run, public; zeros where it is absent.
    An `fx.assume` behind it says which range it has.
  }];
  let arguments = (ins StrAttr:$name, OptionalAttr<ElementsAttr>:$initial);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$name (`initial` $initial^)? attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Fx_SetStateOp : Fx_Op<"set_state", [MemoryEffects<[MemWrite]>]> {
  let summary = "what a state will be in the next run";
  let description = [{ Of the state's width and fraction. It takes effect when the run ends. }];
  let arguments = (ins StrAttr:$name, Fx_Tensor:$value);
  let assemblyFormat = "$name $value attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def Fx_AssumeOp : Fx_Op<"assume", [Pure, SameOperandsAndResultType]> {
  let summary = "a range that later protocol choices may rely on";
  let description = [{
    The integers are within [low, high]. `declared` ranges follow from `--input-range`, `calibrated` ones from samples and head-room:
    `reference` checks them, the manifest lists them; inside 2PC a violation cannot be seen.
  }];
  let arguments = (ins Fx_Tensor:$input, I64Attr:$low, I64Attr:$high, Fx_RangeKindAttr:$kind);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$input `in` $low `to` $high $kind attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===--- structure ------------------------------------------------------------------------------===//

def Fx_ReshapeOp : Structure_Reshape<Fx_Dialect>;
def Fx_TransposeOp : Structure_Transpose<Fx_Dialect>;
def Fx_ConcatOp : Structure_Concat<Fx_Dialect>;
def Fx_SliceOp : Structure_Slice<Fx_Dialect>;
def Fx_BroadcastOp : Structure_Broadcast<Fx_Dialect>;
def Fx_GatherOp : Structure_Gather<Fx_Dialect>;
def Fx_TakeOp : Structure_Take<Fx_Dialect>;
def Fx_PadOp : Structure_Pad<Fx_Dialect> {
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high,
                       DenseI64ArrayAttr:$interior, DefaultValuedAttr<I64Attr, "0">:$value);
}

//===--- width and scale ------------------------------------------------------------------------===//

class Fx_Unary<string mnemonic> : Fx_Op<mnemonic, [Pure]> {
  let arguments = (ins Fx_Tensor:$input);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
class Fx_Binary<string mnemonic, list<Trait> traits = []> : Fx_Op<mnemonic, !listconcat([Pure], traits)> {
  let arguments = (ins Fx_Tensor:$lhs, Fx_Tensor:$rhs);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Fx_ResizeOp : Fx_Unary<"resize"> {
  let summary = "the same integers in another width or signedness";
  let description = [{
    Fraction and value stay. Wider: an extension. Narrower: a value that does not fit is an error.
  }];
}
def Fx_RequantizeOp : Fx_Unary<"requantize"> {
  let summary = "the same number in another fraction and width";
  let description = [{
    What the choice of numbers asks for, before it is decided how: the pass `insert-truncations` turns it into `fx.truncate`
    (nearest), `fx.shift_left` or `fx.resize`. Nothing executes it.
  }];
}
def Fx_TruncateOp : Fx_Unary<"truncate"> {
  let summary = "division by 2^shift";
  let description = [{
    floor(x / 2^shift), or with `nearest` floor((x + 2^(shift-1)) / 2^shift). The fraction falls by `shift`; the result's width is
    free as long as the value fits.
  }];
  let arguments = (ins Fx_Tensor:$input, I64Attr:$shift, Fx_RoundingAttr:$rounding);
}
def Fx_ShiftLeftOp : Fx_Unary<"shift_left"> {
  let summary = "multiplication by 2^shift";
  let description = [{ The fraction rises by `shift`: the number that the integers stand for stays. }];
  let arguments = (ins Fx_Tensor:$input, I64Attr:$shift);
}
def Fx_DivideOp : Fx_Unary<"divide"> {
  let summary = "division by a public positive integer";
  let description = [{ floor(x / divisor), or floor((x + divisor/2) / divisor) with `nearest` (divisor/2 rounded down). The fraction stays. }];
  let arguments = (ins Fx_Tensor:$input, I64Attr:$divisor, Fx_RoundingAttr:$rounding);
}

//===--- elementwise ----------------------------------------------------------------------------===//

def Fx_AddOp : Fx_Binary<"add", [Commutative]> {
  let summary = "sum";
  let description = [{ Same shape and fraction; widths may differ, the sum must fit the result's. The same for the next three. }];
}
def Fx_SubOp : Fx_Binary<"sub"> { let summary = "difference"; }
def Fx_MinOp : Fx_Binary<"min", [Commutative]> { let summary = "smaller of two"; }
def Fx_MaxOp : Fx_Binary<"max", [Commutative]> { let summary = "larger of two"; }
def Fx_MulOp : Fx_Binary<"mul", [Commutative]> {
  let summary = "elementwise product";
  let description = [{ Same shape. Fractions add up. }];
}
def Fx_NegOp : Fx_Unary<"neg"> { let summary = "negation"; }
def Fx_AbsOp : Fx_Unary<"abs"> { let summary = "absolute value"; }
def Fx_ReluOp : Fx_Unary<"relu"> { let summary = "max(x, 0)"; }
def Fx_StepOp : Fx_Unary<"step"> {
  let summary = "1 where x >= 0 (x > 0 with `strict`), else 0";
  let description = [{ The result has fraction 0, whatever the input's. }];
  let arguments = (ins Fx_Tensor:$input, UnitAttr:$strict);
}
def Fx_ClipOp : Fx_Unary<"clip"> {
  let summary = "min(max(x, low), high), bounds as integers";
  let arguments = (ins Fx_Tensor:$input, I64Attr:$low, I64Attr:$high);
}
def Fx_FunctionOp : Fx_Op<"function", [Pure]> {
  let summary = "a smooth function of each element, approximated";
  let description = [{
    `numbers` are a piecewise polynomial or a function normalised by its leading one (`runtime/functions/scalar_function.h`; "evaluate"
    defines the integers exactly), for an input of the operand's width and a result of the result's; `function` says what it stands for.
  }];
  let arguments = (ins Fx_Tensor:$input, StrAttr:$function, DenseI64ArrayAttr:$numbers);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$function $input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Fx_RowsOp : Fx_Op<"rows", [Pure]> {
  let summary = "a function of each row of a matrix, approximated";
  let description = [{
    Softmax, its logarithm, normalisation, or a row's quotients by its divisor. `numbers` are the function (`runtime/functions/row_operation.h`;
    "evaluate" defines the integers exactly); `function` says what it stands for. The operand may be narrower than what the function takes;
    results fit the result's type, or the program fails.
  }];
  let arguments = (ins Fx_Tensor:$input, Optional<Fx_Tensor>:$divisor, StrAttr:$function, DenseI64ArrayAttr:$numbers);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$function $input (`by` $divisor^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Fx_PReluOp : Fx_Op<"prelu", [Pure]> {
  let summary = "x where x >= 0, else slope x";
  let description = [{
    As integers: x * 2^f where x >= 0, else x * slope, with f the slope's fraction. Fractions add up. LeakyRelu is the case of
    a public slope. Same shape.
  }];
  let arguments = (ins Fx_Tensor:$input, Fx_Tensor:$slope);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$input `,` $slope attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===--- linear ---------------------------------------------------------------------------------===//

def Fx_Conv2DOp : Fx_Op<"conv2d", [Pure]> {
  let summary = "two-dimensional convolution";
  let description = [{
    Geometry as in `nn.conv2d`. Fractions of input and weight add up to the result's, which is the bias's too. Sums are exact: only
    the final value must fit.
  }];
  let arguments = (ins Fx_Tensor:$input, Fx_Tensor:$weight, Optional<Fx_Tensor>:$bias,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, I64Attr:$groups);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$input `,` $weight (`bias` $bias^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Fx_MatMulOp : Fx_Op<"matmul", [Pure]> {
  let summary = "matrix product";
  let description = [{ Shapes as in `nn.matmul`. Fractions add up; only the final value must fit. }];
  let arguments = (ins Fx_Tensor:$lhs, Fx_Tensor:$rhs);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===--- pooling, reductions --------------------------------------------------------------------===//

def Fx_MaxPool2DOp : Fx_Op<"max_pool2d", [Pure]> {
  let summary = "largest element of each window; padding never wins";
  let arguments = (ins Fx_Tensor:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Fx_SumPool2DOp : Fx_Op<"sum_pool2d", [Pure]> {
  let summary = "sum of each window; padding is zero";
  let description = [{ The average's numerator. The divisor follows as `fx.divide`, `fx.truncate` or a product with public reciprocals. }];
  let arguments = (ins Fx_Tensor:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
class Fx_Reduce<string mnemonic> : Fx_Unary<mnemonic> {
  let arguments = (ins Fx_Tensor:$input, DenseI64ArrayAttr:$axes);
}
def Fx_ReduceSumOp : Fx_Reduce<"reduce_sum"> {
  let summary = "sum over axes, which stay with size one";
  let description = [{ The integers are added. A result with k more fraction bits than the input is the sum divided by 2^k. }];
}
def Fx_ReduceMaxOp : Fx_Reduce<"reduce_max"> { let summary = "maximum over axes, which stay with size one"; }
def Fx_ReduceMinOp : Fx_Reduce<"reduce_min"> { let summary = "minimum over axes, which stay with size one"; }
def Fx_ArgMaxOp : Fx_Unary<"arg_max"> {
  let summary = "index of the largest element along an axis";
  let description = [{ The first among equals, or the last with `last`. An unsigned result of fraction 0 that holds the axis's size; the axis stays with size one. }];
  let arguments = (ins Fx_Tensor:$input, I64Attr:$axis, UnitAttr:$last);
}

#endif
