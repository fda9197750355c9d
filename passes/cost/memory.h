// SPDX-License-Identifier: Apache-2.0
// About how much memory each party of a lowered program takes at its peak, without running it.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>

namespace dyad {

/// Bytes at the peak. A party's memory is the sum of
///   process     what any program takes: code, keys, the first blocks of the OT extension;
///   stock       16 bytes for each correlated OT that is made ahead (at most 2^20 a direction), 0.6
///               for each one that is kept as a round of silent OT;
///   weights     8 bytes for each value that the server keeps for the program (none at the client);
///   step        the largest sum, over the operations, of the shares that are alive there (8 bytes
///               an element), twice the larger of its messages, and at the server all ciphertexts
///               of its input where it is a layer by RLWE.
struct PartyMemory {
  double process = 0;
  double stock = 0;
  double weights = 0;
  double step = 0;
  double total() const { return process + stock + weights + step; }
};

struct MemoryEstimate {
  PartyMemory server;
  PartyMemory client;
};

MemoryEstimate memoryOf(mlir::ModuleOp module);

} // namespace dyad
