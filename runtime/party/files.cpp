// SPDX-License-Identifier: Apache-2.0
// See files.h.
#include "runtime/party/files.h"

#include "runtime/net/error.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <unistd.h>

namespace dyad {
namespace {

struct CloseFile {
  void operator()(std::FILE *file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

bool isSpecial(const std::string &path) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  return std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
         !std::filesystem::is_directory(status);
}

std::filesystem::path folderOf(const std::string &path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? std::filesystem::path(".") : folder;
}

void writeAll(const std::string &path, const std::string &target, const char *what,
              std::span<const std::uint8_t> bytes) {
  File file(std::fopen(target.c_str(), "wb"));
  DYAD_REQUIRE(file != nullptr, kBadInput, "{} '{}' cannot be written: {}", what, path,
               std::strerror(errno));
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
  const int failure = errno;
  const bool closed = std::fclose(file.release()) == 0;
  DYAD_REQUIRE(written && closed, kBadInput, "{} '{}' cannot be written: {}", what, path,
               std::strerror(written ? errno : failure));
}

} // namespace

std::vector<std::uint8_t> readFile(const std::string &path, const char *what) {
  std::error_code ignored;
  DYAD_REQUIRE(!std::filesystem::is_directory(path, ignored), kBadInput, "{} '{}' is a folder",
               what, path);
  File file(std::fopen(path.c_str(), "rb"));
  DYAD_REQUIRE(file != nullptr, kBadInput, "{} '{}' cannot be read: {}", what, path,
               std::strerror(errno));
  std::vector<std::uint8_t> bytes;
  const std::uintmax_t size = std::filesystem::file_size(path, ignored);
  if (!ignored && !isSpecial(path))
    bytes.reserve(size);
  std::vector<std::uint8_t> chunk(std::size_t{1} << 16);
  while (const std::size_t n = std::fread(chunk.data(), 1, chunk.size(), file.get()))
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(n));
  DYAD_REQUIRE(std::ferror(file.get()) == 0, kBadInput, "{} '{}' cannot be read: {}", what, path,
               std::strerror(errno));
  return bytes;
}

void writeFile(const std::string &path, const char *what, std::span<const std::uint8_t> bytes) {
  if (isSpecial(path)) {
    writeAll(path, path, what, bytes);
    return;
  }
  const std::string part = path + ".part";
  try {
    writeAll(path, part, what, bytes);
    DYAD_REQUIRE(std::rename(part.c_str(), path.c_str()) == 0, kBadInput,
                 "{} '{}' cannot be written: {}", what, path, std::strerror(errno));
  } catch (...) {
    ::unlink(part.c_str());
    throw;
  }
}

void requireWritable(const std::string &path, const char *what) {
  std::error_code ignored;
  DYAD_REQUIRE(!std::filesystem::is_directory(path, ignored), kBadInput, "{} '{}' is a folder",
               what, path);
  if (isSpecial(path)) {
    DYAD_REQUIRE(::access(path.c_str(), W_OK) == 0, kBadInput, "{} '{}' cannot be written: {}",
                 what, path, std::strerror(errno));
    return;
  }
  const std::filesystem::path folder = folderOf(path);
  DYAD_REQUIRE(::access(folder.c_str(), W_OK | X_OK) == 0, kBadInput,
               "{} '{}' cannot be written: folder '{}': {}", what, path, folder.string(),
               std::strerror(errno));
}

std::string besideExecutable(const std::string &name) {
  std::error_code failure;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failure);
  DYAD_REQUIRE(!failure, kBadInput, "the folder of this executable is unknown: {}",
               failure.message());
  return (self.parent_path() / name).string();
}

} // namespace dyad
