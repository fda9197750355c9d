// SPDX-License-Identifier: Apache-2.0
// The linear layers that are measured: the worked table of the design, which are also those of the
// peers' measurements.
#pragma once

#include "benchmarks/harness/measure.h"

#include "runtime/clear/shape.h"
#include "runtime/he/plan.h"

#include <optional>
#include <string>
#include <vector>

namespace dyad::bench {

struct Layer {
  std::string name;
  unsigned bits = 32; ///< of the ring
  /// A matrix product of rows x inner by inner x columns where the kernel is empty.
  std::int64_t rows = 0, inner = 0, columns = 0;
  /// Else a convolution: NCHW input, MCKK weight.
  clear::Shape input;
  clear::Shape weight;
  clear::ConvWindow window;

  bool isConvolution() const { return !input.empty(); }
};

const std::vector<Layer> &layers();

/// The plan that the layer runs with; none where no parameters are exact for its width.
std::optional<he::LinearPlan> planOf(const Layer &layer);
/// Products of polynomials in it.
std::uint64_t productsOf(const Layer &layer);

/// Runs one; throws an Error (kProtocol) if the result is wrong.
TwoReports runLayer(const Layer &layer, const RunOptions &options);

} // namespace dyad::bench
