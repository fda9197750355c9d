// SPDX-License-Identifier: Apache-2.0
// A stream at the client: windows that are read when they come, outputs that leave at once, and the
// figures of both.
#pragma once

#include "runtime/party/options.h"
#include "runtime/party/party.h"

#include <optional>
#include <vector>

namespace dyad {

class ClientStream : public Streaming {
public:
  /// `files`: where outputs go at the end; `-` is standard output, at once. Outputs without a file
  /// are printed, unless standard output is taken.
  /// Errors: kUsage (`--hop` without piped input, or not below the window's elements).
  ClientStream(const ProgramInfo &info, const PartyOptions &options, const PartyInputs &inputs,
               std::vector<OutputFile> files);

  /// The next window of standard input: float32, little endian, row-major. Errors: kBadInput (it
  /// ends within a window), kOutOfRange as quantizeInput.
  std::optional<std::vector<std::int64_t>> next() override;
  void done(std::uint64_t window, double seconds,
            const std::vector<OutputSamples> &outputs) override;

  /// Writes the files.
  void finish(std::uint64_t windows) const;

private:
  const ProgramInfo &info_;
  const PartyOptions &options_;
  const InputInfo *piped_ = nullptr;
  std::vector<OutputFile> files_;
  std::vector<OutputSamples> collected_; ///< by file
  bool printsText_ = true;
  std::vector<double> window_; ///< with --hop, what the next one begins with
  std::uint64_t read_ = 0;
};

} // namespace dyad
