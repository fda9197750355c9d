// SPDX-License-Identifier: Apache-2.0
// What a program's integers did on samples: their extremes, and everything that left its type or
// range, counted over all samples.
#pragma once

#include "ir/eval/fx_interpreter.h"
#include "passes/numbers/magnitudes.h"

#include "llvm/ADT/DenseMap.h"

#include <cstdint>
#include <string>
#include <vector>

namespace dyad {

/// Smallest and largest integer of a value on samples, and what half and 99 % of the magnitudes
/// stay within, to an eighth.
struct SeenRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
  double median = 0;
  double most = 0;
};
using SeenRanges = llvm::DenseMap<mlir::Value, SeenRange>;

/// What left its type or range at a node, over all samples: of its operations the one that lacks
/// most bits.
struct Departure {
  FxViolation worst;         ///< of the sample that lacks most bits
  std::int64_t elements = 0; ///< outside, in all samples
  std::size_t samples = 0;   ///< with one outside
};

/// Collects runs of one program in FxMode::kCollect.
class Shadow {
public:
  /// `seen`: whether `seen` will be asked for, which takes a look at every element.
  explicit Shadow(bool seen = false) : isSeenWanted_(seen) {}

  /// To be given to every run; outlived by this.
  FxInterpreter::Observer observer();
  /// After each run.
  void add(const FxRun &run);

  /// Empty unless it was wanted.
  SeenRanges seen() const;
  /// One for each node, in program order.
  std::vector<Departure> departures() const;
  /// "12 elements in 3 of 16 samples".
  std::string extent(const Departure &departure) const;

private:
  bool isSeenWanted_;
  std::size_t samples_ = 0;
  SeenRanges seen_;
  llvm::DenseMap<mlir::Value, Magnitudes> magnitudes_;
  std::vector<Departure> departures_; ///< by operation, in order of the first time
};

/// Bits that a violation lacks; not positive where only an assumption is violated.
int bitsMissing(const FxViolation &violation);

} // namespace dyad
