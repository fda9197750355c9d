// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/compile_program.h"

#include "compiler/codegen/toolchain.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <future>
#include <mutex>
#include <optional>

namespace fs = std::filesystem;

namespace dyad::compiler {
namespace {

constexpr std::size_t kMaxErrorLines = 20;

std::vector<std::string> words(llvm::StringRef text, char separator) {
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, separator, -1, /*KeepEmpty=*/false);
  return {parts.begin(), parts.end()};
}

// Where the runtime's headers and libraries are.
struct Installation {
  fs::path include;
  fs::path library;
};

// The first folder that holds `file`.
std::optional<fs::path> folderWith(const std::vector<fs::path> &folders, const fs::path &file) {
  std::error_code error;
  for (const fs::path &folder : folders)
    if (fs::exists(folder / file, error))
      return folder;
  return std::nullopt;
}

std::string findInstallation(const std::string &toolPath, Installation &found) {
  // Any function of this program: the executable's own path where argv[0] is only a name.
  const fs::path tool = llvm::sys::fs::getMainExecutable(
      toolPath.c_str(), reinterpret_cast<void *>(&findInstallation));
  const fs::path prefix = tool.parent_path().parent_path();
  const auto include = folderWith({prefix / "include" / "dyad", fs::path(DYAD_SOURCE_DIR)},
                                  "runtime/party/program.h");
  const auto library =
      folderWith({prefix / "lib", prefix / "lib" / "dyad", fs::path(DYAD_BUILD_DIR) / "lib"},
                 "libdyad_runtime.a");
  if (!include || !library)
    return fmt::format("the runtime's {} are neither beside '{}' nor where Dyad was built; build "
                       "or install Dyad again",
                       include ? "libraries (libdyad_runtime.a)" : "headers", tool.string());
  found = {*include, *library};
  return {};
}

std::string firstLines(const fs::path &file) {
  auto buffer = llvm::MemoryBuffer::getFile(file.string());
  if (!buffer)
    return {};
  std::string text;
  std::size_t count = 0;
  for (const std::string &line : words((*buffer)->getBuffer(), '\n')) {
    if (++count > kMaxErrorLines)
      return text + "...\n";
    text += line + "\n";
  }
  return text;
}

// Runs a command whose output goes to `log`; an empty string, or what went wrong.
std::string run(const std::vector<std::string> &command, const fs::path &log,
                const std::string &what) {
  auto program = llvm::sys::findProgramByName(command.front());
  if (!program)
    return fmt::format("the C++ compiler '{}' is not installed; install one, or name one in CXX",
                       command.front());
  std::vector<llvm::StringRef> arguments(command.begin(), command.end());
  const std::string logPath = log.string();
  const std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(""), llvm::StringRef(logPath),
                                                      llvm::StringRef(logPath)};
  std::string message;
  const int status = llvm::sys::ExecuteAndWait(*program, arguments, std::nullopt, redirects,
                                               /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  if (status == 0)
    return {};
  return fmt::format("{} failed with status {}: {}{}", what, status, message, firstLines(log));
}

class Builder {
public:
  Builder(const CompileRequest &request, Installation installation)
      : request_(request), installation_(std::move(installation)), folder_(request.folder),
        objects_(folder_ / "objects") {}

  std::string build() {
    std::error_code error;
    fs::create_directories(objects_, error);
    if (error)
      return fmt::format("cannot make '{}': {}", objects_.string(), error.message());
    std::string problem = buildAll();
    if (!request_.keepObjects)
      fs::remove_all(objects_, error);
    return problem;
  }

private:
  std::string buildAll() {
    auto reference = std::async(std::launch::async, [this]() -> std::string {
      if (request_.referenceSource.empty())
        return {};
      std::string problem = compile(request_.referenceSource, "reference");
      return problem.empty() ? link("reference", "reference") : problem;
    });
    std::string problem = compile(folder_ / "program.cpp", "program");
    if (problem.empty()) {
      auto client = std::async(std::launch::async, [this] { return link("program", "client"); });
      problem = link("program", "server");
      const std::string other = client.get();
      if (problem.empty())
        problem = other;
    }
    const std::string other = reference.get();
    return problem.empty() ? other : problem;
  }

  std::string compile(const fs::path &source, const std::string &name) {
    say(fmt::format("compiling {}", source.filename().string()));
    std::vector<std::string> command = words(cxxCompiler(), ' ');
    for (const std::string &flag : words(DYAD_PROGRAM_FLAGS, ';'))
      command.push_back(flag);
    // Unoptimised: the text only calls the runtime, whose libraries are optimised.
    const std::vector<std::string> rest = {
        "-std=c++20",    "-O0", "-I" + installation_.include.string(), "-c",
        source.string(), "-o",  (objects_ / (name + ".o")).string()};
    command.insert(command.end(), rest.begin(), rest.end());
    return run(command, objects_ / (name + ".log"), "compiling " + source.string());
  }

  std::string link(const std::string &object, const std::string &executable) {
    say(fmt::format("linking {}", executable));
    std::error_code error;
    fs::create_directories(folder_ / executable, error);
    auto library = [&](const std::string &name) {
      return (installation_.library / ("lib" + name + ".a")).string();
    };
    std::vector<std::string> command = words(cxxCompiler(), ' ');
    for (const std::string &flag : words(DYAD_PROGRAM_FLAGS, ';'))
      command.push_back(flag);
    const std::vector<std::string> rest = {(objects_ / (object + ".o")).string(),
                                           library("dyad_" + executable + "_main"),
                                           library("dyad_runtime"),
                                           library("dyad_clear"),
                                           library("dyad_cost"),
                                           "-static-libstdc++",
                                           "-static-libgcc",
                                           "-pthread",
                                           "-s",
                                           "-o",
                                           (folder_ / executable / executable).string()};
    command.insert(command.end(), rest.begin(), rest.end());
    for (const std::string &external : words(DYAD_EXTERNAL_LIBRARIES, ';'))
      command.push_back(external);
    return run(command, objects_ / (executable + ".link.log"), "linking " + executable);
  }

  void say(const std::string &what) {
    std::lock_guard lock(mutex_);
    if (request_.progress)
      request_.progress(what);
  }

  const CompileRequest &request_;
  Installation installation_;
  fs::path folder_;
  fs::path objects_;
  std::mutex mutex_;
};

} // namespace

std::string cxxCompiler() {
  const char *chosen = std::getenv("CXX");
  if (chosen != nullptr && *chosen != '\0')
    return chosen;
  std::error_code error;
  return fs::exists(DYAD_CXX_COMPILER, error) ? DYAD_CXX_COMPILER : "c++";
}

std::string compileProgram(const CompileRequest &request) {
  Installation installation;
  if (std::string problem = findInstallation(request.toolPath, installation); !problem.empty())
    return problem;
  return Builder(request, std::move(installation)).build();
}

} // namespace dyad::compiler
