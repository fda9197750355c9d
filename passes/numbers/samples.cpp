// SPDX-License-Identifier: Apache-2.0
#include "passes/numbers/samples.h"

#include "ir/fx/fx.h"
#include "ir/nn/nn.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <numeric>
#include <optional>
#include <zlib.h>

using namespace mlir;

namespace dyad {
namespace {

struct Array {
  std::string name; // "" in a .npy file
  std::vector<int64_t> shape;
  std::vector<float> values;
};

template <typename T> T littleEndian(const char *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

template <typename T> void widen(std::string_view data, std::vector<float> &values) {
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(littleEndian<T>(data.data() + i * sizeof(T)));
}

float halfToFloat(uint16_t half) {
  int exponent = (half >> 10) & 31;
  auto mantissa = static_cast<float>(half & 1023);
  float value = exponent == 0    ? std::ldexp(mantissa, -24)
                : exponent == 31 ? (mantissa == 0 ? std::numeric_limits<float>::infinity()
                                                  : std::numeric_limits<float>::quiet_NaN())
                                 : std::ldexp(1024 + mantissa, exponent - 25);
  return (half & 0x8000) != 0 ? -value : value;
}

// The text between `key` and the first of `ends` in a .npy header.
std::optional<std::string> headerField(const std::string &header, const std::string &key,
                                       const std::string &ends) {
  size_t at = header.find("'" + key + "'");
  if (at == std::string::npos || (at = header.find(':', at)) == std::string::npos)
    return std::nullopt;
  size_t end = header.find_first_of(ends, at);
  if (end == std::string::npos)
    return std::nullopt;
  return header.substr(at + 1, end - at - 1);
}

// Parses one array; on failure the reason is in `error`.
std::optional<Array> parseNpy(std::string_view file, std::string &error) {
  auto fail = [&](std::string reason) {
    error = std::move(reason);
    return std::nullopt;
  };
  if (file.size() < 10 || file.substr(0, 6) != std::string_view("\x93NUMPY", 6))
    return fail("is not a NumPy array");
  size_t lengthBytes = file[6] == 1 ? 2 : 4;
  if (file.size() < 8 + lengthBytes)
    return fail("is truncated");
  size_t length = lengthBytes == 2 ? littleEndian<uint16_t>(file.data() + 8)
                                   : littleEndian<uint32_t>(file.data() + 8);
  size_t start = 8 + lengthBytes + length;
  if (start > file.size())
    return fail("is truncated");
  std::string header(file.substr(8 + lengthBytes, length));
  auto type = headerField(header, "descr", ",}");
  auto order = headerField(header, "fortran_order", ",}");
  auto shape = headerField(header, "shape", ")");
  if (!type || !order || !shape || shape->find('(') == std::string::npos)
    return fail("has a header that cannot be read");
  if (order->find("True") != std::string::npos)
    return fail("is in column-major order; save it with numpy.ascontiguousarray");
  Array array;
  int64_t elements = 1;
  std::string digits = shape->substr(shape->find('(') + 1) + ",";
  for (size_t at = 0; at < digits.size(); ++at) {
    size_t comma = digits.find(',', at);
    std::string entry = digits.substr(at, comma - at);
    at = comma;
    if (entry.find_first_of("0123456789") == std::string::npos)
      continue;
    array.shape.push_back(std::strtoll(entry.c_str(), nullptr, 10));
    if (array.shape.back() < 0 || __builtin_mul_overflow(elements, array.shape.back(), &elements) ||
        elements > (1LL << 40))
      return fail("has an impossible shape");
  }
  std::string code = type->substr(type->find_first_of("<>|=") + 1);
  code = code.substr(0, code.find_first_of("'\""));
  size_t size = code.size() == 2 ? static_cast<size_t>(code[1] - '0') : 0;
  if (type->find('>') != std::string::npos)
    return fail("is big-endian");
  if (size < 1 || size > 8)
    return fail("has elements of type '" + *type + "', not of a real number type");
  std::string_view data = file.substr(start);
  if (data.size() / size < static_cast<size_t>(elements))
    return fail("is truncated");
  array.values.resize(static_cast<size_t>(elements));
  if (code == "f4")
    widen<float>(data, array.values);
  else if (code == "f8")
    widen<double>(data, array.values);
  else if (code == "f2")
    for (size_t i = 0; i < array.values.size(); ++i)
      array.values[i] = halfToFloat(littleEndian<uint16_t>(data.data() + 2 * i));
  else if (code == "i1")
    widen<int8_t>(data, array.values);
  else if (code == "i2")
    widen<int16_t>(data, array.values);
  else if (code == "i4")
    widen<int32_t>(data, array.values);
  else if (code == "i8")
    widen<int64_t>(data, array.values);
  else if (code == "u1" || code == "b1")
    widen<uint8_t>(data, array.values);
  else if (code == "u2")
    widen<uint16_t>(data, array.values);
  else if (code == "u4")
    widen<uint32_t>(data, array.values);
  else if (code == "u8")
    widen<uint64_t>(data, array.values);
  else
    return fail("has elements of type '" + code + "', not of a real number type");
  return array;
}

// Inflates one member of a zip file (raw deflate).
std::optional<std::string> inflateMember(std::string_view packed, size_t size) {
  std::string plain(size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef *>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  int status = inflate(&stream, Z_FINISH);
  bool complete = status == Z_STREAM_END && stream.total_out == size;
  inflateEnd(&stream);
  return complete ? std::optional(std::move(plain)) : std::nullopt;
}

// A .npz file is a zip archive of .npy members; sizes and places come from its central directory.
std::optional<std::vector<Array>> parseNpz(std::string_view file, std::string &error) {
  auto fail = [&](std::string reason) {
    error = std::move(reason);
    return std::nullopt;
  };
  constexpr size_t kEndSize = 22;
  constexpr size_t kEntrySize = 46;
  constexpr size_t kLocalSize = 30;
  size_t end = file.rfind(std::string_view("PK\5\6", 4));
  if (end == std::string_view::npos || file.size() - end < kEndSize)
    return fail("is not a .npz archive, or is truncated");
  size_t count = littleEndian<uint16_t>(file.data() + end + 10);
  size_t at = littleEndian<uint32_t>(file.data() + end + 16);
  std::vector<Array> arrays;
  for (size_t i = 0; i < count; ++i) {
    if (at + kEntrySize > file.size() || file.substr(at, 4) != std::string_view("PK\1\2", 4))
      return fail("has a damaged directory");
    const char *entry = file.data() + at;
    size_t method = littleEndian<uint16_t>(entry + 10);
    size_t packedSize = littleEndian<uint32_t>(entry + 20);
    size_t size = littleEndian<uint32_t>(entry + 24);
    size_t nameLength = littleEndian<uint16_t>(entry + 28);
    size_t skip =
        nameLength + littleEndian<uint16_t>(entry + 30) + littleEndian<uint16_t>(entry + 32);
    size_t local = littleEndian<uint32_t>(entry + 42);
    if (packedSize == 0xffffffff || size == 0xffffffff || local == 0xffffffff)
      return fail("is larger than 4 GB, which is not supported; use .npy files");
    if (at + kEntrySize + skip > file.size() || local + kLocalSize > file.size())
      return fail("has a damaged directory");
    std::string name(file.substr(at + kEntrySize, nameLength));
    at += kEntrySize + skip;
    size_t data = local + kLocalSize + littleEndian<uint16_t>(file.data() + local + 26) +
                  littleEndian<uint16_t>(file.data() + local + 28);
    if (data + packedSize > file.size() || size / 2000 > packedSize)
      return fail("has a damaged member '" + name + "'");
    std::optional<std::string> plain;
    if (method == 0)
      plain = std::string(file.substr(data, packedSize));
    else if (method == 8)
      plain = inflateMember(file.substr(data, packedSize), size);
    if (!plain)
      return fail("has a member '" + name + "' that cannot be unpacked");
    if (name.ends_with(".npy"))
      name.resize(name.size() - 4);
    std::optional<Array> array = parseNpy(*plain, error);
    if (!array)
      return fail("member '" + name + "' " + error);
    array->name = name;
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

struct Input {
  std::string name;
  std::vector<int64_t> shape;
};

std::vector<Input> inputsOf(ModuleOp module) {
  std::vector<Input> inputs;
  module.walk([&](Operation *op) {
    if (isa<nn::InputOp, fx::InputOp>(op))
      inputs.push_back({op->getAttrOfType<StringAttr>("name").str(),
                        cast<RankedTensorType>(op->getResult(0).getType()).getShape().vec()});
  });
  return inputs;
}

std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, size] : llvm::enumerate(shape))
    text += (i ? "," : "") + std::to_string(size);
  return text + "]";
}

} // namespace

FailureOr<Samples> loadSamples(ModuleOp module, const std::vector<std::string> &specifications) {
  std::vector<Input> inputs = inputsOf(module);
  std::map<std::string, std::vector<float>> values;
  auto fail = [&](const std::string &path, const std::string &reason) -> FailureOr<Samples> {
    module.emitError("calibration file '") << path << "': " << reason;
    return failure();
  };
  for (const std::string &specification : specifications) {
    std::string name;
    std::string path = specification;
    if (size_t equals = specification.find('='); equals != std::string::npos) {
      name = specification.substr(0, equals);
      path = specification.substr(equals + 1);
    }
    std::ifstream stream(path, std::ios::binary);
    if (!stream)
      return fail(path, "cannot be read; check the path");
    std::string file((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    std::string error;
    std::vector<Array> arrays;
    if (file.starts_with("PK")) {
      std::optional<std::vector<Array>> all = parseNpz(file, error);
      if (!all)
        return fail(path, error);
      arrays = std::move(*all);
    } else {
      std::optional<Array> array = parseNpy(file, error);
      if (!array)
        return fail(path, error);
      array->name = name;
      for (const Input &input : inputs)
        if (array->name.empty() && values.find(input.name) == values.end())
          array->name = input.name;
      if (array->name.empty() && !inputs.empty())
        array->name = inputs.front().name;
      arrays.push_back(std::move(*array));
    }
    for (Array &array : arrays) {
      const Input *input = nullptr;
      for (const Input &candidate : inputs)
        if (candidate.name == array.name)
          input = &candidate;
      if (input == nullptr) {
        std::string names;
        for (const Input &candidate : inputs)
          names += (names.empty() ? "'" : ", '") + candidate.name + "'";
        return fail(path, "the model has no input '" + array.name + "'; its inputs are " + names);
      }
      ArrayRef<int64_t> shape(array.shape);
      if (shape != ArrayRef<int64_t>(input->shape) &&
          (shape.empty() || shape.drop_front() != ArrayRef<int64_t>(input->shape)))
        return fail(path, "has shape " + shapeText(shape) + "; input '" + input->name + "' needs " +
                              shapeText(input->shape) + ", or one more leading axis of samples");
      for (float value : array.values)
        if (!std::isfinite(value))
          return fail(path, "holds NaN or infinity");
      std::vector<float> &all = values[array.name];
      all.insert(all.end(), array.values.begin(), array.values.end());
    }
  }
  Samples samples;
  for (auto [index, input] : llvm::enumerate(inputs)) {
    auto found = values.find(input.name);
    if (found == values.end())
      return fail(specifications.empty() ? "" : specifications.front(),
                  "there are no samples for input '" + input.name + "'");
    int64_t size =
        std::accumulate(input.shape.begin(), input.shape.end(), int64_t{1}, std::multiplies<>());
    size_t count = size == 0 ? 1 : found->second.size() / static_cast<size_t>(size);
    if (count == 0 || (index > 0 && count != samples.count))
      return fail(specifications.front(), "input '" + input.name + "' has " +
                                              std::to_string(count) +
                                              " samples; all inputs need equally many, at least "
                                              "one");
    samples.count = count;
  }
  samples.values = std::move(values);
  return samples;
}

} // namespace dyad
