// SPDX-License-Identifier: Apache-2.0
// Reading and writing whole files with messages that name them, and where an executable finds the
// files that belong to it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dyad {

/// `what` names the file's part in messages: "input file". Errors: kBadInput.
std::vector<std::uint8_t> readFile(const std::string &path, const char *what);

/// Writes beside the path and renames, so that a reader never sees half a file; devices and pipes
/// are written directly. Errors: kBadInput.
void writeFile(const std::string &path, const char *what, std::span<const std::uint8_t> bytes);

/// Whether writeFile could create the file, asked before a long run. Errors: kBadInput.
void requireWritable(const std::string &path, const char *what);

/// Path of a file in the folder of the running executable.
std::string besideExecutable(const std::string &name);

} // namespace dyad
