// SPDX-License-Identifier: Apache-2.0
// Enumerations of the mpc dialect, apart from its operations so that each is declared in C++ once.
#ifndef DYAD_IR_MPC_ENUMS_TD
#define DYAD_IR_MPC_ENUMS_TD

include "mlir/IR/EnumAttr.td"

def Mpc_Knowledge : I32EnumAttr<"Knowledge", "what is known of an operand's sign and range", [
    I32EnumAttrCase<"kGeneral", 0, "general">, I32EnumAttrCase<"kNonNegative", 1, "non_negative">,
    I32EnumAttrCase<"kBounded", 2, "bounded">]> {
  let description = "general: nothing. non_negative: 0 <= x < 2^(l-1). bounded: |x| < 2^(l-2).";
  let cppNamespace = "::dyad::mpc";
  let genSpecializedAttr = 0;
}

def Mpc_LinearProtocol : I32EnumAttr<"LinearProtocol", "protocol of a product with a private operand", [
    I32EnumAttrCase<"kOtServerChooses", 0, "ot_server_chooses">,
    I32EnumAttrCase<"kOtClientChooses", 1, "ot_client_chooses">,
    I32EnumAttrCase<"kHe", 2, "he">,
    I32EnumAttrCase<"kHePacked", 3, "he_packed">]> {
  let description = [{By OT, and whose operand's bits are the choices: the server's weights, or the client's shares or values. Or by
    RLWE (`he`), where the client's shares are encrypted; `he_packed` may pack its replies by Galois keys.}];
  let cppNamespace = "::dyad::mpc";
  let genSpecializedAttr = 0;
}

#endif
