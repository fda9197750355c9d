// SPDX-License-Identifier: Apache-2.0
// SoftSpoken OT extension. A group of k columns comes from a tree of 2^k seeds, of which the COT
// receiver knows all and the COT sender all but the one that its k bits of Delta name.
//
// With leaf streams r_x, x below 2^k, the receiver has u = XOR of all r_x and v_b = XOR of those
// r_x where bit b of x is set; the sender, whose seeds are ordered by y = x ^ d so that the unknown
// one is y = 0, has w_b = XOR of those where bit b of y is set = v_b ^ d_b u. The receiver sends u
// ^ r for its choices r, and q_b = w_b ^ d_b (u ^ r) = v_b ^ d_b r. Group 0 defines r as its u, so
// that it needs no message. As Delta_0 = 1, both may set column 0 to q = 0, t = r.
#include "runtime/crypto/aes.h"
#include "runtime/crypto/base_ot.h"
#include "runtime/crypto/kernels.h"
#include "runtime/ot/extension.h"
#include "runtime/parallel/thread_pool.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace dyad {
namespace {

constexpr std::size_t kColumns = 128;
constexpr std::size_t kTileBlocks = kExtensionBlock / 128;
static_assert(kTileBlocks == kLeafBlocks);
constexpr std::size_t kTileBytes = kTileBlocks * sizeof(Block);

// Tiles whose message leaves together, and of these the piece of one thread.
constexpr std::size_t kTogether = 128;
constexpr std::size_t kPiece = 8;

using TileRow = std::array<Block, kTileBlocks>;

void xorInto(TileRow &to, const TileRow &from) {
  for (std::size_t i = 0; i < kTileBlocks; ++i)
    to[i] ^= from[i];
}

std::array<Block, 2> childrenOf(Block seed) {
  std::array<Block, 2> children;
  kernels().counterMode(expandKey(seed), 0, 2, children.data());
  return children;
}

std::uint64_t bitOf(Block block, std::size_t i) {
  return (i < 64 ? block.low >> i : block.high >> (i - 64)) & 1;
}

/// Leaf streams of all groups and the sums over them, 1024 COTs at a time.
class LeafStreams {
public:
  explicit LeafStreams(unsigned k) : k_(k) {}

  /// Room for one thread's work.
  std::vector<TileRow> makeBuffer() const { return std::vector<TileRow>(std::size_t{1} << k_); }

  void addGroup(const std::vector<Block> &seeds) {
    for (const Block seed : seeds)
      keys_.push_back(expandKey(seed));
  }

  /// Sums for the group's 1024 COTs number `tile`: `columns` gets v (or w), the result is u. The
  /// sender's leaf 0, which it does not know, counts as zero.
  const TileRow &sums(std::size_t group, std::uint64_t tile, bool leafZeroKnown, TileRow *columns,
                      std::vector<TileRow> &buffer) const {
    kernels().sumLeaves(keys_.data() + (group << k_), k_, leafZeroKnown ? 0 : 1, tile * kTileBlocks,
                        buffer[0].data(), columns[0].data());
    return buffer[0];
  }

private:
  unsigned k_;
  std::vector<AesKey> keys_;
};

class SoftSpokenSender final : public CotExtensionSender {
public:
  explicit SoftSpokenSender(unsigned k) : k_(k), groups_(kColumns / k), streams_(k) {}

  Block delta() const override { return delta_; }

  Task<void> setup(FlowScheduler &flows, Prg &prg) override {
    delta_ = prg.block();
    delta_.low |= 1;
    const std::span<const std::uint8_t> announcement = co_await flows.tick(kPointBytes);
    const BaseOtReceiver base(prg, delta_, announcement);
    flows.send(base.response());
    co_await flows.tick();

    const std::span<const std::uint8_t> trees = co_await flows.tick(kColumns * 2 * sizeof(Block));
    for (std::size_t group = 0; group < groups_; ++group)
      streams_.addGroup(puncturedTree(group, base.keys(), trees));
  }

  Task<void> extend(FlowScheduler &flows, std::span<Block> q) override {
    while (!q.empty()) {
      const std::span<Block> chunk = q.first(std::min<std::size_t>(q.size(), kExtensionChunk));
      q = q.subspan(chunk.size());
      const std::size_t tiles = chunk.size() / kExtensionBlock;
      FlowScheduler::PieceReader message =
          co_await flows.tickInPieces(tiles * (groups_ - 1) * kTileBytes);
      for (std::size_t from = 0; from < tiles; from += kTogether) {
        const std::size_t some = std::min(kTogether, tiles - from);
        const std::span<const std::uint8_t> differences =
            message.next(some * (groups_ - 1) * kTileBytes);
        parallelFor(some, kPiece, [&](std::size_t begin, std::size_t end) {
          extendTiles(begin, end, differences, chunk.data() + from * kExtensionBlock);
        });
        tile_ += some;
      }
    }
  }

private:
  // Tiles [begin, end) of those whose differences and results are given.
  void extendTiles(std::size_t begin, std::size_t end, std::span<const std::uint8_t> differences,
                   Block *q) const {
    std::vector<TileRow> columns(kColumns);
    std::vector<TileRow> buffer = streams_.makeBuffer();
    const std::uint8_t *at = differences.data() + begin * (groups_ - 1) * kTileBytes;
    for (std::size_t tile = begin; tile < end; ++tile) {
      for (std::size_t group = 0; group < groups_; ++group) {
        TileRow *const own = columns.data() + group * k_;
        streams_.sums(group, tile_ + tile, false, own, buffer);
        if (group == 0)
          continue;
        TileRow difference;
        std::memcpy(difference.data(), at, kTileBytes);
        at += kTileBytes;
        for (std::size_t bit = 0; bit < k_; ++bit) {
          const Block mask = maskOf(bitOf(delta_, group * k_ + bit));
          for (std::size_t i = 0; i < kTileBlocks; ++i)
            own[bit][i] ^= difference[i] & mask;
        }
      }
      columns[0] = {};
      kernels().transpose(columns[0].data(), kTileBlocks, kTileBlocks, q + tile * kExtensionBlock);
    }
  }

