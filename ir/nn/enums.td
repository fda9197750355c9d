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

def Nn_FunctionKind : I32EnumAttr<"FunctionKind", "function of one variable", [
    I32EnumAttrCase<"kExp", 0, "exp">, I32EnumAttrCase<"kLog", 1, "log">, I32EnumAttrCase<"kSqrt", 2, "sqrt">,
    I32EnumAttrCase<"kRsqrt", 3, "rsqrt">, I32EnumAttrCase<"kReciprocal", 4, "reciprocal">,
    I32EnumAttrCase<"kPower", 5, "power">, I32EnumAttrCase<"kSigmoid", 6, "sigmoid">, I32EnumAttrCase<"kTanh", 7, "tanh">,
    I32EnumAttrCase<"kErf", 8, "erf">, I32EnumAttrCase<"kGelu", 9, "gelu">, I32EnumAttrCase<"kGeluTanh", 10, "gelu_tanh">,
    I32EnumAttrCase<"kSilu", 11, "silu">, I32EnumAttrCase<"kSoftplus", 12, "softplus">,
    I32EnumAttrCase<"kSoftsign", 13, "softsign">, I32EnumAttrCase<"kMish", 14, "mish">, I32EnumAttrCase<"kElu", 15, "elu">,
    I32EnumAttrCase<"kCelu", 16, "celu">, I32EnumAttrCase<"kSin", 17, "sin">, I32EnumAttrCase<"kCos", 18, "cos">]> {
  let cppNamespace = "::dyad::nn";
  let genSpecializedAttr = 0;
}

#endif
