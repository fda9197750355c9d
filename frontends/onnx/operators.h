// SPDX-License-Identifier: Apache-2.0
// The table of operators: ONNX operator x opset range -> builder. One row a meaning; what changes
// between opsets is a new row or a question for `node.opset` where it is only another spelling.
#pragma once

#include "frontends/onnx/node.h"
#include "frontends/onnx/primitives.h"

namespace dyad::onnx {

struct Operator {
  const char *domain; // "" is ai.onnx
  const char *name;
  int firstOpset;
  int lastOpset; // inclusive
  /// The results, at most one for each output of the operator. Throws Refusal.
  std::vector<Value> (*build)(Node &node);
  /// Refuses attributes and outputs that no input could make acceptable; called even where an
  /// input could not be imported, so that all problems of a model are found in one run. May be
  /// null.
  void (*check)(const Node &node);
  const char *note;           // limits, for the documentation
  bool constantsOnly = false; // refused as soon as an input depends on a graph input
};

/// Rows without an upper end of their own.
inline constexpr int kNewest = 1000;

/// All rows, sorted by domain, name and opset.
const std::vector<Operator> &operators();
/// The row for a node, or null.
const Operator *findOperator(const std::string &domain, const std::string &name, int opset);
/// Whether the only result of an operator that is not supported has the shape of its first input,
/// so that what follows it can be checked all the same.
bool keepsShape(const std::string &name);

// The rows by family.
void addElementwise(std::vector<Operator> &table);
void addConstants(std::vector<Operator> &table);
void addStructure(std::vector<Operator> &table);
void addSelection(std::vector<Operator> &table);
void addResampling(std::vector<Operator> &table);
void addWindows(std::vector<Operator> &table);
void addLinear(std::vector<Operator> &table);
void addReductions(std::vector<Operator> &table);
void addFunctions(std::vector<Operator> &table);
void addNormalizations(std::vector<Operator> &table);
void addRecurrent(std::vector<Operator> &table);
void addClassical(std::vector<Operator> &table);
void addQuantized(std::vector<Operator> &table);

} // namespace dyad::onnx
