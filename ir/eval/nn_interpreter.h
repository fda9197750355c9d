// SPDX-License-Identifier: Apache-2.0
// Execution of nn programs in floats, on the kernels of runtime/clear: for calibration, for folding
// constants, and as the float side of comparisons.
#pragma once

#include "ir/eval/program.h"

#include <functional>
#include <variant>

namespace dyad {

/// A value of nn: floats, or the indices of arg-max.
using NnValue = std::variant<clear::Tensor<float>, clear::Tensor<std::int64_t>>;
using NnValues = std::map<std::string, NnValue>;

/// The values of an nn.weight. Errors: dyad::Error (kBadInput) when it stands without them.
NnValue nnWeightValue(mlir::Operation *weight);

/// Executes one pure nn operation other than nn.constant. Errors: dyad::Error of the kernel.
NnValue evaluateNn(mlir::Operation *op, const std::vector<const NnValue *> &operands);

/// Runs the nn program of a module, many times if need be. The module must outlive it and not
/// change. Weights are read once; every other value is freed after its last use.
class NnInterpreter {
public:
  /// Called for each float result, in program order, weights included.
  using Observer = std::function<void(mlir::Value, const clear::Tensor<float> &)>;

  /// Failure is a diagnostic: the module is no single straight-line nn program, or a weight has no
  /// value (dyad-opt --weights).
  static mlir::FailureOr<NnInterpreter> create(mlir::ModuleOp module);

  /// One execution; inputs of the program's names and shapes. Failure is a diagnostic at the
  /// operation: an input missing or of another shape, or an error of a kernel. States are read from
  /// `states`, those that are not there have their initial value, and the next ones are left there;
  /// null: each run is the first.
  mlir::FailureOr<NnValues> run(const FloatTensors &inputs, const Observer &observer = {},
                                FloatTensors *states = nullptr) const;

private:
  using Shared = std::shared_ptr<const NnValue>;

  StraightLine program_;
  llvm::DenseMap<mlir::Operation *, Shared> constants_; // by nn.constant
};

} // namespace dyad
