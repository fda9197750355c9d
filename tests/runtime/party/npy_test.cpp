// SPDX-License-Identifier: Apache-2.0
// .npy files: what NumPy writes is read, what is written is read back, everything else is refused.
#include "runtime/party/files.h"
#include "runtime/party/npy.h"
#include "tests/runtime/party/expect_error.h"
#include "tests/runtime/party/process.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace dyad;
using dyad::test::expectError;
using dyad::test::TemporaryFolder;

namespace {

using Bytes = std::vector<std::uint8_t>;

// A file with the given header text and data.
Bytes npyFile(const std::string &header, const Bytes &data, std::uint8_t major = 1) {
  Bytes file{0x93, 'N', 'U', 'M', 'P', 'Y', major, 0};
  for (unsigned i = 0; i < (major == 1 ? 2u : 4u); ++i)
    file.push_back(static_cast<std::uint8_t>(header.size() >> (8 * i)));
  file.insert(file.end(), header.begin(), header.end());
  file.insert(file.end(), data.begin(), data.end());
  return file;
}

template <typename T> Bytes bytesOf(std::initializer_list<T> values) {
  Bytes bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.begin(), bytes.size());
  return bytes;
}

NpyArray readBytes(const Bytes &bytes) {
  const TemporaryFolder folder;
  writeFile(folder / "a.npy", "test file", bytes);
  return readNpy(folder / "a.npy");
}

const std::vector<double> &doubles(const NpyArray &array) {
  return std::get<std::vector<double>>(array.values);
}
const std::vector<std::int64_t> &integers(const NpyArray &array) {
  return std::get<std::vector<std::int64_t>>(array.values);
}

std::string header(const char *descr, const char *shape, const char *order = "False") {
  return fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}\n", descr, order,
                     shape);
}

} // namespace

TEST_CASE("written .npy files are read back, aligned as NumPy does", "[party][npy]") {
  const TemporaryFolder folder;
  const clear::Shape shape = GENERATE(clear::Shape{}, clear::Shape{3}, clear::Shape{0},
                                      clear::Shape{2, 3}, clear::Shape{1, 1, 2, 1});
  const auto size = static_cast<std::size_t>(clear::sizeOf(shape));
  std::vector<float> floats(size);
  std::vector<std::int64_t> longs(size);
  for (std::size_t i = 0; i < size; ++i) {
    floats[i] = 1.5f - static_cast<float>(i);
    longs[i] = std::numeric_limits<std::int64_t>::min() + static_cast<std::int64_t>(i);
  }
  writeNpy(folder / "f.npy", shape, floats);
  const NpyArray f = readNpy(folder / "f.npy");
  CHECK(f.shape == shape);
  CHECK(doubles(f) == std::vector<double>(floats.begin(), floats.end()));
  CHECK(readFile(folder / "f.npy", "test file").size() % 64 == size * sizeof(float) % 64);

  writeNpy(folder / "i.npy", shape, longs);
  const NpyArray i = readNpy(folder / "i.npy");
  CHECK(i.shape == shape);
  CHECK(integers(i) == longs);
}

TEST_CASE("every number type of .npy is read", "[party][npy]") {
  CHECK(doubles(readBytes(npyFile(header("<f8", "(2,)"), bytesOf({1e300, -0.25})))) ==
        std::vector<double>{1e300, -0.25});
  CHECK(doubles(readBytes(npyFile(header("<f4", "(1,)"), bytesOf({0.1f})))) ==
        std::vector<double>{static_cast<double>(0.1f)});
  // Half precision: 1, -2, smallest subnormal, infinity.
  const NpyArray half = readBytes(
      npyFile(header("<f2", "(4,)"), bytesOf<std::uint16_t>({0x3c00, 0xc000, 0x0001, 0x7c00})));
  CHECK(doubles(half) == std::vector<double>{1, -2, std::ldexp(1.0, -24), HUGE_VAL});
  CHECK(std::isnan(doubles(readBytes(npyFile(header("<f2", "()"), {0x01, 0x7c})))[0]));
  // Big endian.
  CHECK(integers(readBytes(npyFile(header(">i2", "(2,)"), {0x01, 0x02, 0xff, 0xfe}))) ==
        std::vector<std::int64_t>{0x102, -2});
  CHECK(doubles(readBytes(npyFile(header(">f4", "(1,)"), {0x3f, 0x80, 0, 0}))) ==
        std::vector<double>{1});
  CHECK(integers(readBytes(npyFile(header("|b1", "(2,)"), {0, 1}))) ==
        std::vector<std::int64_t>{0, 1});
  CHECK(integers(readBytes(npyFile(header("|i1", "(2,)"), {0x80, 0x7f}))) ==
        std::vector<std::int64_t>{-128, 127});
  CHECK(integers(readBytes(npyFile(header("|u1", "(1,)"), {255}))) ==
        std::vector<std::int64_t>{255});
  CHECK(integers(readBytes(npyFile(header("<u4", "(1,)"), bytesOf({0xffffffffu})))) ==
        std::vector<std::int64_t>{0xffffffff});
  CHECK(integers(readBytes(npyFile(header("<i8", "(1,)"), bytesOf<std::int64_t>({INT64_MIN})))) ==
        std::vector<std::int64_t>{INT64_MIN});
}

