// SPDX-License-Identifier: Apache-2.0
// The choice among the kernels.
#include "runtime/he/ring_kernels.h"

namespace dyad::he {

extern const RingKernels kScalarRingKernels;
extern const RingKernels kIfmaRingKernels;

std::vector<const RingKernels *> allRingKernels() {
  __builtin_cpu_init();
  std::vector<const RingKernels *> sets{&kScalarRingKernels};
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma"))
    sets.push_back(&kIfmaRingKernels);
  return sets;
}

const RingKernels &ringKernels() {
  static const RingKernels *const best = allRingKernels().back();
  return *best;
}

} // namespace dyad::he
