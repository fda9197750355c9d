// SPDX-License-Identifier: Apache-2.0
// How the compiler speaks to a person: diagnostics with ONNX node names, and progress of long work.
#pragma once

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <chrono>
#include <string>

namespace dyad::compiler {

/// A diagnostic as one line: `node 'layer3/conv1': what is wrong`.
std::string lineOf(mlir::Diagnostic &diagnostic);

/// While alive, prints the context's diagnostics to stderr as
/// `error: node 'layer3/conv1': what is wrong`, notes indented below, and counts errors.
class DiagnosticPrinter {
public:
  explicit DiagnosticPrinter(mlir::MLIRContext &context);
  unsigned errors() const { return errors_; }

private:
  void print(mlir::Diagnostic &diagnostic);

  unsigned errors_ = 0;
  mlir::ScopedDiagnosticHandler handler_;
};

/// One line on stderr for each step of a long command, with its seconds when it is done. Steps of
/// less than a tenth of a second stay silent unless `verbose`.
class Progress {
public:
  explicit Progress(bool verbose) : verbose_(verbose) {}
  ~Progress() { finish(); }
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// Ends the step before, if any, and begins another.
  void step(const std::string &what);
  void finish();
  /// Says on a terminal how far the step is: a bar for `done` of `total`, and a few words.
  void at(std::size_t done, std::size_t total, const std::string &words);
  /// A line that stays.
  void note(const std::string &text);

private:
  bool verbose_;
  std::string current_;
  std::chrono::steady_clock::time_point begin_;
};

} // namespace dyad::compiler
