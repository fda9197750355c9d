// SPDX-License-Identifier: Apache-2.0
// Passes that turn floats into fixed-point numbers (Passes.td), and their forms for a compiler that
// has the samples in memory already. Order: factors-behind-relu, scale-channels, calibrate-ranges,
// nn-to-fx, insert-truncations, widen-accumulators, verify-ranges, check-ranges.
#pragma once

#include "ir/fx/fx.h"
#include "ir/nn/nn.h"
#include "passes/numbers/config.h"
#include "passes/numbers/samples.h"
#include "passes/numbers/shadow.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace dyad {
struct FittedFunctions;

#define GEN_PASS_DECL
#include "passes/numbers/passes.h.inc"

/// The passes on loaded samples. Null samples: `factors-behind-relu`, `scale-channels`,
/// `calibrate-ranges` and `nn-to-fx` draw some, `check-ranges` does nothing. `options.samples` is
/// not read.
std::unique_ptr<mlir::Pass> createCalibrateRanges(CalibrateRangesOptions options,
                                                  std::shared_ptr<const Samples> samples);
std::unique_ptr<mlir::Pass> createScaleInputs(ScaleInputsOptions options,
                                              std::shared_ptr<const Samples> samples);
std::unique_ptr<mlir::Pass> createFactorsBehindRelu(FactorsBehindReluOptions options,
                                                    std::shared_ptr<const Samples> samples);
std::unique_ptr<mlir::Pass> createScaleChannels(ScaleChannelsOptions options,
                                                std::shared_ptr<const Samples> samples);
std::unique_ptr<mlir::Pass> createNnToFx(NnToFxOptions options,
                                         std::shared_ptr<const Samples> samples);
/// For who converts often: `config` in place of the file of the options, `chosen` receives what was
/// chosen, `fitted` keeps functions. Each may be null. They must outlive the pass.
struct Conversion {
  const NumbersConfig *config = nullptr;
  NumbersConfig *chosen = nullptr;
  FittedFunctions *fitted = nullptr;
};
std::unique_ptr<mlir::Pass> createNnToFx(NnToFxOptions options,
                                         std::shared_ptr<const Samples> samples,
                                         const Conversion &conversion);
/// `seen`, if given, gets what each value was on the samples.
std::unique_ptr<mlir::Pass> createCheckRanges(std::shared_ptr<const Samples> samples,
                                              std::shared_ptr<SeenRanges> seen = nullptr);
/// Comes before all others. Null samples: does nothing.
std::unique_ptr<mlir::Pass> createDropSaturation(std::shared_ptr<const Samples> samples);

/// Makes the passes of this folder known to pipelines written as text.
#define GEN_PASS_REGISTRATION
#include "passes/numbers/passes.h.inc"
} // namespace dyad
