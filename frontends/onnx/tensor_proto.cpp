// SPDX-License-Identifier: Apache-2.0
#include "frontends/onnx/tensor_proto.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringRef.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <limits>

namespace dyad::onnx {

namespace {

using Proto = ::onnx::TensorProto;
namespace fs = std::filesystem;

size_t bytesPerElement(int dataType) {
  switch (dataType) {
  case Proto::BOOL:
  case Proto::INT8:
  case Proto::UINT8:
    return 1;
  case Proto::FLOAT16:
  case Proto::BFLOAT16:
  case Proto::INT16:
  case Proto::UINT16:
    return 2;
  case Proto::FLOAT:
  case Proto::INT32:
  case Proto::UINT32:
    return 4;
  default:
    return 8;
  }
}

uint64_t parseNumber(const std::string &tensor, const std::string &key, const std::string &text) {
  uint64_t value = 0;
  if (llvm::StringRef(text).getAsInteger(10, value))
    throw Refusal(fmt::format("tensor '{}' has the external data {} '{}', which is no number; "
                              "save the model again",
                              tensor, key, text));
  return value;
}

std::string readExternal(const Proto &proto, const std::string &folder, size_t bytes) {
  std::string location;
  uint64_t offset = 0;
  uint64_t length = bytes;
  for (const auto &entry : proto.external_data()) {
    if (entry.key() == "location")
      location = entry.value();
    else if (entry.key() == "offset")
      offset = parseNumber(proto.name(), "offset", entry.value());
    else if (entry.key() == "length")
      length = parseNumber(proto.name(), "length", entry.value());
  }
  if (length != bytes)
    throw Refusal(fmt::format("tensor '{}' needs {} bytes of external data, the model names {}",
                              proto.name(), bytes, length));
  // A symbolic link out of the folder is as little wanted as a path with dots.
  std::error_code error;
  fs::path base = fs::weakly_canonical(folder.empty() ? "." : folder, error);
  fs::path file = fs::weakly_canonical(base / location, error);
  auto inside = std::mismatch(base.begin(), base.end(), file.begin(), file.end());
  if (location.empty() || fs::path(location).is_absolute() || inside.first != base.end())
    throw Refusal(fmt::format("tensor '{}' has its data in '{}', outside of the model's folder; "
                              "put the file beside the model",
                              proto.name(), location));
  std::ifstream stream(file, std::ios::binary);
  std::string data(bytes, '\0');
  stream.seekg(static_cast<std::streamoff>(offset));
  stream.read(data.data(), static_cast<std::streamsize>(bytes));
  if (!stream)
    throw Refusal(fmt::format("tensor '{}' needs {} bytes at offset {} of '{}', which is missing "
                              "or too short; put the complete file beside the model",
                              proto.name(), bytes, offset, location));
  return data;
}

float halfToFloat(uint16_t bits) {
  llvm::APFloat value(llvm::APFloat::IEEEhalf(), llvm::APInt(16, bits));
  bool lost = false;
  value.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &lost);
  return value.convertToFloat();
}

float bfloatToFloat(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value = 0;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

float narrow(const std::string &tensor, double value) {
  if (std::isfinite(value) && std::fabs(value) > std::numeric_limits<float>::max())
    throw Refusal(fmt::format("tensor '{}' holds {}, which is beyond 32-bit floats; rescale the "
                              "model",
                              tensor, value));
  return static_cast<float>(value);
}

int64_t signedValue(const std::string &tensor, uint64_t value) {
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    throw Refusal(
        fmt::format("tensor '{}' holds {}, which is beyond 64-bit signed integers", tensor, value));
  return static_cast<int64_t>(value);
}

// Little-endian elements of type T, each passed to `store`.
template <typename T, typename Store> void decode(const std::string &raw, Store store) {
  for (size_t i = 0; i + sizeof(T) <= raw.size(); i += sizeof(T)) {
    T value;
    std::memcpy(&value, raw.data() + i, sizeof(T));
    store(value);
  }
}

void decodeRaw(const Proto &proto, const std::string &raw, Tensor &tensor) {
  auto real = [&](auto value) { tensor.floats.push_back(value); };
  auto whole = [&](auto value) { tensor.integers.push_back(static_cast<int64_t>(value)); };
  switch (proto.data_type()) {
  case Proto::FLOAT:
    tensor.floats.resize(raw.size() / sizeof(float));
    std::memcpy(tensor.floats.data(), raw.data(), tensor.floats.size() * sizeof(float));
    return;
  case Proto::FLOAT16:
    return decode<uint16_t>(raw, [&](uint16_t bits) { real(halfToFloat(bits)); });
  case Proto::BFLOAT16:
    return decode<uint16_t>(raw, [&](uint16_t bits) { real(bfloatToFloat(bits)); });
  case Proto::DOUBLE:
    return decode<double>(raw, [&](double value) { real(narrow(proto.name(), value)); });
  case Proto::BOOL:
    return decode<uint8_t>(raw, [&](uint8_t value) { whole(value != 0); });
  case Proto::INT8:
    return decode<int8_t>(raw, whole);
  case Proto::UINT8:
    return decode<uint8_t>(raw, whole);
  case Proto::INT16:
    return decode<int16_t>(raw, whole);
  case Proto::UINT16:
    return decode<uint16_t>(raw, whole);
  case Proto::INT32:
    return decode<int32_t>(raw, whole);
  case Proto::UINT32:
    return decode<uint32_t>(raw, whole);
  case Proto::UINT64:
    return decode<uint64_t>(raw, [&](uint64_t value) { whole(signedValue(proto.name(), value)); });
  default:
    return decode<int64_t>(raw, whole);
  }
}

void decodeFields(const Proto &proto, Tensor &tensor) {
  switch (proto.data_type()) {
  case Proto::FLOAT:
    tensor.floats.assign(proto.float_data().begin(), proto.float_data().end());
    return;
  case Proto::FLOAT16:
    for (int32_t bits : proto.int32_data())
      tensor.floats.push_back(halfToFloat(static_cast<uint16_t>(bits)));
    return;
  case Proto::BFLOAT16:
    for (int32_t bits : proto.int32_data())
      tensor.floats.push_back(bfloatToFloat(static_cast<uint16_t>(bits)));
    return;
  case Proto::DOUBLE:
    for (double value : proto.double_data())
      tensor.floats.push_back(narrow(proto.name(), value));
    return;
  case Proto::INT64:
    tensor.integers.assign(proto.int64_data().begin(), proto.int64_data().end());
    return;
  case Proto::UINT32:
  case Proto::UINT64:
    for (uint64_t value : proto.uint64_data())
      tensor.integers.push_back(signedValue(proto.name(), value));
    return;
  case Proto::BOOL:
    for (int32_t value : proto.int32_data())
      tensor.integers.push_back(value != 0);
    return;
  default:
    tensor.integers.assign(proto.int32_data().begin(), proto.int32_data().end());
  }
}

} // namespace

std::string typeName(int dataType) {
  if (Proto::DataType_IsValid(dataType))
    return Proto::DataType_Name(static_cast<Proto::DataType>(dataType));
  return fmt::format("type {}", dataType);
}

Kind kindOfType(int dataType) {
  switch (dataType) {
  case Proto::FLOAT:
  case Proto::FLOAT16:
  case Proto::BFLOAT16:
  case Proto::DOUBLE:
    return Kind::kFloat;
  case Proto::BOOL:
    return Kind::kBool;
  case Proto::INT8:
  case Proto::UINT8:
  case Proto::INT16:
  case Proto::UINT16:
  case Proto::INT32:
  case Proto::UINT32:
  case Proto::INT64:
  case Proto::UINT64:
    return Kind::kInteger;
  default:
    throw Refusal(fmt::format("element type {} is not supported; float, float16, bfloat16, double, "
                              "bool and integers of 8 to 64 bits are",
                              typeName(dataType)));
  }
}

Tensor readTensor(const Proto &proto, const std::string &folder) {
  Tensor tensor;
  try {
    tensor.kind = kindOfType(proto.data_type());
  } catch (const Refusal &refusal) {
    throw Refusal(fmt::format("tensor '{}': {}", proto.name(), refusal.what()));
  }
  tensor.storedType = proto.data_type();
  tensor.shape.assign(proto.dims().begin(), proto.dims().end());
  auto count = static_cast<size_t>(elementCount(tensor.shape));
  size_t bytes = count * bytesPerElement(proto.data_type());
  bool external = proto.data_location() == Proto::EXTERNAL;
  if (external || proto.has_raw_data()) {
    const std::string raw = external ? readExternal(proto, folder, bytes) : std::string();
    const std::string &data = external ? raw : proto.raw_data();
    if (data.size() == bytes) // a length that is no multiple must not lose its tail unnoticed
      decodeRaw(proto, data, tensor);
    else
      throw Refusal(fmt::format("tensor '{}' of shape {} needs {} bytes, the model holds {}; the "
                                "file is damaged",
                                proto.name(), shapeText(tensor.shape), bytes, data.size()));
  } else {
    decodeFields(proto, tensor);
  }
  if (tensor.size() != static_cast<int64_t>(count))
    throw Refusal(fmt::format("tensor '{}' of shape {} needs {} elements, the model holds {}; the "
                              "file is damaged",
                              proto.name(), shapeText(tensor.shape), count, tensor.size()));
  return tensor;
}

} // namespace dyad::onnx
