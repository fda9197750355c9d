// SPDX-License-Identifier: Apache-2.0
#include "runtime/tensor/tensor_cost.h"

#include "runtime/he/he_cost.h"
#include "runtime/net/error.h"
#include "runtime/tensor/plans.h"

namespace dyad {

using clear::Shape;

namespace {

std::uint64_t elements(const Shape &shape) {
  return static_cast<std::uint64_t>(clear::sizeOf(shape));
}

Cost linearCost(const LinearPlan &plan, unsigned bits) {
  return privateMatrixProductCost(plan.shape, plan.format, bits, plan.chooser);
}

} // namespace

Cost revealCost(std::uint64_t n, unsigned bits, Owner receiver) {
  const std::uint64_t bytes = (n * bits + 7) / 8;
  Cost cost;
  cost.ticks.push_back(
      {receiver == Owner::kClient ? 0 : bytes, receiver == Owner::kServer ? 0 : bytes});
  return cost;
}

Cost extendCost(std::uint64_t n, unsigned from, unsigned to, SignFact fact, bool isUnsigned,
                Radix radix) {
  if (!isUnsigned)
    return extendSignedCost(n, from, to, fact, radix);
  return fact == SignFact::kNonNegative || fact == SignFact::kSmall
             ? extendSignedCost(n, from, to, SignFact::kNonNegative)
             : extendUnsignedCost(n, from, to, radix);
}

Cost maxPool2dCost(const Shape &input, const clear::PoolWindow &window, unsigned bits,
                   Radix radix) {
  const PoolPlan plan = poolPlan(input, window);
  const auto planes = static_cast<std::uint64_t>(plan.planes);
  if (planes == 0)
    return {};
  std::map<std::int64_t, std::uint64_t> first;
  if (!plan.separable) {
    for (const AxisWindow &row : plan.rows)
      for (const AxisWindow &column : plan.columns)
        first[row.count * column.count] += planes;
    return maximumOfGroupsCost(std::move(first), bits, radix);
  }
  std::map<std::int64_t, std::uint64_t> second;
  for (const AxisWindow &column : plan.columns)
    first[column.count] += planes * plan.usedRows.size();
  for (const AxisWindow &row : plan.rows)
    second[row.count] += planes * plan.columns.size();
  Cost cost = maximumOfGroupsCost(std::move(first), bits, radix);
  return cost.then(maximumOfGroupsCost(std::move(second), bits, radix));
}

Cost reduceMaxCost(const Shape &input, const std::vector<std::int64_t> &axes, unsigned bits,
                   Radix radix) {
  std::uint64_t size = 1;
  const Shape result = clear::reducedShape(input, axes);
  for (std::size_t axis = 0; axis < input.size(); ++axis)
    size *= static_cast<std::uint64_t>(input[axis] == 0 ? 1 : input[axis] / result[axis]);
  return maximumOverCost(elements(result), size, bits, radix);
}

Cost argMaxCost(const Shape &input, std::int64_t axis, unsigned bits, Radix radix) {
  const Shape result = clear::reducedShape(input, {axis});
  return argmaxOverCost(elements(result), static_cast<std::uint64_t>(input[axis]), bits, radix);
}

Cost conv2dCost(const Shape &input, const Shape &weight, const clear::ConvWindow &window,
                unsigned bits, clear::Format weightFormat, LinearProtocol protocol,
                clear::Format clientFormat) {
  if (isHe(protocol))
    return he::linearCost(heConvSpec(input, weight, window, bits, weightFormat,
                                     protocol == LinearProtocol::kHePacked));
  return linearCost(convPlan(input, weight, window, bits, weightFormat, protocol, clientFormat),
                    bits);
}

Cost matmulCost(const Shape &lhs, const Shape &rhs, bool serverIsLeft, unsigned bits,
                clear::Format serverFormat, LinearProtocol protocol, clear::Format clientFormat) {
  if (isHe(protocol))
    return he::linearCost(heMatmulSpec(lhs, rhs, serverIsLeft, bits, serverFormat,
                                       protocol == LinearProtocol::kHePacked));
  return linearCost(linearPlan(matmulPlan(lhs, rhs).shape, serverIsLeft, bits, serverFormat,
                               protocol, clientFormat),
                    bits);
}

he::LinearSpec heConvSpec(const Shape &input, const Shape &weight, const clear::ConvWindow &window,
                          unsigned bits, clear::Format weightFormat, bool packed) {
  const Shape result = clear::convShape(input, weight, window);
  const auto size = [](std::int64_t x) { return static_cast<std::uint64_t>(x); };
  he::LinearSpec spec;
  spec.groups = size(window.groups);
  spec.images = size(input[0]);
  spec.channels = size(weight[1]);
  spec.filters = size(weight[0] / window.groups);
  for (std::size_t axis = 0; axis < 2; ++axis) {
    spec.input[axis] = size(input[2 + axis]);
    spec.kernel[axis] = size(weight[2 + axis]);
    spec.output[axis] = size(result[2 + axis]);
    spec.strides[axis] = size(window.strides[axis]);
    spec.pads[axis] = size(window.pads[axis]);
    spec.dilations[axis] = size(window.dilations[axis]);
  }
  spec.bits = bits;
  spec.weightBits = weightFormat.bits;
  spec.weightSigned = weightFormat.isSigned;
  spec.packed = packed;
  return spec;
}

// Rows or columns of the shared operand are positions, and those of the server's are filters.
he::LinearSpec heMatmulSpec(const Shape &lhs, const Shape &rhs, bool serverIsLeft, unsigned bits,
                            clear::Format serverFormat, bool packed) {
  const MatrixShape shape = matmulPlan(lhs, rhs).shape;
  he::LinearSpec spec;
  spec.groups = shape.groups;
  spec.channels = shape.inner;
  spec.filters = serverIsLeft ? shape.rows : shape.columns;
  spec.input[0] = serverIsLeft ? shape.columns : shape.rows;
  spec.output[0] = spec.input[0];
  spec.bits = bits;
  spec.weightBits = serverFormat.bits;
  spec.weightSigned = serverFormat.isSigned;
  spec.packed = packed;
  return spec;
}

Cost matmulPreparedCost(std::uint64_t n, unsigned bits) {
  return revealCost(n, bits, Owner::kServer);
}

Cost matmulSharedCost(const Shape &lhs, const Shape &rhs, unsigned bits) {
  const MatrixShape shape = matmulPlan(lhs, rhs).shape;
  return privateMatrixProductCost(shape, {bits, false}, bits, Role::kServer)
      .beside(privateMatrixProductCost(shape, {bits, false}, bits, Role::kClient));
}

Cost mulPrivateCost(std::uint64_t n, unsigned bits, clear::Format factorFormat, Owner owner) {
  return privateProductCost(n, {factorFormat.bits, factorFormat.isSigned}, bits,
                            owner == Owner::kClient ? Role::kClient : Role::kServer);
}

std::vector<CotGroup> bitMatrixGroups(std::uint64_t n, std::uint64_t columns, unsigned width) {
  return {{n, {{width, columns}}}};
}

Cost matmulBitCost(const clear::Shape &bits, const clear::Shape &matrix, unsigned width) {
  return cotsCost(Role::kServer, bitMatrixGroups(static_cast<std::uint64_t>(clear::sizeOf(bits)),
                                                 static_cast<std::uint64_t>(matrix.back()), width));
}

Cost mulSharedCost(std::uint64_t n, unsigned bits) { return productCost(n, bits); }

} // namespace dyad
