// SPDX-License-Identifier: Apache-2.0
// The one header that a generated reference.cpp includes, and its contract with the `reference`
// executable: programInfo() and the function of dyad::generated below are what reference.cpp
// defines.
#pragma once

#include "runtime/clear/checked.h"
#include "runtime/clear/elementwise.h"
#include "runtime/clear/functions.h"
#include "runtime/clear/linear.h"
#include "runtime/clear/reduce.h"
#include "runtime/clear/structure.h"
#include "runtime/party/named.h"
#include "runtime/party/program_info.h"

#include <cstdint>
#include <vector>

// A generated reference.cpp looks like this (its ProgramInfo as in program.h):
//
//   #include "runtime/party/reference.h"
//   namespace dyad::generated {
//   const ProgramInfo &programInfo() { return kInfo; }
//
//   ReferenceTensors reference(ReferenceRun &run, const ReferenceValues &weights,
//                              const ReferenceValues &inputs, ReferenceValues &states) {
//     const auto &x = inputs["x"];
//     run.beginNode("/fc/MatMul", "fx.matmul");
//     auto v1 = clear::checked("/fc/MatMul", "fx.matmul", {32, true},
//                              [&] { return clear::matmul(x, weights["fc.weight"]); });
//     ...
//     return {y};                                         // in the order of ProgramInfo::outputs
//   }
//   } // namespace dyad::generated

namespace dyad {

using ReferenceTensor = clear::Tensor<std::int64_t>;
using ReferenceValues = Named<ReferenceTensor>;
using ReferenceTensors = std::vector<ReferenceTensor>;

/// Follows the execution for progress and statistics.
class ReferenceRun {
public:
  virtual ~ReferenceRun() = default;
  /// The node that runs from here to the next beginNode or the end.
  virtual void beginNode(const char *name, const char *op) = 0;
};

namespace generated {

/// One sample; `states` are those of the one before, and replaced by the next ones. A violated
/// range or width throws Error naming the node.
ReferenceTensors reference(ReferenceRun &run, const ReferenceValues &weights,
                           const ReferenceValues &inputs, ReferenceValues &states);

} // namespace generated
} // namespace dyad
