// SPDX-License-Identifier: Apache-2.0
// What every tool sets up before it compiles: dialects, diagnostics for people, progress.
#pragma once

#include "compiler/driver/diagnostics.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace dyad::compiler {

/// An MLIR context with the dialects of all stages loaded, whose diagnostics go to stderr.
class ToolContext {
public:
  explicit ToolContext(bool verbose);

  mlir::MLIRContext &mlir() { return context_; }
  Progress &progress() { return progress_; }

private:
  mlir::MLIRContext context_;
  DiagnosticPrinter printer_;
  Progress progress_;
};

/// The exit status of a tool's work. What it throws, a fault of the compiler's own, becomes a
/// message and status 1.
int guarded(llvm::function_ref<int()> work);

} // namespace dyad::compiler
