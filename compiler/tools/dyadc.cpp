// SPDX-License-Identifier: Apache-2.0
// dyadc: compiles an ONNX model into the two executables of a secure computation.
#include "compiler/driver/build.h"
#include "compiler/driver/tool_context.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace dyad::compiler;

namespace {

int emitStage(mlir::MLIRContext &context, const CompileOptions &options, Progress &progress) {
  if (*options.emit == Stage::kCpp)
    return succeeded(emitProgramText(context, options, progress)) ? 0 : 1;
  Compilation compilation(context, options, progress);
  if (failed(compilation.to(*options.emit)))
    return 1;
  progress.finish();
  mlir::ModuleOp module = compilation.module(*options.emit);
  if (options.output.empty()) {
    printModule(module, llvm::outs());
    return 0;
  }
  llvm::SmallString<128> weights = llvm::sys::path::parent_path(options.output);
  llvm::sys::path::append(weights, "weights.safetensors");
  return succeeded(writeModule(module, options.output, weights.str().str())) ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  CompileOptions options;
  bool listOperators = false;

  CLI::App app{
      "Compiles an ONNX model into two programs that evaluate it together: the server holds the "
      "weights, the client the input, and neither shows it to the other.",
      "dyadc"};
  app.set_version_flag("--version", std::string("dyadc ") + DYAD_VERSION);
  auto *model = app.add_option("model", options.model, "the model")->type_name("MODEL.onnx");
  app.add_option("-o,--output", options.output,
                 "output folder (default: the model's name without .onnx); a file with --emit")
      ->type_name("FOLDER");
  addCompileOptions(app, options);
  addReportOption(app, options);
  app.add_option_function<std::string>(
         "--emit",
         [&](const std::string &stage) {
           options.emitOnnx = stage == "onnx";
           if (!options.emitOnnx)
             options.emit = parseStage(stage);
         },
         "stop at a stage and print it; onnx: the model with merged heads, to be fine-tuned")
      ->check(CLI::IsMember({"onnx", "nn", "fx", "mpc", "cpp"}))
      ->type_name("onnx|nn|fx|mpc|cpp");
  app.add_flag("--save-temps", options.saveTemps,
               "keep the modules of all stages and object files");
  app.add_flag("--list-operators", listOperators, "print the supported ONNX operators as Markdown")
      ->excludes(model);
  app.footer("Next: OUT/server/server --listen 127.0.0.1:7766, and\n"
             "      OUT/client/client --connect 127.0.0.1:7766 --input x.npy --output y.npy");
  if (std::optional<int> status = parseCommandLine(app, argc, argv))
    return *status;
  if (listOperators) {
    printOperators();
    return 0;
  }
  if (options.model.empty()) {
    llvm::errs() << "error: which model? Run: dyadc MODEL.onnx -o FOLDER (see dyadc --help)\n";
    return 2;
  }
  if (options.emitOnnx && (options.mergeHeads < 2 || options.output.empty())) {
    llvm::errs() << "error: --emit onnx writes the model with merged heads: give --merge-heads M "
                    "and -o FILE.onnx\n";
    return 2;
  }
  if (options.output.empty() && !options.emit)
    options.output = llvm::sys::path::stem(options.model).str();

  return guarded([&] {
    ToolContext context(options.verbose);
    if (options.emitOnnx) {
      Compilation compilation(context.mlir(), options, context.progress());
      const bool isWritten = succeeded(compilation.emitOnnx(options.output));
      context.progress().finish();
      return isWritten ? 0 : 1;
    }
    if (options.emit)
      return emitStage(context.mlir(), options, context.progress());
    if (failed(buildProgram(context.mlir(), options, argv[0], context.progress())))
      return 1;
    printSummary(options);
    return 0;
  });
}
