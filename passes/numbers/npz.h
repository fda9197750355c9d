// SPDX-License-Identifier: Apache-2.0
// NumPy's .npz files: zip archives of .npy members, stored or deflated (numpy.savez and
// numpy.savez_compressed). A file is not trusted, as in runtime/party/npy.h.
#pragma once

#include "runtime/party/npy.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dyad {

struct NamedArray {
  std::string name;
  NpyArray array;
};

/// Whether the file is an archive, going by its first bytes.
bool isNpz(std::span<const std::uint8_t> file);

/// All arrays of an archive's bytes, in its order; `path` stands for it in messages.
/// Errors: kBadInput (damaged, cut off, larger than 4 GB, packed otherwise) and those of parseNpy.
std::vector<NamedArray> parseNpz(std::span<const std::uint8_t> file, const std::string &path);

} // namespace dyad
