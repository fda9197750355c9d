// SPDX-License-Identifier: Apache-2.0
// What the three executables have in common: errors become messages and statuses, signals end the
// process at once.
#include "runtime/party/main.h"

#include "runtime/net/error.h"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <sodium.h>
#include <unistd.h>

namespace dyad {
namespace {

constexpr int kFailureStatus = 1;
constexpr int kSignalStatus = 128;

// Only async-signal-safe calls. The kernel closes the connection, which is what tells the peer.
extern "C" void endAtOnce(int signal) {
  const char *text = signal == SIGINT ? "\ninterrupted\n" : "\nterminated\n";
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text, std::strlen(text));
  ::_exit(kSignalStatus + signal);
}

void handleSignals() {
  struct sigaction action = {};
  sigemptyset(&action.sa_mask);
  action.sa_handler = endAtOnce;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

} // namespace

int runMain(const char *name, const std::function<int()> &body) {
  handleSignals();
  const auto report = [&](int status, const char *what) {
    fmt::print(stderr, "{}: error: {}\n", name, what);
    return status;
  };
  try {
    DYAD_REQUIRE(sodium_init() >= 0, kBadInput, "the operating system gives no random numbers");
    return body();
  } catch (const Error &error) {
    return report(exitStatus(error.code()), error.what());
  } catch (const std::bad_alloc &) {
    return report(kFailureStatus, "not enough memory; give fewer samples at once");
  } catch (const std::exception &error) {
    return report(kFailureStatus, error.what());
  }
}

} // namespace dyad
