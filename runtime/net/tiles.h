// SPDX-License-Identifier: Apache-2.0
// A large batch as tiles side by side, so that computing on one hides the network of the others:
// see flow_scheduler.h. Tiles share flows and frames, as all tasks of a whenAll do.
#pragma once

#include "runtime/net/task.h"

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

namespace dyad {

/// Runs task(begin, end) for [0, tile), [tile, 2 tile), ... of [0, count) side by side; for one
/// empty tile when count is 0. Returns what each returned, in order (nothing for Task<void>).
///
/// Cost is `beside` of the tiles' costs. It equals that of the whole batch where messages are
/// fields of equal size and `tile` is a multiple of 64: then no message ends within a byte that
/// it would not have ended in. Tasks are made before the first one starts: `task` calls a
/// coroutine, it is none itself.
template <typename F> auto inTiles(std::size_t count, std::size_t tile, F &&task) {
  std::vector<std::invoke_result_t<F &, std::size_t, std::size_t>> tasks;
  std::size_t begin = 0;
  do {
    const std::size_t end = count - begin > tile ? begin + tile : count;
    tasks.push_back(task(begin, end));
    begin = end;
  } while (begin < count);
  return whenAll(std::move(tasks));
}

} // namespace dyad
