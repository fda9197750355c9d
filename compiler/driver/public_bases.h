// SPDX-License-Identifier: Apache-2.0
// Public models of --public-weights FILE.onnx as graphs, to be compared with the model's own.
#pragma once

#include "compiler/driver/diagnostics.h"
#include "compiler/driver/options.h"
#include "frontends/onnx/import.h"
#include "passes/placement/public_base.h"

#include "mlir/IR/MLIRContext.h"

namespace dyad::compiler {

/// Finds the groups of heads that `module`, read with `import`, has, and has them merged when it is
/// read again. What is in the way is a diagnostic.
mlir::LogicalResult mergeHeadsIn(mlir::ModuleOp module, int64_t size, onnx::ImportOptions &import);

/// Imports each FILE.onnx of the options, all of its weights public, with the model's own shapes
/// and constants where it has inputs of these names. One that is no graph that this compiler takes
/// is a note: initializers of the same name are still found (onnx::PublicWeights).
PublicBases importPublicBases(mlir::MLIRContext &context, const CompileOptions &options,
                              const onnx::ImportOptions &import, Progress &progress);

/// A base in which neither graph found a weight is an error.
llvm::LogicalResult requireMatches(mlir::ModuleOp module, const PublicBases &bases);

} // namespace dyad::compiler
