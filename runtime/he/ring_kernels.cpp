// SPDX-License-Identifier: Apache-2.0
// The choice among the kernels.
#include "runtime/he/ring_kernels.h"

#include <atomic>

namespace dyad::he {

extern const RingKernels kScalarRingKernels;
extern const RingKernels kAvx2RingKernels;
extern const RingKernels kAvx512RingKernels;
extern const RingKernels kIfmaRingKernels;

namespace {

std::atomic<const RingKernels *> &inUse() {
  static std::atomic<const RingKernels *> set = allRingKernels().back();
  return set;
}

} // namespace

std::vector<const RingKernels *> allRingKernels() {
  __builtin_cpu_init();
  std::vector<const RingKernels *> sets{&kScalarRingKernels};
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    return sets;
  sets.push_back(&kAvx2RingKernels);
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq"))
    return sets;
  sets.push_back(&kAvx512RingKernels);
  if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma"))
    sets.push_back(&kIfmaRingKernels);
  return sets;
}

const RingKernels &ringKernels() { return *inUse().load(std::memory_order_relaxed); }

void useRingKernels(const RingKernels *set) {
  inUse().store(set != nullptr ? set : allRingKernels().back());
}

} // namespace dyad::he
