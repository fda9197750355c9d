// SPDX-License-Identifier: Apache-2.0
// Every message of every protocol is masked afresh (message_view.h).
#include "runtime/protocols/comparison.h"
#include "runtime/protocols/multiplication.h"
#include "runtime/protocols/nonlinear.h"
#include "runtime/protocols/truncation.h"
#include "tests/runtime/protocols/message_view.h"

using namespace dyad;
using namespace dyad::test;

TEST_CASE("every message is masked afresh for every element", "[protocol][view]") {
  constexpr std::size_t n = kViewInstances;
  constexpr unsigned kWidth = 20;
  constexpr std::uint64_t kOnes = (std::uint64_t{1} << kWidth) - 1;
  for (const auto &[server, client] :
       {std::pair<std::uint64_t, std::uint64_t>{0, 0}, {kOnes, kOnes}, {12345, 0}, {0, 98765}}) {
    checkView("relu", reluCost(n, kWidth), server, client,
              [](Session &s, Ring x) { return relu(s, std::move(x), kWidth); });
    checkView("truncate", truncateCost(n, kWidth, 7, SignFact::kUnknown), server, client,
              [](Session &s, Ring x) {
                return truncate(s, std::move(x), kWidth, 7, SignFact::kUnknown, Rounding::kFloor);
              });
    checkView("truncate small", truncateCost(n, kWidth, 7, SignFact::kSmall), server, client,
              [](Session &s, Ring x) {
                return truncate(s, std::move(x), kWidth, 7, SignFact::kSmall, Rounding::kNearest);
              });
    checkView("truncateRelu", truncateReluCost(n, kWidth, 7, kWidth), server, client,
              [](Session &s, Ring x) {
                return truncateRelu(s, std::move(x), kWidth, 7, Rounding::kNearest, kWidth);
              });
    checkView("isZero", isZeroCost(n, kWidth), server, client,
              [](Session &s, Ring x) { return isZero(s, std::move(x), kWidth); });
    checkView("wrapFromMsb", wrapFromMsbCost(n), server, client, [](Session &s, Ring x) {
      BitVec sign(x.size());
      return wrapFromMsb(s, std::move(x), std::move(sign), kWidth);
    });
    checkView("divide", divideCost(n, kWidth, 49), server, client, [](Session &s, Ring x) {
      return divide(s, std::move(x), kWidth, 49, Rounding::kFloor);
    });
    checkView("product", productCost(n, kWidth), server, client,
              [](Session &s, Ring x) { return product(s, x, x, kWidth); });
    // Groups of one element, so that there are as many choices as instances.
    checkView("matrix", privateMatrixProductCost({n, 1, 1, 1}, {6, true}, kWidth, Role::kServer),
              server, client, [](Session &s, Ring x) {
                return matrixProductKnownLeft(s, {n, 1, 1, 1}, Ring(s.isServer() ? n : 0, 5),
                                              std::move(x), {6, true}, kWidth, Role::kServer);
              });
  }
}
