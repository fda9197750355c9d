// SPDX-License-Identifier: Apache-2.0
// How far a fixed-point program may be from the float model, and how far it is: what a search for
// fewer bits spends.
#pragma once

#include "passes/numbers/samples.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LogicalResult.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dyad::compiler {

/// What a user asks for, against the float model; all that is given has to hold.
struct AccuracyGoal {
  std::optional<double> maxError;        ///< of each output, root mean square by its spread
  std::optional<double> minAgreement;    ///< share of decisions that are the float model's
  std::optional<double> maxAccuracyLoss; ///< share of decisions that get wrong
  std::vector<std::int64_t> labels;      ///< right decisions, one a sample; none: the float model's

  bool isGiven() const { return maxError || minAgreement || maxAccuracyLoss; }
};

/// How far a program was from the model, on the samples that it was run on.
struct Accuracy {
  /// By output and state: (error / spread / tolerance)^2. Independent errors add up.
  std::map<std::string, double> spent;
  double error = 0;           ///< the largest error / spread, of all outputs
  std::size_t decisions = 0;  ///< that both made
  std::size_t differing = 0;  ///< those that count and are not the float model's
  std::size_t violations = 0; ///< values outside their type or range, and inputs refused
  /// The most that an output spends; above 1 the goal is missed.
  double mostSpent() const;
};

/// The float model's outputs and decisions on samples, and what they allow.
///
/// A decision is the index of the largest of the numbers that an output has along its last axis of
/// more than one element, or what an arg-max in the model says. A goal on decisions becomes one on
/// errors: with errors of deviation s of each score, a decision whose scores are d apart changes
/// with a probability of at most Q(d / (s sqrt 2)), and s is the largest for which the mean of this
/// over the samples is a quarter of what is allowed. A quarter, since these samples are not the
/// ones that count; and never more than a tenth of the spread, so that scores stay scores.
class AccuracyJudge {
public:
  /// `module`: nn, not changed; may be gone afterwards. Failure is a diagnostic: floats cannot be
  /// executed, or a goal on decisions where nothing decides.
  static mlir::FailureOr<AccuracyJudge> create(mlir::ModuleOp module, AccuracyGoal goal,
                                               const Samples &samples);

  /// Runs an fx module on the first `count` samples. Failure: it cannot be executed.
  mlir::FailureOr<Accuracy> judge(mlir::ModuleOp fxModule, std::size_t count) const;
  /// Whether the goal is met, decisions included: those of so few samples may not differ more often
  /// than the goal says.
  bool isMet(const Accuracy &accuracy) const;

  /// The smallest error / spread that any output is allowed.
  double tolerance() const;
  /// A text that is the same for the same floats and tolerances only.
  std::string fingerprint() const;

private:
  AccuracyJudge(AccuracyGoal goal, const Samples &samples)
      : goal_(std::move(goal)), samples_(samples) {}

  /// By name: outputs, states (behind kStatePrefix) and arg-max operands (behind kScoresPrefix).
  using Floats = std::map<std::string, std::vector<float>>;

  mlir::LogicalResult runFloats(mlir::ModuleOp module);
  void setTolerances();
  std::optional<double> allowedShare() const;
  double flipsAt(const std::string &name, double deviation) const;
  bool counts(std::size_t sample, std::int64_t decision) const;

  AccuracyGoal goal_;
  Samples samples_;
  std::map<std::string, std::vector<std::int64_t>> inputs_; ///< shapes
  std::vector<Floats> floats_;                              ///< by sample
  std::vector<std::map<std::string, std::vector<std::int64_t>>> indices_;
  std::map<std::string, std::int64_t> rows_; ///< what decides: numbers of one decision
  std::map<std::string, double> spreads_;
  std::map<std::string, double> tolerances_;
};

} // namespace dyad::compiler
