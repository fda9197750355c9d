// SPDX-License-Identifier: Apache-2.0
// See samples.h.
#include "runtime/party/samples.h"

#include "runtime/net/error.h"
#include "runtime/party/files.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

namespace dyad {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t kShownSamples = 10;
constexpr std::size_t kShownValues = 16;

const char *nameOf(Owner owner) {
  switch (owner) {
  case Owner::kServer:
    return "the server's";
  case Owner::kClient:
    return "the client's";
  case Owner::kPublic:
    break;
  }
  return "public";
}

// [1, 0, 3] of element `flat`.
std::string indexText(std::size_t flat, const clear::Shape &shape) {
  std::string text;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    const auto size = static_cast<std::size_t>(shape[axis]);
    text.insert(0, std::to_string(flat % size) + (text.empty() ? "" : ", "));
    flat /= size;
  }
  return "[" + text + "]";
}

// long double has 64 bits of mantissa on x86-64: both double and int64 are exact in it, and scaling
// by a power of two does not round.
template <typename T>
std::vector<std::int64_t> quantizeAll(const InputInfo &input, const std::vector<T> &values,
                                      const clear::Shape &shape, const std::string &file) {
  const long double lowest =
      input.isSigned ? -std::ldexp(1.0L, static_cast<int>(input.bits) - 1) : 0;
  const long double highest =
      std::ldexp(1.0L, static_cast<int>(input.bits) - (input.isSigned ? 1 : 0)) - 1;
  std::vector<std::int64_t> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<long double>(values[i]);
    // Written so that NaN fails.
    DYAD_REQUIRE(
        value >= input.low && value <= input.high, kOutOfRange,
        "input '{}' ({}): value {} at {} is outside the range {} to {} that the program was "
        "compiled for; change the input, or compile with another --input-range",
        input.name, file, values[i], indexText(i, shape), input.low, input.high);
    const long double scaled = std::round(std::ldexp(value, input.fraction));
    DYAD_REQUIRE(scaled >= lowest && scaled <= highest, kOutOfRange,
                 "input '{}' ({}): value {} at {} does not fit {} bits with {} fraction bits",
                 input.name, file, values[i], indexText(i, shape), input.bits, input.fraction);
    result[i] = static_cast<std::int64_t>(scaled);
  }
  return result;
}

// NAME=FILE where NAME is known, else FILE. The longest name wins, as names may contain '='.
template <typename Info>
std::optional<std::size_t> namedIn(std::span<const Info> infos, const std::string &option) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    const std::string_view name = infos[i].name;
    if (option.size() > name.size() && option.starts_with(name) && option[name.size()] == '=' &&
        (!found || infos[*found].name.size() < name.size()))
      found = i;
  }
  return found;
}

template <typename Info> std::string listNames(std::span<const Info> infos) {
  std::string names;
  for (const Info &info : infos)
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", info.name);
  return names.empty() ? "none" : names;
}

Owner ownerOf(const InputInfo &input) { return input.owner; }
Owner ownerOf(const OutputInfo &output) { return output.receiver; }

// Which file belongs to which tensor: options in order, each for one of `infos` that is mine.
template <typename Info>
std::vector<OutputFile> resolve(std::span<const Info> infos,
                                const std::vector<std::string> &options, bool (*isMine)(Owner),
                                const char *kind) {
  std::vector<OutputFile> resolved;
  for (const std::string &option : options) {
    std::optional<std::size_t> index = namedIn(infos, option);
    std::string file = index ? option.substr(infos[*index].name.size() + 1) : option;
    if (!index) {
      const std::size_t equals = option.find('=');
      DYAD_REQUIRE(equals == std::string::npos || option.find('/') < equals, kBadInput,
                   "the program has no {} named '{}'; it has: {}", kind, option.substr(0, equals),
                   listNames(infos));
      for (std::size_t i = 0; i < infos.size() && !index; ++i)
        if (isMine(ownerOf(infos[i])))
          index = i;
      DYAD_REQUIRE(index, kBadInput, "--{} {}: the program has no {} of this party", kind, option,
                   kind);
    }
    const Info &info = infos[*index];
    DYAD_REQUIRE(isMine(ownerOf(info)), kBadInput, "{} '{}' is {}, not this party's", kind,
                 info.name, nameOf(ownerOf(info)));
    DYAD_REQUIRE(!file.empty(), kUsage, "--{} {}: a file is missing", kind, option);
    for (const OutputFile &other : resolved) {
      DYAD_REQUIRE(other.output != *index, kUsage, "{} '{}' is given twice", kind, info.name);
    }
    resolved.push_back({*index, std::move(file)});
  }
  return resolved;
}

float toFloat(std::int64_t value, int fraction) {
  return static_cast<float>(std::ldexp(static_cast<double>(value), -fraction));
}

} // namespace

clear::Shape toShape(const StaticShape &shape) {
  return {shape.sizes().begin(), shape.sizes().end()};
}

