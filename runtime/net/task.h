// SPDX-License-Identifier: Apache-2.0
// Lazy coroutine tasks and their parallel composition. Protocols are written as tasks so that
// independent ones advance together and put their messages into the same flow (flow_scheduler.h).
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace dyad {

template <typename T> class Task;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr failure;
  // For a child of whenAll: how many siblings still run. The continuation is resumed by the last
  // one to finish, or by the first one to fail.
  std::size_t *pending = nullptr;

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
      PromiseBase &promise = self.promise();
      if (promise.pending != nullptr && --*promise.pending != 0 && !promise.failure)
        return std::noop_coroutine();
      return promise.continuation;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { failure = std::current_exception(); }
};

template <typename T> struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  template <typename U> void return_value(U &&result) { value.emplace(std::forward<U>(result)); }
  T take() {
    if (!value) // a finished task has a value or a failure
      std::rethrow_exception(failure);
    return std::move(*value);
  }
};

template <> struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (failure)
      std::rethrow_exception(failure);
  }
};

} // namespace detail

/// A coroutine that starts when it is awaited (or handed to FlowScheduler::run). Owns its frame:
/// destroying a task that is suspended destroys all that it awaits.
///
/// Parameters are copied into the frame, references and spans are not what they point to: the
/// caller keeps operands alive until the task is done, which `co_await f(x)` does by itself.
template <typename T = void> class [[nodiscard]] Task {
public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task &operator=(Task &&other) noexcept {
    if (this != &other) {
      destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Task(const Task &) = delete;
  Task &operator=(const Task &) = delete;
  ~Task() { destroy(); }

  Handle handle() const noexcept { return handle_; }
  bool done() const noexcept { return handle_.done(); }
  T result() { return handle_.promise().take(); }

  auto operator co_await() && noexcept {
    struct Awaiter {
      Handle handle;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) const noexcept {
        handle.promise().continuation = parent;
        return handle;
      }
      T await_resume() const { return handle.promise().take(); }
    };
    return Awaiter{handle_};
  }

private:
  void destroy() noexcept {
    if (handle_)
      handle_.destroy();
    handle_ = nullptr;
  }

  Handle handle_ = nullptr;
};

namespace detail {

template <typename T> Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

// Starts the children in order; each runs to its first tick before the next one starts, which is
// what makes the order of their bytes within a flow the same at both parties.
class WhenAllAwaiter {
public:
  explicit WhenAllAwaiter(std::vector<std::pair<std::coroutine_handle<>, PromiseBase *>> children)
      : children_(std::move(children)), pending_(children_.size()) {}
  bool await_ready() const noexcept { return children_.empty(); }
  bool await_suspend(std::coroutine_handle<> parent) {
    ++pending_; // this function holds one count, so that no child resumes the parent from here
    for (auto &[handle, promise] : children_) {
      promise->continuation = parent;
      promise->pending = &pending_;
    }
    for (auto &[handle, promise] : children_) {
      // A child that fails at once would resume the parent while it is still being suspended.
      promise->continuation = std::noop_coroutine();
      handle.resume();
      if (promise->failure)
        return false;
      promise->continuation = parent;
    }
    return --pending_ != 0;
  }
  void await_resume() const {
    for (const auto &[handle, promise] : children_)
      if (promise->failure)
        std::rethrow_exception(promise->failure);
  }

private:
  std::vector<std::pair<std::coroutine_handle<>, PromiseBase *>> children_;
  std::size_t pending_;
};

template <typename T> auto childOf(Task<T> &task) {
  return std::pair<std::coroutine_handle<>, PromiseBase *>(task.handle(), &task.handle().promise());
}

} // namespace detail

/// Runs tasks side by side: tick k of each one shares a flow with tick k of all others.
template <typename T> Task<std::vector<T>> whenAll(std::vector<Task<T>> tasks) {
  std::vector<std::pair<std::coroutine_handle<>, detail::PromiseBase *>> children;
  children.reserve(tasks.size());
  for (Task<T> &task : tasks)
    children.push_back(detail::childOf(task));
  co_await detail::WhenAllAwaiter(std::move(children));
  std::vector<T> results;
  results.reserve(tasks.size());
  for (Task<T> &task : tasks)
    results.push_back(task.result());
  co_return results;
}

inline Task<void> whenAll(std::vector<Task<void>> tasks) {
  std::vector<std::pair<std::coroutine_handle<>, detail::PromiseBase *>> children;
  children.reserve(tasks.size());
  for (Task<void> &task : tasks)
    children.push_back(detail::childOf(task));
  co_await detail::WhenAllAwaiter(std::move(children));
}

/// The same for a fixed number of tasks of different types (none of them Task<void>):
/// `auto [a, b] = co_await whenAll(f(), g());`
template <typename... Ts> Task<std::tuple<Ts...>> whenAll(Task<Ts>... tasks) {
  std::vector<std::pair<std::coroutine_handle<>, detail::PromiseBase *>> children;
  (children.push_back(detail::childOf(tasks)), ...);
  co_await detail::WhenAllAwaiter(std::move(children));
  co_return std::tuple<Ts...>(tasks.result()...);
}

} // namespace dyad
