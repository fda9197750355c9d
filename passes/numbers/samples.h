// SPDX-License-Identifier: Apache-2.0
// Samples of a model's inputs: read from .npy and .npz files, and matched to
// the nn.input or fx.input operations of a module by name.
#pragma once

#include "ir/eval/program.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LogicalResult.h"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dyad {

/// For each input name, `count` times the input's elements in row-major order.
struct Samples {
  std::size_t count = 0;
  bool isDrawn = false; ///< by the compiler, not given
  std::map<std::string, std::vector<float>> values;

  /// Element values of sample `index` of an input.
  std::vector<float> at(const std::string &input, std::size_t index) const {
    const std::vector<float> &all = values.at(input);
    std::size_t size = count == 0 ? 0 : all.size() / count;
    return {all.begin() + static_cast<std::ptrdiff_t>(index * size),
            all.begin() + static_cast<std::ptrdiff_t>((index + 1) * size)};
  }
};

/// One sample as an interpreter takes it, of inputs of these names and shapes.
FloatTensors inputsOf(const std::map<std::string, clear::Shape> &shapes, const Samples &samples,
                      std::size_t index);

/// Bits kept free above what so many samples show, where nobody says how many: 1, and up to 1 more
/// for fewer than 16, since the next one may exceed few the more.
double headroomFor(std::size_t count);

/// Loads `[NAME=]FILE.npy` and `FILE.npz` specifications (an unnamed .npy belongs to the first
/// input that has none yet). Arrays are of the input's shape or have one more leading axis of
/// samples; any type that readNpy knows. Several files of one input are joined. Samples follow each
/// other in time: a program's states go from one to the next. Those of a state itself are optional,
/// any number of them, and only show what range it has.
/// Failures (unreadable, truncated, of another name, shape or number, not finite) are diagnostics
/// on the module that name the file and the input.
mlir::FailureOr<Samples> loadSamples(mlir::ModuleOp module,
                                     const std::vector<std::string> &specifications);
/// For a pass that is given samples or, alone in dyad-opt, names of files: loads these if there are
/// any and nothing was loaded before.
mlir::LogicalResult loadOnce(mlir::ModuleOp module, llvm::ArrayRef<std::string> specifications,
                             std::shared_ptr<const Samples> &loaded);

} // namespace dyad
