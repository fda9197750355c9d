// SPDX-License-Identifier: Apache-2.0
// The compiler from an ONNX file to each of its stages: which passes run, in which order, with
// which options. Tools differ only in what they do with the result.
#pragma once

#include "compiler/driver/diagnostics.h"
#include "compiler/driver/options.h"
#include "compiler/search/search.h"
#include "frontends/onnx/import.h"

#include "passes/numbers/shadow.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Support/LogicalResult.h"

#include <string>
#include <vector>

namespace dyad::compiler {

/// A model on its way through the stages. Each step emits all its problems as diagnostics.
class Compilation {
public:
  Compilation(mlir::MLIRContext &context, const CompileOptions &options, Progress &progress)
      : context_(context), options_(options), progress_(progress) {}

  /// Reads the model and runs the graph passes: nn.
  mlir::LogicalResult toNn();
  /// Ranges, scales, widths, truncations: nn becomes fx.
  mlir::LogicalResult toFx();
  /// Protocols: fx becomes mpc. The fx module stays available, `reference` is made from it.
  mlir::LogicalResult toMpc();
  /// All steps up to a stage (kCpp as kMpc).
  mlir::LogicalResult to(Stage stage);

  mlir::ModuleOp nn() const { return *nn_; }
  mlir::ModuleOp fx() const { return *fx_; }
  /// nn as fx was made from it, with the same channel scales.
  mlir::ModuleOp floats() const { return *floats_; }
  /// What values of fx were on the calibration samples; empty without.
  const SeenRanges &seen() const { return *seen_; }
  mlir::ModuleOp mpc() const { return *mpc_; }
  /// The module of a stage that was reached.
  mlir::ModuleOp module(Stage stage) const;

  /// Writes the model with merged heads as ONNX.
  mlir::LogicalResult emitOnnx(const std::string &output);

private:
  /// Reads the model, heads merged where that was asked for.
  mlir::LogicalResult readModel(onnx::ImportOptions &import);
  mlir::LogicalResult run(mlir::ModuleOp module, llvm::StringRef pipeline);
  /// Whether --disable leaves a pass, or a choice within one, as it is.
  bool isEnabled(llvm::StringRef pass) const;
  /// The pipeline of those that are enabled.
  std::string enabled(const std::vector<std::string> &passes) const;
  /// nn with ranges becomes fx, all scales and widths chosen.
  mlir::LogicalResult convertNumbers(mlir::ModuleOp module, const NnToFxOptions &numbers,
                                     const std::shared_ptr<const Samples> &samples,
                                     const Conversion &conversion);
  /// fx becomes mpc.
  mlir::LogicalResult chooseProtocols(mlir::ModuleOp module);
  /// Scales under the accuracy goal, for fx_ while it is nn.
  mlir::LogicalResult search(const NnToFxOptions &numbers,
                             const std::shared_ptr<const Samples> &samples);

  mlir::MLIRContext &context_;
  const CompileOptions &options_;
  Progress &progress_;
  mlir::OwningOpRef<mlir::ModuleOp> nn_;
  mlir::OwningOpRef<mlir::ModuleOp> floats_;
  mlir::OwningOpRef<mlir::ModuleOp> fx_;
  mlir::OwningOpRef<mlir::ModuleOp> mpc_;
  std::shared_ptr<SeenRanges> seen_ = std::make_shared<SeenRanges>();
  std::optional<SearchResult> search_;
};

/// Prints a module as text with ONNX node names as locations.
void printModule(mlir::ModuleOp module, llvm::raw_ostream &stream);

/// Writes a module to `path`, and its weights to `weightsPath`.
mlir::LogicalResult writeModule(mlir::ModuleOp module, const std::string &path,
                                const std::string &weightsPath);

} // namespace dyad::compiler
