// SPDX-License-Identifier: Apache-2.0
// The executables `server` and `client`. Everything that can be wrong at this party alone is found
// before a connection is opened.
#include "runtime/net/error.h"
#include "runtime/net/tcp_channel.h"
#include "runtime/parallel/thread_pool.h"
#include "runtime/party/files.h"
#include "runtime/party/main.h"
#include "runtime/party/options.h"
#include "runtime/party/stream.h"

#include <algorithm>
#include <cstdio>
#include <optional>

namespace dyad {
namespace {

constexpr const char *kServerWeights = "weights.safetensors";
constexpr const char *kPublicWeights = "public.safetensors";
constexpr std::chrono::milliseconds kNoLimit = std::chrono::hours(24 * 365);

class PartyMain {
public:
  PartyMain(const Program &program, Role role, PartyOptions options)
      : program_(program), info_(program.info), role_(role), options_(std::move(options)),
        knows_(isServer() ? serverKnows : clientKnows),
        outputs_(resolveOutputs(info_.outputs, options_.outputs, knows_)),
        inputs_(readInputs(info_.inputs, options_.inputs, knows_, options_.stream)),
        progress_(name(), options_.progress), pool_(options_.threads) {
    if (options_.stream)
      stream_.emplace(info_, options_, inputs_, outputs_);
    if (!options_.stats.empty())
      requireWritable(options_.stats, "statistics file");
    NamedTensors values;
    const bool any =
        std::any_of(info_.weights.begin(), info_.weights.end(), [&](const WeightInfo &weight) {
          return weight.inFile() && knows_(weight.owner);
        });
    if (any)
      values = readWeights(info_.weights, weightsFile(), knows_);
    weights_ = makeWeights(info_, std::move(values));
  }

  int run() { return isServer() ? serve() : connect(); }

private:
  bool isServer() const { return role_ == Role::kServer; }
  const char *name() const { return isServer() ? "server" : "client"; }
  const char *peer() const { return isServer() ? "client" : "server"; }

  std::string weightsFile() const {
    if (!options_.weights.empty())
      return options_.weights;
    return besideExecutable(isServer() ? kServerWeights : kPublicWeights);
  }

  int connect() {
    progress_.phase(fmt::format("connecting to {}", options_.address));
    const std::unique_ptr<Channel> channel =
        connectTcp(parseAddress(options_.address), {.timeout = options_.timeout});
    runSession(*channel);
    return 0;
  }

  // A session that fails is reported and does not keep the next client from being served.
  int serve() {
    const Address address = parseAddress(options_.address);
    TcpListener listener(address);
    const bool isV6 = address.host.find(':') != std::string::npos;
    fmt::print("server: listening on {}{}{}:{}\n", isV6 ? "[" : "", address.host, isV6 ? "]" : "",
               listener.port());
    std::fflush(stdout);
    int status = 0;
    for (std::uint64_t i = 0; options_.sessions == 0 || i < options_.sessions; ++i) {
      progress_.phase("waiting for the client");
      const bool limited = options_.timeoutGiven && options_.sessions != 0;
      status = serveOne(listener, limited);
    }
    return status;
  }

  int serveOne(TcpListener &listener, bool limited) {
    // Waiting for a client is not waiting for an answer: without limit unless the user set one.
    const std::unique_ptr<Channel> channel = listener.accept(
        {.timeout = options_.timeout, .acceptTimeout = limited ? options_.timeout : kNoLimit});
    if (options_.sessions == 1) {
      runSession(*channel);
      return 0;
    }
    return runMain(name(), [&] {
      runSession(*channel);
      return 0;
    });
  }

  void runSession(Channel &channel) {
    PartyResult result = [&] {
      const UsePool guard(pool_);
      try {
        return runParty(program_, role_, channel, weights_, inputs_, progress_,
                        stream_ ? &*stream_ : nullptr);
      } catch (const Error &error) {
        const ErrorCode code = error.code();
        if (code == ErrorCode::kPeerClosed || code == ErrorCode::kTimeout)
          fail(code, "lost the {}: {}", peer(), error.what());
        throw;
      }
    }();
    progress_.finish();
    RunStatistics &statistics = result.statistics;
    statistics.threads = pool_.threads();
    statistics.windowSeconds = options_.windowSeconds;
    if (stream_)
      stream_->finish(statistics.samples);
    for (std::size_t i = 0; i < info_.outputs.size(); ++i) {
      const OutputInfo &output = info_.outputs[i];
      if (!knows_(output.receiver) || stream_)
        continue;
      const auto file = std::find_if(outputs_.begin(), outputs_.end(),
                                     [&](const OutputFile &entry) { return entry.output == i; });
      if (file != outputs_.end())
        writeOutput(output, result.outputs[i], statistics.samples, result.batched, options_.raw,
                    file->file);
      else
        fmt::print("{}",
                   describeOutput(output, result.outputs[i], statistics.samples, options_.raw));
    }
    std::fflush(stdout);
    if (!options_.stats.empty())
      writeStatistics(statistics, options_.stats);
    fmt::print(stderr, "{}: {}\n", name(), summary(statistics));
  }

  const Program &program_;
  const ProgramInfo &info_;
  Role role_;
  PartyOptions options_;
  bool (*knows_)(Owner);
  std::vector<OutputFile> outputs_;
  PartyInputs inputs_;
  std::optional<ClientStream> stream_;
  Progress progress_;
  ThreadPool pool_;
  Weights weights_;
};

int partyMain(int argc, char **argv, const Program &program, Role role) {
  const Executable executable = role == Role::kServer ? Executable::kServer : Executable::kClient;
  return runMain(nameOf(executable), [&] {
    ParsedOptions parsed = parseOptions(executable, std::string(program.info.model), argc, argv);
    if (parsed.exitStatus)
      return *parsed.exitStatus;
    return PartyMain(program, role, std::move(parsed.options)).run();
  });
}

} // namespace

int serverMain(int argc, char **argv, const Program &program) {
  return partyMain(argc, argv, program, Role::kServer);
}

int clientMain(int argc, char **argv, const Program &program) {
  return partyMain(argc, argv, program, Role::kClient);
}

} // namespace dyad
