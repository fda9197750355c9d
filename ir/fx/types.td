// SPDX-License-Identifier: Apache-2.0
// The fx dialect's types and attributes, apart from its operations: mpc uses them too.
#ifndef DYAD_IR_FX_TYPES_TD
#define DYAD_IR_FX_TYPES_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "ir/fx/enums.td"

def Fx_Dialect : Dialect {
  let name = "fx";
  let cppNamespace = "::dyad::fx";
  let summary = "fixed-point programs with owners";
  let description = [{
    The cleartext program that the two parties compute, and that `reference` executes. An element of type
    `!fx.fixed<s28, 12, shared>` is an integer x in [-2^27, 2^27) that stands for x / 2^12. Every operation below is defined on
    the integers, exactly; a result that does not fit its type, or an `fx.assume` that does not hold, is an error of the
    execution, never a wrap. `reference` checks all of them.

    Owners are who knows a value: `public` (both), `client`, `server`, or `shared` (neither). An operation's result is owned by the
    join of its operands' owners: public is least, shared greatest, client and server join to shared. Only `fx.reveal`
    lowers an owner.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

def Fx_FixedType : TypeDef<Fx_Dialect, "Fixed"> {
  let mnemonic = "fixed";
  let summary = "a fixed-point number: signedness and width, fraction bits, owner";
  let description = [{
    `s28` is a signed 28-bit integer, `u8` an unsigned 8-bit one; 1 to 64 bits. The fraction may be negative or exceed
    the width: it is only the exponent of the unit.
  }];
  let parameters = (ins "bool":$isSigned, "unsigned":$width, "int":$fraction, "::dyad::fx::Owner":$owner);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The same number with another owner, width or fraction.
    FixedType withOwner(Owner owner) const;
    FixedType withWidth(unsigned width) const;
    FixedType withFraction(int fraction) const;
    /// Smallest and largest integer of the type.
    __int128 lowest() const;
    __int128 highest() const;
  }];
}

def Fx_Tensor : StaticShapeTensorOf<[Fx_FixedType]>;

def Fx_RoundingAttr : EnumAttr<Fx_Dialect, Fx_Rounding, "rounding"> { let assemblyFormat = "`<` $value `>`"; }

def Fx_RangeKindAttr : EnumAttr<Fx_Dialect, Fx_RangeKind, "range"> { let assemblyFormat = "`<` $value `>`"; }

#endif
