// SPDX-License-Identifier: Apache-2.0
// dyad-relay: one connection through an imitated link (relay.h). `dyad run --simulate` and the
// benchmarks start it between the parties; it serves any other pair of them as well.
#include "runtime/net/error.h"
#include "runtime/net/relay.h"

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>

namespace {

std::atomic<bool> gStop{false};

void stopOn(int) { gStop.store(true); }

} // namespace

int main(int argc, char **argv) {
  std::uint16_t listenPort = 0;
  std::uint16_t serverPort = 0;
  std::string link = "wan";
  double timeout = 600;
  CLI::App app("Passes one connection on this machine through an imitated network link.\n"
               "The server listens on one port, the client connects to the relay's.",
               "dyad-relay");
  app.add_option("--listen", listenPort, "Port that the client connects to")->required();
  app.add_option("--server", serverPort, "Port that the server listens on")->required();
  app.add_option("--link", link, "What to imitate")
      ->type_name("lan|wan|BANDWIDTH,RTT")
      ->capture_default_str();
  app.add_option("--timeout", timeout, "Limit for waiting for client and server")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : dyad::exitStatus(dyad::ErrorCode::kUsage);
  }
  std::signal(SIGINT, stopOn);
  std::signal(SIGTERM, stopOn);
  try {
    dyad::Relay relay(dyad::parseLink(link), listenPort);
    const auto limit = std::chrono::duration<double>(timeout);
    relay.serve(serverPort, std::chrono::duration_cast<std::chrono::milliseconds>(limit), &gStop);
  } catch (const dyad::Error &error) {
    if (gStop.load())
      return 0; // whoever ended it knows
    fmt::print(stderr, "dyad-relay: {}\n", error.what());
    return dyad::exitStatus(error.code());
  }
  return 0;
}
