// SPDX-License-Identifier: Apache-2.0
// Operations that move elements and never compute: the same in all three dialects, since they mean the
// same on floats, on fixed-point numbers and on shares, and cost no traffic on any of them.
#ifndef DYAD_IR_STRUCTURE_TD
#define DYAD_IR_STRUCTURE_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Structure_Op<Dialect dialect, string mnemonic> : Op<dialect, mnemonic, [Pure]> {
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
  // Verifiers of all structure operations are one function, see ir/structure.h.
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() { return ::dyad::verifyStructure(getOperation()); }
  }];
}

class Structure_Unary<Dialect dialect, string mnemonic> : Structure_Op<dialect, mnemonic> {
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

class Structure_Reshape<Dialect d> : Structure_Unary<d, "reshape"> {
  let summary = "same elements in row-major order, another shape";
  let description = [{ Flatten, Reshape, Squeeze and Unsqueeze of ONNX. The number of elements stays. }];
  let arguments = (ins AnyRankedTensor:$input);
}

class Structure_Transpose<Dialect d> : Structure_Unary<d, "transpose"> {
  let summary = "permutation of the axes";
  let description = [{ Axis `i` of the result is axis `permutation[i]` of the input. }];
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$permutation);
}

class Structure_Concat<Dialect d> : Structure_Op<d, "concat"> {
  let summary = "tensors joined along one axis";
  let description = [{ All inputs have one element type and agree in all axes but `axis`. }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, I64Attr:$axis);
  let assemblyFormat = "$inputs attr-dict `:` functional-type(operands, results)";
}

class Structure_Slice<Dialect d> : Structure_Unary<d, "slice"> {
  let summary = "a strided box of the input";
  let description = [{
    Element `i` along an axis of the result is element `starts + i * steps` of the input; steps may be negative.
    The result's shape says how many there are. One entry for each axis. Slice and Split of ONNX.
  }];
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$starts, DenseI64ArrayAttr:$steps);
}

class Structure_Broadcast<Dialect d> : Structure_Unary<d, "broadcast"> {
  let summary = "repetition along axes of size one, as NumPy broadcasts";
  let description = [{ The result's shape is the target; axes are aligned at the right. Expand of ONNX. }];
  let arguments = (ins AnyRankedTensor:$input);
}

class Structure_Gather<Dialect d> : Structure_Unary<d, "gather"> {
  let summary = "chosen positions of one axis, by public constant indices";
  let description = [{
    Position `i` along `axis` of the result is position `indices[i]` of the input. Tile, nearest Resize (one
    gather an axis) and Gather with constant indices of ONNX; other index shapes by a reshape after it.
  }];
  let arguments = (ins AnyRankedTensor:$input, I64Attr:$axis, DenseI64ArrayAttr:$indices);
}

class Structure_Take<Dialect d> : Structure_Unary<d, "take"> {
  let summary = "each element of the result from a public constant position";
  let description = [{
    Element `i` of the result, in row-major order, is element `indices[i]` of the flattened input. The general form,
    for GatherElements and reflecting or edge padding; use a simpler operation where one does.
  }];
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$indices);
}

// Padding with a value; `interior` puts that many elements between neighbours (transposed convolution).
class Structure_Pad<Dialect d> : Structure_Unary<d, "pad"> {
  let summary = "a public constant put around and between the elements";
  let description = [{
    `low` and `high` elements before and after, `interior` elements between neighbours, one entry for each axis, all
    non-negative. The value is public (0 for all but `nn`, where Pad of ONNX may name another).
  }];
}

#endif
