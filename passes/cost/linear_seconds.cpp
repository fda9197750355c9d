// SPDX-License-Identifier: Apache-2.0
#include "passes/cost/linear_seconds.h"

#include "runtime/he/he_cost.h"
#include "runtime/protocols/truncation_cost.h"
#include "runtime/tensor/tensor_cost.h"

#include <algorithm>

namespace dyad {

namespace {

constexpr unsigned kValueBits = 16;
constexpr unsigned kRingBits = LinearBits{}.ring;
constexpr unsigned kShift = kRingBits - kValueBits;

template <typename CostOf>
double cheapest(const TimeModel &times, const he::LinearSpec &spec, CostOf costOf) {
  double best = std::min(times.seconds(costOf(LinearProtocol::kOtServerChooses)),
                         times.seconds(costOf(LinearProtocol::kOtClientChooses)));
  if (he::planFor(spec))
    best = std::min(best, times.seconds(costOf(LinearProtocol::kHe)) +
                              he::computeSeconds(spec, times.target().machine));
  return best;
}

} // namespace

llvm::FailureOr<LinearSeconds> LinearSeconds::onLink(mlir::Operation *op, llvm::StringRef network,
                                                     llvm::StringRef machine) {
  llvm::FailureOr<mpc::Target> target = mpc::readTarget(op, network, machine);
  if (failed(target))
    return mlir::failure();
  return LinearSeconds(TimeModel(*target, {}));
}

double LinearSeconds::matmul(const clear::Shape &lhs, const clear::Shape &rhs, bool serverIsLeft,
                             const LinearBits &bits) const {
  return cheapest(times_, heMatmulSpec(lhs, rhs, serverIsLeft, bits.ring, bits.weight, false),
                  [&](LinearProtocol protocol) {
                    return matmulCost(lhs, rhs, serverIsLeft, bits.ring, bits.weight, protocol);
                  });
}

double LinearSeconds::conv(const clear::Shape &input, const clear::Shape &weight,
                           const clear::ConvWindow &window, const LinearBits &bits) const {
  return cheapest(times_, heConvSpec(input, weight, window, bits.ring, bits.weight, false),
                  [&](LinearProtocol protocol) {
                    return conv2dCost(input, weight, window, bits.ring, bits.weight, protocol);
                  });
}

double LinearSeconds::product(std::int64_t n, const LinearBits &bits) const {
  return times_.seconds(
      mulPrivateCost(static_cast<std::uint64_t>(n), bits.ring, bits.weight, Owner::kServer));
}

double LinearSeconds::shared(const clear::Shape &lhs, const clear::Shape &rhs,
                             unsigned ring) const {
  return times_.seconds(matmulSharedCost(lhs, rhs, ring));
}

double LinearSeconds::sharedProduct(std::int64_t n, unsigned ring) const {
  return times_.seconds(mulSharedCost(static_cast<std::uint64_t>(n), ring));
}

double LinearSeconds::rescale(std::int64_t n) const {
  return rescale(n, kRingBits, kShift, kRingBits);
}

double LinearSeconds::rescale(std::int64_t n, unsigned width, unsigned shift, unsigned to) const {
  const auto count = static_cast<std::uint64_t>(n);
  Cost scale = truncateReduceCost(count, width, shift);
  if (to > width - shift)
    scale.then(extendSignedCost(count, width - shift, to, SignFact::kUnknown));
  return times_.seconds(scale);
}

double LinearSeconds::truncation(std::int64_t n, unsigned width, unsigned shift) const {
  return times_.seconds(truncateReduceCost(static_cast<std::uint64_t>(n), width, shift));
}

} // namespace dyad
