// SPDX-License-Identifier: Apache-2.0
// The one header that a generated two-party program includes, and its contract with the party
// executables: programInfo() and the two functions of dyad::generated below are what program.cpp
// defines.
#pragma once

#include "runtime/ot/session.h"
#include "runtime/party/named.h"
#include "runtime/party/program_info.h"
#include "runtime/tensor/tensor.h"

#include <vector>

// A generated program.cpp looks like this:
//
//   #include "runtime/party/program.h"
//   namespace dyad::generated {
//   namespace {
//   constexpr InputInfo kInputs[] = {
//       {.name = "x", .shape = {1, 4}, .owner = Owner::kClient, .bits = 16, .isSigned = true,
//        .fraction = 8, .low = -8.0, .high = 8.0}};
//   constexpr OutputInfo kOutputs[] = {
//       {.name = "y", .shape = {1, 2}, .receiver = Owner::kClient, .bits = 32, .isSigned = true,
//        .fraction = 8, .integer = false}};
//   constexpr WeightInfo kWeights[] = {
//       {.name = "fc.weight", .shape = {4, 2}, .bits = 8, .isSigned = true, .storageBits = 8,
//        .owner = Owner::kServer}};
//   constexpr NodeInfo kNodes[] = {{"/fc/MatMul", "matmul"}, {"/Relu", "relu"}, {"y", "reveal"}};
//   constexpr ProgramInfo kInfo = {.model = "tiny.onnx", .dyadVersion = "0.1.0", .hash = "9f86...",
//       .inputs = kInputs, .outputs = kOutputs, .weights = kWeights, .nodes = kNodes,
//       .serverCots = 1234, .clientCots = 567};
//   } // namespace
//   const ProgramInfo &programInfo() { return kInfo; }
//
//   Task<void> prepare(Session &session) { co_return; }
//
//   Task<Outputs> step(Session &session, const Weights &weights, const Inputs &inputs,
//                      States &states) {
//     ... = inputs["x"];                                  // a Plain; no values at the other party
//     session.beginNode("/fc/MatMul", "matmul");
//     ... = co_await matmul(session, ..., weights["fc.weight"], ...);
//     session.endNode();
//     ...
//     Outputs outputs;                                    // in the order of ProgramInfo::outputs
//     outputs.push_back(std::move(y));                    // no values at a party that does not
//     co_return outputs;                                  // learn it
//   }
//   } // namespace dyad::generated
//
// An empty table (no weights) is left out: spans are empty by default.

namespace dyad {

/// Weights and inputs by name. Each has its shape at both parties; the values of those that the
/// party does not own are absent. Public weights are known at both.
using Weights = Named<Plain>;
using Inputs = Named<Plain>;
/// This party's shares of ProgramInfo::states; a step replaces them when it ends.
using States = Named<Share>;
/// In the order of ProgramInfo::outputs, absent where this party is not the receiver.
using Outputs = std::vector<Plain>;

namespace generated {

/// Once per session, after the base OTs and before the first step: offline material. Consumes
/// ProgramInfo's prepareServerCots and prepareClientCots.
Task<void> prepare(Session &session);

/// One sample. Consumes exactly ProgramInfo's COTs; its nodes are ProgramInfo's, in that order.
Task<Outputs> step(Session &session, const Weights &weights, const Inputs &inputs, States &states);

} // namespace generated
} // namespace dyad
