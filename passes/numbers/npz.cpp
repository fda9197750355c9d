// SPDX-License-Identifier: Apache-2.0
// See npz.h. Sizes and places come from the archive's central directory; the local headers before
// the data only say how long they are.
#include "passes/numbers/npz.h"

#include "runtime/net/error.h"

#include <cstring>
#include <optional>
#include <string_view>
#include <zlib.h>

namespace dyad {
namespace {

constexpr std::size_t kEndSize = 22;
constexpr std::size_t kEntrySize = 46;
constexpr std::size_t kLocalSize = 30;
// Deflate packs at most 1032 to 1: a member that claims more is not worth the memory to find out.
constexpr std::size_t kMaxPacking = 1100;

template <typename T> std::size_t littleEndian(const std::uint8_t *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

// Inflates one member of a zip file (raw deflate).
std::optional<std::vector<std::uint8_t>> inflateMember(std::span<const std::uint8_t> packed,
                                                       std::size_t size) {
  std::vector<std::uint8_t> plain(size);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return std::nullopt;
  stream.next_in = const_cast<Bytef *>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = plain.data();
  stream.avail_out = static_cast<uInt>(plain.size());
  int status = inflate(&stream, Z_FINISH);
  bool complete = status == Z_STREAM_END && stream.total_out == size;
  inflateEnd(&stream);
  return complete ? std::optional(std::move(plain)) : std::nullopt;
}

} // namespace

bool isNpz(std::span<const std::uint8_t> file) {
  return file.size() >= 2 && file[0] == 'P' && file[1] == 'K';
}

std::vector<NamedArray> parseNpz(std::span<const std::uint8_t> file, const std::string &path) {
  const std::string_view text(reinterpret_cast<const char *>(file.data()), file.size());
  const std::size_t end = text.rfind("PK\5\6");
  DYAD_REQUIRE(end != std::string_view::npos && file.size() - end >= kEndSize, kBadInput,
               "input file '{}' is not a .npz archive, or is cut off", path);
  const std::size_t count = littleEndian<std::uint16_t>(file.data() + end + 10);
  std::size_t at = littleEndian<std::uint32_t>(file.data() + end + 16);
  std::vector<NamedArray> arrays;
  for (std::size_t i = 0; i < count; ++i) {
    DYAD_REQUIRE(at + kEntrySize <= file.size() && text.substr(at, 4) == "PK\1\2", kBadInput,
                 "input file '{}' has a damaged directory of arrays", path);
    const std::uint8_t *entry = file.data() + at;
    const std::size_t method = littleEndian<std::uint16_t>(entry + 10);
    const std::size_t packedSize = littleEndian<std::uint32_t>(entry + 20);
    const std::size_t size = littleEndian<std::uint32_t>(entry + 24);
    const std::size_t nameLength = littleEndian<std::uint16_t>(entry + 28);
    const std::size_t skip = nameLength + littleEndian<std::uint16_t>(entry + 30) +
                             littleEndian<std::uint16_t>(entry + 32);
    const std::size_t local = littleEndian<std::uint32_t>(entry + 42);
    constexpr std::size_t kElsewhere = 0xffffffff; // in a 64-bit extension of the entry
    DYAD_REQUIRE(packedSize != kElsewhere && size != kElsewhere && local != kElsewhere, kBadInput,
                 "input file '{}' is larger than 4 GB, which is not supported; use .npy files",
                 path);
    DYAD_REQUIRE(at + kEntrySize + skip <= file.size() && local + kLocalSize <= file.size(),
                 kBadInput, "input file '{}' has a damaged directory of arrays", path);
    std::string name(text.substr(at + kEntrySize, nameLength));
    at += kEntrySize + skip;
    const std::size_t data = local + kLocalSize +
                             littleEndian<std::uint16_t>(file.data() + local + 26) +
                             littleEndian<std::uint16_t>(file.data() + local + 28);
    DYAD_REQUIRE(data + packedSize <= file.size() && size / kMaxPacking <= packedSize, kBadInput,
                 "input file '{}' has a damaged member '{}'", path, name);
    const std::span<const std::uint8_t> packed = file.subspan(data, packedSize);
    std::optional<std::vector<std::uint8_t>> plain;
    if (method == 0)
      plain.emplace(packed.begin(), packed.end());
    else if (method == 8)
      plain = inflateMember(packed, size);
    DYAD_REQUIRE(plain.has_value(), kBadInput,
                 "input file '{}' has a member '{}' that cannot be unpacked", path, name);
    if (name.ends_with(".npy"))
      name.resize(name.size() - 4);
    NpyArray array = parseNpy(*plain, fmt::format("{}[{}]", path, name));
    arrays.push_back({std::move(name), std::move(array)});
  }
  return arrays;
}

} // namespace dyad