TEST_CASE("versions, key order, quotes and Fortran order of .npy are understood", "[party][npy]") {
  const Bytes data{1, 2, 3, 4, 5, 6};
  for (const std::uint8_t major : {1, 2, 3})
    CHECK(integers(readBytes(npyFile(header("|u1", "(2, 3)"), data, major))) ==
          std::vector<std::int64_t>{1, 2, 3, 4, 5, 6});
  const NpyArray fortran = readBytes(npyFile(header("|u1", "(2, 3)", "True"), data));
  CHECK(fortran.shape == clear::Shape{2, 3});
  CHECK(integers(fortran) == std::vector<std::int64_t>{1, 3, 5, 2, 4, 6});
  CHECK(integers(readBytes(npyFile(header("|u1", "(1, 2, 3)", "True"), data))) ==
        std::vector<std::int64_t>{1, 3, 5, 2, 4, 6});
  CHECK(readBytes(npyFile("{\"shape\":(6L,),\"descr\":\"|u1\",\"fortran_order\":False}", data))
            .shape == clear::Shape{6});
}

TEST_CASE("a .npy file that is cut off anywhere is refused", "[party][npy]") {
  const Bytes whole = npyFile(header("<f4", "(3,)"), bytesOf({1.0f, 2.0f, 3.0f}));
  for (std::size_t length = 0; length < whole.size(); ++length)
    expectError(ErrorCode::kBadInput, {"a.npy"}, [&] {
      readBytes({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
    });
}

TEST_CASE("malformed and foreign .npy files are refused with what is wrong", "[party][npy]") {
  const auto refuses = [](const Bytes &file, const char *word) {
    expectError(ErrorCode::kBadInput, {"a.npy", word}, [&] { readBytes(file); });
  };
  refuses({'P', 'K', 3, 4, 0, 0, 0, 0, 0, 0, 0, 0}, "numpy.save");
  refuses({'h', 'e', 'l', 'l', 'o'}, "not a .npy file");
  refuses(npyFile(header("|u1", "(1,)"), {1}, 4), "version 4");
  refuses(npyFile(header("<U3", "(1,)"), Bytes(12)), "<U3");
  refuses(npyFile(header("<c8", "(1,)"), Bytes(8)), "<c8");
  refuses(npyFile(header("|O", "(1,)"), Bytes(8)), "|O");
  refuses(npyFile("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", Bytes(4)),
          "records");
  refuses(npyFile(header("|u1", "(2,)"), {1, 2, 3}), "something else after");
  refuses(npyFile(header("|u1", "(-1,)"), {1}), "malformed");
  refuses(npyFile(header("|u1", "(99999999999999999999,)"), {1}), "malformed");
  refuses(npyFile(header("<f8", "(4611686018427387904, 4)"), {}), "more than there can be");
  refuses(npyFile(header("|u1", "(1"), {1}), "malformed");
  refuses(npyFile(header("|u1", "1"), {1}), "malformed");
  refuses(npyFile("{'descr': '|u1', 'shape': (1,)}", {1}), "malformed");
  refuses(npyFile("{'descr': '|u1', 'fortran_order': 1, 'shape': (1,)}", {1}), "malformed");
  refuses(npyFile(header("|u1", "(1,)") + "x", {1}), "malformed");
  refuses(npyFile(header("<u8", "(1,)"), Bytes(8, 0xff)), "beyond int64");
  const TemporaryFolder folder;
  expectError(ErrorCode::kBadInput, {"none.npy", "No such file"},
              [&] { readNpy(folder / "none.npy"); });
  expectError(ErrorCode::kBadInput, {"folder"}, [&] { readNpy(folder / "."); });
}

TEST_CASE("an output that cannot be written says so", "[party][npy]") {
  const TemporaryFolder folder;
  const std::vector<float> values{1};
  expectError(ErrorCode::kBadInput, {"no/y.npy", "No such file"},
              [&] { writeNpy(folder / "no/y.npy", {1}, values); });
  expectError(ErrorCode::kBadInput, {"no/y.npy"},
              [&] { requireWritable(folder / "no/y.npy", "output file"); });
  CHECK_NOTHROW(requireWritable(folder / "y.npy", "output file"));
  CHECK_NOTHROW(writeNpy("/dev/null", {1}, values));
}
