// SPDX-License-Identifier: Apache-2.0
#include "runtime/tensor/prepared.h"

#include "runtime/clear/linear.h"
#include "runtime/tensor/local.h"
#include "runtime/tensor/ring_tensor.h"
#include "runtime/tensor/sharing.h"

namespace dyad {

Share mask(Session &session, const Shape &shape, unsigned bits) {
  requireWidth(bits);
  const auto n = static_cast<std::size_t>(clear::sizeOf(shape));
  return {shape, bits, session.isServer() ? Ring(n) : session.prg().ring(n, bits)};
}

Task<Share> matmulPrepared(Session &session, Share x, const Share &mask, Share product,
                           const Plain &matrix, Format matrixFormat) {
  requireSame(x, mask);
  const unsigned bits = x.bits;
  const Shape result = clear::matmulShape(x.shape, matrix.shape);
  DYAD_REQUIRE(product.shape == result && product.bits == bits, kShapeMismatch,
               "a product of {} modulo 2^{} for one of {} modulo 2^{}",
               clear::describe(product.shape), product.bits, clear::describe(result), bits);
  if (session.isServer())
    clear::check("matmul_prepared", "server's operand", tensorOf(matrix), matrixFormat);
  const Plain masked = co_await reveal(session, sub(std::move(x), mask), Owner::kServer);
  if (session.isServer()) {
    const RingTensor opened{masked.shape, ringOf(masked, bits)};
    const RingTensor weights{matrix.shape, ringOf(matrix, bits)};
    product.values = added(clear::matmul(opened, weights).data, product.values, bits);
  }
  co_return product;
}

} // namespace dyad
