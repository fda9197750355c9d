// SPDX-License-Identifier: Apache-2.0
// The weights of a program from its safetensors file, checked against what the program expects of
// them: names, shapes, storage types and the bits of every value.
#pragma once

#include "runtime/clear/shape.h"
#include "runtime/party/program_info.h"

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace dyad {

using NamedTensors = std::vector<std::pair<std::string, clear::Tensor<std::int64_t>>>;

/// Reads those of `weights` for which `isMine` holds, in that order; the file holds no
/// others but those whose values stand in the program's text.
/// Errors: kBadInput: file missing, malformed, cut off, or of another model (a tensor missing,
/// foreign, or of another shape or type, or a value that does not fit its bits).
NamedTensors readWeights(std::span<const WeightInfo> weights, const std::string &path,
                         bool (*isMine)(Owner));

} // namespace dyad
