// SPDX-License-Identifier: Apache-2.0
// The steps of a recurrent network, found again after it was unrolled: what does the same with the
// same weights gets one range, so that all steps have the same numbers and functions.
#pragma once

#include "passes/analysis/float_ranges.h"

#include "mlir/IR/Block.h"
#include "llvm/ADT/DenseMap.h"

namespace dyad {

/// Replaces the ranges of values that are one of several steps by their hull. Two values are steps
/// of one kind if the operations behind them, kTieDepth deep, are the same with the same weights,
/// where a weight of more than one number has several users. Positions of slices do not count.
void tieSteps(mlir::Block &block, llvm::DenseMap<mlir::Value, FloatRange> &ranges);

/// A number for the kind of each operation of which there are several steps; equal numbers are
/// steps of one kind. They mean nothing in another process.
llvm::DenseMap<mlir::Operation *, std::size_t> stepKinds(mlir::Block &block);

} // namespace dyad
