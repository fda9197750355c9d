// SPDX-License-Identifier: Apache-2.0
// The two-party form of tiny_info.h's program, in the form that code generation writes.
#include "runtime/party/program.h"
#include "tests/runtime/party/tiny_info.h"

namespace dyad::generated {
namespace {

constexpr NodeInfo kNodes[] = {
    {"/fc/Gemm", "matmul"}, {"/fc/Gemm", "truncate_reduce"}, {"/Relu", "relu"}, {"y", "reveal"}};

// Generated programs hold these figures as constants.
Cost stepCost() {
  Cost cost =
      matmulCost({1, 4}, {4, 3}, false, tiny::kWide, {8, true}, LinearProtocol::kOtServerChooses);
  cost.then(truncateReduceCost(3, tiny::kWide, tiny::kShift));
  cost.then(reluCost(3, tiny::kNarrow));
  return cost.then(revealCost(3, tiny::kNarrow, Owner::kClient));
}

} // namespace

const ProgramInfo &programInfo() {
  static const Cost cost = stepCost();
  static const ProgramInfo info = {.model = "tiny.onnx",
                                   .dyadVersion = "0.1.0",
                                   .hash = tiny::kHash,
                                   .inputs = tiny::kInputs,
                                   .outputs = tiny::kOutputs,
                                   .weights = tiny::kWeights,
                                   .nodes = kNodes,
                                   .serverCots = cost.serverCots,
                                   .clientCots = cost.clientCots};
  return info;
}

Task<void> prepare(Session &) { co_return; }

Task<Outputs> step(Session &session, const Weights &weights, const Inputs &inputs, States &) {
  const Share x = share(session, inputs["x"], tiny::kWide);

  session.beginNode("/fc/Gemm", "matmul");
  Share product = co_await matmul(session, x, weights["fc.weight"], {8, true},
                                  LinearProtocol::kOtServerChooses);
  Share sum = add(std::move(product), share(session, weights["fc.bias"], tiny::kWide));
  session.endNode();

  session.beginNode("/fc/Gemm", "truncate_reduce");
  Share scaled = co_await truncateReduce(session, std::move(sum), tiny::kShift, Rounding::kNearest);
  session.endNode();

  session.beginNode("/Relu", "relu");
  Share result = co_await relu(session, std::move(scaled));
  session.endNode();

  session.beginNode("y", "reveal");
  Plain y = co_await reveal(session, std::move(result), Owner::kClient);
  session.endNode();

  Outputs outputs;
  outputs.push_back(std::move(y));
  co_return outputs;
}

} // namespace dyad::generated
