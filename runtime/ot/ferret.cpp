// SPDX-License-Identifier: Apache-2.0
// See ferret.h. Ferret (Yang, Weng, Lan, Zhang, Wang, CCS 2020) with regular noise, without its
// check against malicious parties, over the correlated trees of Half-Tree (Guo, Yang, Wang, Zhang,
// Xie, Liu, Zhao, EUROCRYPT 2023, section 4).
//
// The sender's tree begins with nodes K and K ^ Delta, and the children of x are H(x), H(x) ^ x, so
// that each level adds up to Delta. Base COT q_i, t_i = q_i ^ r_i Delta opens level i: the sender
// sends L_i ^ q_i, where L_i is the sum of the left nodes; the receiver gets L_i ^ r_i Delta, the
// sum of side r_i, and so the one node of that side which it cannot compute itself. Its path, the
// noise, thus turns to side 1 - r_i, which is random as r_i is, and nothing flows back. The
// receiver knows all leaves v_j but the one at the end of its path; there it takes the sum of the
// others, v ^ Delta. Children of node i of w are nodes i and i + w: no reordering is needed, and
// the order of the leaves of a tree does not matter.
#include "runtime/ot/ferret.h"

#include "runtime/crypto/kernels.h"
#include "runtime/net/error.h"
#include "runtime/ot/block_buffer.h"
#include "runtime/parallel/thread_pool.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace dyad {
namespace {

// Leaves that one thread makes at a time, as trees: some tens of microseconds.
constexpr std::size_t kPieceLeaves = std::size_t{1} << 14;

std::size_t treesOfPiece(const FerretSet &set) { return kPieceLeaves >> set.depth; }

class SenderRound final : public FerretRound {
public:
  SenderRound(const FerretSet &set, const FerretKeys &keys, std::uint64_t number, Block delta,
              std::span<const Block> base, Prg &prg, std::span<std::uint8_t> message)
      : FerretRound(set, keys.tree(), keys.matrix(number), base.first(set.secret())), delta_(delta),
        roots_(set.trees) {
    prg.fill(std::span(roots_));
    const std::span<const Block> paths = base.subspan(set.secret());
    // The sums alone cost a tenth of outputs: more trees at a time.
    parallelFor(set.trees, 8 * treesOfPiece(set), [&](std::size_t begin, std::size_t end) {
      BlockBuffer leaves(std::size_t{1} << set.depth);
      std::vector<Block> sums(set.depth);
      for (std::size_t tree = begin; tree < end; ++tree) {
        grow(tree, leaves.blocks(), sums.data());
        for (std::size_t level = 0; level < set.depth; ++level)
          sums[level] ^= paths[tree * set.depth + level];
        std::memcpy(message.data() + tree * set.depth * sizeof(Block), sums.data(),
                    set.depth * sizeof(Block));
      }
    });
  }

protected:
  void growLeaves(std::size_t tree, std::span<Block> leaves) const override {
    grow(tree, leaves, nullptr);
  }
  std::size_t specialLeaf(std::size_t) const override { return std::size_t{1} << set_.depth; }

private:
  // With the sums of the left nodes of all levels.
  void grow(std::size_t tree, std::span<Block> nodes, Block *leftSums) const {
    nodes[0] = roots_[tree];
    nodes[1] = roots_[tree] ^ delta_;
    if (leftSums)
      leftSums[0] = nodes[0];
    for (unsigned level = 1; level < set_.depth; ++level) {
      const Block sum = kernels().growTree(treeKey_, std::size_t{1} << level, nodes.data());
      if (leftSums)
        leftSums[level] = sum;
    }
  }

