// SPDX-License-Identifier: Apache-2.0
#include "passes/cost/linear_seconds.h"

#include "runtime/he/he_cost.h"
#include "runtime/protocols/truncation_cost.h"
#include "runtime/tensor/tensor_cost.h"

#include <algorithm>

namespace dyad {

namespace {

constexpr unsigned kValueBits = 16;
constexpr unsigned kRingBits = 30;
constexpr unsigned kShift = kRingBits - kValueBits;
constexpr clear::Format kWeight{.bits = 13, .isSigned = true};

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

double LinearSeconds::matmul(const clear::Shape &lhs, const clear::Shape &rhs,
                             bool serverIsLeft) const {
  return cheapest(times_, heMatmulSpec(lhs, rhs, serverIsLeft, kRingBits, kWeight, false),
                  [&](LinearProtocol protocol) {
                    return matmulCost(lhs, rhs, serverIsLeft, kRingBits, kWeight, protocol);
                  });
}

double LinearSeconds::conv(const clear::Shape &input, const clear::Shape &weight,
                           const clear::ConvWindow &window) const {
  return cheapest(times_, heConvSpec(input, weight, window, kRingBits, kWeight, false),
                  [&](LinearProtocol protocol) {
                    return conv2dCost(input, weight, window, kRingBits, kWeight, protocol);
                  });
}

double LinearSeconds::product(std::int64_t n) const {
  return times_.seconds(
      mulPrivateCost(static_cast<std::uint64_t>(n), kRingBits, kWeight, Owner::kServer));
}

double LinearSeconds::rescale(std::int64_t n) const {
  const auto count = static_cast<std::uint64_t>(n);
  Cost scale = truncateReduceCost(count, kRingBits, kShift);
  scale.then(extendSignedCost(count, kValueBits, kRingBits, SignFact::kUnknown));
  return times_.seconds(scale);
}

} // namespace dyad
