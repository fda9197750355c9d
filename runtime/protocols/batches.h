// SPDX-License-Identifier: Apache-2.0
// How protocols on many elements are cut: into batches whose bits and pads stay in the cache and
// which advance side by side, so that computing on one hides the network of the others.
#pragma once

#include "runtime/net/task.h"
#include "runtime/net/tiles.h"
#include "runtime/ot/session.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace dyad {

/// Elements of a batch. A multiple of 64: bytes on the wire are those of one batch of all elements.
inline constexpr std::size_t kBatch = std::size_t{1} << 15;

/// protocol(part) for each batch of x; it returns a Task<Ring> of as many elements and is copied,
/// so that it captures by value (and the session, which outlives all tasks, by reference).
template <typename Protocol> Task<Ring> inBatches(Ring x, Protocol protocol) {
  const auto at = [&](std::size_t i) { return x.begin() + static_cast<std::ptrdiff_t>(i); };
  auto parts = co_await inTiles(x.size(), kBatch, [&](std::size_t begin, std::size_t end) {
    return protocol(Ring(at(begin), at(end)));
  });
  std::size_t begin = 0;
  for (Ring &part : parts) {
    std::copy(part.begin(), part.end(), at(begin));
    begin += part.size();
    part = {};
  }
  co_return x;
}

} // namespace dyad
