// SPDX-License-Identifier: Apache-2.0
// From users' numbers to a program's integers and back: shape and range checks, rounding, batches
// of samples. All of a party's input is checked here before the first byte is sent.
#pragma once

#include "runtime/clear/shape.h"
#include "runtime/party/npy.h"
#include "runtime/party/program_info.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dyad {

clear::Shape toShape(const StaticShape &shape);

/// The samples of one input, one after the other.
struct InputSamples {
  std::size_t count = 1;
  bool batched = false; ///< the file has a leading axis of samples, so outputs get one too
  std::vector<std::int64_t> values;
};

/// Checks and rounds an array read from `file`: x * 2^fraction to the nearest integer, halves away
/// from zero. Shapes: the input's, or one more leading axis of at least one sample.
/// Errors, naming the input, the file, the value, its index and what is allowed: kBadInput (shape),
/// kOutOfRange (NaN, infinite, outside [low, high], or beyond the input's bits).
InputSamples quantizeInput(const InputInfo &input, const NpyArray &array, const std::string &file);

/// A party's own inputs (and the public ones) by name, all with the same number of samples.
struct PartyInputs {
  std::size_t count = 0; ///< 0: this party has no inputs, any number of samples suits it
  bool batched = false;
  std::vector<std::pair<std::string, InputSamples>> inputs;
  /// Index in ProgramInfo::inputs of the one that comes from standard input, window by window. The
  /// others have one sample then, which serves every window.
  std::optional<std::size_t> piped;
};

/// The FILE that stands for standard input and output in a stream.
inline constexpr std::string_view kStandardStream = "-";

/// An option NAME=FILE or FILE.
struct NamedFile {
  std::string name;
  std::string file;
};

/// Reads and checks the files of `--input` for the inputs for which `isMine` holds. With `mayPipe`
/// the file `-` is standard input, of which nothing is read yet.
/// Errors: kBadInput (an input without file, unknown name, another party's input, sample counts
/// that differ), kUsage (given twice) and those of readNpy and quantizeInput.
PartyInputs readInputs(std::span<const InputInfo> inputs, const std::vector<std::string> &options,
                       bool (*isMine)(Owner), bool mayPipe = false);

/// What `--output` says, one entry for each option, checked like the inputs, and writable.
struct OutputFile {
  std::size_t output = 0; ///< index in ProgramInfo::outputs
  std::string file;
};
std::vector<OutputFile> resolveOutputs(std::span<const OutputInfo> outputs,
                                       const std::vector<std::string> &options,
                                       bool (*isMine)(Owner));

/// All samples of one output, one after the other.
using OutputSamples = std::vector<std::int64_t>;

/// Writes x / 2^fraction as float32, integers (with their labels, but for `raw`) and everything
/// with `raw` as int64.
void writeOutput(const OutputInfo &output, const OutputSamples &samples, std::size_t count,
                 bool batched, bool raw, const std::string &file);
/// One sample's bytes for a pipe: float32, or int64 where writeOutput writes that; little endian.
std::vector<std::uint8_t> rawOutput(const OutputInfo &output, const OutputSamples &samples,
                                    bool raw);
/// For people: one line for each of the first samples.
std::string describeOutput(const OutputInfo &output, const OutputSamples &samples,
                           std::size_t count, bool raw);

} // namespace dyad
