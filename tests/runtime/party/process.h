// SPDX-License-Identifier: Apache-2.0
// Child processes, their output and their end, and folders that vanish: for tests of executables.
#pragma once

#include <chrono>
#include <string>
#include <sys/types.h>
#include <vector>

namespace dyad::test {

/// A child that is killed, at the latest, when this is destroyed.
class Process {
public:
  explicit Process(std::vector<std::string> command);
  ~Process();
  Process(const Process &) = delete;
  Process &operator=(const Process &) = delete;

  /// Reads until stdout and stderr together hold the text. False when the child ends, or after 60
  /// s.
  bool waitFor(const std::string &text);
  void signal(int number);
  /// Exit status, or 1000 + signal. Throws when it has not ended after 60 s.
  int wait();
  /// stdout and stderr so far.
  const std::string &output() const { return output_; }

private:
  bool readMore(std::chrono::steady_clock::time_point deadline);

  pid_t child_ = -1;
  int pipe_ = -1;
  int status_ = -1;
  std::string output_;
};

/// Runs a command to its end.
struct Finished {
  int status = 0;
  std::string output;
};
Finished runToEnd(std::vector<std::string> command);

/// A new folder, removed at the end.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  std::string operator/(const std::string &name) const { return path_ + "/" + name; }

private:
  std::string path_;
};

} // namespace dyad::test
