// SPDX-License-Identifier: Apache-2.0
// See two_processes.h.
#include "benchmarks/harness/two_processes.h"

#include "runtime/net/error.h"
#include "runtime/net/relay.h"
#include "runtime/net/tcp_channel.h"
#include "runtime/parallel/thread_pool.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dyad::bench {
namespace {

constexpr std::chrono::seconds kTimeout{600};

std::uint64_t peakMemory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

// Files between processes of this program: plain bytes, lengths first.
class Pipe {
public:
  Pipe() {
    int ends[2];
    DYAD_REQUIRE(::pipe(ends) == 0, kNetwork, "no pipe: {}", std::strerror(errno));
    read_ = ends[0];
    write_ = ends[1];
  }
  Pipe(const Pipe &) = delete;
  Pipe &operator=(const Pipe &) = delete;
  ~Pipe() {
    ::close(read_);
    closeWriter();
  }
  void closeWriter() {
    if (write_ >= 0)
      ::close(write_);
    write_ = -1;
  }

  void write(const void *bytes, std::size_t size) const {
    const char *at = static_cast<const char *>(bytes);
    while (size > 0) {
      const ssize_t count = ::write(write_, at, size);
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0)
        return; // the reader is gone, and so is whoever would want to know
      at += count;
      size -= static_cast<std::size_t>(count);
    }
  }
  /// False when the writer ended before.
  bool read(void *bytes, std::size_t size) const {
    char *at = static_cast<char *>(bytes);
    while (size > 0) {
      const ssize_t count = ::read(read_, at, size);
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0)
        return false;
      at += count;
      size -= static_cast<std::size_t>(count);
    }
    return true;
  }

private:
  int read_ = -1;
  int write_ = -1;
};

// All members but the result, in order.
template <typename Report, typename Visit> void visit(Report &report, Visit &&visitor) {
  visitor(report.seconds);
  visitor(report.cpuSeconds);
  visitor(report.repetitions);
  visitor(report.stockSeconds);
  visitor(report.stockCpuSeconds);
  visitor(report.cotsMade);
  visitor(report.stockBytes);
  visitor(report.bytesToServer);
  visitor(report.bytesToClient);
  visitor(report.setupBytes);
  visitor(report.serverCots);
  visitor(report.clientCots);
  visitor(report.flows);
  visitor(report.peakMemory);
}

void writeReport(const Pipe &pipe, const std::string &failure, const PartyReport &report) {
  const std::uint64_t sizes[2] = {failure.size(), report.result.size()};
  pipe.write(sizes, sizeof(sizes));
  pipe.write(failure.data(), failure.size());
  visit(report, [&](const auto &figure) { pipe.write(&figure, sizeof(figure)); });
  pipe.write(report.result.data(), report.result.size() * sizeof(std::uint64_t));
}

PartyReport readReport(const Pipe &pipe, std::string &failure) {
  std::uint64_t sizes[2];
  PartyReport report;
  if (!pipe.read(sizes, sizeof(sizes))) {
    failure = "the server's process ended without a report";
    return report;
  }
  failure.resize(sizes[0]);
  report.result.resize(sizes[1]);
  bool whole = pipe.read(failure.data(), failure.size());
  visit(report, [&](auto &figure) { whole = whole && pipe.read(&figure, sizeof(figure)); });
  whole = whole && pipe.read(report.result.data(), report.result.size() * sizeof(std::uint64_t));
  if (!whole)
    failure = "the server's process ended in the middle of its report";
  return report;
}

// What a body returns and how it failed; its memory is the process's.
PartyReport reportOf(Role role, Channel &channel, const RunOptions &options,
                     const std::function<PartyReport(Session &)> &body) {
  ThreadPool pool(options.threads);
  const UsePool use(pool);
  Session session(role, channel);
  PartyReport report = body(session);
  report.peakMemory = peakMemory();
  return report;
}

// A child that ends with its parent, whatever ends that.
pid_t startChild() {
  const pid_t child = ::fork();
  DYAD_REQUIRE(child >= 0, kNetwork, "no second process: {}", std::strerror(errno));
  if (child == 0)
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  return child;
}

} // namespace

TwoReports runTwoProcesses(const RunOptions &options,
                           const std::function<PartyReport(Session &)> &body) {
  TcpListener listener({"127.0.0.1", 0});
  std::optional<Relay> relay;
  pid_t relayProcess = -1;
  if (options.link) {
    relay.emplace(*options.link, 0);
    relayProcess = startChild();
    if (relayProcess == 0) {
      int status = 0;
      try {
        relay->serve(listener.port(), kTimeout);
      } catch (const Error &) {
        status = 1; // the parties say what is wrong
      }
      ::_exit(status);
    }
  }
  const TcpOptions tcp{kTimeout, std::nullopt, nullptr};
  Pipe pipe;
  const pid_t serverProcess = startChild();
  if (serverProcess == 0) {
    std::string failure;
    PartyReport report;
    try {
      const std::unique_ptr<Channel> channel = listener.accept(tcp);
      report = reportOf(Role::kServer, *channel, options, body);
    } catch (const std::exception &error) {
      failure = error.what();
    }
    writeReport(pipe, failure, report);
    ::_exit(0);
  }
  pipe.closeWriter();

  TwoReports reports;
  std::string clientFailure;
  try {
    const std::uint16_t port = relay ? relay->port() : listener.port();
    const std::unique_ptr<Channel> channel = connectTcp({"127.0.0.1", port}, tcp);
    reports.client = reportOf(Role::kClient, *channel, options, body);
  } catch (const std::exception &error) {
    clientFailure = error.what();
  }
  std::string serverFailure;
  reports.server = readReport(pipe, serverFailure);
  ::waitpid(serverProcess, nullptr, 0);
  if (relayProcess > 0) {
    ::kill(relayProcess, SIGKILL);
    ::waitpid(relayProcess, nullptr, 0);
  }
  DYAD_REQUIRE(serverFailure.empty(), kProtocol, "server: {}", serverFailure);
  DYAD_REQUIRE(clientFailure.empty(), kProtocol, "client: {}", clientFailure);
  return reports;
}

} // namespace dyad::bench
