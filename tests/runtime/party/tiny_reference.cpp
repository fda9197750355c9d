// SPDX-License-Identifier: Apache-2.0
// The cleartext form of tiny_info.h's program, in the form that code generation writes.
#include "runtime/party/reference.h"
#include "tests/runtime/party/tiny_info.h"

namespace dyad::generated {
namespace {

constexpr NodeInfo kNodes[] = {{"/fc/Gemm", "fx.matmul"}, {"/Relu", "fx.relu"}};
constexpr ProgramInfo kInfo = {.model = "tiny.onnx",
                               .dyadVersion = "0.1.0",
                               .hash = tiny::kHash,
                               .inputs = tiny::kInputs,
                               .outputs = tiny::kOutputs,
                               .weights = tiny::kWeights,
                               .nodes = kNodes};

} // namespace

const ProgramInfo &programInfo() { return kInfo; }

ReferenceTensors reference(ReferenceRun &run, const ReferenceValues &weights,
                           const ReferenceValues &inputs, ReferenceValues &) {
  run.beginNode("/fc/Gemm", "fx.matmul");
  ReferenceTensor product = clear::checked("/fc/Gemm", "fx.matmul", {tiny::kWide, true}, [&] {
    return clear::matmul(inputs["x"], weights["fc.weight"]);
  });
  ReferenceTensor sum = clear::checked("/fc/Gemm", "fx.add", {tiny::kWide, true},
                                       [&] { return clear::add(product, weights["fc.bias"]); });
  // As a calibrated range would be checked: sums of the samples in the tests stay within it.
  clear::assume("/fc/Gemm", sum, -560'000, 560'000, "calibrated");
  ReferenceTensor scaled = clear::checked("/fc/Gemm", "fx.truncate", {tiny::kNarrow, true}, [&] {
    return clear::truncate(sum, tiny::kShift, Rounding::kNearest);
  });

  run.beginNode("/Relu", "fx.relu");
  return {clear::checked("/Relu", "fx.relu", {tiny::kNarrow, true},
                         [&] { return clear::relu(scaled); })};
}

} // namespace dyad::generated
