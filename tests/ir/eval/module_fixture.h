// SPDX-License-Identifier: Apache-2.0
// Modules written as text for the interpreters' tests, and the diagnostics they raise.
#pragma once

#include "ir/fx/fx.h"
#include "ir/nn/nn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <string>

namespace dyad {

class ModuleFixture {
public:
  ModuleFixture()
      : handler_(&context_, [this](mlir::Diagnostic &diagnostic) {
          errors += diagnostic.str() + "\n";
          return mlir::success();
        }) {
    context_.loadDialect<nn::NnDialect, fx::FxDialect, mlir::func::FuncDialect>();
  }

  /// The module of some symbols and the body of its function.
  mlir::ModuleOp parse(const std::string &symbols, const std::string &body) {
    module_ = mlir::parseSourceString<mlir::ModuleOp>(
        symbols + "\nfunc.func @main() {\n" + body + "\nreturn\n}", &context_);
    return *module_;
  }

  std::string errors;

private:
  mlir::MLIRContext context_;
  mlir::ScopedDiagnosticHandler handler_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
};

} // namespace dyad