  Block delta_;
  std::vector<Block> roots_;
};

class ReceiverRound final : public FerretRound {
public:
  ReceiverRound(const FerretSet &set, const FerretKeys &keys, std::uint64_t number,
                std::span<const Block> base, std::span<const std::uint8_t> message)
      : FerretRound(set, keys.tree(), keys.matrix(number), base.first(set.secret())),
        sides_(set.trees), sums_(set.pathCots()) {
    DYAD_REQUIRE(message.size() == set.messageBytes(), kProtocol,
                 "a round of silent OT with a message of {} bytes instead of {}", message.size(),
                 set.messageBytes());
    std::memcpy(sums_.data(), message.data(), message.size());
    const std::span<const Block> paths = base.subspan(set.secret());
    for (std::size_t i = 0; i < paths.size(); ++i) {
      sums_[i] ^= paths[i];
      sides_[i / set.depth] |= static_cast<std::uint32_t>(paths[i].low & 1) << (i % set.depth);
    }
  }

protected:
  // Which nodes are written depends on the private path: on the addresses, not on the work done.
  void growLeaves(std::size_t tree, std::span<Block> nodes) const override {
    const Block *const sums = sums_.data() + tree * set_.depth;
    const std::size_t firstSide = sides_[tree] & 1;
    nodes[firstSide] = sums[0];
    nodes[1 - firstSide] = {};
    // The unknown node counts as zero; its children, both H(0), are taken out again.
    std::size_t hole = 1 - firstSide;
    Block known = sums[0];
    for (unsigned level = 1; level < set_.depth; ++level) {
      const std::size_t width = std::size_t{1} << level;
      const std::size_t side = sides_[tree] >> level & 1;
      const Block left = kernels().growTree(treeKey_, width, nodes.data());
      const Block ofSide = left ^ (known & maskOf(side)) ^ nodes[hole];
      const Block opened = sums[level] ^ ofSide;
      nodes[hole + side * width] = opened;
      hole += (1 - side) * width;
      nodes[hole] = {};
      known ^= opened;
    }
    nodes[hole] = known;
  }
  std::size_t specialLeaf(std::size_t tree) const override {
    return ~sides_[tree] & ((std::size_t{1} << set_.depth) - 1);
  }

private:
  std::vector<std::uint32_t> sides_;
  std::vector<Block> sums_;
};

} // namespace

FerretKeys::FerretKeys(Block publicSeed) {
  std::array<Block, 2> keys;
  kernels().counterMode(expandKey(publicSeed), 0, keys.size(), keys.data());
  tree_ = expandKey(keys[0]);
  matrices_ = expandKey(keys[1]);
}

AesKey FerretKeys::matrix(std::uint64_t round) const {
  Block key;
  kernels().counterMode(matrices_, round, 1, &key);
  return expandKey(key);
}

FerretRound::FerretRound(const FerretSet &set, const AesKey &treeKey, const AesKey &matrixKey,
                         std::span<const Block> secret)
    : set_(set), treeKey_(treeKey), matrixKey_(matrixKey), secret_(secret.begin(), secret.end()) {}

void FerretRound::expand(std::span<Block> out) {
  DYAD_REQUIRE(out.size() <= left(), kOutOfRange, "{} outputs of a round that has {} left",
               out.size(), left());
  const std::uint64_t first = next_;
  const std::uint64_t last = next_ + out.size();
  const std::uint64_t leafCount = std::uint64_t{1} << set_.depth;
  const std::size_t firstTree = first >> set_.depth;
  const std::size_t trees = ((last + leafCount - 1) >> set_.depth) - firstTree;
  parallelFor(trees, treesOfPiece(set_), [&](std::size_t from, std::size_t to) {
    BlockBuffer leaves(leafCount);
    for (std::size_t tree = firstTree + from; tree < firstTree + to; ++tree) {
      const std::uint64_t begin = std::max(first, std::uint64_t{tree} << set_.depth);
      const std::uint64_t end = std::min(last, std::uint64_t{tree + 1} << set_.depth);
      const std::uint64_t ofTree = begin & (leafCount - 1);
      growLeaves(tree, leaves.blocks());
      kernels().addSparseSums(matrixKey_, begin, secret_.data(), set_.secret() - 1,
                              leaves.blocks().data() + ofTree, end - begin,
                              out.data() + (begin - first));
      const std::size_t special = specialLeaf(tree);
      if (special - ofTree < end - begin)
        out[begin - first + (special - ofTree)].low ^= 1;
    }
  });
  next_ = last;
}

std::unique_ptr<FerretRound> makeFerretSenderRound(const FerretSet &set, const FerretKeys &keys,
                                                   std::uint64_t number, Block delta,
                                                   std::span<const Block> base, Prg &prg,
                                                   std::span<std::uint8_t> message) {
  return std::make_unique<SenderRound>(set, keys, number, delta, base, prg, message);
}

std::unique_ptr<FerretRound> makeFerretReceiverRound(const FerretSet &set, const FerretKeys &keys,
                                                     std::uint64_t number,
                                                     std::span<const Block> base,
                                                     std::span<const std::uint8_t> message) {
  return std::make_unique<ReceiverRound>(set, keys, number, base, message);
}

} // namespace dyad
