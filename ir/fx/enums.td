// SPDX-License-Identifier: Apache-2.0
// Enumerations of the fx dialect, apart from its operations so that each is declared in C++ once.
#ifndef DYAD_IR_FX_ENUMS_TD
#define DYAD_IR_FX_ENUMS_TD

include "mlir/IR/EnumAttr.td"

def Fx_Owner : I32EnumAttr<"Owner", "who knows a value", [
    I32EnumAttrCase<"kPublic", 0, "public">, I32EnumAttrCase<"kClient", 1, "client">,
    I32EnumAttrCase<"kServer", 2, "server">, I32EnumAttrCase<"kShared", 3, "shared">]> {
  let cppNamespace = "::dyad::fx";
}

def Fx_Rounding : I32EnumAttr<"Rounding", "rounding of a division", [
    I32EnumAttrCase<"kFloor", 0, "floor">, I32EnumAttrCase<"kNearest", 1, "nearest">]> {
  let cppNamespace = "::dyad::fx";
  let genSpecializedAttr = 0;
}

def Fx_RangeKind : I32EnumAttr<"RangeKind", "what a range stands on", [
    I32EnumAttrCase<"kProved", 0, "proved">, I32EnumAttrCase<"kDeclared", 1, "declared">,
    I32EnumAttrCase<"kCalibrated", 2, "calibrated">]> {
  let cppNamespace = "::dyad::fx";
  let genSpecializedAttr = 0;
}

#endif
