// SPDX-License-Identifier: Apache-2.0
// Weights files: what the program expects is read, everything else is refused with the reason.
#include "runtime/party/files.h"
#include "runtime/party/weights_file.h"
#include "tests/runtime/party/expect_error.h"
#include "tests/runtime/party/process.h"

using namespace dyad;
using dyad::test::expectError;
using dyad::test::TemporaryFolder;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr WeightInfo kWeights[] = {
    {.name = "a", .shape = {2}, .bits = 6, .isSigned = true, .storageBits = 8},
    {.name = "b", .shape = {1, 1}, .bits = 16, .isSigned = true, .storageBits = 16},
    {.name = "inline", .shape = {1}, .bits = 8, .storageBits = 0, .owner = Owner::kPublic},
    {.name = "theirs", .shape = {1}, .bits = 8, .storageBits = 8, .owner = Owner::kClient}};

const char *const kHeader = R"({"__metadata__":{"by":"test"},)"
                            R"("b":{"dtype":"I16","shape":[1,1],"data_offsets":[2,4]},)"
                            R"("a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}})";
const Bytes kData{0x1f, 0xe0, 0x00, 0x80};

Bytes weightsFile(const std::string &header, const Bytes &data) {
  Bytes file(8);
  for (unsigned i = 0; i < 8; ++i)
    file[i] = static_cast<std::uint8_t>(std::uint64_t{header.size()} >> (8 * i));
  file.insert(file.end(), header.begin(), header.end());
  file.insert(file.end(), data.begin(), data.end());
  return file;
}

NamedTensors readBytes(const Bytes &bytes) {
  const TemporaryFolder folder;
  writeFile(folder / "w.safetensors", "test file", bytes);
  return readWeights(kWeights, folder / "w.safetensors",
                     [](Owner owner) { return owner != Owner::kClient; });
}

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

} // namespace

TEST_CASE("weights are read in the program's order and sign extended", "[party][weights]") {
  const NamedTensors weights = readBytes(weightsFile(kHeader, kData));
  REQUIRE(weights.size() == 2);
  CHECK(weights[0].first == "a");
  CHECK(weights[0].second.data == std::vector<std::int64_t>{31, -32});
  CHECK(weights[1].second.shape == clear::Shape{1, 1});
  CHECK(weights[1].second.data == std::vector<std::int64_t>{-32768});
}

TEST_CASE("a weight that stands in the program's text may be in the file or not",
          "[party][weights]") {
  std::string header = kHeader;
  header.insert(1, R"("inline":{"dtype":"I8","shape":[1],"data_offsets":[4,5]},)");
  Bytes data = kData;
  data.push_back(0);
  CHECK(readBytes(weightsFile(header, data)).size() == 2);
}

TEST_CASE("a weights file of another model is refused", "[party][weights]") {
  const auto refuses = [](const std::string &header, const Bytes &data, const char *word) {
    expectError(ErrorCode::kBadInput, {"w.safetensors", "another model", word},
                [&] { readBytes(weightsFile(header, data)); });
  };
  refuses(replaced(kHeader, "\"a\"", "\"c\""), kData, "'a' is missing");
  refuses(replaced(kHeader, "{\"__meta", "{\"c\":{},\"__meta"), kData, "no tensor 'c'");
  refuses(replaced(kHeader, "{\"__meta", "{\"theirs\":{},\"__meta"), kData, "no tensor 'theirs'");
  refuses(replaced(kHeader, "[2],", "[1,2],"), kData, "shape [1,2]");
  refuses(replaced(kHeader, "I8", "F32"), kData, "F32");
  refuses(kHeader, {0x20, 0xe0, 0, 0}, "6 bits"); // 32 in 6 bits
  refuses("{}", {}, "missing");
}

TEST_CASE("a weights file that is cut off or malformed is refused", "[party][weights]") {
  const Bytes whole = weightsFile(kHeader, kData);
  for (std::size_t length = 0; length < whole.size(); ++length)
    expectError(ErrorCode::kBadInput, {"w.safetensors", "not a valid"}, [&] {
      readBytes({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
    });
  const auto refuses = [](const std::string &header) {
    expectError(ErrorCode::kBadInput, {"w.safetensors"},
                [&] { readBytes(weightsFile(header, kData)); });
  };
  refuses("[]");
  refuses("{");
  refuses(replaced(kHeader, "[0,2]}", "[2,0]}"));
  refuses(replaced(kHeader, "[0,2]}", "[0,3]}"));
  refuses(replaced(kHeader, "[0,2]}", "[-1,1]}"));
  refuses(replaced(kHeader, "[0,2]}", "[0]}"));
  refuses(replaced(kHeader, "[0,2]}", "\"x\"}"));
  refuses(replaced(kHeader, "[2,4]", "[3,5]"));
  refuses(R"({"a":1,"b":2})");
  refuses(std::string(100000, '['));
}