InputSamples quantizeInput(const InputInfo &input, const NpyArray &array, const std::string &file) {
  const clear::Shape shape = toShape(input.shape);
  InputSamples samples;
  samples.batched = array.shape.size() == shape.size() + 1;
  const bool fits = samples.batched || array.shape.size() == shape.size();
  DYAD_REQUIRE(fits && std::equal(shape.rbegin(), shape.rend(), array.shape.rbegin()), kBadInput,
               "input '{}' ({}): its shape is {}; the program takes {}, or for N samples Nx{}",
               input.name, file, clear::describe(array.shape), clear::describe(shape),
               clear::describe(shape));
  if (samples.batched)
    samples.count = static_cast<std::size_t>(array.shape[0]);
  DYAD_REQUIRE(samples.count > 0, kBadInput, "input '{}' ({}): it holds no sample", input.name,
               file);
  samples.values =
      std::visit([&](const auto &values) { return quantizeAll(input, values, array.shape, file); },
                 array.values);
  return samples;
}

PartyInputs readInputs(std::span<const InputInfo> inputs, const std::vector<std::string> &options,
                       bool (*isMine)(Owner), bool mayPipe) {
  const std::vector<OutputFile> files = resolve(inputs, options, isMine, "input");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool given = std::any_of(files.begin(), files.end(),
                                   [&](const OutputFile &file) { return file.output == i; });
    DYAD_REQUIRE(given || !isMine(inputs[i].owner), kBadInput,
                 "input '{}' is missing: give --input {}=FILE.npy", inputs[i].name, inputs[i].name);
  }
  PartyInputs result;
  for (const auto &[index, file] : files) {
    if (mayPipe && file == kStandardStream) {
      DYAD_REQUIRE(!result.piped, kUsage, "only one input can come from standard input");
      result.piped = index;
      continue;
    }
    InputSamples samples = quantizeInput(inputs[index], readNpy(file), file);
    if (!result.inputs.empty()) {
      DYAD_REQUIRE(samples.count == result.count, kBadInput,
                   "input '{}' ({}) has {} samples, but input '{}' has {}", inputs[index].name,
                   file, samples.count, result.inputs[0].first, result.count);
    }
    result.count = samples.count;
    result.batched = result.batched || samples.batched;
    result.inputs.emplace_back(inputs[index].name, std::move(samples));
  }
  DYAD_REQUIRE(!result.piped || !result.batched, kBadInput,
               "input '{}' comes from standard input, so that the others need one sample each, "
               "without an axis of samples",
               inputs[*result.piped].name);
  return result;
}

std::vector<OutputFile> resolveOutputs(std::span<const OutputInfo> outputs,
                                       const std::vector<std::string> &options,
                                       bool (*isMine)(Owner)) {
  std::vector<OutputFile> files = resolve(outputs, options, isMine, "output");
  for (const OutputFile &file : files)
    requireWritable(file.file, "output file");
  return files;
}

namespace {

// The label that an index stands for; itself where there are none.
std::int64_t labelOf(const OutputInfo &output, std::int64_t index) {
  const auto at = static_cast<std::size_t>(index);
  return at < output.labels.size() ? output.labels[at] : index;
}

} // namespace

std::vector<std::uint8_t> rawOutput(const OutputInfo &output, const OutputSamples &samples,
                                    bool raw) {
  std::vector<std::uint8_t> bytes;
  const auto append = [&](const auto &value) {
    const auto *begin = reinterpret_cast<const std::uint8_t *>(&value);
    bytes.insert(bytes.end(), begin, begin + sizeof(value));
  };
  for (const std::int64_t x : samples)
    if (raw)
      append(x);
    else if (output.integer)
      append(labelOf(output, x));
    else
      append(toFloat(x, output.fraction));
  return bytes;
}

void writeOutput(const OutputInfo &output, const OutputSamples &samples, std::size_t count,
                 bool batched, bool raw, const std::string &file) {
  clear::Shape shape = toShape(output.shape);
  if (batched)
    shape.insert(shape.begin(), static_cast<std::int64_t>(count));
  if (raw || output.integer) {
    OutputSamples written = samples;
    if (!raw)
      for (std::int64_t &x : written)
        x = labelOf(output, x);
    writeNpy(file, shape, written);
    return;
  }
  std::vector<float> floats(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i)
    floats[i] = toFloat(samples[i], output.fraction);
  writeNpy(file, shape, floats);
}

std::string describeOutput(const OutputInfo &output, const OutputSamples &samples,
                           std::size_t count, bool raw) {
  std::string text;
  const std::size_t elements = output.shape.elements();
  for (std::size_t sample = 0; sample < std::min(count, kShownSamples); ++sample) {
    text += fmt::format("{}:", output.name);
    for (std::size_t i = 0; i < std::min(elements, kShownValues); ++i) {
      const std::int64_t value = samples[sample * elements + i];
      const auto index = static_cast<std::size_t>(value);
      text += raw                           ? fmt::format(" {}", value)
              : index < output.names.size() ? fmt::format(" {}", output.names[index])
              : output.integer              ? fmt::format(" {}", labelOf(output, value))
                                            : fmt::format(" {:g}", toFloat(value, output.fraction));
    }
    text += elements > kShownValues ? " ...\n" : "\n";
  }
  if (count > kShownSamples)
    text += fmt::format("{}: ... ({} samples)\n", output.name, count);
  return text;
}

} // namespace dyad
