// SPDX-License-Identifier: Apache-2.0
// Between shares and the tensors of ring elements that the kernels of runtime/clear work on.
#pragma once

#include "runtime/protocols/ring.h"
#include "runtime/tensor/types.h"

#include <utility>

namespace dyad {

using RingTensor = clear::Tensor<std::uint64_t>;

inline RingTensor tensorOf(Share x) { return {std::move(x.shape), std::move(x.values)}; }
inline Share shareOf(RingTensor x, unsigned bits) {
  return {std::move(x.shape), bits, reduced(std::move(x.data), bits)};
}
/// A value that this party knows, modulo 2^bits. Errors: kShapeMismatch where values are missing.
inline Ring ringOf(const Plain &x, unsigned bits) {
  DYAD_REQUIRE(static_cast<std::int64_t>(x.values.size()) == clear::sizeOf(x.shape), kShapeMismatch,
               "{} values for a tensor of {}", x.values.size(), clear::describe(x.shape));
  return reduced(Ring(x.values.begin(), x.values.end()), bits);
}
inline void requireSame(const Shape &a, const Shape &b) {
  DYAD_REQUIRE(a == b, kShapeMismatch, "operands of {} and {}", clear::describe(a),
               clear::describe(b));
}
inline void requireSame(const Share &a, const Share &b) {
  requireSame(a.shape, b.shape);
  DYAD_REQUIRE(a.bits == b.bits, kShapeMismatch, "operands modulo 2^{} and 2^{}", a.bits, b.bits);
}

} // namespace dyad
