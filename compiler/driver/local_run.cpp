// SPDX-License-Identifier: Apache-2.0
#include "compiler/driver/local_run.h"

#include <algorithm>
#include <arpa/inet.h>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace dyad::compiler {

namespace {

// A port that was free a moment ago; 0 if there is none.
unsigned freePort() {
  int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  unsigned port = 0;
  if (bind(probe, reinterpret_cast<sockaddr *>(&address), length) == 0 &&
      getsockname(probe, reinterpret_cast<sockaddr *>(&address), &length) == 0)
    port = ntohs(address.sin_port);
  close(probe);
  return port;
}

// -1 when the program cannot be started.
pid_t spawn(const std::vector<std::string> &command) {
  std::vector<char *> arguments;
  for (const std::string &part : command)
    arguments.push_back(const_cast<char *>(part.c_str()));
  arguments.push_back(nullptr);
  pid_t child = -1;
  if (posix_spawn(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) {
    fmt::print(stderr, "error: cannot start '{}'; was the folder made by dyadc?\n", command[0]);
    return -1;
  }
  return child;
}

int statusOf(int waited) {
  return WIFEXITED(waited) ? WEXITSTATUS(waited) : 128 + WTERMSIG(waited);
}

void append(std::vector<std::string> &command, const std::string &option,
            const std::vector<std::string> &values) {
  for (const std::string &value : values)
    command.insert(command.end(), {option, value});
}

std::string megabytes(const nlohmann::json &row) {
  return fmt::format("{:10.3f}",
                     (row.value("bytes_sent", 0.0) + row.value("bytes_received", 0.0)) / 1e6);
}

// Not an object where there is none.
nlohmann::json readStatistics(const std::string &path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file, nullptr, false);
}

// Starts all or none; the processes in the order of the commands.
std::vector<pid_t> spawnAll(const std::vector<std::vector<std::string>> &commands) {
  std::vector<pid_t> processes;
  for (const std::vector<std::string> &command : commands) {
    processes.push_back(spawn(command));
    if (processes.back() >= 0)
      continue;
    processes.pop_back();
    for (pid_t process : processes) {
      kill(process, SIGTERM);
      waitpid(process, nullptr, 0);
    }
    return {};
  }
  return processes;
}

// Waits for both parties, the first two of the processes, and for the relay after them. The first
// to fail has the reason; the others only lost their peer.
int waitForAll(const std::vector<pid_t> &processes) {
  int result = 0;
  std::vector<pid_t> running = processes;
  while (!running.empty()) {
    int waited = 0;
    pid_t process = waitpid(-1, &waited, 0);
    auto ended = std::find(running.begin(), running.end(), process);
    if (ended == running.end())
      continue;
    running.erase(ended);
    int status = statusOf(waited);
    if (status == 0 || result != 0)
      continue;
    result = status;
    for (pid_t other : running)
      kill(other, SIGTERM);
  }
  return result;
}

} // namespace

int runTool(const std::vector<std::string> &command) {
  std::signal(SIGINT, SIG_IGN); // which reaches the tool, too
  const std::vector<pid_t> processes = spawnAll({command});
  return processes.empty() ? 1 : waitForAll(processes);
}

