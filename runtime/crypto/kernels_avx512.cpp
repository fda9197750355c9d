// SPDX-License-Identifier: Apache-2.0
// The kernels compiled for one instruction set, see kernels_impl.h and the flags in CMakeLists.txt.
#include "runtime/crypto/kernels_impl.h"

namespace dyad {

extern const Kernels kAvx512Kernels;
const Kernels kAvx512Kernels = {"avx512",  counterMode, hash,         sumLeaves,
                                transpose, growTree,    addSparseSums};

} // namespace dyad
