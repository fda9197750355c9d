// SPDX-License-Identifier: Apache-2.0
// dyad-opt: runs any pass of the compiler on a textual module, as mlir-opt does. What it adds are
// the weights' values, which live beside the text in a safetensors file: --weights reads them
// before the first pass, --output-weights writes them after the last.
#include "compiler/codegen/print_passes.h"
#include "ir/fx/fx.h"
#include "ir/mpc/mpc.h"
#include "ir/nn/nn.h"
#include "ir/weights.h"
#include "passes/graph/passes.h"
#include "passes/numbers/passes.h"
#include "passes/placement/passes.h"
#include "passes/protocols/passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

namespace {

using WeightsFunction = llvm::LogicalResult (*)(mlir::ModuleOp, const std::string &);

/// Reads or writes the weights file of the module.
class WeightsPass : public mlir::PassWrapper<WeightsPass, mlir::OperationPass<mlir::ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(WeightsPass)

  WeightsPass(WeightsFunction function, std::string path)
      : function_(function), path_(std::move(path)) {}
  llvm::StringRef getArgument() const final { return "weights-file"; }
  void runOnOperation() final {
    if (failed(function_(getOperation(), path_)))
      signalPassFailure();
  }

private:
  WeightsFunction function_;
  std::string path_;
};

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::cl::opt<std::string> weights(
      "weights", llvm::cl::value_desc("FILE"),
      llvm::cl::desc("safetensors file with the values of the weights that stand without one"));
  llvm::cl::opt<std::string> outputWeights(
      "output-weights", llvm::cl::value_desc("FILE"),
      llvm::cl::desc("safetensors file for the values of all weights after the last pass"));

  mlir::DialectRegistry registry;
  registry.insert<mlir::func::FuncDialect, dyad::nn::NnDialect, dyad::fx::FxDialect,
                  dyad::mpc::MpcDialect>();
  mlir::registerTransformsPasses();
  dyad::registerGraphPasses();
  dyad::registerNumbersPasses();
  dyad::registerPlacementPasses();
  dyad::registerProtocolPasses();
  dyad::compiler::registerPrintPasses();

  auto [inputFile, outputFile] =
      mlir::registerAndParseCLIOptions(argc, argv, "Dyad's pass driver", registry);
  const mlir::MlirOptMainConfig passes = mlir::MlirOptMainConfig::createFromCLOptions();
  mlir::MlirOptMainConfig config = passes;
  config.setPassPipelineSetupFn([&](mlir::PassManager &manager) -> llvm::LogicalResult {
    if (!weights.empty())
      manager.addPass(std::make_unique<WeightsPass>(dyad::readWeights, weights));
    if (failed(passes.setupPassPipeline(manager)))
      return llvm::failure();
    if (!outputWeights.empty())
      manager.addPass(std::make_unique<WeightsPass>(dyad::writeWeights, outputWeights));
    return llvm::success();
  });

  std::string error;
  auto input = mlir::openInputFile(inputFile, &error);
  auto output = input ? mlir::openOutputFile(outputFile, &error) : nullptr;
  if (!input || !output) {
    llvm::errs() << error << "\n";
    return EXIT_FAILURE;
  }
  if (failed(mlir::MlirOptMain(output->os(), std::move(input), registry, config)))
    return EXIT_FAILURE;
  output->keep();
  return EXIT_SUCCESS;
}
