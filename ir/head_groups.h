// SPDX-License-Identifier: Apache-2.0
// What `--merge-heads` does to one attention block: found in nn, carried out on the ONNX graph.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dyad {

/// Heads of one attention block, grouped. Queries are [..., heads, rows, keySize], keys transposed,
/// values [..., heads, columns, valueSize]; `rank` counts all axes, 3 or 4.
struct HeadGroups {
  std::string scores;         ///< ONNX node that multiplies queries and keys
  std::string mixture;        ///< ONNX node that multiplies the softmax and values
  std::vector<int64_t> order; ///< all heads, those of a group beside each other
  int64_t size = 1;           ///< heads of a group
  int64_t rank = 4;
  int64_t keySize = 0;
  int64_t valueSize = 0;
};

} // namespace dyad
