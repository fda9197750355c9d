// SPDX-License-Identifier: Apache-2.0
// fx operations as calls of the integer kernels in runtime/clear: all of them in the reference, and
// in the two-party program those that the owner of a value computes alone.
#pragma once

#include "compiler/codegen/text.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace dyad::compiler {

/// "clear::conv2d(x_input, weights["w"], nullptr, {...})" for an fx operation, with operands as
/// `operand` writes them; empty for an operation that is no kernel (inputs, assumptions, ...).
std::string clearCall(mlir::Operation *op, llvm::function_ref<std::string(mlir::Value)> operand,
                      Tables &tables);

/// What an operation makes of its node, for the names of variables: "relu", "truncated".
std::string suffixOf(mlir::Operation *op);

} // namespace dyad::compiler
