// SPDX-License-Identifier: Apache-2.0
// AES-128 with the processor's instructions: key schedule and counter mode. The wide forms are in
// kernels.h and chosen at run time.
#pragma once

#include "runtime/crypto/block.h"

#include <array>
#include <cstddef>

namespace dyad {

struct AesKey {
  std::array<Block, 11> rounds;
};

AesKey expandKey(Block key);
Block encrypt(const AesKey &key, Block plain);

} // namespace dyad
