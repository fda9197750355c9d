// SPDX-License-Identifier: Apache-2.0
// The choice among the kernels.
#include "runtime/crypto/kernels.h"

#include "runtime/net/error.h"

#include <vector>

namespace dyad {

extern const Kernels kSseKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;

namespace {

std::vector<const Kernels *> usable() {
  __builtin_cpu_init();
  std::vector<const Kernels *> result;
  if (!__builtin_cpu_supports("aes") || !__builtin_cpu_supports("sse4.1"))
    return result;
  result.push_back(&kSseKernels);
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("vaes"))
    return result;
  result.push_back(&kAvx2Kernels);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    result.push_back(&kAvx512Kernels);
  return result;
}

const std::vector<const Kernels *> &sets() {
  static const std::vector<const Kernels *> all = usable();
  return all;
}

} // namespace

const Kernels &kernels() {
  DYAD_REQUIRE(!sets().empty(), kOutOfRange,
               "this processor has no AES instructions; Dyad's parties need them (any x86-64 "
               "processor since about 2012 has them)");
  return *sets().back();
}

const Kernels *const *allKernels(std::size_t &count) {
  count = sets().size();
  return sets().data();
}

} // namespace dyad
