// SPDX-License-Identifier: Apache-2.0
#ifndef DYAD_IR_MPC_COST_INTERFACE_TD
#define DYAD_IR_MPC_COST_INTERFACE_TD

include "mlir/IR/OpBase.td"

def CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::dyad::mpc";
  let description = [{ An operation that knows what it sends, by the formula beside its protocol in the runtime. }];
  let methods = [InterfaceMethod<"Bytes and ticks of one execution, and the COTs it takes.", "::dyad::Cost", "cost", (ins)>];
}

def ComparisonOpInterface : OpInterface<"ComparisonOpInterface"> {
  let cppNamespace = "::dyad::mpc";
  let description = [{
    An operation whose protocol may compare. Its `radix` is the number of levels, one flow each, that larger digits save in the tree
    of the comparison; each level costs bits. 0, which is not printed, sends the fewest.
  }];
  let methods = [InterfaceMethod<"Levels that are saved.", "uint64_t", "getRadix", (ins)>,
                 InterfaceMethod<"", "void", "setRadix", (ins "uint64_t":$levels)>];
}

#endif
