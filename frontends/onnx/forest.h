// SPDX-License-Identifier: Apache-2.0
// Ensembles of decision trees as matrices, so that which feature a node compares, with what, and
// what its leaves hold stay the server's secrets: only sizes are public. See docs/classical.md.
#pragma once

#include "frontends/onnx/node.h"

#include <vector>

namespace dyad::onnx {

/// How a node decides; the other modes of ONNX are these with their children exchanged.
enum class Comparison { kAtMost, kBelow, kEqual };

struct Split {
  int64_t feature = 0;
  float threshold = 0;
  Comparison comparison = Comparison::kAtMost;
  /// Where to go: a split of the tree, or ~k for its leaf k.
  int64_t ifTrue = 0;
  int64_t ifFalse = 0;
};

struct Leaf {
  std::vector<std::pair<int64_t, float>> weights; ///< target and weight
};

struct Tree {
  int64_t root = 0; ///< as Split::ifTrue
  std::vector<Split> splits;
  std::vector<Leaf> leaves;
};

enum class Aggregate { kSum, kAverage, kMin, kMax };

struct Forest {
  int64_t targets = 1;
  Aggregate aggregate = Aggregate::kSum;
  std::vector<Tree> trees;
};

/// Brings a decision of ONNX into the split's; refuses unknown modes. Thresholds that nothing is
/// beyond are replaced by their outcome.
void setMode(Split &split, llvm::StringRef mode);

/// [rows, targets] of what the trees' leaves hold for each row of x, aggregated. Refuses forests
/// whose nodes are no trees, and features that x does not have.
Value evaluate(Node &node, const Value &x, Forest forest);

} // namespace dyad::onnx
