// SPDX-License-Identifier: Apache-2.0
// See stream.h.
#include "runtime/party/stream.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace dyad {

ClientStream::ClientStream(const ProgramInfo &info, const PartyOptions &options,
                           const PartyInputs &inputs, std::vector<OutputFile> files)
    : info_(info), options_(options), files_(std::move(files)), collected_(files_.size()) {
  if (inputs.piped)
    piped_ = &info.inputs[*inputs.piped];
  for (const OutputFile &file : files_)
    printsText_ = printsText_ && file.file != kStandardStream;
  DYAD_REQUIRE(options.hop == 0 || piped_ != nullptr, kUsage,
               "--hop is for windows that come from standard input: --input -");
  if (piped_ != nullptr) {
    window_.resize(piped_->shape.elements());
    DYAD_REQUIRE(options.hop <= window_.size(), kUsage,
                 "--hop {}: a window of input '{}' has {} elements", options.hop, piped_->name,
                 window_.size());
  }
}

std::optional<std::vector<std::int64_t>> ClientStream::next() {
  const std::size_t fresh = options_.hop == 0 ? window_.size() : options_.hop;
  std::vector<float> values(fresh);
  const std::size_t bytes = fresh * sizeof(float);
  const std::size_t got = std::fread(values.data(), 1, bytes, stdin);
  if (got == 0 && std::ferror(stdin) == 0)
    return std::nullopt;
  DYAD_REQUIRE(got == bytes, kBadInput,
               "standard input ended within window {}: {} of {} bytes (float32, little endian)",
               read_, got, bytes);
  std::rotate(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(fresh), window_.end());
  std::copy(values.begin(), values.end(), window_.end() - static_cast<std::ptrdiff_t>(fresh));
  const NpyArray array{toShape(piped_->shape), window_};
  return quantizeInput(*piped_, array, fmt::format("standard input, window {}", read_++)).values;
}

void ClientStream::done(std::uint64_t window, double seconds,
                        const std::vector<OutputSamples> &outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!clientKnows(info_.outputs[i].receiver))
      continue;
    const auto file = std::find_if(files_.begin(), files_.end(),
                                   [&](const OutputFile &entry) { return entry.output == i; });
    if (file == files_.end()) {
      if (printsText_)
        fmt::print("window {} ({:.3f} s) {}", window, seconds,
                   describeOutput(info_.outputs[i], outputs[i], 1, options_.raw));
    } else if (file->file == kStandardStream) {
      const std::vector<std::uint8_t> bytes = rawOutput(info_.outputs[i], outputs[i], options_.raw);
      std::fwrite(bytes.data(), 1, bytes.size(), stdout);
    } else {
      OutputSamples &all = collected_[static_cast<std::size_t>(file - files_.begin())];
      all.insert(all.end(), outputs[i].begin(), outputs[i].end());
    }
  }
  DYAD_REQUIRE(std::fflush(stdout) == 0, kBadInput, "standard output cannot be written: {}",
               std::strerror(errno));
}

void ClientStream::finish(std::uint64_t windows) const {
  for (std::size_t i = 0; i < files_.size(); ++i)
    if (files_[i].file != kStandardStream)
      writeOutput(info_.outputs[files_[i].output], collected_[i], windows, /*batched=*/true,
                  options_.raw, files_[i].file);
}

} // namespace dyad
