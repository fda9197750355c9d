// SPDX-License-Identifier: Apache-2.0
// A program beside its model: fixed point against floats, node by node, on given inputs. Both run
// in the clear in this process.
#pragma once

#include "compiler/driver/diagnostics.h"
#include "compiler/driver/options.h"
#include "passes/numbers/samples.h"
#include "runtime/clear/shape.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/LogicalResult.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dyad::compiler {

/// How far a node's result is from that of the float model, over all samples. Channels that
/// `scale-channels` moved are compared at their own scales.
struct NodeError {
  std::string name;
  std::string op;                   ///< of fx, the one whose result is compared
  std::string type;                 ///< as s16, 9: bits and fraction
  double largest = 0;               ///< largest |float|
  double error = 0;                 ///< largest |fixed - float|
  double own = 0;                   ///< of that, what the node adds: |fixed - its floats on fixed
                                    ///< operands|
  double mean = 0;                  ///< mean |fixed - float|
  double unit = 0;                  ///< 2^-fraction
  std::size_t sample = 0;           ///< that the largest error is in
  std::string violation;            ///< what left its type or range, if anything did; then:
  std::int64_t elementsOutside = 0; ///< in all samples
  std::size_t samplesOutside = 0;
  unsigned bitsNeeded = 0;
  /// Of the largest float; 0 where that is 0 and there is no error.
  double relative() const;
  double relativeOwn() const;
};

struct Verification {
  std::size_t samples = 0;
  std::vector<NodeError> nodes;   ///< in program order
  std::vector<NodeError> outputs; ///< by the names of outputs
  std::size_t decisions = 0;      ///< samples whose largest output is at the same place; outputs of
  std::size_t decided = 0;        ///< more than one element only, of so many
  /// What `reference` gives, by output; NaN in samples that it would refuse.
  std::map<std::string, clear::Tensor<float>> fixed;
};

/// Compiles to fixed point and runs both. Failure is a diagnostic.
mlir::LogicalResult verifyProgram(mlir::MLIRContext &context, CompileOptions options,
                                  const std::vector<std::string> &inputs, Progress &progress,
                                  Verification &result);

/// Runs both modules, the float one as `Compilation::floats` has it. `own` is measured too.
mlir::LogicalResult compareOnSamples(mlir::ModuleOp floats, mlir::ModuleOp fxModule,
                                     const Samples &samples, Progress &progress,
                                     Verification &result);

/// Writes what the fixed-point program gives, a leading axis of samples before an output's own.
/// `files` are [NAME=]FILE.npy; one without a name is of the first output that has none. Errors:
/// kBadInput, kUsage.
void writeFixedOutputs(const Verification &result, const std::vector<std::string> &files);

/// For people: outputs, the first node whose relative error is above the tolerance, the worst ones.
std::string renderVerification(const Verification &result, double tolerance);
/// The same as JSON, all nodes.
std::string verificationJson(const Verification &result, double tolerance);
/// The first node that departs or leaves its range; null for none.
const NodeError *firstDeparture(const Verification &result, double tolerance);

} // namespace dyad::compiler
