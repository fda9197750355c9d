// SPDX-License-Identifier: Apache-2.0
#include "runtime/tensor/local.h"

#include "runtime/clear/linear.h"
#include "runtime/clear/reduce.h"
#include "runtime/clear/structure.h"
#include "runtime/tensor/ring_tensor.h"

namespace dyad {

namespace {

template <typename Kernel> Share moved(Share x, Kernel kernel) {
  const unsigned bits = x.bits;
  RingTensor result = kernel(tensorOf(std::move(x)));
  return {std::move(result.shape), bits, std::move(result.data)};
}

} // namespace

Share reshape(Share x, Shape shape) {
  return moved(std::move(x), [&](RingTensor tensor) {
    return clear::reshape(std::move(tensor), std::move(shape));
  });
}

BitShare reshape(BitShare x, Shape shape) {
  DYAD_REQUIRE(clear::sizeOf(shape) == static_cast<std::int64_t>(x.bits.size()), kShapeMismatch,
               "{} cannot be reshaped to {}", clear::describe(x.shape), clear::describe(shape));
  x.shape = std::move(shape);
  return x;
}

Share transpose(Share x, const std::vector<std::int64_t> &permutation) {
  return moved(std::move(x),
               [&](const RingTensor &tensor) { return clear::transpose(tensor, permutation); });
}

Share concat(const std::vector<const Share *> &inputs, std::int64_t axis) {
  DYAD_REQUIRE(!inputs.empty(), kShapeMismatch, "concatenation of nothing");
  std::vector<RingTensor> tensors;
  std::vector<const RingTensor *> pointers;
  tensors.reserve(inputs.size());
  for (const Share *input : inputs) {
    DYAD_REQUIRE(input->bits == inputs[0]->bits, kShapeMismatch, "operands modulo 2^{} and 2^{}",
                 inputs[0]->bits, input->bits);
    pointers.push_back(&tensors.emplace_back(tensorOf(*input)));
  }
  RingTensor result = clear::concat(pointers, axis);
  return {std::move(result.shape), inputs[0]->bits, std::move(result.data)};
}

Share slice(Share x, const std::vector<std::int64_t> &starts,
            const std::vector<std::int64_t> &steps, Shape shape) {
  return moved(std::move(x), [&](const RingTensor &tensor) {
    return clear::slice(tensor, starts, steps, std::move(shape));
  });
}

Share broadcast(Share x, Shape shape) {
  return moved(std::move(x), [&](const RingTensor &tensor) {
    return clear::broadcast(tensor, std::move(shape));
  });
}

Share gather(Share x, std::int64_t axis, const std::vector<std::int64_t> &indices) {
  return moved(std::move(x),
               [&](const RingTensor &tensor) { return clear::gather(tensor, axis, indices); });
}

Share take(Share x, const std::vector<std::int64_t> &indices, Shape shape) {
  return moved(std::move(x), [&](const RingTensor &tensor) {
    return clear::take(tensor, indices, std::move(shape));
  });
}

Share pad(const Session &session, Share x, const std::vector<std::int64_t> &low,
          const std::vector<std::int64_t> &high, const std::vector<std::int64_t> &interior,
          std::int64_t value) {
  const std::uint64_t own =
      session.isServer() ? static_cast<std::uint64_t>(value) & ringMask(x.bits) : 0;
  return moved(std::move(x), [&](const RingTensor &tensor) {
    return clear::pad(tensor, low, high, interior, own);
  });
}

Share add(Share a, const Share &b) {
  requireSame(a, b);
  a.values = added(std::move(a.values), b.values, a.bits);
  return a;
}

Share sub(Share a, const Share &b) {
  requireSame(a, b);
  a.values = subtracted(std::move(a.values), b.values, a.bits);
  return a;
}

Share neg(Share x) {
  x.values = scaled(std::move(x.values), ~std::uint64_t{0}, x.bits);
  return x;
}

Share shiftLeft(Share x, unsigned shift, unsigned bits) {
  DYAD_REQUIRE(shift <= 63 && x.bits <= bits && bits <= x.bits + shift && bits <= 64, kOutOfRange,
               "shift by {} bits from 2^{} to 2^{}", shift, x.bits, bits);
  x.bits = bits;
  x.values = scaled(std::move(x.values), std::uint64_t{1} << shift, bits);
  return x;
}

Share mulPublic(Share x, const Plain &factor) {
  requireSame(x.shape, factor.shape);
  const Ring factors = ringOf(factor, x.bits);
  for (std::size_t i = 0; i < x.values.size(); ++i)
    x.values[i] *= factors[i];
  x.values = reduced(std::move(x.values), x.bits);
  return x;
}

Share conv2dPublic(const Share &x, const Plain &weight, const ConvWindow &window) {
  const RingTensor known{weight.shape, ringOf(weight, x.bits)};
  return shareOf(clear::conv2d<std::uint64_t>(tensorOf(x), known, nullptr, window), x.bits);
}

Share matmulPublic(Share lhs, const Plain &rhs) {
  const unsigned bits = lhs.bits;
  const RingTensor known{rhs.shape, ringOf(rhs, bits)};
  return shareOf(clear::matmul(tensorOf(std::move(lhs)), known), bits);
}

Share matmulPublic(const Plain &lhs, Share rhs) {
  const unsigned bits = rhs.bits;
  const RingTensor known{lhs.shape, ringOf(lhs, bits)};
  return shareOf(clear::matmul(known, tensorOf(std::move(rhs))), bits);
}

Share reduceSum(Share x, const std::vector<std::int64_t> &axes) {
  const unsigned bits = x.bits;
  return shareOf(clear::reduceSum(tensorOf(std::move(x)), axes), bits);
}

Share sumPool2d(Share x, const PoolWindow &window) {
  const unsigned bits = x.bits;
  return shareOf(clear::sumPool2d(tensorOf(std::move(x)), window), bits);
}

Share narrow(Share x, unsigned bits) {
  DYAD_REQUIRE(bits >= 1 && bits <= x.bits, kOutOfRange, "narrowing from {} to {} bits", x.bits,
               bits);
  x.bits = bits;
  x.values = reduced(std::move(x.values), bits);
  return x;
}

} // namespace dyad
