// SPDX-License-Identifier: Apache-2.0
// dyad-dump: shows a program at any stage, from an ONNX file, a module as text, or an output
// folder, as text or as a page; and what it will send, node by node.
#include "compiler/codegen/statement.h"
#include "compiler/driver/build.h"
#include "compiler/driver/tool_context.h"
#include "compiler/report/ir_page.h"
#include "ir/fx/owner.h"
#include "ir/nn/nn.h"
#include "passes/cost/program_cost.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

#include <fmt/format.h>
#include <fstream>

using namespace dyad;
using namespace dyad::compiler;

namespace {

struct DumpOptions {
  CompileOptions compile;
  Stage stage = Stage::kMpc;
  bool costs = false;
  bool owners = false;
  bool json = false;
  std::string html; ///< file of the page, empty for none
};

const char *nameOf(Stage stage) {
  return stage == Stage::kNn ? "nn" : stage == Stage::kFx ? "fx" : "mpc";
}

// A module as text, with its values attached where a weights file lies beside it.
mlir::OwningOpRef<mlir::ModuleOp> readModule(mlir::MLIRContext &context, llvm::StringRef path) {
  return mlir::parseSourceFile<mlir::ModuleOp>(path, mlir::ParserConfig(&context));
}

mlir::OwningOpRef<mlir::ModuleOp> readOutputFolder(mlir::MLIRContext &context,
                                                   const DumpOptions &options) {
  llvm::SmallString<128> path(options.compile.model);
  if (options.stage == Stage::kMpc)
    llvm::sys::path::append(path, "program.mlir");
  else
    llvm::sys::path::append(path, "temps", llvm::Twine(nameOf(options.stage)) + ".mlir");
  if (!llvm::sys::fs::exists(path)) {
    mlir::emitError(mlir::UnknownLoc::get(&context))
        << "'" << path << "' does not exist; "
        << (options.stage == Stage::kMpc ? "is this the output folder of dyadc?"
                                         : "compile with --save-temps to keep this stage");
    return nullptr;
  }
  return readModule(context, path);
}

// Whether protocols have been chosen: nothing that is shared is left to fx, and nothing to nn.
bool isLowered(mlir::ModuleOp module) {
  return !module
              .walk([](mlir::Operation *op) {
                bool early = llvm::isa_and_nonnull<nn::NnDialect>(op->getDialect());
                for (mlir::Value result : op->getResults())
                  if (fx::FixedType type = fx::fixedType(result))
                    early |= type.getOwner() == fx::Owner::kShared;
                return early ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance();
              })
              .wasInterrupted();
}

int writePage(mlir::ModuleOp module, const DumpOptions &options) {
  const std::string title =
      llvm::sys::path::filename(options.compile.model).str() + ", " + nameOf(options.stage);
  std::ofstream file(options.html, std::ios::binary);
  file << renderIrPage(irData(module, title));
  file.close();
  if (!file) {
    fmt::print(stderr, "error: cannot write '{}'\n", options.html);
    return 1;
  }
  return 0;
}

int show(mlir::ModuleOp module, const DumpOptions &options) {
  if (!options.html.empty())
    return writePage(module, options);
  if (!options.costs) {
    printModule(module, llvm::outs());
    return 0;
  }
  if (!isLowered(module)) {
    fmt::print(stderr, "error: only mpc has costs, and '{}' is a module of an earlier stage\n",
               options.compile.model);
    return 1;
  }
  ProgramCost cost = costOf(module);
  fmt::print("{}", options.json ? renderJson(cost) : renderTable(cost));
  return 0;
}

// The parts of a manifest that tell who knows what.
int showOwners(const std::string &manifestText, const DumpOptions &options) {
  const auto manifest = nlohmann::ordered_json::parse(manifestText);
  if (!manifest.contains("weights")) {
    fmt::print(stderr, "error: '{}' was compiled by an earlier version; compile it again\n",
               options.compile.model);
    return 1;
  }
  if (!options.json) {
    fmt::print("{}", renderStatement(manifest));
    return 0;
  }
  nlohmann::ordered_json statement;
  for (const char *key : {"learns", "weights", "weight_updates", "operations"})
    statement[key] = manifest[key];
  fmt::print("{}\n", statement.dump(2));
  return 0;
}

int dumpOwners(mlir::MLIRContext &context, const DumpOptions &options, Progress &progress) {
  const std::string &input = options.compile.model;
  if (!llvm::sys::fs::is_directory(input)) {
    Compilation compilation(context, options.compile, progress);
    if (failed(compilation.to(Stage::kMpc)))
      return 1;
    progress.finish();
    return showOwners(manifestOf(compilation, options.compile, ""), options);
  }
  std::ifstream file(input + "/manifest.json", std::ios::binary);
  if (!file) {
    fmt::print(stderr, "error: '{}' has no manifest.json; is it the output folder of dyadc?\n",
               input);
    return 1;
  }
  return showOwners({std::istreambuf_iterator<char>(file), {}}, options);
}

int dump(mlir::MLIRContext &context, const DumpOptions &options, Progress &progress) {
  const std::string &input = options.compile.model;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  if (llvm::sys::fs::is_directory(input)) {
    module = readOutputFolder(context, options);
  } else if (llvm::StringRef(input).ends_with(".mlir")) {
    module = readModule(context, input);
  } else {
    Compilation compilation(context, options.compile, progress);
    if (failed(compilation.to(options.stage)))
      return 1;
    progress.finish();
    return show(compilation.module(options.stage), options);
  }
  return module ? show(*module, options) : 1;
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  DumpOptions options;
  CLI::App app{"Shows a program at any stage, and what it sends.", "dyad-dump"};
  app.set_version_flag("--version", std::string("dyad-dump ") + DYAD_VERSION);
  app.add_option("input", options.compile.model,
                 "an ONNX file, a module (.mlir), or an output folder of dyadc")
      ->required()
      ->type_name("MODEL.onnx|FILE.mlir|FOLDER");
  app.add_option_function<std::string>(
         "--stage", [&](const std::string &stage) { options.stage = parseStage(stage); },
         "nn: floats; fx: fixed point; mpc: protocols (default)")
      ->check(CLI::IsMember({"nn", "fx", "mpc"}))
      ->type_name("nn|fx|mpc");
  auto *costs = app.add_flag("--costs", options.costs,
                             "bytes, flows and COTs of every node and in total, for one sample");
  auto *owners = app.add_flag("--owners", options.owners,
                              "what each party learns, whose each weight is and why, and where "
                              "each node is computed")
                     ->excludes(costs);
  app.add_flag("--json", options.json, "costs or owners as JSON");
  app.add_option("--html", options.html,
                 "write a page to look at instead: the graph, operations, where values come from")
      ->excludes(costs)
      ->excludes(owners)
      ->type_name("FILE.html");
  addCompileOptions(app, options.compile);
  if (std::optional<int> status = parseCommandLine(app, argc, argv))
    return *status;
  if (options.costs && options.stage != Stage::kMpc) {
    fmt::print(stderr, "error: only mpc has costs; leave out --stage {}\n", nameOf(options.stage));
    return 2;
  }

  if (options.json && !options.costs && !options.owners) {
    fmt::print(stderr, "error: --json goes with --costs or --owners\n");
    return 2;
  }
  if (options.owners && llvm::StringRef(options.compile.model).ends_with(".mlir")) {
    fmt::print(stderr, "error: --owners needs the model or the output folder, not a module\n");
    return 2;
  }

  return guarded([&] {
    ToolContext context(options.compile.verbose);
    if (options.owners)
      return dumpOwners(context.mlir(), options, context.progress());
    return dump(context.mlir(), options, context.progress());
  });
}
