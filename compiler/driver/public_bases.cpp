// SPDX-License-Identifier: Apache-2.0
#include "compiler/driver/public_bases.h"

#include "passes/placement/head_groups.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringRef.h"

using namespace mlir;

namespace dyad::compiler {

LogicalResult mergeHeadsIn(ModuleOp module, int64_t size, onnx::ImportOptions &import) {
  FailureOr<std::vector<HeadGroups>> groups = groupHeads(module, size);
  if (failed(groups))
    return failure();
  import.headGroups = std::move(*groups);
  return success();
}

PublicBases importPublicBases(MLIRContext &context, const CompileOptions &options,
                              const onnx::ImportOptions &import, Progress &progress) {
  PublicBases bases;
  for (const std::string &file : options.publicWeights) {
    if (!StringRef(file).ends_with(".onnx"))
      continue;
    auto base = std::make_shared<PublicBase>();
    base->file = file;
    std::string problem;
    // The options were written for the model; its base may have other inputs.
    for (bool isSame : {true, false}) {
      onnx::ImportOptions given;
      if (isSame) {
        given.shapes = import.shapes;
        given.sets = import.sets;
      }
      given.publicWeights = {"*"};
      ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
        if (problem.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error)
          problem = diagnostic.str();
        return success();
      });
      base->module = onnx::importOnnx(context, file, given);
      // In groups of its own, which are the model's where it has the same projections.
      if (base->module && options.mergeHeads > 1 &&
          succeeded(mergeHeadsIn(*base->module, options.mergeHeads, given)))
        base->module = onnx::importOnnx(context, file, given);
      if (base->module)
        break;
    }
    if (base->module)
      bases.push_back(std::move(base));
    else
      progress.note("--public-weights " + file +
                    ": only weights of the same name are compared, since its graph cannot be "
                    "read (" +
                    problem + ")");
  }
  return bases;
}

LogicalResult requireMatches(ModuleOp module, const PublicBases &bases) {
  for (const std::shared_ptr<PublicBase> &base : bases)
    if (!base->isMatched)
      return module.emitError("--public-weights '")
             << base->file
             << "' holds none of the weights that the outputs depend on, neither by name nor in "
                "the "
                "same place of its graph; give the public model that this one was fine-tuned from";
  return success();
}

} // namespace dyad::compiler
