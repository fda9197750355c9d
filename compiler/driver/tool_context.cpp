// SPDX-License-Identifier: Apache-2.0
#include "compiler/driver/tool_context.h"

#include "ir/fx/fx.h"
#include "ir/mpc/mpc.h"
#include "ir/nn/nn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <exception>
#include <fmt/format.h>

namespace dyad::compiler {

namespace {

mlir::DialectRegistry dialects() {
  mlir::DialectRegistry registry;
  registry.insert<nn::NnDialect, fx::FxDialect, mpc::MpcDialect, mlir::func::FuncDialect>();
  return registry;
}

} // namespace

ToolContext::ToolContext(bool verbose)
    : context_(dialects()), printer_(context_), progress_(verbose) {
  context_.loadAllAvailableDialects();
}

int guarded(llvm::function_ref<int()> work) {
  try {
    return work();
  } catch (const std::exception &error) {
    fmt::print(stderr, "error: the compiler itself failed: {}; please report this with the model\n",
               error.what());
    return 1;
  }
}

} // namespace dyad::compiler
