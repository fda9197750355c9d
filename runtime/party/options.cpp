// SPDX-License-Identifier: Apache-2.0
// See options.h.
#include "runtime/party/options.h"

#include "runtime/party/handshake.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace dyad {
namespace {

constexpr int kUsageStatus = 2;
constexpr double kMaxTimeoutSeconds = 1e6;
constexpr unsigned kMaxThreads = 256;

const char *describe(Executable executable) {
  switch (executable) {
  case Executable::kServer:
    return "The model owner's party: holds the weights, never sees the client's input.";
  case Executable::kClient:
    return "The data owner's party: holds the input, never sees the server's weights.";
  case Executable::kReference:
    break;
  }
  return "The same integer arithmetic as the two parties, in the clear; checks every range.";
}

} // namespace

const char *nameOf(Executable executable) {
  switch (executable) {
  case Executable::kServer:
    return "server";
  case Executable::kClient:
    return "client";
  case Executable::kReference:
    break;
  }
  return "reference";
}

ParsedOptions parseOptions(Executable executable, const std::string &model, int argc,
                           const char *const *argv) {
  ParsedOptions parsed;
  PartyOptions &options = parsed.options;
  double timeout = std::chrono::duration<double>(options.timeout).count();
  const std::string name = nameOf(executable);

  const std::string about = model.empty() ? "" : "\nModel: " + model;
  CLI::App app(describe(executable) + about, name);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.set_version_flag("--version", fmt::format("{} of Dyad {}", name, dyadVersion()));
  const auto list = [&](const char *option, std::vector<std::string> &into, const char *help) {
    app.add_option(option, into, help)
        ->type_name("[NAME=]FILE.npy")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
  };
  list("--input", options.inputs,
       "An input of this party; without NAME its first one. The model's shape, or one more leading "
       "axis of samples (repeatable)");
  list("--output", options.outputs,
       "Where an output goes; without NAME the first one. Without this option outputs are printed "
       "(repeatable)");
  app.add_flag("--raw", options.raw, "Write outputs as the program's integers (int64)");
  app.add_option("--stats", options.stats, "Write bytes, flows, seconds, by phase and by node")
      ->type_name("FILE.json");
  app.add_flag("--progress", options.progress, "Show the current sample and node");
  app.add_option("--threads", options.threads,
                 executable == Executable::kReference
                     ? "Taken as at the parties; reference computes with one"
                     : "Threads to compute with; each party chooses its own, results are the same")
      ->type_name("N")
      ->capture_default_str();
  if (executable != Executable::kClient)
    app.add_option("--weights", options.weights,
                   "Default: weights.safetensors beside the executable")
        ->type_name("FILE");

  if (executable == Executable::kClient) {
    CLI::Option *stream = app.add_flag(
        "--stream", options.stream,
        "Samples are windows that follow each other, without a known end: each output leaves when "
        "it is there. --input - reads windows from standard input (float32, little endian); "
        "--output - writes outputs to standard output like that");
    app.add_option("--window-seconds", options.windowSeconds,
                   "What a window lasts, for the real-time factor")
        ->type_name("S")
        ->check(CLI::PositiveNumber)
        ->needs(stream);
    app.add_option("--hop", options.hop,
                   "Elements that are new in each window from standard input, where windows "
                   "overlap; the first one begins with zeros")
        ->type_name("N")
        ->check(CLI::PositiveNumber)
        ->needs(stream);
  }

  CLI::Option *timeoutOption = nullptr;
  std::vector<CLI::Option *> tls;
  std::vector<std::string> ignored(3);
  if (executable != Executable::kReference) {
    const bool isServer = executable == Executable::kServer;
    app.add_option(isServer ? "--listen" : "--connect", options.address,
                   isServer ? "Where to wait for the client; port 0 takes a free one"
                            : "Where the server is")
        ->type_name("HOST:PORT")
        ->capture_default_str();
    timeoutOption = app.add_option("--timeout", timeout,
                                   isServer ? "Limit for the client's silence, and, where given, "
                                              "for waiting for it"
                                            : "Limit for reaching the server and for its silence")
                        ->type_name("SECONDS")
                        ->capture_default_str();
    if (isServer)
      app.add_option("--sessions", options.sessions, "Clients to serve before exiting; 0: no end")
          ->type_name("N")
          ->capture_default_str();
    const char *names[] = {"--tls-cert", "--tls-key", "--tls-ca"};
    for (std::size_t i = 0; i < ignored.size(); ++i)
      tls.push_back(app.add_option(names[i], ignored[i], "Not available yet")->type_name("FILE"));
  }

  const auto misuse = [&](const std::string &message) {
    fmt::print(stderr, "{}: error: {}\n", name, message);
    parsed.exitStatus = kUsageStatus;
    return parsed;
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &success) {
    parsed.exitStatus = app.exit(success);
    return parsed;
  } catch (const CLI::ParseError &error) {
    return misuse(fmt::format("{}\nRun with --help for the options.", error.what()));
  }
  if (options.threads < 1 || options.threads > kMaxThreads)
    return misuse(fmt::format("--threads {}: 1 to {} are possible", options.threads, kMaxThreads));
  for (const CLI::Option *option : tls)
    if (option->count() > 0)
      return misuse(
          fmt::format("{}: TLS is not available yet; use a tunnel over untrusted networks",
                      option->get_name()));
  if (!(timeout > 0 && timeout <= kMaxTimeoutSeconds))
    return misuse(fmt::format("--timeout {}: it has to be above 0 and at most {:.0f} seconds",
                              timeout, kMaxTimeoutSeconds));
  options.timeout = std::chrono::milliseconds(
      std::max<std::int64_t>(1, static_cast<std::int64_t>(timeout * 1000)));
  options.timeoutGiven = timeoutOption != nullptr && timeoutOption->count() > 0;
  return parsed;
}

} // namespace dyad
