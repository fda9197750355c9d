// SPDX-License-Identifier: Apache-2.0
// See process.h.
#include "tests/runtime/party/process.h"

#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace dyad::test {
namespace {

constexpr std::chrono::seconds kLimit{60};

} // namespace

Process::Process(std::vector<std::string> command) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::vector<char *> arguments;
  arguments.reserve(command.size() + 1);
  for (std::string &part : command)
    arguments.push_back(part.data());
  arguments.push_back(nullptr);
  const int failure =
      ::posix_spawn(&child_, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  pipe_ = ends[0];
  if (failure != 0)
    throw std::runtime_error("cannot start " + command[0]);
}

Process::~Process() {
  if (status_ < 0) {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  ::close(pipe_);
}

// False at the end of the output.
bool Process::readMore(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  pollfd entry{pipe_, POLLIN, 0};
  if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) <= 0)
    throw std::runtime_error("a child is still running after its time; so far it said: " + output_);
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(pipe_, buffer.data(), buffer.size());
  if (count > 0)
    output_.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

bool Process::waitFor(const std::string &text) {
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  while (output_.find(text) == std::string::npos)
    if (!readMore(deadline))
      return false;
  return true;
}

void Process::signal(int number) { ::kill(child_, number); }

int Process::wait() {
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  while (readMore(deadline))
    continue;
  int waited = 0;
  ::waitpid(child_, &waited, 0);
  status_ = WIFEXITED(waited) ? WEXITSTATUS(waited) : 1000 + WTERMSIG(waited);
  return status_;
}

Finished runToEnd(std::vector<std::string> command) {
  Process process(std::move(command));
  const int status = process.wait();
  return {status, process.output()};
}

TemporaryFolder::TemporaryFolder() {
  path_ = (std::filesystem::temp_directory_path() / "dyad-test-XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr)
    throw std::runtime_error("no temporary folder");
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

} // namespace dyad::test
