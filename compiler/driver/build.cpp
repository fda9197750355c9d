// SPDX-License-Identifier: Apache-2.0
#include "compiler/driver/build.h"

#include "compiler/codegen/codegen.h"
#include "compiler/codegen/compile_program.h"
#include "compiler/driver/verify.h"
#include "compiler/report/report.h"
#include "frontends/onnx/import.h"
#include "ir/weights.h"
#include "passes/numbers/precision.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>

using namespace mlir;
namespace fs = std::filesystem;

namespace dyad::compiler {

namespace {

LogicalResult writeText(MLIRContext &context, const fs::path &path, const std::string &text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file)
    return emitError(UnknownLoc::get(&context)) << "cannot write '" << path.string() << "'";
  return success();
}

std::string textOf(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  printModule(module, stream);
  return text;
}

LogicalResult makeFolder(MLIRContext &context, const fs::path &folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder))
    return emitError(UnknownLoc::get(&context))
           << "cannot make the output folder '" << folder.string()
           << "': " << (error ? error.message() : "it is a file") << "; choose another one with -o";
  return success();
}

LogicalResult saveStage(MLIRContext &context, const fs::path &folder, StringRef stage,
                        ModuleOp module) {
  if (failed(makeFolder(context, folder)))
    return failure();
  return writeModule(module, (folder / (stage + ".mlir").str()).string(),
                     (folder / (stage + ".safetensors").str()).string());
}

// Errors of the nodes on a few of the samples that ranges were measured on; null without any.
FailureOr<nlohmann::ordered_json>
errorsOnSamples(const CompileOptions &options, const Compilation &compilation, Progress &progress) {
  if (options.calibrate.empty())
    return nlohmann::ordered_json();
  FailureOr<Samples> samples = loadSamples(compilation.floats(), options.calibrate);
  Verification errors;
  if (failed(samples) ||
      failed(compareOnSamples(compilation.floats(), compilation.fx(),
                              fewSamples(compilation.floats(), &*samples), progress, errors)))
    return failure();
  return nlohmann::ordered_json::parse(verificationJson(errors, 0));
}

LogicalResult writeReport(MLIRContext &context, const CompileOptions &options,
                          const Compilation &compilation, const std::string &manifest,
                          Progress &progress) {
  const fs::path path(options.report);
  const auto errors = errorsOnSamples(options, compilation, progress);
  if (failed(errors))
    return failure();
  const auto data =
      reportData(compilation.fx(), compilation.mpc(), manifest, compilation.seen(), *errors);
  return writeText(context, path,
                   path.extension() == ".json" ? data.dump(1) + "\n" : renderReportPage(data));
}

CodegenOptions codegenOptions(const CompileOptions &options) {
  CodegenOptions codegen;
  codegen.model = llvm::sys::path::filename(options.model).str();
  codegen.dyadVersion = DYAD_VERSION;
  return codegen;
}

} // namespace

std::string manifestOf(const Compilation &compilation, const CompileOptions &options,
                       const std::string &programText) {
  ManifestOptions manifest;
  manifest.program = codegenOptions(options);
  manifest.programText = programText;
  manifest.calibrated = !options.calibrate.empty();
  manifest.strictRanges = options.strictRanges;
  if (!options.disabled.empty())
    manifest.options.emplace_back("disable", fmt::format("{}", fmt::join(options.disabled, ",")));
  if (options.splitUpdates != "auto")
    manifest.options.emplace_back("split-updates", options.splitUpdates);
  if (options.mergeHeads > 1)
    manifest.options.emplace_back("merge-heads", fmt::format("{}", options.mergeHeads));
  if (options.headroom)
    manifest.options.emplace_back("headroom", fmt::format("{}", *options.headroom));
  if (options.rangePercentile < 100)
    manifest.options.emplace_back("range-percentile", fmt::format("{}", options.rangePercentile));
  return emitManifest(compilation.fx(), compilation.mpc(), manifest);
}

LogicalResult buildProgram(MLIRContext &context, CompileOptions options,
                           const std::string &toolPath, Progress &progress) {
  const fs::path folder(options.output);
  const bool wasThere = fs::exists(folder);
  if (failed(makeFolder(context, folder)))
    return failure();

  Compilation compilation(context, options, progress);
  if (failed(compilation.to(Stage::kMpc))) {
    std::error_code ignored;
    if (!wasThere)
      fs::remove(folder, ignored); // nothing is in it yet
    return failure();
  }
  if (options.saveTemps && (failed(saveStage(context, folder / "temps", "nn", compilation.nn())) ||
                            failed(saveStage(context, folder / "temps", "fx", compilation.fx())) ||
                            failed(saveStage(context, folder / "temps", "mpc", compilation.mpc()))))
    return failure();

  progress.step("writing the program");
  const CodegenOptions codegen = codegenOptions(options);
  FailureOr<std::string> program = emitProgram(compilation.mpc(), codegen);
  FailureOr<std::string> reference = emitReference(compilation.fx(), codegen);
  if (failed(program) || failed(reference))
    return failure();

  const std::string manifestText = manifestOf(compilation, options, *program);
  if (!options.report.empty() &&
      failed(writeReport(context, options, compilation, manifestText, progress)))
    return failure();

  for (const char *part : {"server", "client", "reference"})
    if (failed(makeFolder(context, folder / part)))
      return failure();
  if (failed(writeText(context, folder / "program.cpp", *program)) ||
      failed(writeText(context, folder / "reference.cpp", *reference)) ||
      failed(writeText(context, folder / "manifest.json", manifestText)) ||
      failed(writeText(context, folder / "program.mlir", textOf(compilation.mpc()))) ||
      failed(writeServerWeights(compilation.mpc(),
                                (folder / "server" / "weights.safetensors").string())) ||
      failed(writePublicWeights(compilation.mpc(),
                                (folder / "client" / "public.safetensors").string())) ||
      failed(
          writeWeights(compilation.fx(), (folder / "reference" / "weights.safetensors").string())))
    return failure();

  progress.step("compiling the parties");
  CompileRequest request;
  request.folder = options.output;
  request.referenceSource = (folder / "reference.cpp").string();
  request.toolPath = toolPath;
  request.keepObjects = options.saveTemps;
  if (std::string problem = compileProgram(request); !problem.empty())
    return emitError(UnknownLoc::get(&context)) << problem;
  progress.finish();
  return success();
}

LogicalResult emitProgramText(MLIRContext &context, const CompileOptions &options,
                              Progress &progress) {
  Compilation compilation(context, options, progress);
  if (failed(compilation.to(Stage::kMpc)))
    return failure();
  progress.finish();
  FailureOr<std::string> program = emitProgram(compilation.mpc(), codegenOptions(options));
  if (failed(program))
    return failure();
  if (!options.output.empty())
    return writeText(context, options.output, *program);
  fmt::print("{}", *program);
  return success();
}

void printSummary(const CompileOptions &options) {
  const std::string &out = options.output;
  fmt::print(
      "wrote {0}/\n"
      "  model owner:  {0}/server/server --listen 127.0.0.1:7766\n"
      "  data owner:   {0}/client/client --connect 127.0.0.1:7766 --input x.npy --output y.npy\n"
      "  in the clear: {0}/reference/reference --input x.npy --output y.npy\n"
      "  costs:        dyad-dump {0} --costs\n",
      out);
  if (!options.report.empty())
    fmt::print("  report:       {}\n", options.report);
}

void printOperators() { fmt::print("{}", onnx::operatorsPage()); }

} // namespace dyad::compiler
