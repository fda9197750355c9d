// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/print_passes.h"

#include "compiler/codegen/codegen.h"
#include "passes/cost/program_cost.h"

#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace dyad::compiler {
namespace {

using Printer = FailureOr<std::string> (*)(ModuleOp);

class PrintPass : public PassWrapper<PrintPass, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(PrintPass)

  PrintPass(StringRef argument, StringRef description, Printer printer)
      : argument_(argument), description_(description), printer_(printer) {}
  StringRef getArgument() const final { return argument_; }
  StringRef getDescription() const final { return description_; }

  void runOnOperation() final {
    FailureOr<std::string> text = printer_(getOperation());
    if (failed(text))
      return signalPassFailure();
    llvm::outs() << *text;
    markAllAnalysesPreserved();
  }

private:
  StringRef argument_;
  StringRef description_;
  Printer printer_;
};

// No file and no version: tests compare the text.
const CodegenOptions kNoOptions;

void add(StringRef argument, StringRef description, Printer printer) {
  registerPass([=] { return std::make_unique<PrintPass>(argument, description, printer); });
}

} // namespace

void registerPrintPasses() {
  add("print-program", "Print the two-party program of an mpc module as C++",
      [](ModuleOp module) { return emitProgram(module, kNoOptions); });
  add("print-reference", "Print the reference of an fx module as C++",
      [](ModuleOp module) { return emitReference(module, kNoOptions); });
  add("print-costs", "Print what an mpc module sends, node by node",
      [](ModuleOp module) -> FailureOr<std::string> { return renderTable(costOf(module)); });
}

} // namespace dyad::compiler
