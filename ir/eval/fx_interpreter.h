// SPDX-License-Identifier: Apache-2.0
// Execution of fx programs: the exact integer semantics that `reference` has too, on the same
// kernels. Where `reference` stops at the first value out of range, this can collect them all, to
// tell which widths a model needs.
#pragma once

#include "ir/eval/program.h"

#include <functional>

namespace dyad {

/// A value outside its type, its fx.assume, or an input outside its declared range.
struct FxViolation {
  enum class Kind {
    kWidth,  ///< does not fit its type
    kAssume, ///< outside the fx.assume that it passes
    kInput,  ///< an input's float outside [low, high], or no number
    kKernel, ///< beyond 126 bits, or a function of more than 64: what follows is not computed
  };
  Kind kind = Kind::kWidth;
  mlir::Operation *op = nullptr;
  std::string node;        ///< name of the ONNX node; the input's name for kInput
  clear::Wide worst = 0;   ///< the element farthest outside
  std::int64_t count = 0;  ///< elements outside
  unsigned bitsNeeded = 0; ///< width that would hold the worst, in the type's signedness if it can
  unsigned bitsGiven = 0;  ///< width of the type
  std::int64_t low = 0;    ///< range of the type or the assumption
  std::int64_t high = 0;
  /// What was found and what is allowed; the node is the diagnostic's location.
  std::string message;
};

/// A program output as integers, and how to read them: x / 2^fraction.
struct FxOutput {
  clear::Tensor<std::int64_t> integers;
  int fraction = 0;
  clear::Tensor<float> floats() const;
};

struct FxRun {
  std::map<std::string, FxOutput>
      outputs;                         ///< none of a kInput or kKernel violation, or beyond 64 bits
  std::vector<FxViolation> violations; ///< in program order
};

/// Integers of the states of a program, by name.
using FxStates = std::map<std::string, clear::Tensor<std::int64_t>>;

enum class FxMode {
  kCollect, ///< go on with the exact value, in up to 126 bits, and report all violations
  kStop,    ///< the first violation is a diagnostic and a failure, as in `reference`
};

/// Runs the fx program of a module, many times if need be. The module must outlive it and not
/// change. Weights are read once; every other value is freed after its last use.
class FxInterpreter {
public:
  /// Called for each result that 64 bits hold, in program order, weights included.
  using Observer = std::function<void(mlir::Value, const clear::Tensor<std::int64_t> &)>;

  /// Failure is a diagnostic: the module is no single straight-line fx program, a weight has no
  /// value, or an operation is left that nothing executes (fx.requantize).
  static mlir::FailureOr<FxInterpreter> create(mlir::ModuleOp module);

  /// One execution on floats of the inputs' names and shapes. Failure is a diagnostic at the
  /// operation. `states` as with NnInterpreter; a state whose next value depends on what could not
  /// be computed stays as it was.
  mlir::FailureOr<FxRun> run(const FloatTensors &inputs, FxMode mode, const Observer &observer = {},
                             FxStates *states = nullptr) const;

private:
  using Integers = clear::Tensor<std::int64_t>;
  using Shared = std::shared_ptr<const Integers>;

  StraightLine program_;
  llvm::DenseMap<mlir::Operation *, Shared> constants_; // by fx.constant
};

/// The integers of an fx.weight, unsigned types zero extended. Errors: dyad::Error (kBadInput).
clear::Tensor<std::int64_t> fxWeightValue(mlir::Operation *weight);

/// Executes one pure fx operation other than fx.constant, without checking the result's range.
/// Errors: dyad::Error (kOutOfRange for what int64 does not hold).
clear::Tensor<std::int64_t>
evaluateFx(mlir::Operation *op, const std::vector<const clear::Tensor<std::int64_t> *> &operands);

} // namespace dyad
