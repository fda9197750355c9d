// SPDX-License-Identifier: Apache-2.0
// See npy.h. The header is a Python dictionary literal; the few forms that NumPy writes are parsed,
// everything else is refused.
#include "runtime/party/npy.h"

#include "runtime/net/error.h"
#include "runtime/party/files.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>

namespace dyad {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxRank = 32;

struct Header {
  std::string descr;
  bool fortranOrder = false;
  clear::Shape shape;
};

// Reads {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } in any order of keys.
class HeaderParser {
public:
  HeaderParser(std::string_view text, const std::string &path) : text_(text), path_(path) {}

  Header parse() {
    expect('{');
    while (!accept('}')) {
      const std::string key = parseString();
      expect(':');
      if (key == "descr") {
        DYAD_REQUIRE(peek() == '\'' || peek() == '"', kBadInput,
                     "input file '{}' holds records; an array of one number type is needed", path_);
        descr_ = parseString();
      } else if (key == "fortran_order") {
        fortranOrder_ = parseBool();
      } else if (key == "shape") {
        shape_ = parseShape();
      } else {
        malformed();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (peek() != '\0' || !descr_ || !fortranOrder_ || !shape_)
      malformed();
    return {*descr_, *fortranOrder_, *shape_};
  }

private:
  [[noreturn]] void malformed() const {
    fail(ErrorCode::kBadInput, "input file '{}' is not a valid .npy file: malformed header", path_);
  }
  char peek() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0)
      ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c)
      return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c))
      malformed();
  }
  std::string parseString() {
    const char quote = peek();
    if (quote != '\'' && quote != '"')
      malformed();
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos)
      malformed();
    std::string result(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return result;
  }
  bool parseBool() {
    peek();
    for (const auto &[word, value] : {std::pair{std::string_view("False"), false}, {"True", true}})
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    malformed();
  }
  clear::Shape parseShape() {
    clear::Shape shape;
    expect('(');
    while (!accept(')')) {
      peek();
      std::int64_t size = 0;
      const char *begin = text_.data() + at_;
      const auto [end, failure] = std::from_chars(begin, text_.data() + text_.size(), size);
      if (failure != std::errc() || size < 0 || shape.size() == kMaxRank)
        malformed();
      at_ += static_cast<std::size_t>(end - begin);
      accept('L'); // Python 2 wrote long integers so
      shape.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  std::string_view text_;
  const std::string &path_;
  std::size_t at_ = 0;
  std::optional<std::string> descr_;
  std::optional<bool> fortranOrder_;
  std::optional<clear::Shape> shape_;
};

template <typename T> T load(const std::uint8_t *bytes, bool swap) {
  std::uint8_t buffer[sizeof(T)];
  std::memcpy(buffer, bytes, sizeof(T));
  if (swap)
    std::reverse(buffer, buffer + sizeof(T));
  T value;
  std::memcpy(&value, buffer, sizeof(T));
  return value;
}

double halfToDouble(std::uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int mantissa = half & 1023;
  double magnitude = 0;
  if (exponent == 0)
    magnitude = std::ldexp(mantissa, -24);
  else if (exponent < 31)
    magnitude = std::ldexp(mantissa + 1024, exponent - 25);
  else
    magnitude = mantissa == 0 ? HUGE_VAL : std::nan("");
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

template <typename Out, typename Load>
std::vector<Out> loadAll(std::span<const std::uint8_t> bytes, std::size_t itemSize, Load &&load) {
  std::vector<Out> values(bytes.size() / itemSize);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = load(bytes.data() + i * itemSize);
  return values;
}

// Row-major from column-major.
template <typename T>
std::vector<T> reordered(const std::vector<T> &from, const clear::Shape &shape) {
  std::vector<T> to(from.size());
  std::vector<std::int64_t> index(shape.size());
  for (T &value : to) {
    std::size_t offset = 0;
    for (std::size_t axis = shape.size(); axis-- > 0;)
      offset =
          offset * static_cast<std::size_t>(shape[axis]) + static_cast<std::size_t>(index[axis]);
    value = from[offset];
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis])
        break;
      index[axis] = 0;
    }
  }
  return to;
}

struct ElementType {
  char kind;
  std::size_t size;
  bool swap;
};

ElementType parseDescr(const std::string &descr, const std::string &path) {
  ElementType type{0, 0, false};
  bool known = descr.size() == 3 && std::string_view("<>|=").find(descr[0]) != std::string::npos;
  if (known) {
    type = {descr[1], static_cast<std::size_t>(descr[2] - '0'), descr[0] == '>'};
    const bool integer = type.kind == 'i' || type.kind == 'u';
    known = (integer && (type.size == 1 || type.size == 2 || type.size == 4 || type.size == 8)) ||
            (type.kind == 'f' && (type.size == 2 || type.size == 4 || type.size == 8)) ||
            (type.kind == 'b' && type.size == 1);
  }
  DYAD_REQUIRE(known, kBadInput,
               "input file '{}' holds elements of type '{}'; save it as float32, float64 or int64",
               path, descr);
  return type;
}

