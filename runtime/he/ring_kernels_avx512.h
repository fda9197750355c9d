// SPDX-License-Identifier: Apache-2.0
// What the set with 52-bit multiply-add shares with the plain AVX-512 one: transforms are faster in
// floating point. Internal.
#pragma once

#include "runtime/he/ring_kernels.h"

namespace dyad::he {

/// See RingKernels.
void forward512(const TransformTables &tables, std::uint64_t *x, std::size_t nonzero);
void inverse512(const TransformTables &tables, std::uint64_t *x);
void gather512(const std::uint64_t *from, const std::uint32_t *index, std::uint64_t *out,
               std::size_t count);

} // namespace dyad::he
