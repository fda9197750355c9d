// SPDX-License-Identifier: Apache-2.0
// See party.h.
#include "runtime/party/party.h"

#include "runtime/net/error.h"
#include "runtime/party/handshake.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <sodium.h>

namespace dyad {
namespace {

using Clock = std::chrono::steady_clock;
using Digest = std::array<std::uint8_t, 16>;

// Correlated OTs held at once, in each direction, for more than one sample: enough of them that the
// flows of an extension are shared by many samples of a small model, and 128 MB of memory where
// SoftSpoken makes them (silent OT: 16 MB and 0.6 bytes each).
constexpr std::uint64_t kStockLimit = std::uint64_t{1} << 23;

double secondsSince(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

void update(crypto_generichash_state &state, std::string_view text) {
  const std::uint64_t size = text.size();
  crypto_generichash_update(&state, reinterpret_cast<const std::uint8_t *>(&size), sizeof(size));
  crypto_generichash_update(&state, reinterpret_cast<const std::uint8_t *>(text.data()), size);
}

// Both parties' rows are the same when both went the same way: names, bytes by direction, flows and
// correlated OTs of every phase and node.
Digest transcript(const Agreement &agreement, const Session &session) {
  crypto_generichash_state state;
  Digest digest{};
  crypto_generichash_init(&state, nullptr, 0, digest.size());
  crypto_generichash_update(&state, agreement.sessionId.data(), agreement.sessionId.size());
  for (const auto *rows : {&session.phases(), &session.nodes()})
    for (const NodeStats &row : *rows) {
      update(state, row.name);
      update(state, row.op);
      for (const std::uint64_t figure : {row.bytesToServer, row.bytesToClient, row.serverCots,
                                         row.clientCots, std::uint64_t{row.flows}})
        crypto_generichash_update(&state, reinterpret_cast<const std::uint8_t *>(&figure),
                                  sizeof(figure));
    }
  crypto_generichash_final(&state, digest.data(), digest.size());
  return digest;
}

// Both parties read public inputs from files of their own, which have to agree.
std::string publicInputsDigest(const ProgramInfo &info, const PartyInputs &inputs) {
  crypto_generichash_state state;
  Digest digest{};
  crypto_generichash_init(&state, nullptr, 0, digest.size());
  for (const InputInfo &input : info.inputs) {
    if (input.owner != Owner::kPublic)
      continue;
    for (const auto &[name, samples] : inputs.inputs)
      if (name == input.name)
        update(state, {reinterpret_cast<const char *>(samples.values.data()),
                       samples.values.size() * sizeof(std::int64_t)});
  }
  crypto_generichash_final(&state, digest.data(), digest.size());
  std::string text;
  for (const std::uint8_t byte : digest)
    text += fmt::format("{:02x}", byte);
  return text;
}

Task<void> checkTranscript(Session &session, Digest mine) {
  session.flows().send(mine);
  const std::span<const std::uint8_t> theirs = co_await session.flows().tick(mine.size());
  DYAD_REQUIRE(std::equal(mine.begin(), mine.end(), theirs.begin()), kProtocol,
               "the parties did not take the same steps; the results cannot be trusted");
}

/// Each phase and each sample counts its flows from zero, as predictions do.
template <typename Body> void phase(Session &session, const char *name, Body &&body) {
  session.flows().resetFlows();
  session.beginPhase(name);
  body();
  session.endPhase();
}

class Run {
public:
  Run(const Program &program, Role role, Channel &channel, const Weights &weights,
      const PartyInputs &inputs, Progress &progress)
      : program_(program), info_(program.info), session_(role, channel), weights_(weights),
        inputs_(inputs), progress_(progress) {
    result_.outputs.resize(info_.outputs.size());
    session_.onNode([this] { progress_.node(); });
  }

  PartyResult operator()(Channel &channel) {
    const Clock::time_point begin = Clock::now();
    Hello hello = makeHello(session_.role(), info_, inputs_.count, inputs_.batched);
    hello.publicInputs = publicInputsDigest(info_, inputs_);
    const Agreement agreement = shakeHands(channel, hello);
    NodeStats handshake{"handshake", {}};
    const bool isServer = session_.isServer();
    handshake.bytesToServer = isServer ? agreement.bytesReceived : agreement.bytesSent;
    handshake.bytesToClient = isServer ? agreement.bytesSent : agreement.bytesReceived;
    handshake.flows = 1;
    handshake.seconds = secondsSince(begin);

    progress_.phase("base OTs");
    phase(session_, "setup", [&] {
      session_.run(session_.stock().setup(info_.stock));
      session_.run(session_.stock().prepare(info_.prepareServerCots, info_.prepareClientCots));
      session_.run(program_.prepare(session_));
    });
    progress_.beginSamples(agreement.samples, info_.nodes.size());
    for (std::uint64_t done = 0; done < agreement.samples;)
      done += runChunk(done, agreement.samples - done);
    const Digest digest = transcript(agreement, session_);
    phase(session_, "check", [&] { session_.run(checkTranscript(session_, digest)); });

    RunStatistics &statistics = result_.statistics;
    statistics.role = session_.role();
    statistics.samples = agreement.samples;
    statistics.seconds = secondsSince(begin);
    statistics.phases = session_.phases();
    statistics.phases.insert(statistics.phases.begin(), handshake);
    statistics.nodes = perSample(session_.nodes(), agreement.samples);
    result_.batched = agreement.batched;
    return std::move(result_);
  }

private:
  // As many samples as the stock may hold the COTs of, at least one.
  std::uint64_t runChunk(std::uint64_t first, std::uint64_t left) {
    const std::uint64_t most = std::max<std::uint64_t>({info_.serverCots, info_.clientCots, 1});
    const std::uint64_t count = std::min(left, std::max<std::uint64_t>(kStockLimit / most, 1));
    phase(session_, "stock", [&] {
      session_.run(session_.stock().prepare(count * info_.serverCots, count * info_.clientCots));
    });
    for (std::uint64_t i = 0; i < count; ++i)
      phase(session_, "online", [&] { runSample(first + i); });
    return count;
  }

  void runSample(std::uint64_t sample) {
    Inputs inputs;
    for (const InputInfo &input : info_.inputs) {
      Plain plain{toShape(input.shape), input.owner, {}};
      for (const auto &[name, samples] : inputs_.inputs)
        if (name == input.name) {
          const std::size_t n = input.shape.elements();
          const auto begin = samples.values.begin() + static_cast<std::ptrdiff_t>(sample * n);
          plain.values.assign(begin, begin + static_cast<std::ptrdiff_t>(n));
        }
      inputs.add(std::string(input.name), std::move(plain));
    }
    const Outputs outputs = session_.run(program_.step(session_, weights_, inputs));
    DYAD_REQUIRE(outputs.size() == info_.outputs.size(), kShapeMismatch,
                 "the program has {} outputs instead of {}; compile it again", outputs.size(),
                 info_.outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!knows(session_, info_.outputs[i].receiver))
        continue;
      const std::vector<std::int64_t> &values = outputs[i].values;
      DYAD_REQUIRE(values.size() == info_.outputs[i].shape.elements(), kShapeMismatch,
                   "output '{}' has {} elements instead of {}; compile the program again",
                   info_.outputs[i].name, values.size(), info_.outputs[i].shape.elements());
      result_.outputs[i].insert(result_.outputs[i].end(), values.begin(), values.end());
    }
  }

  // Every sample costs the same, so that the division is exact.
  static std::vector<NodeStats> perSample(std::vector<NodeStats> rows, std::uint64_t samples) {
    for (NodeStats &row : rows) {
      row.bytesToServer /= samples;
      row.bytesToClient /= samples;
      row.flows /= static_cast<unsigned>(samples);
      row.serverCots /= samples;
      row.clientCots /= samples;
      row.seconds /= static_cast<double>(samples);
      row.cotSeconds /= static_cast<double>(samples);
    }
    return rows;
  }

  const Program &program_;
  const ProgramInfo &info_;
  Session session_;
  const Weights &weights_;
  const PartyInputs &inputs_;
  Progress &progress_;
  PartyResult result_;
};

} // namespace

bool serverKnows(Owner owner) { return owner != Owner::kClient; }
bool clientKnows(Owner owner) { return owner != Owner::kServer; }

Weights makeWeights(const ProgramInfo &info, NamedTensors values) {
  Weights weights;
  for (const WeightInfo &weight : info.weights) {
    if (!weight.inFile())
      continue;
    Plain plain{toShape(weight.shape), weight.owner, {}};
    for (auto &[name, tensor] : values)
      if (name == weight.name)
        plain.values = std::move(tensor.data);
    weights.add(std::string(weight.name), std::move(plain));
  }
  return weights;
}

PartyResult runParty(const Program &program, Role role, Channel &channel, const Weights &weights,
                     const PartyInputs &inputs, Progress &progress) {
  return Run(program, role, channel, weights, inputs, progress)(channel);
}

} // namespace dyad
