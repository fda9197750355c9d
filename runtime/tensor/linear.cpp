// SPDX-License-Identifier: Apache-2.0
// Linear layers as matrix products of one party's operand with the other's share, and the server's
// own share times its operand, which is local.
#include "runtime/tensor/linear.h"

#include "runtime/clear/linear.h"
#include "runtime/clear/structure.h"
#include "runtime/he/linear_layer.h"
#include "runtime/ot/correlated.h"
#include "runtime/protocols/comparison.h"
#include "runtime/protocols/multiplication.h"
#include "runtime/tensor/plans.h"
#include "runtime/tensor/ring_tensor.h"

namespace dyad {

namespace {

Ring transposed(Ring x, std::uint64_t groups, std::uint64_t rows, std::uint64_t columns) {
  if (rows <= 1 || columns <= 1)
    return x;
  const Shape shape{static_cast<std::int64_t>(groups), static_cast<std::int64_t>(rows),
                    static_cast<std::int64_t>(columns)};
  return clear::transpose(RingTensor{shape, std::move(x)}, {0, 2, 1}).data;
}

/// Shares of left x right of which the server holds one operand and the client the other, `mine`
/// being this party's, each as in `shape`.
Task<Ring> crossProduct(Session &session, MatrixShape shape, bool serverIsLeft, LinearPlan plan,
                        Ring mine, unsigned bits) {
  const bool swapped = serverIsLeft != (plan.chooser == Role::kServer);
  if (swapped) {
    const bool left = serverIsLeft == session.isServer();
    mine = left ? transposed(std::move(mine), shape.groups, shape.rows, shape.inner)
                : transposed(std::move(mine), shape.groups, shape.inner, shape.columns);
  }
  Ring result = co_await privateMatrixProduct(session, plan.shape, std::move(mine), plan.format,
                                              bits, plan.chooser);
  co_return swapped ? transposed(std::move(result), shape.groups, shape.columns, shape.rows)
                    : std::move(result);
}

void requireServerOperand(const Session &session, const Plain &x, Format format) {
  DYAD_REQUIRE(x.owner == Owner::kServer || x.owner == Owner::kPublic, kOutOfRange,
               "the operand of a product with shares must be the server's");
  if (session.isServer())
    clear::check("product", "server's operand", tensorOf(x), format);
}

/// inner x positions of all images, for each group.
Ring windowMatrix(const Share &x, const Plain &weight, const ConvWindow &window,
                  const Shape &result) {
  const std::int64_t channels = weight.shape[1];
  const std::int64_t rows = x.shape[2];
  const std::int64_t columns = x.shape[3];
  const std::int64_t images = x.shape[0];
  const std::int64_t positions = result[2] * result[3];
  Ring matrix(static_cast<std::size_t>(x.shape[1] * weight.shape[2] * weight.shape[3] * images *
                                       positions));
  auto into = matrix.begin();
  for (std::int64_t c = 0; c < window.groups * channels; ++c)
    for (std::int64_t kr = 0; kr < weight.shape[2]; ++kr)
      for (std::int64_t kc = 0; kc < weight.shape[3]; ++kc)
        for (std::int64_t n = 0; n < images; ++n) {
          const std::uint64_t *plane = x.values.data() + (n * x.shape[1] + c) * rows * columns;
          for (std::int64_t i = 0; i < result[2]; ++i) {
            const std::int64_t row =
                i * window.strides[0] + kr * window.dilations[0] - window.pads[0];
            for (std::int64_t j = 0; j < result[3]; ++j, ++into) {
              const std::int64_t column =
                  j * window.strides[1] + kc * window.dilations[1] - window.pads[1];
              if (row >= 0 && row < rows && column >= 0 && column < columns)
                *into = plane[row * columns + column];
            }
          }
        }
  return matrix;
}

/// The server's share of the input times its weights, and the bias. `isZero`: the client knows the
/// input, and the share is nothing but zeros.
Ring serverConvolution(const Share &x, const RingTensor &weight, const Plain *bias,
                       const ConvWindow &window, bool isZero) {
  RingTensor biasTensor;
  if (bias != nullptr)
    biasTensor = {bias->shape, ringOf(*bias, x.bits)};
  if (isZero) {
    const Shape result = clear::convShape(x.shape, weight.shape, window);
    if (bias == nullptr)
      return Ring(static_cast<std::size_t>(clear::sizeOf(result)));
    const RingTensor channels = clear::reshape(std::move(biasTensor), {1, result[1], 1, 1});
    return clear::broadcast(channels, result).data;
  }
  return clear::conv2d(RingTensor{x.shape, x.values}, weight,
                       bias == nullptr ? nullptr : &biasTensor, window)
      .data;
}

/// The right operand of a matrix product as groups of matrices (plans.h).
Ring rightMatrices(const MatmulPlan &plan, const Shape &shape, Ring rhs) {
  if (!plan.columnsFolded)
    return rhs;
  const std::int64_t inner = shape[shape.size() - 2];
  const std::int64_t columns = shape.back();
  const Shape split{inner * columns == 0 ? 0 : clear::sizeOf(shape) / (inner * columns), inner,
                    columns};
  return clear::transpose(RingTensor{split, std::move(rhs)}, {1, 0, 2}).data;
}
/// And the result back.
Ring resultMatrices(const MatmulPlan &plan, const Shape &result, Ring product) {
  if (!plan.columnsFolded)
    return product;
  const std::int64_t rows = result[result.size() - 2];
  const std::int64_t columns = result.back();
  const Shape split{rows, rows * columns == 0 ? 0 : clear::sizeOf(result) / (rows * columns),
                    columns};
  return clear::transpose(RingTensor{split, std::move(product)}, {1, 0, 2}).data;
}

std::int64_t signExtended(std::uint64_t value, unsigned bits) {
  return static_cast<std::int64_t>(value << (64 - bits)) >> (64 - bits);
}

/// Matrix product by RLWE, `mine` being this party's operand. There the shared matrix is channels x
/// positions, the server's filters x channels, and the result filters x positions: all transposed
/// where the server's is at the right.
Task<Ring> encryptedProduct(Session &session, he::LinearSpec spec, MatrixShape shape,
                            bool serverIsLeft, Ring mine) {
  const bool left = serverIsLeft == session.isServer();
  if (!serverIsLeft)
    mine = left ? transposed(std::move(mine), shape.groups, shape.rows, shape.inner)
                : transposed(std::move(mine), shape.groups, shape.inner, shape.columns);
  std::vector<std::int64_t> weights;
  if (session.isServer()) {
    for (const std::uint64_t value : mine) // modulo 2^bits; as wide as its format says
      weights.push_back(spec.weightSigned ? signExtended(value, spec.bits)
                                          : static_cast<std::int64_t>(value));
    mine.clear();
  }
  Ring product = co_await he::linear(session, spec, std::move(mine), weights);
  co_return serverIsLeft ? std::move(product)
                         : transposed(std::move(product), shape.groups, shape.columns, shape.rows);
}

/// `shared` is lhs or rhs, the server's operand the other one.
Task<Share> matmulWithServer(Session &session, Share shared, const Plain &operand,
                             bool serverIsLeft, Format serverFormat, LinearProtocol protocol,
                             Format clientFormat) {
  requireWidth(shared.bits);
  requireServerOperand(session, operand, serverFormat);
  const unsigned bits = shared.bits;
  const Shape &lhs = serverIsLeft ? operand.shape : shared.shape;
  const Shape &rhs = serverIsLeft ? shared.shape : operand.shape;
  Shape result = clear::matmulShape(lhs, rhs);
  const MatmulPlan plan = matmulPlan(lhs, rhs);
  Ring own;
  Ring mine;
  if (session.isServer()) {
    mine = ringOf(operand, bits);
    if (clientFormat.bits == 0) {
      const RingTensor known{operand.shape, mine};
      const RingTensor share{shared.shape, std::move(shared.values)};
      own = (serverIsLeft ? clear::matmul(known, share) : clear::matmul(share, known)).data;
    }
  } else {
    mine = std::move(shared.values);
  }
  if (serverIsLeft != session.isServer())
    mine = rightMatrices(plan, rhs, std::move(mine));
  Ring product;
  if (isHe(protocol)) {
    const he::LinearSpec spec = heMatmulSpec(lhs, rhs, serverIsLeft, bits, serverFormat,
                                             protocol == LinearProtocol::kHePacked);
    product = co_await encryptedProduct(session, spec, plan.shape, serverIsLeft, std::move(mine));
  } else {
    const LinearPlan linear =
        linearPlan(plan.shape, serverIsLeft, bits, serverFormat, protocol, clientFormat);
    product =
        co_await crossProduct(session, plan.shape, serverIsLeft, linear, std::move(mine), bits);
  }
  product = resultMatrices(plan, result, std::move(product));
  if (!own.empty()) // the server, where its share of the operand is not all zeros
    product = added(std::move(product), own, bits);
  co_return Share{std::move(result), bits, std::move(product)};
}

} // namespace

Task<Share> conv2d(Session &session, Share x, const Plain &weight, const Plain *bias,
                   ConvWindow window, Format weightFormat, LinearProtocol protocol,
                   Format clientFormat) {
  requireWidth(x.bits);
  requireServerOperand(session, weight, weightFormat);
  const unsigned bits = x.bits;
  Shape result = clear::convShape(x.shape, weight.shape, window);
  requireSameSize(x.values.size(), static_cast<std::size_t>(clear::sizeOf(x.shape)));
  DYAD_REQUIRE(bias == nullptr || bias->shape == Shape{weight.shape[0]}, kShapeMismatch,
               "bias of {} for a weight of {}", clear::describe(bias->shape),
               clear::describe(weight.shape));
  if (isHe(protocol)) {
    Ring own;
    std::vector<std::int64_t> weights;
    if (session.isServer()) {
      const RingTensor known{weight.shape, ringOf(weight, bits)};
      own = serverConvolution(x, known, bias, window, clientFormat.bits != 0);
      weights = weight.values;
      x.values = {};
    }
    const he::LinearSpec spec = heConvSpec(x.shape, weight.shape, window, bits, weightFormat,
                                           protocol == LinearProtocol::kHePacked);
    Ring product = co_await he::linear(session, spec, std::move(x.values), weights);
    if (session.isServer())
      product = added(std::move(product), own, bits);
    co_return Share{std::move(result), bits, std::move(product)};
  }
  const LinearPlan plan =
      convPlan(x.shape, weight.shape, window, bits, weightFormat, protocol, clientFormat);
  const MatrixShape shape =
      plan.chooser == Role::kServer
          ? plan.shape
          : MatrixShape{plan.shape.groups, plan.shape.columns, plan.shape.inner, plan.shape.rows};
  Ring own;
  Ring mine;
  if (session.isServer()) {
    const RingTensor weights{weight.shape, ringOf(weight, bits)};
    own = serverConvolution(x, weights, bias, window, clientFormat.bits != 0);
    mine = weights.data;
  } else {
    mine = windowMatrix(x, weight, window, result);
  }
  x.values = {};
  Ring product = co_await crossProduct(session, shape, true, plan, std::move(mine), bits);
  // Of channels x images x positions.
  if (result[0] != 1)
    product = clear::transpose(
                  RingTensor{{result[1], result[0], result[2] * result[3]}, std::move(product)},
                  {1, 0, 2})
                  .data;
  if (session.isServer())
    product = added(std::move(product), own, bits);
  co_return Share{std::move(result), bits, std::move(product)};
}

Task<Share> matmul(Session &session, Share lhs, const Plain &rhs, Format serverFormat,
                   LinearProtocol protocol, Format clientFormat) {
  return matmulWithServer(session, std::move(lhs), rhs, false, serverFormat, protocol,
                          clientFormat);
}

Task<Share> matmul(Session &session, const Plain &lhs, Share rhs, Format serverFormat,
                   LinearProtocol protocol, Format clientFormat) {
  return matmulWithServer(session, std::move(rhs), lhs, true, serverFormat, protocol, clientFormat);
}

Task<Share> matmulShared(Session &session, Share lhs, Share rhs) {
  requireWidth(lhs.bits);
  DYAD_REQUIRE(lhs.bits == rhs.bits, kShapeMismatch, "operands modulo 2^{} and 2^{}", lhs.bits,
               rhs.bits);
  const unsigned bits = lhs.bits;
  const MatmulPlan plan = matmulPlan(lhs.shape, rhs.shape);
  RingTensor local =
      clear::matmul(RingTensor{lhs.shape, lhs.values}, RingTensor{rhs.shape, rhs.values});
  Ring left = std::move(lhs.values);
  Ring right = rightMatrices(plan, rhs.shape, std::move(rhs.values));
  // Each party chooses with its share of the left operand for the other's share of the right one.
  const ChoiceFormat format{bits, false};
  Ring first = session.isServer() ? left : right;
  Ring second = session.isServer() ? std::move(right) : std::move(left);
  auto [serverLeft, clientLeft] = co_await whenAll(
      privateMatrixProduct(session, plan.shape, std::move(first), format, bits, Role::kServer),
      privateMatrixProduct(session, plan.shape, std::move(second), format, bits, Role::kClient));
  Ring cross = added(std::move(serverLeft), clientLeft, bits);
  cross = resultMatrices(plan, local.shape, std::move(cross));
  co_return Share{std::move(local.shape), bits, added(std::move(cross), local.data, bits)};
}

Task<Share> mulPrivate(Session &session, Share x, const Plain &factor, Format factorFormat) {
  requireSame(x.shape, factor.shape);
  DYAD_REQUIRE(factor.owner != Owner::kPublic, kOutOfRange,
               "a public factor: the product is local (mulPublic)");
  const Role owner = factor.owner == Owner::kClient ? Role::kClient : Role::kServer;
  Ring known;
  if (knows(session, factor.owner))
    known = ringOf(factor, x.bits);
  x.values = co_await productKnownFactor(session, std::move(known), std::move(x.values),
                                         {factorFormat.bits, factorFormat.isSigned}, x.bits, owner);
  co_return x;
}

Task<Share> matmulBit(Session &session, BitShare x, const Plain &matrix, unsigned bits,
                      bool whereZero) {
  DYAD_REQUIRE(x.shape.size() == 2 && matrix.shape.size() == 2 && x.shape[1] == matrix.shape[0],
               kShapeMismatch, "bits of {} times a matrix of {}", clear::describe(x.shape),
               clear::describe(matrix.shape));
  const auto rows = static_cast<std::size_t>(x.shape[0]);
  const auto inner = static_cast<std::size_t>(x.shape[1]);
  const auto columns = static_cast<std::size_t>(matrix.shape[1]);
  const std::vector<CotGroup> groups = bitMatrixGroups(rows * inner, columns, bits);
  const std::uint64_t mask = ringMask(bits);
  Share result{{x.shape[0], matrix.shape[1]}, bits, Ring(rows * columns)};
  std::vector<Ring> products;
  if (session.isServer()) {
    // b w = b0 w + b1 [w (1 - 2 b0)].
    const Ring known = ringOf(matrix, bits);
    const BitVec mine = whereZero ? notBits(session, std::move(x.bits)) : std::move(x.bits);
    Ring offsets(rows * inner * columns);
    for (std::size_t i = 0; i < rows * inner; ++i)
      for (std::size_t m = 0; m < columns; ++m) {
        const std::uint64_t w = known[i % inner * columns + m];
        offsets[i * columns + m] = (mine[i] ? 0 - w : w) & mask;
        if (mine[i])
          result.values[i / inner * columns + m] += w;
      }
    std::vector<Ring> deltas;
    deltas.push_back(std::move(offsets));
    products = co_await sendCots(session, groups, std::move(deltas));
  } else {
    products = co_await receiveCots(session, groups, std::move(x.bits));
  }
  for (std::size_t i = 0; i < rows * inner; ++i)
    for (std::size_t m = 0; m < columns; ++m)
      result.values[i / inner * columns + m] += products.front()[i * columns + m];
  result.values = reduced(std::move(result.values), bits);
  co_return result;
}

Task<Share> mulShared(Session &session, Share a, Share b) {
  requireSame(a, b);
  a.values = co_await product(session, std::move(a.values), std::move(b.values), a.bits);
  co_return a;
}

} // namespace dyad
