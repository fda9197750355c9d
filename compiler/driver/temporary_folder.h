// SPDX-License-Identifier: Apache-2.0
// A folder that disappears with its owner, and with a command that is interrupted while it exists.
#pragma once

#include <string>

namespace dyad::compiler {

/// One at a time. While it lives, SIGINT and SIGTERM (unless ignored at the time) remove the folder
/// and end the process with 128 + the signal's number, wherever the process is.
class TemporaryFolder {
public:
  /// `prefix` begins the folder's name. `path()` is empty if none can be made.
  explicit TemporaryFolder(const std::string &prefix);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;

  const std::string &path() const { return path_; }

private:
  std::string path_;
};

} // namespace dyad::compiler
