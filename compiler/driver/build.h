// SPDX-License-Identifier: Apache-2.0
// From a model to an output folder: program text, manifest, weights, and the executables of both
// parties.
#pragma once

#include "compiler/driver/pipeline.h"

namespace dyad::compiler {

/// Compiles `options.model` into the folder `options.output`, which is made if need be:
///   OUT/server/{server,weights.safetensors}  OUT/client/client  OUT/reference/{reference,...}
///   OUT/program.{mlir,cpp}  OUT/reference.cpp  OUT/manifest.json
/// and with `saveTemps` the modules of all stages under OUT/temps. `toolPath` is argv[0]. All
/// problems are diagnostics on the context.
mlir::LogicalResult buildProgram(mlir::MLIRContext &context, CompileOptions options,
                                 const std::string &toolPath, Progress &progress);

/// manifest.json of a compilation that has reached mpc. `programText` is what emitProgram returned,
/// or empty where only who knows what is of interest.
std::string manifestOf(const Compilation &compilation, const CompileOptions &options,
                       const std::string &programText);

/// Prints program.cpp (`--emit cpp`) to stdout, or writes it to `options.output`.
mlir::LogicalResult emitProgramText(mlir::MLIRContext &context, const CompileOptions &options,
                                    Progress &progress);

/// Says where the programs are and how to run them.
void printSummary(const CompileOptions &options);

/// The page of supported operators, to stdout.
void printOperators();

} // namespace dyad::compiler
