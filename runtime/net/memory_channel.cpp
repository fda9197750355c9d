// SPDX-License-Identifier: Apache-2.0
// See memory_channel.h.
#include "runtime/net/memory_channel.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>

namespace dyad {
namespace {

// One direction. Both ends share it, so either may go first.
class Pipe {
public:
  void push(std::vector<std::uint8_t> bytes) {
    {
      const std::lock_guard lock(mutex_);
      DYAD_REQUIRE(!readerGone_, kPeerClosed, "the peer closed the connection");
      if (!bytes.empty())
        queue_.push_back(std::move(bytes));
    }
    changed_.notify_one();
  }

  void pop(std::span<std::uint8_t> into, std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    while (!into.empty()) {
      if (!changed_.wait_for(lock, timeout, [&] { return !queue_.empty() || writerGone_; }))
        fail(ErrorCode::kTimeout, "the peer sent nothing for {} ms", timeout.count());
      DYAD_REQUIRE(!queue_.empty(), kPeerClosed, "the peer closed the connection");
      const std::vector<std::uint8_t> &front = queue_.front();
      const std::size_t length = std::min(into.size(), front.size() - read_);
      std::memcpy(into.data(), front.data() + read_, length);
      into = into.subspan(length);
      read_ += length;
      if (read_ == front.size()) {
        queue_.pop_front();
        read_ = 0;
      }
    }
  }

  void closeWriter() { close(writerGone_); }
  void closeReader() { close(readerGone_); }

private:
  void close(bool &gone) {
    {
      const std::lock_guard lock(mutex_);
      gone = true;
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::vector<std::uint8_t>> queue_;
  std::size_t read_ = 0;
  bool writerGone_ = false;
  bool readerGone_ = false;
};

class MemoryChannel final : public Channel {
public:
  MemoryChannel(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out,
                std::chrono::milliseconds timeout)
      : in_(std::move(in)), out_(std::move(out)), timeout_(timeout) {}
  ~MemoryChannel() override {
    in_->closeReader();
    out_->closeWriter();
  }

  void send(std::vector<std::uint8_t> bytes) override { out_->push(std::move(bytes)); }
  void receive(std::span<std::uint8_t> into) override { in_->pop(into, timeout_); }

private:
  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  std::chrono::milliseconds timeout_;
};

} // namespace

std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>>
makeMemoryChannels(std::chrono::milliseconds timeout) {
  auto there = std::make_shared<Pipe>();
  auto back = std::make_shared<Pipe>();
  return {std::make_unique<MemoryChannel>(back, there, timeout),
          std::make_unique<MemoryChannel>(there, back, timeout)};
}

} // namespace dyad
