// SPDX-License-Identifier: Apache-2.0
// C++ text for the two-party program (from mpc) and the cleartext reference (from fx), written for
// people to read. Neither holds a private weight: those stand in files beside the executables.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/LogicalResult.h"

#include <string>

namespace dyad::compiler {

struct CodegenOptions {
  std::string model;       ///< the model's file name without folders, for people
  std::string dyadVersion; ///< of this compiler
};

/// program.cpp: linked into both parties; includes runtime/party/program.h. The hash that the
/// parties compare in their handshake is that of this text. It does not name the model's file, so
/// that models which differ in weights only have the same text. Failure is a diagnostic that names
/// the node.
llvm::FailureOr<std::string> emitProgram(mlir::ModuleOp mpcModule, const CodegenOptions &options);

/// reference.cpp from the fx module; includes runtime/party/reference.h. Its weights file holds all
/// weights of the module.
llvm::FailureOr<std::string> emitReference(mlir::ModuleOp fxModule, const CodegenOptions &options);

/// Weights of a party that are not in the program's text, as safetensors: the server's
/// weights.safetensors with its own and the public ones, or the client's public.safetensors with
/// the public ones alone, if there are any; one of an earlier build is removed otherwise.
llvm::LogicalResult writeServerWeights(mlir::ModuleOp mpcModule, const std::string &path);
llvm::LogicalResult writePublicWeights(mlir::ModuleOp mpcModule, const std::string &path);

struct ManifestOptions {
  CodegenOptions program;
  std::string programText; ///< what emitProgram returned
  bool calibrated = false; ///< ranges come from samples of the user
  bool strictRanges = false;
  /// Options that change the program and leave no other trace: [name, value].
  std::vector<std::pair<std::string, std::string>> options = {};
};

/// manifest.json: inputs, outputs, ranges, the assumptions that exactness rests on, what each party
/// learns, security parameters, and the predicted COTs, bytes and flows.
std::string emitManifest(mlir::ModuleOp fxModule, mlir::ModuleOp mpcModule,
                         const ManifestOptions &options);

} // namespace dyad::compiler
