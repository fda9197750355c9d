// SPDX-License-Identifier: Apache-2.0
// Inputs drawn over a range, for models that come without samples. Not only noise: a network
// answers most strongly to large areas, edges and blobs, which noise averages away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dyad {

/// Kinds of drawn inputs, in the order of `syntheticSample`.
inline constexpr std::size_t kSyntheticKinds = 12;

/// Sample number `index` of a tensor of `shape` with values in [low, high]: constants, ramps,
/// smooth fields, blobs, sparse and dense noise, in turn. The same for the same arguments on every
/// machine.
std::vector<float> syntheticSample(const std::vector<std::int64_t> &shape, double low, double high,
                                   std::size_t index);

} // namespace dyad
