// SPDX-License-Identifier: Apache-2.0
// The threads of one party. Work is cut into pieces by its size alone, never by the number of
// threads, and each piece writes only its own results, so that any number of threads computes the
// same bytes. Protocols themselves stay on one thread; only their local loops go wide.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace dyad {

class ThreadPool {
public:
  /// `threads` in all, the caller's included: 1 starts none.
  explicit ThreadPool(unsigned threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  unsigned threads() const;

  /// Calls body(begin, end) for the pieces [0, grain), [grain, 2 grain), ... of [0, count), on any
  /// thread and in any order, and returns when all are done. The first exception is rethrown.
  void run(std::size_t count, std::size_t grain,
           const std::function<void(std::size_t, std::size_t)> &body);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Makes `pool` the one that parallelFor uses on the calling thread, until the guard goes. Two
/// parties in one process (tests) thus have a pool each. The pool outlives the guard.
class UsePool {
public:
  explicit UsePool(ThreadPool &pool);
  ~UsePool();
  UsePool(const UsePool &) = delete;
  UsePool &operator=(const UsePool &) = delete;

private:
  ThreadPool *before_;
};

/// ThreadPool::run on the calling thread's pool. Without one, and inside a piece of another
/// parallelFor, the pieces run one after the other on the caller: the same pieces.
void parallelFor(std::size_t count, std::size_t grain,
                 const std::function<void(std::size_t, std::size_t)> &body);

} // namespace dyad