int runParties(const LocalRun &run) {
  unsigned port = freePort();
  std::string address = fmt::format("127.0.0.1:{}", port);
  std::vector<std::string> server{run.folder + "/server/server", "--listen", address};
  std::vector<std::vector<std::string>> commands;
  if (run.simulated) {
    unsigned relayPort = freePort();
    commands.push_back({run.relay, "--listen", std::to_string(relayPort), "--server",
                        std::to_string(port), "--link", run.simulated->name});
    address = fmt::format("127.0.0.1:{}", relayPort);
  }
  std::vector<std::string> client{run.folder + "/client/client", "--connect", address};
  append(client, "--input", run.inputs);
  append(server, "--input", run.serverInputs);
  std::vector<std::string> &receiver = run.serverReceives ? server : client;
  append(receiver, "--output", run.outputs);
  if (run.raw)
    receiver.emplace_back("--raw");
  if (run.stream)
    client.emplace_back("--stream");
  if (!run.windowSeconds.empty())
    client.insert(client.end(), {"--window-seconds", run.windowSeconds});
  if (run.progress)
    client.emplace_back("--progress");
  for (std::vector<std::string> *command : {&server, &client}) {
    if (!run.timeout.empty())
      command->insert(command->end(), {"--timeout", run.timeout});
    if (!run.threads.empty())
      command->insert(command->end(), {"--threads", run.threads});
  }
  if (!run.stats.empty())
    client.insert(client.end(), {"--stats", run.stats});
  if (!run.serverStats.empty())
    server.insert(server.end(), {"--stats", run.serverStats});
  commands.insert(commands.begin(), {server, client});

  // Ctrl-C reaches the whole process group: each party says "interrupted" itself.
  std::signal(SIGINT, SIG_IGN);
  std::vector<pid_t> processes = spawnAll(commands);
  return processes.empty() ? 1 : waitForAll(processes);
}

void printRunSummary(const LocalRun &run) {
  nlohmann::json stats = readStatistics(run.stats);
  nlohmann::json serverStats = readStatistics(run.serverStats);
  if (!stats.is_object())
    return;
  if (run.simulated)
    fmt::print("imitated link: {}\n", describe(*run.simulated));
  fmt::print("{:<44} {:>10} {:>7} {:>9}\n", "phase", "MB", "flows", "seconds");
  for (const char *phase : {"setup", "stock", "online"})
    if (stats["phases"].contains(phase)) {
      const auto &row = stats["phases"][phase];
      fmt::print("{:<44} {} {:>7} {:>9.3f}\n", phase, megabytes(row), row.value("flows", 0),
                 row.value("seconds", 0.0));
    }
  fmt::print("{:<44} {} {:>7} {:>9.3f}\n", "total", megabytes(stats), stats.value("flows", 0),
             stats.value("seconds", 0.0));

  std::error_code none;
  const auto publicBytes =
      std::filesystem::file_size(run.folder + "/client/public.safetensors", none);
  fmt::print("in the clear: client {:.3f} s", stats.value("clear_seconds", 0.0));
  if (serverStats.is_object())
    fmt::print(", server {:.3f} s", serverStats.value("clear_seconds", 0.0));
  fmt::print("; the client holds {:.3f} MB of public weights\n",
             none ? 0.0 : static_cast<double>(publicBytes) / 1e6);
  if (serverStats.is_object())
    fmt::print("peak memory: client {:.2f} GB, server {:.2f} GB\n",
               stats.value("peak_rss", 0.0) / 1e9, serverStats.value("peak_rss", 0.0) / 1e9);

  std::vector<nlohmann::json> nodes = stats.value("nodes", std::vector<nlohmann::json>{});
  auto bytes = [](const nlohmann::json &row) {
    return row.value("bytes_sent", 0.0) + row.value("bytes_received", 0.0);
  };
  std::stable_sort(nodes.begin(), nodes.end(),
                   [&](const auto &a, const auto &b) { return bytes(a) > bytes(b); });
  constexpr std::size_t kShown = 8;
  fmt::print("\n{:<44} {:>10} {:>7} {:>9}\n", "most traffic, one sample", "MB", "flows", "seconds");
  for (std::size_t i = 0; i < std::min(nodes.size(), kShown); ++i) {
    std::string label =
        fmt::format("{} ({})", nodes[i].value("name", ""), nodes[i].value("op", ""));
    fmt::print("{:<44.44} {} {:>7} {:>9.3f}\n", label, megabytes(nodes[i]),
               nodes[i].value("flows", 0), nodes[i].value("seconds", 0.0));
  }
  if (nodes.size() > kShown)
    fmt::print("({} more nodes; --stats FILE.json has all of them)\n", nodes.size() - kShown);
}

} // namespace dyad::compiler
