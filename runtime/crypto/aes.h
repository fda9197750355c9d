// SPDX-License-Identifier: Apache-2.0
// AES-128 with the processor's instructions: the key schedule and single blocks. Long runs go
// through kernels.h.
#pragma once

#include "runtime/crypto/block.h"

namespace dyad {

struct AesKey {
  Block rounds[11];
};

AesKey expandKey(Block key);

} // namespace dyad
