// SPDX-License-Identifier: Apache-2.0
// Removing a tree is nothing for a signal handler: the handler hands the signal to a thread. Child
// processes start with the default handlers, so that they end by the terminal's signal themselves.
#include "compiler/driver/temporary_folder.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <thread>
#include <unistd.h>

namespace dyad::compiler {

namespace {

int wakeUp[2] = {-1, -1};

void handle(int signal) {
  const auto number = static_cast<unsigned char>(signal);
  [[maybe_unused]] const ssize_t written = write(wakeUp[1], &number, 1);
}

void removeTree(const std::string &path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
}

void watch(const std::string &path) {
  unsigned char signal = 0;
  if (read(wakeUp[0], &signal, 1) != 1 || signal == 0)
    return;
  std::fputs("interrupted\n", stderr);
  // A compiler that is about to end by the same signal may still make a file.
  removeTree(path);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  removeTree(path);
  _exit(128 + signal);
}

} // namespace

TemporaryFolder::TemporaryFolder(const std::string &prefix) {
  llvm::SmallString<128> made;
  if (llvm::sys::fs::createUniqueDirectory(prefix, made))
    return;
  path_ = made.str().str();
  if (pipe2(wakeUp, O_CLOEXEC) != 0)
    return;
  std::thread([path = path_] { watch(path); }).detach();
  for (const int signal : {SIGINT, SIGTERM})
    if (std::signal(signal, handle) == SIG_IGN)
      std::signal(signal, SIG_IGN);
}

TemporaryFolder::~TemporaryFolder() {
  if (path_.empty())
    return;
  removeTree(path_);
  if (wakeUp[1] < 0)
    return;
  for (const int signal : {SIGINT, SIGTERM})
    std::signal(signal, SIG_DFL);
  const unsigned char end = 0;
  [[maybe_unused]] const ssize_t written = write(wakeUp[1], &end, 1);
}

} // namespace dyad::compiler
