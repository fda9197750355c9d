// SPDX-License-Identifier: Apache-2.0
// The mpc dialect: a protocol has been chosen for everything that is not local.
#ifndef DYAD_IR_MPC_TD
#define DYAD_IR_MPC_TD

include "ir/fx/types.td"
include "ir/mpc/cost_interface.td"
include "ir/mpc/enums.td"
include "ir/structure.td"

def Mpc_Dialect : Dialect {
  let name = "mpc";
  let cppNamespace = "::dyad::mpc";
  let dependentDialects = ["::dyad::fx::FxDialect"];
  let summary = "two-party protocols on shares";
  let description = [{
    What the parties execute. `!mpc.arith<l>` is an integer modulo 2^l as two summands, one at each party; `!mpc.bool` a bit as two
    summands modulo 2. A value that one party knows stays an `fx` value of that owner, computed in the clear by `fx` operations at
    that party; `mpc.share` and `mpc.reveal` are the only ways in and out.

    Each operation here is one call of the runtime, and its cost (bytes, flows, COTs) comes from the formula beside that protocol,
    through `CostOpInterface`; costs are never stored.

    The module says what it was lowered for, where that is not the default: `mpc.link = "wan"` (or a bandwidth and a round-trip time,
    `"100Mbit,20ms"`) and `mpc.ot = "silent"` (or `"softspoken"`), the extension of the parties' correlated OTs.
  }];
  let hasOperationAttrVerify = 1;
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

def Mpc_ArithType : TypeDef<Mpc_Dialect, "Arith"> {
  let mnemonic = "arith";
  let summary = "additive shares modulo 2^width";
  let parameters = (ins "unsigned":$width);
  let assemblyFormat = "`<` $width `>`";
  let genVerifyDecl = 1;
}
def Mpc_BoolType : TypeDef<Mpc_Dialect, "Bool"> {
  let mnemonic = "bool";
  let summary = "XOR shares of a bit";
}

def Mpc_Arith : StaticShapeTensorOf<[Mpc_ArithType]>;
def Mpc_Bool : StaticShapeTensorOf<[Mpc_BoolType]>;

def Mpc_KnowledgeAttr : EnumAttr<Mpc_Dialect, Mpc_Knowledge, "known"> { let assemblyFormat = "`<` $value `>`"; }

def Mpc_LinearProtocolAttr : EnumAttr<Mpc_Dialect, Mpc_LinearProtocol, "linear"> { let assemblyFormat = "`<` $value `>`"; }

// Every operation of this dialect has a cost, which may be nothing.
class Mpc_Op<string mnemonic, list<Trait> traits = []>
    : Op<Mpc_Dialect, mnemonic, !listconcat([Pure, DeclareOpInterfaceMethods<CostOpInterface>], traits)>;

class Mpc_Unary<string mnemonic, list<Trait> traits = []> : Mpc_Op<mnemonic, traits> {
  let arguments = (ins Mpc_Arith:$input);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
// The last argument of what may compare (ComparisonOpInterface).
defvar Mpc_Radix = DefaultValuedAttr<I64Attr, "0">;
class Mpc_Comparison<string mnemonic, list<Trait> traits = []>
    : Mpc_Unary<mnemonic, !listconcat([DeclareOpInterfaceMethods<ComparisonOpInterface>], traits)>;
class Mpc_Binary<string mnemonic, list<Trait> traits = []> : Mpc_Op<mnemonic, !listconcat([SameOperandsAndResultType], traits)> {
  let arguments = (ins Mpc_Arith:$lhs, Mpc_Arith:$rhs);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

//===--- ways in and out ------------------------------------------------------------------------===//

class Mpc_StateAccess<string mnemonic>
    : Op<Mpc_Dialect, mnemonic, [MemoryEffects<[MemWrite]>, DeclareOpInterfaceMethods<CostOpInterface>]>;

def Mpc_StateOp : Mpc_StateAccess<"state"> {
  let summary = "the shares that the last run of the program left in a state";
  let description = [{ Before the first run the server's share is `initial`, or zero without it, and the client's zero: no traffic. }];
  let arguments = (ins StrAttr:$name, OptionalAttr<ElementsAttr>:$initial);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$name (`initial` $initial^)? attr-dict `:` type($result)";
}
def Mpc_SetStateOp : Mpc_StateAccess<"set_state"> {
  let summary = "the shares that each party keeps as a state for the next run";
  let description = [{ They take effect when the run ends. In the ring of `mpc.state`. }];
  let arguments = (ins StrAttr:$name, Mpc_Arith:$value);
  let assemblyFormat = "$name $value attr-dict `:` type($value)";
  let hasVerifier = 1;
}
def Mpc_ShareOp : Mpc_Op<"share"> {
  let summary = "a value that one party knows, as shares";
  let description = [{ Its owner's share is the value modulo 2^width, the other's is zero: no traffic. A public value is held by the server. }];
  let arguments = (ins Fx_Tensor:$input);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_RevealOp : Mpc_Op<"reveal"> {
  let summary = "shares opened to one party or both";
  let description = [{
    The result's owner learns the value. One flow of width bits an element in each needed direction. The share that is sent is the
    value minus the receiver's own share, whatever was computed before: it tells the value and nothing else.
  }];
  let arguments = (ins Mpc_Arith:$input);
  let results = (outs Fx_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===--- structure ------------------------------------------------------------------------------===//

def Mpc_ReshapeOp : Structure_Reshape<Mpc_Dialect>;
def Mpc_TransposeOp : Structure_Transpose<Mpc_Dialect>;
def Mpc_ConcatOp : Structure_Concat<Mpc_Dialect>;
def Mpc_SliceOp : Structure_Slice<Mpc_Dialect>;
def Mpc_BroadcastOp : Structure_Broadcast<Mpc_Dialect>;
def Mpc_GatherOp : Structure_Gather<Mpc_Dialect>;
def Mpc_TakeOp : Structure_Take<Mpc_Dialect>;
def Mpc_PadOp : Structure_Pad<Mpc_Dialect> {
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high,
                       DenseI64ArrayAttr:$interior, DefaultValuedAttr<I64Attr, "0">:$value);
}

//===--- local arithmetic -----------------------------------------------------------------------===//

def Mpc_AddOp : Mpc_Binary<"add", [Commutative]> { let summary = "sum of shares; local"; }
def Mpc_SubOp : Mpc_Binary<"sub"> { let summary = "difference of shares; local"; }
def Mpc_NegOp : Mpc_Unary<"neg", [SameOperandsAndResultType]> { let summary = "negation; local"; let hasVerifier = 0; }
def Mpc_ShiftLeftOp : Mpc_Unary<"shift_left"> {
  let summary = "multiplication by 2^shift; local";
  let description = [{
    The result may be wider than the input by up to `shift`: x * 2^shift modulo 2^(l + shift) depends on x modulo 2^l only, so that no
    extension is needed.
  }];
  let arguments = (ins Mpc_Arith:$input, I64Attr:$shift);
}
def Mpc_MulPublicOp : Mpc_Op<"mul_public"> {
  let summary = "product with a public tensor of the same shape; local";
  let arguments = (ins Mpc_Arith:$input, Fx_Tensor:$factor);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$input `,` $factor attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_Conv2DPublicOp : Mpc_Op<"conv2d_public"> {
  let summary = "convolution with public weights; local";
  let description = [{ Each party convolves its share. A bias is added behind. The same for `mpc.matmul_public`. }];
  let arguments = (ins Mpc_Arith:$input, Fx_Tensor:$weight, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations, I64Attr:$groups);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$input `,` $weight attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_MatMulPublicOp : Mpc_Op<"matmul_public"> {
  let summary = "matrix product with a public matrix, on either side; local";
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_ReduceSumOp : Mpc_Unary<"reduce_sum"> {
  let summary = "sum over axes; local";
  let arguments = (ins Mpc_Arith:$input, DenseI64ArrayAttr:$axes);
}
def Mpc_SumPool2DOp : Mpc_Unary<"sum_pool2d"> {
  let summary = "sum of each window; local";
  let arguments = (ins Mpc_Arith:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations);
}

//===--- width and scale ------------------------------------------------------------------------===//

def Mpc_NarrowOp : Mpc_Unary<"narrow"> { let summary = "shares modulo a smaller power of two; local"; }
def Mpc_ExtendOp : Mpc_Comparison<"extend"> {
  let summary = "shares of the same integer modulo a larger power of two";
  let description = [{ The integer is read as signed, or as unsigned with `is_unsigned`. PROTOCOLS 3.5; `known` picks the variant. }];
  let arguments = (ins Mpc_Arith:$input, Mpc_KnowledgeAttr:$known, UnitAttr:$is_unsigned, Mpc_Radix:$radix);
}
def Mpc_TruncateReduceOp : Mpc_Comparison<"truncate_reduce"> {
  let summary = "division by 2^shift into a ring narrower by shift; exact";
  let description = [{ SIRNN's truncate-and-reduce; the result's width is the input's less `shift`. }];
  let arguments = (ins Mpc_Arith:$input, I64Attr:$shift, Fx_RoundingAttr:$rounding, Mpc_Radix:$radix);
}
def Mpc_TruncateReluOp : Mpc_Comparison<"truncate_relu"> {
  let summary = "max(x / 2^shift, 0) in a ring of any width; exact";
  let description = [{
    `truncate_reduce`, `relu` and `extend` (or `narrow`) fused: one comparison gives the carry of the low bits and the sign. Fewer flows than one after
    the other, and more bits.
  }];
  let arguments = (ins Mpc_Arith:$input, I64Attr:$shift, Fx_RoundingAttr:$rounding, Mpc_Radix:$radix);
}
def Mpc_TruncateOp : Mpc_Comparison<"truncate", [SameOperandsAndResultType]> {
  let summary = "division by 2^shift in the same ring; exact";
  let arguments = (ins Mpc_Arith:$input, I64Attr:$shift, Fx_RoundingAttr:$rounding, Mpc_KnowledgeAttr:$known, Mpc_Radix:$radix);
}
def Mpc_DivideOp : Mpc_Comparison<"divide", [SameOperandsAndResultType]> {
  let summary = "division by a public integer; exact";
  let description = [{ |x| + divisor/2 is below 2^(l-2) minus the divisor, which the lowering guarantees by the width. }];
  let arguments = (ins Mpc_Arith:$input, I64Attr:$divisor, Fx_RoundingAttr:$rounding, Mpc_Radix:$radix);
}

//===--- comparisons ----------------------------------------------------------------------------===//

def Mpc_MsbOp : Mpc_Op<"msb", [DeclareOpInterfaceMethods<ComparisonOpInterface>]> {
  let summary = "sign bit";
  let arguments = (ins Mpc_Arith:$input, Mpc_Radix:$radix);
  let results = (outs Mpc_Bool:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_MuxOp : Mpc_Op<"mux"> {
  let summary = "the value where the bit is one (or zero, with `where_zero`), else 0";
  let arguments = (ins Mpc_Bool:$bit, Mpc_Arith:$input, UnitAttr:$where_zero);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$bit `,` $input attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_MatMulBitOp : Mpc_Op<"matmul_bit"> {
  let summary = "matrix product of bits (or their complements, with `where_zero`) with the server's matrix";
  let description = [{
    Bits of KxN, a matrix of NxM, both of rank two. One correlated OT a bit, a row of the matrix its payload: what sums up secret
    values that shared bits choose.
  }];
  let arguments = (ins Mpc_Bool:$bits, Fx_Tensor:$matrix, UnitAttr:$where_zero);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$bits `,` $matrix attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_BitToArithOp : Mpc_Op<"bit_to_arith"> {
  let summary = "the bit (or its complement, with `where_zero`) as an integer";
  let arguments = (ins Mpc_Bool:$bit, UnitAttr:$where_zero);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$bit attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_ReluOp : Mpc_Comparison<"relu", [SameOperandsAndResultType]> { 
  let summary = "max(x, 0)";
  let arguments = (ins Mpc_Arith:$input, Mpc_Radix:$radix);
  let hasVerifier = 0;
}
def Mpc_FunctionOp : Mpc_Comparison<"function"> {
  let summary = "a smooth function of each element, by look-ups and narrow products";
  let description = [{ As `fx.function`; the rings are the input's and the result's widths there. }];
  let arguments = (ins Mpc_Arith:$input, StrAttr:$function, DenseI64ArrayAttr:$numbers, Mpc_Radix:$radix);
  let assemblyFormat = "$function $input attr-dict `:` functional-type(operands, results)";
}
def Mpc_RowsOp : Mpc_Op<"rows", [DeclareOpInterfaceMethods<ComparisonOpInterface>]> {
  let summary = "a function of each row of a matrix";
  let description = [{ As `fx.rows`; the rings are those that the function takes and gives. }];
  let arguments = (ins Mpc_Arith:$input, Optional<Mpc_Arith>:$divisor, StrAttr:$function, DenseI64ArrayAttr:$numbers, Mpc_Radix:$radix);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$function $input (`by` $divisor^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_ClipOp : Mpc_Comparison<"clip", [SameOperandsAndResultType]> {
  let summary = "min(max(x, low), high), both comparisons in the same flows";
  let arguments = (ins Mpc_Arith:$input, I64Attr:$low, I64Attr:$high, Mpc_Radix:$radix);
}
def Mpc_MaxPool2DOp : Mpc_Comparison<"max_pool2d"> {
  let summary = "largest element of each window, by a tree of comparisons";
  let description = [{ Differences of window elements fit the ring. }];
  let arguments = (ins Mpc_Arith:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations, Mpc_Radix:$radix);
}
def Mpc_ReduceMaxOp : Mpc_Comparison<"reduce_max"> {
  let summary = "maximum over axes, by a tree of comparisons";
  let arguments = (ins Mpc_Arith:$input, DenseI64ArrayAttr:$axes, Mpc_Radix:$radix);
}
def Mpc_ArgMaxOp : Mpc_Comparison<"arg_max"> {
  let summary = "index of the largest element along an axis";
  let arguments = (ins Mpc_Arith:$input, I64Attr:$axis, UnitAttr:$last, Mpc_Radix:$radix);
}

//===--- products -------------------------------------------------------------------------------===//

def Mpc_Conv2DOp : Mpc_Op<"conv2d"> {
  let summary = "convolution of shares with the server's weights";
  let description = [{
    Input, bias and result are modulo the same 2^l. Where the input is an `mpc.share` of the client's value, and the client
    chooses, the choices are that value's bits instead of its share's. The same for `mpc.matmul`.
  }];
  let arguments = (ins Mpc_Arith:$input, Fx_Tensor:$weight, Optional<Fx_Tensor>:$bias,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, I64Attr:$groups,
                       Mpc_LinearProtocolAttr:$protocol);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$input `,` $weight (`bias` $bias^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_MatMulOp : Mpc_Op<"matmul"> {
  let summary = "matrix product of shares with the server's matrix, on either side";
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs, Mpc_LinearProtocolAttr:$protocol);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_MaskOp : Op<Mpc_Dialect, "mask", [MemoryEffects<[MemWrite]>, DeclareOpInterfaceMethods<CostOpInterface>]> {
  let summary = "fresh random numbers of the client's, as shares";
  let description = [{ The client's share is uniform, the server's zero: no traffic. Two masks are never the same, so it is not pure. }];
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}
def Mpc_MatMulPreparedOp : Mpc_Op<"matmul_prepared"> {
  let summary = "matrix product of shares with the server's matrix, by one of a mask that was computed before";
  let description = [{
    `lhs`, `mask` and `product` = `mask` `matrix` are shares modulo the same 2^l; `mask` is the client's alone (a part of an
    `mpc.mask`) and has no other use. The server learns `lhs - mask`, in one flow, and multiplies it itself. `prepare-products` makes
    it: the masks of all steps of a recurrent network are multiplied at once.
  }];
  let arguments = (ins Mpc_Arith:$lhs, Mpc_Arith:$mask, Mpc_Arith:$product, Fx_Tensor:$matrix);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$lhs `,` $mask `,` $product `,` $matrix attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_MatMulSharedOp : Mpc_Op<"matmul_shared"> {
  let summary = "matrix product of two shared tensors";
  let arguments = (ins Mpc_Arith:$lhs, Mpc_Arith:$rhs);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_MulPrivateOp : Mpc_Op<"mul_private"> {
  let summary = "elementwise product of shares with a tensor that the server or the client knows";
  let arguments = (ins Mpc_Arith:$input, Fx_Tensor:$factor);
  let results = (outs Mpc_Arith:$result);
  let assemblyFormat = "$input `,` $factor attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Mpc_MulSharedOp : Mpc_Binary<"mul_shared", [Commutative]> { let summary = "elementwise product of shares"; }

//===--- flows ----------------------------------------------------------------------------------===//

def Mpc_ParallelOp : Op<Mpc_Dialect, "parallel", [DeclareOpInterfaceMethods<CostOpInterface>,
                                                   SingleBlock, NoRegionArguments]> {
  let summary = "independent operations whose messages share flows";
  let description = [{
    The operations of the region do not depend on each other; tick k of each shares a frame with tick k of the others.
    `mpc.yield` hands their results out.
  }];
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = "(`:` type($results)^)? $body attr-dict";
  let hasVerifier = 1;
}
def Mpc_YieldOp : Op<Mpc_Dialect, "yield", [Pure, Terminator, HasParent<"ParallelOp">]> {
  let summary = "end of a parallel region";
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

#endif
