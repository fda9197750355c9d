// SPDX-License-Identifier: Apache-2.0
// Runs the C++ compiler on generated programs and links the party executables. Runtime libraries
// and headers are found beside the tool itself, in a build tree or an installation.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace dyad::compiler {

struct CompileRequest {
  /// Output folder, which exists. Reads OUT/program.cpp and OUT/reference.cpp where `reference`,
  /// and writes OUT/server/server, OUT/client/client and OUT/reference/reference; makes the
  /// folders.
  std::string folder;
  std::string referenceSource; ///< path of reference.cpp; empty: no reference is built
  /// Path of the running tool, as argv[0] gave it: where libraries are looked for first.
  std::string toolPath;
  bool keepObjects = false;
  /// Called from worker threads, one at a time, with a sentence: "compiling program.cpp", ...
  std::function<void(const std::string &)> progress;
};

/// An empty string, or what went wrong, with the compiler's first messages.
std::string compileProgram(const CompileRequest &request);

/// The C++ compiler in use: $CXX, else the one that built Dyad, else c++.
std::string cxxCompiler();

} // namespace dyad::compiler
