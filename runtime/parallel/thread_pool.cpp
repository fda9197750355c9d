// SPDX-License-Identifier: Apache-2.0
// See thread_pool.h.
#include "runtime/parallel/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace dyad {
namespace {

thread_local ThreadPool *currentPool = nullptr;

using Body = std::function<void(std::size_t, std::size_t)>;

void runPieces(std::size_t count, std::size_t grain, std::atomic<std::size_t> &next,
               const Body &body) {
  for (;;) {
    const std::size_t begin = next.fetch_add(grain, std::memory_order_relaxed);
    if (begin >= count)
      return;
    body(begin, std::min(begin + grain, count));
  }
}

} // namespace

struct ThreadPool::Impl {
  // run() closes its job when no piece is left to begin, and waits for those workers only that are
  // inside: one that is still waking up finds the job closed.
  std::mutex mutex;
  std::condition_variable offered, left;
  bool open = false;
  bool stopping = false;
  unsigned inside = 0;
  const Body *body = nullptr;
  std::size_t count = 0, grain = 1;
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::vector<std::thread> workers;

  bool anyPiece() const { return open && next.load(std::memory_order_relaxed) < count; }

  void work() {
    for (std::unique_lock lock(mutex);;) {
      offered.wait(lock, [&] { return stopping || anyPiece(); });
      if (stopping)
        return;
      ++inside;
      lock.unlock();
      attempt();
      lock.lock();
      if (--inside == 0)
        left.notify_one();
    }
  }

  void attempt() {
    try {
      runPieces(count, grain, next, *body);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure)
        failure = std::current_exception();
      next = count; // nobody starts another piece
    }
  }
};

ThreadPool::ThreadPool(unsigned threads) : impl_(std::make_unique<Impl>()) {
  for (unsigned i = 1; i < threads; ++i)
    impl_->workers.emplace_back([this] { impl_->work(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->offered.notify_all();
  for (std::thread &worker : impl_->workers)
    worker.join();
}

unsigned ThreadPool::threads() const { return static_cast<unsigned>(impl_->workers.size()) + 1; }

void ThreadPool::run(std::size_t count, std::size_t grain, const Body &body) {
  grain = std::max<std::size_t>(grain, 1);
  if (impl_->workers.empty() || count <= grain) {
    std::atomic<std::size_t> next{0};
    return runPieces(count, grain, next, body);
  }
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->body = &body;
    impl_->count = count;
    impl_->grain = grain;
    impl_->next = 0;
    impl_->failure = nullptr;
    impl_->open = true;
  }
  // One piece is this thread's.
  const std::size_t others = std::min((count - 1) / grain, impl_->workers.size());
  for (std::size_t i = 0; i < others; ++i)
    impl_->offered.notify_one();
  // Pieces of this thread must not offer jobs of their own while this one runs.
  ThreadPool *const before = std::exchange(currentPool, nullptr);
  impl_->attempt();
  currentPool = before;
  std::unique_lock lock(impl_->mutex);
  impl_->open = false;
  impl_->left.wait(lock, [&] { return impl_->inside == 0; });
  if (impl_->failure)
    std::rethrow_exception(std::exchange(impl_->failure, nullptr));
}

UsePool::UsePool(ThreadPool &pool) : before_(std::exchange(currentPool, &pool)) {}
UsePool::~UsePool() { currentPool = before_; }

void parallelFor(std::size_t count, std::size_t grain, const Body &body) {
  if (currentPool != nullptr)
    return currentPool->run(count, grain, body);
  grain = std::max<std::size_t>(grain, 1);
  std::atomic<std::size_t> next{0};
  runPieces(count, grain, next, body);
}

} // namespace dyad
