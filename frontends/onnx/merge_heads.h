// SPDX-License-Identifier: Apache-2.0
// Head merging (Marill, ASPLOS 2024) on an ONNX graph: fewer softmax rows, all parameters kept.
#pragma once

#include "ir/head_groups.h"

#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

namespace dyad::onnx {

/// The one number that merging adds, 1 / sqrt(size): public, as the size of groups is.
inline constexpr const char *kMergedScale = "dyad_merged_heads_scale";

/// Rewrites each block in place: queries, keys and values of a group stand beside each other in
/// one head of `size` times their width, so that the group's scores are summed, times
/// 1 / sqrt(size); one softmax row stands for the group's, and the result is cut into the former
/// heads again. Nothing before or behind changes, and no weight: rotary position codes are applied
/// before, head by head.
///
///   [.., h, n, d] -> heads in order -> [.., h/size, size, n, d] -> [.., h/size, n, size d]
///
/// Nodes without a name get the one that messages give them. Throws Refusal where a block's nodes
/// are not in the main graph.
void mergeHeads(::onnx::ModelProto &model, const std::vector<HeadGroups> &blocks);

/// The model at `path` with merged heads, in the file `output`. Weights in files beside it stay
/// there: `output` has to be in the same folder then. Throws Refusal.
void writeMergedHeads(const std::string &path, const std::vector<HeadGroups> &blocks,
                      const std::string &output);

} // namespace dyad::onnx
