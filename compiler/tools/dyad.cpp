// SPDX-License-Identifier: Apache-2.0
// dyad: one command for what takes several. `dyad run` compiles a model and runs both parties on
// loopback; `dyad verify` compares the fixed-point program with the float model; `dyad check` says
// what a model would cost; `dyad calibrate` measures what that is counted with.
#include "compiler/driver/build.h"
#include "compiler/driver/check.h"
#include "compiler/driver/local_run.h"
#include "compiler/driver/temporary_folder.h"
#include "compiler/driver/tool_context.h"
#include "compiler/driver/verify.h"
#include "runtime/net/error.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"

#include <filesystem>
#include <fmt/format.h>
#include <optional>

using namespace dyad::compiler;
using dyad::LinkProfile;

namespace {

struct RunOptions {
  CompileOptions compile;
  LocalRun local;
  std::string keep;
  std::vector<std::string> inputs;
};

// Inputs that the server owns go to the server, all others to the client.
void assignInputs(RunOptions &options) {
  for (const std::string &input : options.inputs) {
    std::string name = input.substr(0, input.find('='));
    auto owner = options.compile.owners.find(name);
    bool server = owner != options.compile.owners.end() && owner->second == "server";
    (server ? options.local.serverInputs : options.local.inputs).push_back(input);
  }
}

std::string besideTool(const char *toolPath, const char *name) {
  namespace fs = std::filesystem;
  fs::path tool = llvm::sys::fs::getMainExecutable(toolPath, reinterpret_cast<void *>(&besideTool));
  return (tool.parent_path() / name).string();
}

int compileTo(const RunOptions &options, const char *toolPath) {
  ToolContext context(options.compile.verbose);
  return succeeded(buildProgram(context.mlir(), options.compile, toolPath, context.progress())) ? 0
                                                                                                : 1;
}

int run(RunOptions options, const char *toolPath) {
  assignInputs(options);
  options.local.serverReceives = options.compile.reveal == "server";

  std::optional<TemporaryFolder> temporary;
  bool compiled = llvm::sys::fs::is_directory(options.compile.model);
  if (compiled) {
    options.local.folder = options.compile.model;
  } else {
    if (options.keep.empty()) {
      temporary.emplace("dyad-run");
      if (temporary->path().empty()) {
        fmt::print(stderr, "error: cannot make a temporary folder; use --keep FOLDER\n");
        return 1;
      }
      options.keep = temporary->path();
    }
    options.compile.output = options.keep;
    options.local.folder = options.keep;
  }
  int status = compiled ? 0 : compileTo(options, toolPath);
  std::vector<std::string> ownStats;
  auto giveName = [&](std::string &file, const char *name) {
    if (file.empty())
      ownStats.push_back(file = options.local.folder + name);
  };
  giveName(options.local.stats, "/stats.json");
  giveName(options.local.serverStats, "/server-stats.json");
  options.local.relay = besideTool(toolPath, "dyad-relay");
  if (status == 0)
    status = runParties(options.local);
  if (status == 0)
    printRunSummary(options.local);
  if (!temporary)
    for (const std::string &file : ownStats)
      std::filesystem::remove(file);
  return status;
}

struct VerifyOptions {
  CompileOptions compile;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  double tolerance = 0.05;
  bool json = false;
};

int verify(const VerifyOptions &options) {
  ToolContext context(options.compile.verbose);
  Verification result;
  if (failed(verifyProgram(context.mlir(), options.compile, options.inputs, context.progress(),
                           result)))
    return 1;
  try {
    writeFixedOutputs(result, options.outputs);
  } catch (const dyad::Error &error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return error.code() == dyad::ErrorCode::kUsage ? 2 : 1;
  }
  fmt::print("{}", options.json ? verificationJson(result, options.tolerance)
                                : renderVerification(result, options.tolerance));
  return firstDeparture(result, options.tolerance) == nullptr ? 0 : 1;
}

CLI::App *addRun(CLI::App &app, RunOptions &options) {
  CLI::App *command = app.add_subcommand("run", "Compiles a model and runs server and client on "
                                                "loopback, with a summary of time and traffic.");
  command->add_option("model", options.compile.model, "an ONNX file, or an output folder of dyadc")
      ->required()
      ->type_name("MODEL.onnx|FOLDER");
  command->add_option("--input", options.inputs, "input samples (repeatable)")
      ->required()
      ->type_name("[NAME=]FILE.npy")
      ->allow_extra_args(false);
  command->add_option("--output", options.local.outputs, "where outputs go (repeatable)")
      ->type_name("[NAME=]FILE.npy")
      ->allow_extra_args(false);
  command->add_flag("--raw", options.local.raw, "outputs as int64 ring values");
  command->add_option("--stats", options.local.stats, "write the client's statistics")
      ->type_name("FILE.json");
  command->add_option("--server-stats", options.local.serverStats, "write the server's statistics")
      ->type_name("FILE.json");
  command->add_option("--keep", options.keep, "compile into this folder and keep it")
      ->type_name("FOLDER");
  command
      ->add_option("--timeout", options.local.timeout, "seconds of silence before a party gives up")
      ->type_name("SECONDS");
  command->add_option("--threads", options.local.threads, "threads of each party")
      ->check(CLI::Range(1, 256))
      ->type_name("N");
  auto *stream = command->add_flag("--stream", options.local.stream,
                                   "outputs window by window, as the client's --stream");
  command
      ->add_option("--window-seconds", options.local.windowSeconds,
                   "what a window lasts, for the real-time factor")
      ->needs(stream)
      ->type_name("S");
  command->add_flag("--progress", options.local.progress, "show the client's progress");
  addLinkOption(
      *command, "--simulate", [&](const LinkProfile &link) { options.local.simulated = link; },
      "imitate this link between the parties; protocols are chosen for it, unless --network says "
      "otherwise");
  addCompileOptions(*command, options.compile);
  addReportOption(*command, options.compile);

  return command;
}

CLI::App *addVerify(CLI::App &app, VerifyOptions &options) {
  CLI::App *command = app.add_subcommand(
      "verify", "Compares the fixed-point program with the float model on given inputs, node by "
                "node: the first that departs, and the worst. Exit status 1 if one departs.");
  command->add_option("model", options.compile.model, "an ONNX file")
      ->required()
      ->type_name("MODEL.onnx");
  command->add_option("--input", options.inputs, "input samples (repeatable)")
      ->required()
      ->type_name("[NAME=]FILE.npy|FILE.npz")
      ->allow_extra_args(false);
  command
      ->add_option("--output", options.outputs,
                   "where outputs of the fixed-point program go, as floats (repeatable)")
      ->type_name("[NAME=]FILE.npy")
      ->allow_extra_args(false);
  command
      ->add_option("--tolerance", options.tolerance,
                   "largest error, as a part of a node's largest value (default 0.05)")
      ->check(CLI::NonNegativeNumber)
      ->type_name("PART");
  command->add_flag("--json", options.json, "all nodes, as JSON");
  addCompileOptions(*command, options.compile);
  return command;
}

CLI::App *addCheck(CLI::App &app, CheckOptions &options) {
  CLI::App *command = app.add_subcommand(
      "check",
      "Whether a model is supported, all that is not in one go, and what it would cost on a "
      "LAN and a WAN: seconds, bytes, flows, memory. Compiles nothing. Exit status 1 if it "
      "is not supported.");
  command->add_option("model", options.compile.model, "an ONNX file")
      ->required()
      ->type_name("MODEL.onnx");
  command->add_flag("--json", options.json, "as JSON");
  command->add_flag("--exact", options.exact,
                    "choose numbers as dyadc does, however long that takes; else those of large "
                    "models are typical ones");
  addCompileOptions(*command, options.compile);
  return command;
}

// Another program does it, which links the parties' runtime; this one only has its name.
int calibrate(const char *toolPath, const std::vector<std::string> &options) {
  std::vector<std::string> command{besideTool(toolPath, "dyad-calibrate")};
  command.insert(command.end(), options.begin(), options.end());
  return runTool(command);
}

CLI::App *addCalibrate(CLI::App &app) {
  CLI::App *command = app.add_subcommand(
      "calibrate", "Measures this machine, and the link to another one, for --machine and "
                   "--network; `dyad calibrate --help` has its options.");
  command->set_help_flag();
  command->prefix_command();
  return command;
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  CLI::App app{"Two-party inference from ONNX models. See also: dyadc, dyad-dump, dyad-opt.",
               "dyad"};
  app.set_version_flag("--version", std::string("dyad ") + DYAD_VERSION);
  app.require_subcommand(1);

  RunOptions runOptions;
  VerifyOptions verifyOptions;
  CheckOptions checkOptions;
  CLI::App *runCommand = addRun(app, runOptions);
  CLI::App *verifyCommand = addVerify(app, verifyOptions);
  CLI::App *checkCommand = addCheck(app, checkOptions);
  CLI::App *calibrateCommand = addCalibrate(app);

  if (std::optional<int> status = parseCommandLine(app, argc, argv))
    return *status;
  if (calibrateCommand->parsed())
    return calibrate(argv[0], calibrateCommand->remaining());
  if (verifyCommand->parsed())
    return guarded([&] { return verify(verifyOptions); });
  if (checkCommand->parsed())
    return guarded([&] { return checkModel(checkOptions); });
  if (runOptions.local.simulated && runCommand->count("--network") == 0)
    runOptions.compile.network = *runOptions.local.simulated;
  return guarded([&] { return run(std::move(runOptions), argv[0]); });
}
