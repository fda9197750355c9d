// SPDX-License-Identifier: Apache-2.0
// Names of a program's values in generated code, and when each is used for the last time.
#pragma once

#include "compiler/codegen/text.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace dyad::compiler {

/// Values of `main`. Operations that change nothing at run time (fx.assume, in the reference
/// fx.resize and fx.reveal) have their operand's name: `alias`.
class Values {
public:
  /// `isAlias` tells the operations whose result is their operand.
  Values(mlir::func::FuncOp main, llvm::function_ref<bool(mlir::Operation *)> isAlias);

  /// Gives a value an expression: a variable, or a place in the inputs or weights.
  void bind(mlir::Value value, std::string expression, bool isVariable);
  /// The expression for reading a value.
  const std::string &read(mlir::Value value) const;
  /// The expression for handing a value to a parameter by value: moved if `at` is the last
  /// statement that uses it and uses it once.
  std::string pass(mlir::Value value, mlir::Operation *at) const;
  /// Variables that `at` uses last, of at least so many elements, each once and in order.
  std::vector<mlir::Value> lastUsedBy(mlir::Operation *at, int64_t elements) const;

  mlir::Value root(mlir::Value value) const;

private:
  struct Entry {
    std::string expression;
    bool isVariable = false;
    mlir::Operation *lastUse = nullptr;
    unsigned usesThere = 0;
  };

  llvm::DenseMap<mlir::Value, mlir::Value> aliases_;
  llvm::DenseMap<mlir::Value, Entry> entries_;
};

/// The module's main function, or a diagnostic.
mlir::func::FuncOp mainOf(mlir::ModuleOp module);

} // namespace dyad::compiler
