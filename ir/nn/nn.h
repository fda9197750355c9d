// SPDX-License-Identifier: Apache-2.0
// The nn dialect: generated declarations of its operations and types, and what ODS cannot say.
#pragma once

#include "ir/structure.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "ir/nn/dialect.h.inc"
#include "ir/nn/enums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "ir/nn/attributes.h.inc"

#define GET_OP_CLASSES
#include "ir/nn/ops.h.inc"
