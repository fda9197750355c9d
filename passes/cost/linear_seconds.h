// SPDX-License-Identifier: Apache-2.0
// Seconds of products with private weights before widths are chosen: typical ones, public and the
// same for all weights, so that only shapes and the link decide what graph passes make of them.
#pragma once

#include "passes/cost/time_model.h"
#include "runtime/clear/shape.h"

namespace dyad {

class LinearSeconds {
public:
  explicit LinearSeconds(const TimeModel &times) : times_(times) {}

  /// The cheapest of OT and RLWE, computing included; operands on shares.
  double matmul(const clear::Shape &lhs, const clear::Shape &rhs, bool serverIsLeft) const;
  double conv(const clear::Shape &input, const clear::Shape &weight,
              const clear::ConvWindow &window) const;
  /// An elementwise product of `n` values with the server's factors.
  double product(std::int64_t n) const;
  /// A truncation of `n` products and the extension for the next one.
  double rescale(std::int64_t n) const;

private:
  const TimeModel &times_;
};

} // namespace dyad
