// SPDX-License-Identifier: Apache-2.0
#ifndef DYAD_IR_MPC_COST_INTERFACE_TD
#define DYAD_IR_MPC_COST_INTERFACE_TD

include "mlir/IR/OpBase.td"

def CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::dyad::mpc";
  let description = [{ An operation that knows what it sends, by the formula beside its protocol in the runtime. }];
  let methods = [InterfaceMethod<"Bytes and ticks of one execution, and the COTs it takes.", "::dyad::Cost", "cost", (ins)>];
}

#endif
