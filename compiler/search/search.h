// SPDX-License-Identifier: Apache-2.0
// Scales of every value and weight, each as small as the whole program's accuracy allows, where
// that saves the most time: the search behind --max-accuracy-loss, --min-agreement and --max-error.
#pragma once

#include "compiler/driver/diagnostics.h"
#include "compiler/search/accuracy.h"
#include "passes/numbers/converter.h"
#include "passes/numbers/passes.h"

#include <functional>

namespace dyad::compiler {

/// The stages that a candidate goes through, on modules that are the search's own.
struct SearchStages {
  /// nn with ranges becomes fx.
  std::function<mlir::LogicalResult(mlir::ModuleOp, const Conversion &)> toFx;
  /// fx becomes mpc.
  std::function<mlir::LogicalResult(mlir::ModuleOp)> toMpc;
};

struct SearchOptions {
  AccuracyGoal goal;
  NumbersConfig given;   ///< what is fixed is not searched
  NnToFxOptions numbers; ///< for the precision to start from
  std::string costs;     ///< text of all that costs depend on beside scales
  std::string
      evaluations; ///< file that keeps them, so that a search goes on where it ended; empty: none
};

/// What a program costs, set-up and stock included, and how accurate it is.
struct SearchPoint {
  Accuracy accuracy;
  double seconds = 0; ///< the time model's, on the link of the stages
  std::uint64_t bytes = 0;
  std::uint64_t flows = 0;
};

struct SearchResult {
  NumbersConfig config; ///< scales of all values and weights; widths follow from ranges
  SearchPoint before;   ///< one number of bits for all values and one for all weights
  SearchPoint after;
  std::size_t evaluations = 0;
  std::size_t restored = 0; ///< of these, from the file of an earlier search
  double seconds = 0;       ///< that the search took
};

/// A line for people.
std::string describe(const SearchResult &result);
/// Writes the configuration that was found, and how. Failure is a diagnostic.
mlir::LogicalResult writeConfig(mlir::ModuleOp module, const std::string &path,
                                const SearchResult &result);
/// Reads indices, one a sample, of any integer or float type. Failure is a diagnostic.
mlir::LogicalResult loadLabels(mlir::MLIRContext &context, const std::string &path,
                               std::vector<std::int64_t> &labels);

/// Finds scales for an nn module with ranges, which is not changed.
///
/// Rounding errors of different values are nearly independent, so that the squares of what they do
/// to an output add up, and each bit less makes its square four times as large. One execution for
/// each group of values that share a scale, and for each weight, measures its square, and what its
/// bits cost; the cheapest split of what the goal allows follows, is evaluated in full, and
/// corrected by what is found. What is left is used up bit by bit, each step evaluated in full.
///
/// Steps of a recurrent network move together. Failures are diagnostics: a goal that no scales
/// reach, a file of evaluations that cannot be written.
mlir::FailureOr<SearchResult> searchNumbers(mlir::ModuleOp module, const Samples &samples,
                                            const SearchOptions &options,
                                            const SearchStages &stages, Progress &progress);

} // namespace dyad::compiler
