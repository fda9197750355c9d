// SPDX-License-Identifier: Apache-2.0
// See weights_file.h. Format: header length (u64, little endian), header (JSON: name -> dtype,
// shape, data_offsets), data.
#include "runtime/party/weights_file.h"

#include "runtime/net/error.h"
#include "runtime/party/files.h"
#include "runtime/party/samples.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

namespace dyad {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLengthBytes = 8;

[[noreturn]] void failOther(const std::string &path, const std::string &why) {
  fail(ErrorCode::kBadInput,
       "weights file '{}' is of another model: {}; use the file that was compiled together with "
       "this program",
       path, why);
}

[[noreturn]] void failMalformed(const std::string &path, const std::string &why) {
  fail(ErrorCode::kBadInput, "weights file '{}' is not a valid safetensors file: {}", path, why);
}

Json parseHeader(std::span<const std::uint8_t> file, const std::string &path, std::size_t &dataAt) {
  if (file.size() < kLengthBytes)
    failMalformed(path, "it is cut off");
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  if (length > file.size() - kLengthBytes)
    failMalformed(path, "it is cut off in its header, or it is something else");
  dataAt = kLengthBytes + static_cast<std::size_t>(length);
  const auto *begin = reinterpret_cast<const char *>(file.data()) + kLengthBytes;
  Json header = Json::parse(begin, begin + length, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object())
    failMalformed(path, "its header is not a JSON object");
  header.erase("__metadata__");
  return header;
}

// [begin, end) of a tensor in the data.
std::pair<std::size_t, std::size_t> extentOf(const Json &entry, std::size_t dataSize,
                                             const std::string &name, const std::string &path) {
  const auto offsets = entry.find("data_offsets");
  if (offsets == entry.end() || !offsets->is_array() || offsets->size() != 2 ||
      !(*offsets)[0].is_number_unsigned() || !(*offsets)[1].is_number_unsigned())
    failMalformed(path, fmt::format("tensor '{}' has no data_offsets", name));
  const auto begin = (*offsets)[0].get<std::uint64_t>();
  const auto end = (*offsets)[1].get<std::uint64_t>();
  if (begin > end || end > dataSize)
    failMalformed(path, fmt::format("tensor '{}' reaches beyond its end; it is cut off", name));
  return {begin, end};
}

template <typename T>
std::vector<std::int64_t> widened(const std::uint8_t *bytes, std::size_t count) {
  std::vector<std::int64_t> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
    values[i] = value;
  }
  return values;
}

std::vector<std::int64_t> widened(const std::uint8_t *bytes, std::size_t count, unsigned bits) {
  switch (bits) {
  case 8:
    return widened<std::int8_t>(bytes, count);
  case 16:
    return widened<std::int16_t>(bytes, count);
  case 32:
    return widened<std::int32_t>(bytes, count);
  default:
    return widened<std::int64_t>(bytes, count);
  }
}

void checkBits(const WeightInfo &weight, const std::vector<std::int64_t> &values,
               const std::string &path) {
  if (weight.bits >= 64)
    return;
  const std::int64_t highest = (std::int64_t{1} << (weight.bits - (weight.isSigned ? 1 : 0))) - 1;
  const std::int64_t lowest = weight.isSigned ? -highest - 1 : 0;
  for (const std::int64_t value : values)
    if (value < lowest || value > highest)
      failOther(path, fmt::format("tensor '{}' holds a value that does not fit its {} bits",
                                  weight.name, weight.bits));
}

} // namespace

NamedTensors readWeights(std::span<const WeightInfo> weights, const std::string &path,
                         bool (*isMine)(Owner)) {
  const std::vector<std::uint8_t> file = readFile(path, "weights file");
  std::size_t dataAt = 0;
  const Json header = parseHeader(file, path, dataAt);

  NamedTensors result;
  for (const WeightInfo &weight : weights) {
    if (!weight.inFile() || !isMine(weight.owner))
      continue;
    const std::string name(weight.name);
    const auto entry = header.find(name);
    if (entry == header.end())
      failOther(path, fmt::format("tensor '{}' is missing", name));
    if (!entry->is_object())
      failMalformed(path, fmt::format("tensor '{}' is not described", name));
    const std::string dtype = fmt::format("I{}", weight.storageBits);
    if (entry->value("dtype", Json()) != dtype)
      failOther(path, fmt::format("tensor '{}' has elements of type {}, not {}", name,
                                  entry->value("dtype", Json()).dump(), dtype));
    clear::Shape shape = toShape(weight.shape);
    if (entry->value("shape", Json()) != Json(shape))
      failOther(path, fmt::format("tensor '{}' has shape {}, not {}", name,
                                  entry->value("shape", Json()).dump(), Json(shape).dump()));
    const auto [begin, end] = extentOf(*entry, file.size() - dataAt, name, path);
    const std::size_t count = weight.shape.elements();
    if (end - begin != count * (weight.storageBits / 8))
      failMalformed(path, fmt::format("tensor '{}' has {} bytes of data", name, end - begin));
    std::vector<std::int64_t> values =
        widened(file.data() + dataAt + begin, count, weight.storageBits);
    checkBits(weight, values, path);
    result.emplace_back(name, clear::Tensor<std::int64_t>{std::move(shape), std::move(values)});
  }
  for (const auto &[name, entry] : header.items()) {
    const bool known = std::any_of(weights.begin(), weights.end(), [&](const WeightInfo &weight) {
      return weight.name == name && (!weight.inFile() || isMine(weight.owner));
    });
    if (!known)
      failOther(path, fmt::format("this program has no tensor '{}'", name));
  }
  return result;
}

} // namespace dyad
