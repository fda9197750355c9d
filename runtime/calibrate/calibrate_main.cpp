// SPDX-License-Identifier: Apache-2.0
// dyad-calibrate, which `dyad calibrate` starts: measures this machine, and the link to another
// one, and writes a machine profile. Without an address both parties are processes of this machine.
#include "runtime/calibrate/machine_file.h"
#include "runtime/calibrate/measure.h"
#include "runtime/net/error.h"
#include "runtime/net/relay.h"
#include "runtime/net/tcp_channel.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <fstream>
#include <optional>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace dyad;

struct Options {
  std::string output = "machine.json";
  std::string listen;
  std::string connect;
  std::optional<LinkProfile> network;
  bool quick = false;
};

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      return line.substr(line.find(':') + 2);
  return "unknown";
}

void show(const std::string &what, double done) {
  const bool isTerminal = ::isatty(STDERR_FILENO) != 0;
  constexpr double kPercent = 100;
  const std::string text = fmt::format("[{:3.0f} %] {}", kPercent * done, what);
  fmt::print(stderr, "{}{}{}", isTerminal ? "\r\x1b[K" : "", text, isTerminal ? "" : "\n");
  std::fflush(stderr);
}

void endProgress() {
  if (::isatty(STDERR_FILENO) != 0)
    fmt::print(stderr, "\r\x1b[K");
}

// Both parties take the same steps; what the client's clock measured, both have.
MachineFile measureAll(Role role, Channel &channel, const Options &options, bool shows) {
  Session session(role, channel);
  CalibrationOptions calibration;
  calibration.quick = options.quick;
  if (shows)
    calibration.progress = show;
  MachineFile file;
  file.machine = processor();
  file.profile = measureMachine(session, calibration);
  if (shows)
    show("link", 1);
  const unsigned repetitions = options.quick ? 5 : 20;
  const double roundTrip = measureRoundTrip(session, repetitions);
  const double bytesPerSecond = measureBandwidth(session, roundTrip, options.quick);
  // The model counts the hand-over of a message apart.
  const double handOver = 2e-12 * static_cast<double>(file.profile.flow);
  constexpr double kBits = 8;
  file.link = measuredLink(std::clamp(kBits * bytesPerSecond, 1e3, 1e13),
                           std::max(0.0, roundTrip - handOver));
  if (shows)
    endProgress();
  return file;
}

// A process that ends with this one.
template <typename Body> pid_t inChild(Body &&body) {
  const pid_t child = ::fork();
  DYAD_REQUIRE(child >= 0, kNetwork, "no second process");
  if (child != 0)
    return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  int status = 0;
  try {
    body();
  } catch (const Error &error) {
    fmt::print(stderr, "dyad calibrate: {}\n", error.what());
    status = 1;
  }
  ::_exit(status);
}

MachineFile measureHere(const Options &options) {
  constexpr std::chrono::seconds kTimeout{120};
  TcpListener listener({"127.0.0.1", 0});
  std::uint16_t port = listener.port();
  std::optional<Relay> relay;
  pid_t relayProcess = -1;
  if (options.network) {
    relay.emplace(*options.network, 0);
    port = relay->port();
    relayProcess = inChild([&] { relay->serve(listener.port(), kTimeout); });
  }
  const TcpOptions tcp{kTimeout, std::nullopt, nullptr};
  const pid_t server = inChild([&] {
    const std::unique_ptr<Channel> channel = listener.accept(tcp);
    measureAll(Role::kServer, *channel, options, false);
  });
  MachineFile file;
  {
    const std::unique_ptr<Channel> channel = connectTcp({"127.0.0.1", port}, tcp);
    file = measureAll(Role::kClient, *channel, options, true);
  }
  ::waitpid(server, nullptr, 0);
  if (relayProcess > 0)
    ::waitpid(relayProcess, nullptr, 0);
  return file;
}

MachineFile measureWith(const Options &options) {
  constexpr std::chrono::seconds kTimeout{120};
  const TcpOptions tcp{kTimeout, std::nullopt, nullptr};
  if (!options.listen.empty()) {
    TcpListener listener(parseAddress(options.listen));
    fmt::print(stderr, "waiting for `dyad calibrate --connect` on port {}\n", listener.port());
    const std::unique_ptr<Channel> channel = listener.accept(tcp);
    return measureAll(Role::kServer, *channel, options, true);
  }
  const std::unique_ptr<Channel> channel = connectTcp(parseAddress(options.connect), tcp);
  return measureAll(Role::kClient, *channel, options, true);
}

int calibrate(const Options &options) {
  const bool isRemote = !options.listen.empty() || !options.connect.empty();
  MachineFile file = isRemote ? measureWith(options) : measureHere(options);
  writeMachineFile(options.output, file);
  fmt::print("{}: {}\nlink: {}\n", options.output, file.machine, describe(*file.link));
  fmt::print("use it: --machine {0}, and --network {0} for its link\n", options.output);
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  CLI::App app(
      "Measures what the time model counts with: on this machine (about 20 seconds), and on "
      "the\nlink to another machine where one is given (run it on both).",
      "dyad calibrate");
  app.add_option("-o,--output", options.output, "where the machine profile goes")
      ->type_name("FILE.json")
      ->capture_default_str();
  auto *listen = app.add_option("--listen", options.listen, "wait for the other machine here")
                     ->type_name("HOST:PORT");
  auto *connect = app.add_option("--connect", options.connect, "the other machine, which listens")
                      ->type_name("HOST:PORT")
                      ->excludes(listen);
  app.add_option_function<std::string>(
         "--network",
         [&](const std::string &text) {
           try {
             options.network = parseLink(text);
           } catch (const Error &error) {
             throw CLI::ValidationError("--network", error.what());
           }
         },
         "measure this link, imitated on this machine (default: loopback)")
      ->type_name("lan|wan|BANDWIDTH,RTT")
      ->excludes(listen)
      ->excludes(connect);
  app.add_flag("--quick", options.quick,
               "a second instead of twenty, for figures that are good for nothing but a test");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : exitStatus(ErrorCode::kUsage);
  }
  try {
    return calibrate(options);
  } catch (const Error &error) {
    endProgress();
    fmt::print(stderr, "dyad calibrate: {}\n", error.what());
    return exitStatus(error.code());
  }
}
