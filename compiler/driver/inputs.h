// SPDX-License-Identifier: Apache-2.0
// What the importer needs of the command line: option texts resolved, files of --set loaded.
#pragma once

#include "compiler/driver/options.h"
#include "frontends/onnx/import.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/LogicalResult.h"

namespace dyad::compiler {

/// Fills in `import`. Files that cannot be read are diagnostics.
mlir::LogicalResult importOptions(mlir::MLIRContext &context, const CompileOptions &options,
                                  onnx::ImportOptions &import);

} // namespace dyad::compiler
