// SPDX-License-Identifier: Apache-2.0
// What every tool sets up before it compiles: dialects, diagnostics for people, progress.
#pragma once

#include "compiler/driver/diagnostics.h"

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

} // namespace dyad::compiler
