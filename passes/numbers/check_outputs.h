// SPDX-License-Identifier: Apache-2.0
// Whether a fixed-point program still computes its model: outputs beside those of the float
// network, on samples. Widths may all be enough, and the numbers too coarse for what the network
// computes.
#pragma once

#include "passes/numbers/samples.h"

#include "mlir/IR/BuiltinOps.h"

namespace dyad {

/// Few of the samples, or drawn ones over the declared or guessed ranges where there are none.
Samples outputSamples(mlir::ModuleOp floats, const Samples *loaded);

/// Runs the float network and the fx program. Per output, the root mean square of the difference
/// is compared with that of the output: half of it or more (nine tenths on drawn samples), or most
/// indices wrong on given ones, is refused at the first node that departs so far. So much of the
/// spread, or a twentieth of the size, is a warning. States go from sample to sample; a sample that
/// the program refuses does not count.
mlir::LogicalResult checkOutputs(mlir::ModuleOp floats, mlir::ModuleOp fixed,
                                 const Samples &samples);

} // namespace dyad
