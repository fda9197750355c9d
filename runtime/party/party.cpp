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

/// The client says how many windows are certain to follow; 0 is the end.
Task<std::uint32_t> announce(Session &session, std::uint32_t windows) {
  std::array<std::uint8_t, sizeof(windows)> bytes{};
  if (!session.isServer()) {
    std::memcpy(bytes.data(), &windows, bytes.size());
    session.flows().send(bytes);
  }
  const std::span<const std::uint8_t> received =
      co_await session.flows().tick(session.isServer() ? bytes.size() : 0);
  if (session.isServer())
    std::memcpy(&windows, received.data(), sizeof(windows));
  co_return windows;
}

class Run {
public:
  Run(const Program &program, Role role, Channel &channel, const Weights &weights,
      const PartyInputs &inputs, Progress &progress, Streaming *stream)
      : program_(program), info_(program.info), session_(role, channel), weights_(weights),
        inputs_(inputs), progress_(progress), stream_(stream) {
    result_.outputs.resize(info_.outputs.size());
    session_.onNode([this] { progress_.node(); });
    for (const StateInfo &state : info_.states)
      states_.add(std::string(state.name), initialShare(state));
  }

  PartyResult operator()(Channel &channel) {
    const Clock::time_point begin = Clock::now();
    Hello hello = makeHello(session_.role(), info_, inputs_.count, inputs_.batched);
    hello.stream = stream_ != nullptr;
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
    progress_.beginSamples(agreement.stream ? 0 : agreement.samples, info_.nodes.size());
    std::uint64_t samples = agreement.samples;
    if (agreement.stream)
      samples = runStream();
    else
      for (std::uint64_t done = 0; done < samples;)
        done += runChunk(done, samples - done);
    const Digest digest = transcript(agreement, session_);
    phase(session_, "check", [&] { session_.run(checkTranscript(session_, digest)); });

    RunStatistics &statistics = result_.statistics;
    statistics.role = session_.role();
    statistics.samples = samples;
    statistics.isStream = agreement.stream;
    statistics.longestSeconds = longestSeconds_;
    statistics.seconds = secondsSince(begin);
    statistics.clearSeconds = session_.clearSeconds();
    statistics.phases = session_.phases();
    statistics.phases.insert(statistics.phases.begin(), handshake);
    statistics.nodes = perSample(session_.nodes(), samples);
    result_.batched = agreement.batched || agreement.stream;
    return std::move(result_);
  }

private:
  // The same public value at each connection; a step makes fresh shares of it.
  Share initialShare(const StateInfo &state) const {
    Plain value{toShape(state.shape), Owner::kPublic, {}};
    value.values.assign(state.initial.begin(), state.initial.end());
    value.values.resize(state.shape.elements());
    return share(session_, value, state.bits);
  }

  // Windows until the client says that there are no more; returns their number.
  std::uint64_t runStream() {
    std::uint64_t window = 0;
    std::uint64_t stocked = 0; // windows whose COTs are there
    std::uint64_t batch = 1;
    for (;;) {
      const std::uint32_t certain = awaitWindows(window);
      if (certain == 0)
        return window;
      for (std::uint32_t i = 0; i < certain; ++i, ++window, --stocked) {
        if (i > 0)
          arrival_ = Clock::now();
        if (stocked == 0) {
          // Twice as many each time: few are left over, and soon few extensions are needed.
          stocked = fillStock(std::max<std::uint64_t>(certain - i, batch));
          batch = 2 * stocked;
        }
        std::vector<OutputSamples> outputs;
        phase(session_, "online", [&] { outputs = runSample(window); });
        const double seconds = secondsSince(arrival_);
        longestSeconds_ = std::max(longestSeconds_, seconds);
        if (stream_ != nullptr)
          stream_->done(window, seconds, outputs);
        else
          keep(outputs);
      }
    }
  }

  // The next windows, from the client's source or from the client.
  std::uint32_t awaitWindows(std::uint64_t window) {
    std::uint32_t certain = 0;
    if (stream_ != nullptr && inputs_.piped) {
      if (std::optional<std::vector<std::int64_t>> values = stream_->next()) {
        piped_ = std::move(*values);
        certain = 1;
      }
    } else if (stream_ != nullptr && window == 0) {
      certain = static_cast<std::uint32_t>(std::max<std::size_t>(inputs_.count, 1));
    }
    arrival_ = Clock::now();
    phase(session_, "stream", [&] { certain = session_.run(announce(session_, certain)); });
    return certain;
  }

  // As many samples as the stock may hold the COTs of, at least one.
  std::uint64_t fillStock(std::uint64_t left) {
    const std::uint64_t most = std::max<std::uint64_t>({info_.serverCots, info_.clientCots, 1});
    const std::uint64_t count = std::min(left, std::max<std::uint64_t>(kStockLimit / most, 1));
    phase(session_, "stock", [&] {
      session_.run(session_.stock().prepare(count * info_.serverCots, count * info_.clientCots));
    });
    return count;
  }

  std::uint64_t runChunk(std::uint64_t first, std::uint64_t left) {
    const std::uint64_t count = fillStock(left);
    for (std::uint64_t i = 0; i < count; ++i)
      phase(session_, "online", [&] { keep(runSample(first + i)); });
    return count;
  }

  void keep(const std::vector<OutputSamples> &outputs) {
    for (std::size_t i = 0; i < outputs.size(); ++i)
      result_.outputs[i].insert(result_.outputs[i].end(), outputs[i].begin(), outputs[i].end());
  }

  std::vector<OutputSamples> runSample(std::uint64_t sample) {
    Inputs inputs;
    for (std::size_t k = 0; k < info_.inputs.size(); ++k) {
      const InputInfo &input = info_.inputs[k];
      Plain plain{toShape(input.shape), input.owner, {}};
      for (const auto &[name, samples] : inputs_.inputs)
        if (name == input.name) {
          const std::size_t n = input.shape.elements();
          // A single one serves every window of a stream.
          const std::size_t at = samples.count == 1 ? 0 : sample * n;
          const auto begin = samples.values.begin() + static_cast<std::ptrdiff_t>(at);
          plain.values.assign(begin, begin + static_cast<std::ptrdiff_t>(n));
        }
      if (inputs_.piped == k)
        plain.values = piped_;
      inputs.add(std::string(input.name), std::move(plain));
    }
    const Outputs outputs = session_.run(program_.step(session_, weights_, inputs, states_));
    DYAD_REQUIRE(outputs.size() == info_.outputs.size(), kShapeMismatch,
                 "the program has {} outputs instead of {}; compile it again", outputs.size(),
                 info_.outputs.size());
    std::vector<OutputSamples> results(outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!knows(session_, info_.outputs[i].receiver))
        continue;
      const std::vector<std::int64_t> &values = outputs[i].values;
      DYAD_REQUIRE(values.size() == info_.outputs[i].shape.elements(), kShapeMismatch,
                   "output '{}' has {} elements instead of {}; compile the program again",
                   info_.outputs[i].name, values.size(), info_.outputs[i].shape.elements());
      results[i] = values;
    }
    return results;
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
  States states_;
  const Weights &weights_;
  const PartyInputs &inputs_;
  Progress &progress_;
  Streaming *stream_;
  std::vector<std::int64_t> piped_; ///< the current window of the input that is piped
  Clock::time_point arrival_;       ///< of the current window
  double longestSeconds_ = 0;
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
                     const PartyInputs &inputs, Progress &progress, Streaming *stream) {
  return Run(program, role, channel, weights, inputs, progress, stream)(channel);
}

} // namespace dyad
