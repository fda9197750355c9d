// SPDX-License-Identifier: Apache-2.0
// Enumerations of the nn dialect, apart from its operations so that each is declared in C++ once.
#ifndef DYAD_IR_NN_ENUMS_TD
#define DYAD_IR_NN_ENUMS_TD

include "mlir/IR/EnumAttr.td"

def Nn_ReduceKind : I32EnumAttr<"ReduceKind", "kind of a reduction", [
    I32EnumAttrCase<"kSum", 0, "sum">, I32EnumAttrCase<"kMean", 1, "mean">, I32EnumAttrCase<"kMax", 2, "max">,
    I32EnumAttrCase<"kMin", 3, "min">, I32EnumAttrCase<"kL1", 4, "l1">]> {
  let cppNamespace = "::dyad::nn";
  let genSpecializedAttr = 0;
}

#endif
