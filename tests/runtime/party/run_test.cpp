// SPDX-License-Identifier: Apache-2.0
// A run of both parties in one process: phases cost what the compiler counts, by the program's own
// way to make correlated OTs, those that `prepare` takes included.
#include "runtime/net/error.h"
#include "runtime/net/memory_channel.h"
#include "runtime/ot/random_ot.h"
#include "runtime/party/party.h"

#include <catch2/catch.hpp>
#include <thread>

using namespace dyad;

namespace {

constexpr std::uint64_t kPrepareCots = 3000;
constexpr std::uint64_t kStepCots = 1000;
constexpr std::uint64_t kSamples = 3;

ProgramInfo makeInfo(const StockOptions &options) {
  static const NodeInfo nodes[] = {{"/And", "and"}};
  ProgramInfo info = {.model = "triples.onnx",
                      .dyadVersion = "0.1.0",
                      .hash = "5e1f",
                      .nodes = nodes,
                      .serverCots = kStepCots,
                      .clientCots = kStepCots,
                      .prepareServerCots = kPrepareCots,
                      .prepareClientCots = kPrepareCots};
  info.stock = options;
  return info;
}

Task<void> prepareTriples(Session &session) {
  andTriples(session, kPrepareCots);
  co_return;
}

Task<Outputs> stepOfTriples(Session &session, const Weights &, const Inputs &, States &) {
  session.beginNode("/And", "and");
  andTriples(session, kStepCots);
  session.endNode();
  co_return Outputs();
}

PartyResult runOne(const ProgramInfo &info, Role role, Channel &channel) {
  const Program program{info, prepareTriples, stepOfTriples};
  Progress progress("test", false);
  PartyInputs inputs;
  inputs.count = kSamples;
  return runParty(program, role, channel, {}, inputs, progress);
}

} // namespace

TEST_CASE("COTs of prepare and of samples come as the program says, and cost what is counted",
          "[party]") {
  const StockOptions options = GENERATE(StockOptions(), StockOptions(CotMethod::kFerret),
                                        StockOptions(CotMethod::kSoftSpoken),
                                        StockOptions(CotMethod::kByDemand, 50, 40'000));
  const ProgramInfo info = makeInfo(options);
  auto [serverEnd, clientEnd] = makeMemoryChannels();
  PartyResult client;
  std::thread other([&] { client = runOne(info, Role::kClient, *clientEnd); });
  const PartyResult server = runOne(info, Role::kServer, *serverEnd);
  other.join();

  StockModel model(options);
  Cost setup = setupCost(options);
  setup.then(model.prepare(kPrepareCots, kPrepareCots));
  model.take(kPrepareCots, kPrepareCots);
  const Cost stock = model.prepare(kSamples * kStepCots, kSamples * kStepCots);
  for (const PartyResult *party : {&server, static_cast<const PartyResult *>(&client)})
    for (const NodeStats &phase : party->statistics.phases) {
      if (phase.name == "setup" || phase.name == "stock") {
        const Cost &cost = phase.name == "setup" ? setup : stock;
        CHECK(phase.bytesToServer == cost.bytesToServer());
        CHECK(phase.bytesToClient == cost.bytesToClient());
        CHECK(phase.flows == cost.flows());
      }
      if (phase.name == "online") {
        CHECK(phase.bytesToServer == 0);
        CHECK(phase.serverCots == kSamples * kStepCots);
      }
    }
}

TEST_CASE("parties that would make their OTs differently find out in the handshake", "[party]") {
  auto [serverEnd, clientEnd] = makeMemoryChannels();
  const auto codeOf = [](CotMethod method, Role role, Channel &channel) {
    const ProgramInfo info = makeInfo(method);
    try {
      runOne(info, role, channel);
    } catch (const Error &error) {
      return error.code();
    }
    return ErrorCode::kUsage;
  };
  ErrorCode client = ErrorCode::kUsage;
  std::thread other([&] { client = codeOf(CotMethod::kFerret, Role::kClient, *clientEnd); });
  CHECK(codeOf(CotMethod::kSoftSpoken, Role::kServer, *serverEnd) == ErrorCode::kProgramMismatch);
  other.join();
  CHECK(client == ErrorCode::kProgramMismatch);
}