  // Leaves ordered by y = x ^ d; y = 0 is unknown and stays zero. No step depends on d.
  std::vector<Block> puncturedTree(std::size_t group, const std::vector<Block> &keys,
                                   std::span<const std::uint8_t> trees) const {
    std::vector<Block> nodes(1);
    for (std::size_t level = 0; level < k_; ++level) {
      const std::size_t ot = group * k_ + level;
      std::array<Block, 2> sent;
      std::memcpy(sent.data(), trees.data() + ot * sizeof(sent), sizeof(sent));
      const Block choice = maskOf(bitOf(delta_, ot));
      Block missing = sent[0] ^ (choice & (sent[0] ^ sent[1])) ^ keys[ot];

      const std::size_t width = nodes.size();
      nodes.resize(2 * width);
      for (std::size_t y = 1; y < width; ++y) {
        const std::array<Block, 2> children = childrenOf(nodes[y]);
        const Block swapped = choice & (children[0] ^ children[1]);
        nodes[y] = children[0] ^ swapped;
        nodes[y + width] = children[1] ^ swapped;
        missing ^= nodes[y + width];
      }
      nodes[width] = missing;
    }
    return nodes;
  }

  std::size_t k_;
  std::size_t groups_;
  LeafStreams streams_;
  Block delta_;
  std::uint64_t tile_ = 0;
};

class SoftSpokenReceiver final : public CotExtensionReceiver {
public:
  explicit SoftSpokenReceiver(unsigned k) : k_(k), groups_(kColumns / k), streams_(k) {}

  Task<void> setup(FlowScheduler &flows, Prg &prg) override {
    const BaseOtSender base(prg);
    flows.send(base.announcement());
    co_await flows.tick();
    const std::vector<std::array<Block, 2>> keys =
        base.finish(co_await flows.tick(kColumns * kPointBytes));

    std::vector<Block> trees;
    for (std::size_t group = 0; group < groups_; ++group) {
      std::vector<Block> nodes = {prg.block()};
      for (std::size_t level = 0; level < k_; ++level) {
        const std::size_t width = nodes.size();
        nodes.resize(2 * width);
        std::array<Block, 2> sums = {};
        for (std::size_t x = 0; x < width; ++x) {
          const std::array<Block, 2> children = childrenOf(nodes[x]);
          nodes[x] = children[0];
          nodes[x + width] = children[1];
          sums[0] ^= children[0];
          sums[1] ^= children[1];
        }
        // Who chooses c learns the nodes of the other side.
        const std::array<Block, 2> &pads = keys[group * k_ + level];
        trees.push_back(sums[1] ^ pads[0]);
        trees.push_back(sums[0] ^ pads[1]);
      }
      streams_.addGroup(nodes);
    }
    flows.send(
        {reinterpret_cast<const std::uint8_t *>(trees.data()), trees.size() * sizeof(Block)});
    co_await flows.tick();
  }

  Task<void> extend(FlowScheduler &flows, std::span<Block> t) override {
    while (!t.empty()) {
      const std::span<Block> chunk = t.first(std::min<std::size_t>(t.size(), kExtensionChunk));
      t = t.subspan(chunk.size());
      const std::size_t tiles = chunk.size() / kExtensionBlock;
      for (std::size_t from = 0; from < tiles; from += kTogether) {
        const std::size_t some = std::min(kTogether, tiles - from);
        const std::span<std::uint8_t> differences =
            flows.sendBuffer(some * (groups_ - 1) * kTileBytes);
        parallelFor(some, kPiece, [&](std::size_t begin, std::size_t end) {
          extendTiles(begin, end, differences, chunk.data() + from * kExtensionBlock);
        });
        tile_ += some;
      }
      co_await flows.tick();
    }
  }

private:
  void extendTiles(std::size_t begin, std::size_t end, std::span<std::uint8_t> differences,
                   Block *t) const {
    std::vector<TileRow> columns(kColumns);
    std::vector<TileRow> buffer = streams_.makeBuffer();
    std::uint8_t *at = differences.data() + begin * (groups_ - 1) * kTileBytes;
    for (std::size_t tile = begin; tile < end; ++tile) {
      TileRow choices = {};
      for (std::size_t group = 0; group < groups_; ++group) {
        TileRow sum = streams_.sums(group, tile_ + tile, true, columns.data() + group * k_, buffer);
        if (group == 0) {
          choices = sum;
          continue;
        }
        xorInto(sum, choices);
        std::memcpy(at, sum.data(), kTileBytes);
        at += kTileBytes;
      }
      columns[0] = choices;
      kernels().transpose(columns[0].data(), kTileBlocks, kTileBlocks, t + tile * kExtensionBlock);
    }
  }

  std::size_t k_;
  std::size_t groups_;
  LeafStreams streams_;
  std::uint64_t tile_ = 0;
};

} // namespace

std::unique_ptr<CotExtensionSender> makeSoftSpokenSender(SoftSpokenParameters parameters) {
  requireValid(parameters);
  return std::make_unique<SoftSpokenSender>(parameters.k);
}

std::unique_ptr<CotExtensionReceiver> makeSoftSpokenReceiver(SoftSpokenParameters parameters) {
  requireValid(parameters);
  return std::make_unique<SoftSpokenReceiver>(parameters.k);
}

} // namespace dyad
