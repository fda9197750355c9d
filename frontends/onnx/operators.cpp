// SPDX-License-Identifier: Apache-2.0
// The table of operators, put together from its families, and the page made of it.
#include "frontends/onnx/operators.h"

#include "frontends/onnx/import.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace dyad::onnx {

const std::vector<Operator> &operators() {
  static const std::vector<Operator> kTable = [] {
    std::vector<Operator> table;
    for (auto *add : {addElementwise, addConstants, addStructure, addSelection, addResampling,
                      addWindows, addLinear, addReductions, addFunctions, addNormalizations,
                      addRecurrent, addClassical, addQuantized})
      add(table);
    std::sort(table.begin(), table.end(), [](const Operator &a, const Operator &b) {
      return std::tuple(llvm::StringRef(a.domain), llvm::StringRef(a.name), a.firstOpset) <
             std::tuple(llvm::StringRef(b.domain), llvm::StringRef(b.name), b.firstOpset);
    });
    return table;
  }();
  return kTable;
}

const Operator *findOperator(const std::string &domain, const std::string &name, int opset) {
  for (const Operator &row : operators())
    if (name == row.name && domain == row.domain && row.firstOpset <= opset &&
        opset <= row.lastOpset)
      return &row;
  return nullptr;
}

bool keepsShape(const std::string &name) {
  static constexpr std::array kNames = {"Acos",    "Acosh", "Asin",  "Asinh",          "Atan",
                                        "Atanh",   "Ceil",  "Cosh",  "CumSum",         "Floor",
                                        "Hardmax", "LRN",   "Round", "Shrink",         "Sign",
                                        "Sinh",    "Swish", "Tan",   "ThresholdedRelu"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::vector<OperatorEntry> listOperators() {
  std::vector<OperatorEntry> entries;
  for (const Operator &row : operators())
    entries.push_back(
        {row.domain, row.name, row.firstOpset, std::min(row.lastOpset, kLastOpset), row.note});
  entries.push_back({"", "If", kFirstOpset, kLastOpset, "constant condition"});
  entries.push_back({"", "Loop", kFirstOpset, kLastOpset, "constant course; unrolled"});
  entries.push_back({"", "Scan", 9, kLastOpset, "unrolled"});
  std::sort(entries.begin(), entries.end(), [](const OperatorEntry &a, const OperatorEntry &b) {
    return std::tie(a.domain, a.name, a.firstOpset) < std::tie(b.domain, b.name, b.firstOpset);
  });
  return entries;
}

std::string operatorsPage() {
  std::string page = fmt::format(
      "# Supported ONNX operators\n\n"
      "Generated from the importer's table (`dyadc --list-operators`); a row is one meaning of an "
      "operator over a range of opsets.\nOpsets {} to {} of `ai.onnx` are read. Functions of the "
      "model itself are inlined, whatever their domain.\n\n"
      "An operator whose inputs are all constant is computed while compiling, where the table says "
      "so also with integers and bools; \"of constants\" means that it is supported only then. A "
      "*constant* input is an initializer, a result of constants, or a graph input fixed with "
      "`--set`. What the table calls *public* becomes part of the program that both parties see, "
      "as do shapes, indices and attributes; all other constants stay private to the server.\n\n"
      "| operator | opsets | limits |\n|---|---|---|\n",
      kFirstOpset, kLastOpset);
  for (const OperatorEntry &entry : listOperators()) {
    std::string range = entry.firstOpset == entry.lastOpset
                            ? std::to_string(entry.firstOpset)
                            : fmt::format("{} - {}", entry.firstOpset, entry.lastOpset);
    page += fmt::format("| {}{} | {} | {} |\n", entry.domain.empty() ? "" : entry.domain + ".",
                        entry.name, range, entry.note);
  }
  return page;
}

} // namespace dyad::onnx
