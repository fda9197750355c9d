// SPDX-License-Identifier: Apache-2.0
#include "compiler/driver/diagnostics.h"

#include "ir/structure.h"

#include <fmt/format.h>
#include <unistd.h>

namespace dyad::compiler {

namespace {

// Where a diagnostic points: an ONNX node, a line of a textual module, or nothing.
std::string prefixOf(mlir::Location location) {
  if (llvm::StringRef node = nodeName(location); !node.empty())
    return fmt::format("node '{}': ", node.str());
  std::string position;
  location->walk([&](mlir::Location part) {
    if (auto line = mlir::dyn_cast<mlir::FileLineColLoc>(part)) {
      position =
          fmt::format("{}:{}:{}: ", line.getFilename().str(), line.getLine(), line.getColumn());
      return mlir::WalkResult::interrupt();
    }
    return mlir::WalkResult::advance();
  });
  return position;
}

const char *nameOf(mlir::DiagnosticSeverity severity) {
  switch (severity) {
  case mlir::DiagnosticSeverity::Error:
    return "error";
  case mlir::DiagnosticSeverity::Warning:
    return "warning";
  case mlir::DiagnosticSeverity::Note:
    return "note";
  case mlir::DiagnosticSeverity::Remark:
    break;
  }
  return "remark";
}

} // namespace

std::string lineOf(mlir::Diagnostic &diagnostic) {
  std::string text = diagnostic.str();
  // The frontend names node, operator and opset itself.
  return llvm::StringRef(text).starts_with("node '") ? text
                                                     : prefixOf(diagnostic.getLocation()) + text;
}

DiagnosticPrinter::DiagnosticPrinter(mlir::MLIRContext &context)
    : handler_(&context, [this](mlir::Diagnostic &diagnostic) { print(diagnostic); }) {
  // People know nodes, not operations: the location names one.
  context.printOpOnDiagnostic(false);
}

void DiagnosticPrinter::print(mlir::Diagnostic &diagnostic) {
  fmt::print(stderr, "{}: {}\n", nameOf(diagnostic.getSeverity()), lineOf(diagnostic));
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    fmt::print(stderr, "  {}: {}{}\n", nameOf(note.getSeverity()), prefixOf(note.getLocation()),
               note.str());
  if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
    ++errors_;
}

void Progress::step(const std::string &what) {
  finish();
  current_ = what;
  begin_ = std::chrono::steady_clock::now();
  if (isatty(STDERR_FILENO) != 0)
    fmt::print(stderr, "{} ...", what);
}

void Progress::at(std::size_t done, std::size_t total, const std::string &words) {
  if (isatty(STDERR_FILENO) == 0)
    return;
  constexpr std::size_t kWidth = 24;
  const std::size_t filled = std::min(kWidth, total == 0 ? kWidth : kWidth * done / total);
  fmt::print(stderr, "\r\033[K{} [{}{}] {}", current_, std::string(filled, '='),
             std::string(kWidth - filled, ' '), words);
}

void Progress::note(const std::string &text) {
  fmt::print(stderr, "{}{}\n", isatty(STDERR_FILENO) != 0 ? "\r\033[K" : "", text);
}

void Progress::finish() {
  if (current_.empty())
    return;
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  bool terminal = isatty(STDERR_FILENO) != 0;
  if (terminal)
    fmt::print(stderr, "\r\033[K");
  if (verbose_ || seconds >= 0.1)
    fmt::print(stderr, "{:<44} {:6.2f} s\n", current_, seconds);
  current_.clear();
}

} // namespace dyad::compiler
