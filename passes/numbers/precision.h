// SPDX-License-Identifier: Apache-2.0
// How many significant bits activations and weights get: as few as keep the program's outputs close
// to the float network's on samples. Bits are what two-party computation is paid by.
#pragma once

#include "passes/numbers/passes.h"

namespace dyad {

struct Precision {
  int64_t activationBits = 14;
  int64_t weightBits = 11;
};

/// The smallest precision, weights first, at which the root mean square difference between the
/// outputs of the converted module and those of the float one is at most `tolerance` of the
/// outputs' own spread, and no more indices (arg-max) are wrong than at the highest. A precision
/// that `fixed` gives (non-zero) stays.
///
/// `module` is an nn module with ranges; it is not changed. `samples` are few: each costs some ten
/// executions. Where no precision is good enough, or none converts, the best one is returned, so
/// that the conversion itself reports what is wrong.
Precision choosePrecision(mlir::ModuleOp module, const NnToFxOptions &options,
                          const Samples &samples, double tolerance);

/// Multiplications of one execution of an nn module: how long a run takes.
double workOf(mlir::ModuleOp module);

/// As many samples as a search on them may take: of those that were loaded, or drawn ones where
/// there are none (null). Drawn ones are small, where most networks have their inputs, however
/// large a range they are given, and where few bits show.
Samples fewSamples(mlir::ModuleOp module, const Samples *loaded);

/// Samples number `first` and on of `syntheticSample`, over the declared ranges of the inputs, or
/// [-magnitude, magnitude] where there is none.
Samples drawSamples(mlir::ModuleOp module, double magnitude, std::size_t count,
                    std::size_t first = 0);

} // namespace dyad
