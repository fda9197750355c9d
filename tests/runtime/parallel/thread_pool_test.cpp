// SPDX-License-Identifier: Apache-2.0
// Pieces depend on the size alone, every index is visited once, exceptions come back, pools nest.
#include "runtime/parallel/thread_pool.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

using namespace dyad;

namespace {

using Pieces = std::vector<std::pair<std::size_t, std::size_t>>;

Pieces piecesOf(unsigned threads, std::size_t count, std::size_t grain) {
  ThreadPool pool(threads);
  const UsePool use(pool);
  Pieces pieces;
  std::mutex mutex;
  parallelFor(count, grain, [&](std::size_t begin, std::size_t end) {
    const std::lock_guard lock(mutex);
    pieces.emplace_back(begin, end);
  });
  std::sort(pieces.begin(), pieces.end());
  return pieces;
}

} // namespace

TEST_CASE("pieces are the same for any number of threads") {
  for (const auto &[count, grain] :
       {std::pair<std::size_t, std::size_t>{0, 4}, {1, 4}, {8, 4}, {1001, 7}, {5, 0}}) {
    const Pieces alone = piecesOf(1, count, grain);
    std::size_t covered = 0;
    for (const auto &[begin, end] : alone) {
      CHECK(begin == covered);
      covered = end;
    }
    CHECK(covered == count);
    for (const unsigned threads : {2U, 3U, 8U})
      CHECK(piecesOf(threads, count, grain) == alone);
  }
}

TEST_CASE("a pool runs job after job, from several owners, and nests") {
  const auto party = [](std::uint64_t &total) {
    ThreadPool pool(3);
    const UsePool use(pool);
    for (unsigned round = 0; round < 200; ++round) {
      std::vector<std::uint64_t> squares(round);
      parallelFor(round, 3, [&](std::size_t begin, std::size_t end) {
        parallelFor(end - begin, 1, [&](std::size_t from, std::size_t to) {
          for (std::size_t i = begin + from; i < begin + to; ++i)
            squares[i] = i * i;
        });
      });
      total += std::accumulate(squares.begin(), squares.end(), std::uint64_t{0});
    }
  };
  std::uint64_t expected = 0;
  for (std::uint64_t round = 0; round < 200; ++round)
    for (std::uint64_t i = 0; i < round; ++i)
      expected += i * i;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::thread other([&] { party(first); });
  party(second);
  other.join();
  CHECK(first == expected);
  CHECK(second == expected);
}

TEST_CASE("an exception in a piece reaches the caller, and the pool lives on") {
  ThreadPool pool(4);
  const UsePool use(pool);
  CHECK_THROWS_AS(parallelFor(100, 1,
                              [](std::size_t begin, std::size_t) {
                                if (begin == 50)
                                  fail(ErrorCode::kOutOfRange, "piece {}", begin);
                              }),
                  Error);
  std::vector<int> seen(100);
  parallelFor(100, 1, [&](std::size_t begin, std::size_t) { seen[begin] = 1; });
  CHECK(std::count(seen.begin(), seen.end(), 1) == 100);
}