std::variant<std::vector<double>, std::vector<std::int64_t>>
parseValues(std::span<const std::uint8_t> bytes, ElementType type, const std::string &path) {
  const bool swap = type.swap;
  const auto integers = [&](auto sample) {
    using T = decltype(sample);
    return loadAll<std::int64_t>(bytes, type.size, [&](const std::uint8_t *p) {
      const T value = load<T>(p, swap);
      if constexpr (sizeof(T) == 8 && std::is_unsigned_v<T>)
        DYAD_REQUIRE(value <= std::uint64_t{INT64_MAX}, kBadInput,
                     "input file '{}' holds {}, which is beyond int64", path, value);
      return static_cast<std::int64_t>(value);
    });
  };
  if (type.kind == 'b' || (type.kind == 'u' && type.size == 1))
    return integers(std::uint8_t{});
  if (type.kind == 'u')
    switch (type.size) {
    case 2:
      return integers(std::uint16_t{});
    case 4:
      return integers(std::uint32_t{});
    default:
      return integers(std::uint64_t{});
    }
  if (type.kind == 'i')
    switch (type.size) {
    case 1:
      return integers(std::int8_t{});
    case 2:
      return integers(std::int16_t{});
    case 4:
      return integers(std::int32_t{});
    default:
      return integers(std::int64_t{});
    }
  return loadAll<double>(bytes, type.size, [&](const std::uint8_t *p) -> double {
    switch (type.size) {
    case 2:
      return halfToDouble(load<std::uint16_t>(p, swap));
    case 4:
      return load<float>(p, swap);
    default:
      return load<double>(p, swap);
    }
  });
}

template <typename T>
void write(const std::string &path, const clear::Shape &shape, const char *descr,
           const std::vector<T> &values) {
  std::string sizes;
  for (const std::int64_t size : shape)
    sizes += fmt::format("{}, ", size);
  if (shape.size() > 1)
    sizes.resize(sizes.size() - 2);
  else if (!sizes.empty())
    sizes.pop_back();
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, sizes);
  // The data starts at a multiple of 64; the header ends with a new line.
  const std::size_t prefix = kMagic.size() + 4;
  header.resize((prefix + header.size() + 1 + 63) / 64 * 64 - prefix - 1, ' ');
  header += '\n';

  std::vector<std::uint8_t> bytes(kMagic.begin(), kMagic.end());
  bytes.insert(bytes.end(), {1, 0, static_cast<std::uint8_t>(header.size() & 255),
                             static_cast<std::uint8_t>(header.size() >> 8)});
  bytes.insert(bytes.end(), header.begin(), header.end());
  const auto *data = reinterpret_cast<const std::uint8_t *>(values.data());
  bytes.insert(bytes.end(), data, data + values.size() * sizeof(T));
  writeFile(path, "output file", bytes);
}

} // namespace

NpyArray readNpy(const std::string &path) { return parseNpy(readFile(path, "input file"), path); }

NpyArray parseNpy(std::span<const std::uint8_t> file, const std::string &path) {
  const std::string_view text(reinterpret_cast<const char *>(file.data()), file.size());
  DYAD_REQUIRE(!text.starts_with("PK\x03\x04"), kBadInput,
               "input file '{}' is an archive (.npz); save the array alone with numpy.save", path);
  DYAD_REQUIRE(text.starts_with(kMagic), kBadInput,
               "input file '{}' is not a .npy file; write it with numpy.save", path);
  DYAD_REQUIRE(file.size() >= kMagic.size() + 4, kBadInput, "input file '{}' is cut off", path);
  const unsigned major = file[kMagic.size()];
  DYAD_REQUIRE(major >= 1 && major <= 3, kBadInput,
               "input file '{}' is of .npy version {}; 1 to 3 can be read", path, major);
  const std::size_t lengthBytes = major == 1 ? 2 : 4;
  const std::size_t headerAt = kMagic.size() + 2 + lengthBytes;
  DYAD_REQUIRE(file.size() >= headerAt, kBadInput, "input file '{}' is cut off", path);
  std::size_t headerLength = 0;
  for (std::size_t i = 0; i < lengthBytes; ++i)
    headerLength |= static_cast<std::size_t>(file[kMagic.size() + 2 + i]) << (8 * i);
  DYAD_REQUIRE(headerLength <= file.size() - headerAt, kBadInput, "input file '{}' is cut off",
               path);
  const Header header = HeaderParser(text.substr(headerAt, headerLength), path).parse();

  const ElementType type = parseDescr(header.descr, path);
  const std::size_t held = file.size() - headerAt - headerLength;
  std::size_t needed = type.size;
  const bool empty = std::find(header.shape.begin(), header.shape.end(), 0) != header.shape.end();
  bool fits = true;
  for (const std::int64_t size : header.shape)
    fits = fits &&
           !__builtin_mul_overflow(needed, empty ? 0 : static_cast<std::size_t>(size), &needed);
  DYAD_REQUIRE(fits && needed == held, kBadInput,
               "input file '{}' holds {} bytes of data, but its shape {} of '{}' needs {}; {}",
               path, held, clear::describe(header.shape), header.descr,
               fits ? std::to_string(needed) : "more than there can be",
               fits && needed < held ? "it has something else after the array" : "it is cut off");

  NpyArray array{header.shape, parseValues(file.subspan(headerAt + headerLength), type, path)};
  if (header.fortranOrder)
    std::visit([&](auto &values) { values = reordered(values, array.shape); }, array.values);
  return array;
}

void writeNpy(const std::string &path, const clear::Shape &shape,
              const std::vector<float> &values) {
  write(path, shape, "<f4", values);
}

void writeNpy(const std::string &path, const clear::Shape &shape,
              const std::vector<std::int64_t> &values) {
  write(path, shape, "<i8", values);
}

} // namespace dyad
