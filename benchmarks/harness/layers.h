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

/// How a layer is cut, with or without packed replies; none where no parameters are exact for its
/// width. With packed replies allowed, the plan may do without them.
struct LayerPlan {
  he::LinearSpec spec;
  he::LinearPlan plan;
};
std::optional<LayerPlan> planOf(const Layer &layer, bool packed);

/// Runs one; throws an Error (kProtocol) if the result is wrong. Each party's time includes its own
/// products in the clear: those of the server with its own share.
TwoReports runLayer(const Layer &layer, const LayerPlan &plan, const RunOptions &options);

} // namespace dyad::bench
